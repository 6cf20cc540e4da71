"""A folder of own arrays: `arrays:PATH`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from zoo.data import arrays
from zoo.data.rawfiles import locate
from zoo.data.reading import AS_FOUND, Reading
from zoo.data.sources.source import FileSource

if TYPE_CHECKING:
    from zoo.data.config import Data
    from zoo.data.examples import Source
    from zoo.data.fields import Role


class Arrays(FileSource):
    scheme = "arrays"
    form = "arrays:PATH"
    streams = True
    kinds = ("tabular", "image")
    goes_by = ("test", "validation")

    def read(self, address: str, data: Data, target: Role) -> Source:
        self.refuse_missing(address, data)
        return arrays.read(locate(address), data)

    def count(self, address: str, data: Data, target: Role) -> int:
        return arrays.count(locate(address), data)

    def wanted(self, data: Data) -> str:
        return "a folder with x.npy and y.npy"

    def infer(self, address: str, reading: Reading = AS_FOUND) -> Data:
        return arrays.infer(Path(address))


SOURCE = Arrays()
