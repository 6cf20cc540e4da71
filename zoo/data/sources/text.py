"""Own plain text, a file or a folder of files: `text:PATH`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from zoo.data.rawfiles import locate
from zoo.data.reading import AS_FOUND, Reading
from zoo.data.sources.source import FileSource
from zoo.data.text import corpus

if TYPE_CHECKING:
    from zoo.data.config import Data
    from zoo.data.examples import Source
    from zoo.data.fields import Role


class PlainText(FileSource):
    scheme = "text"
    form = "text:PATH"
    kinds = ("text",)
    goes_by = ("kind", "tokens", "test", "validation")

    def read(self, address: str, data: Data, target: Role) -> Source:
        self.refuse_missing(address, data)
        return corpus.read(locate(address))

    def count(self, address: str, data: Data, target: Role) -> int:
        return corpus.count(locate(address), data)

    def wanted(self, data: Data) -> str:
        return "a text file, or a folder of them"

    def infer(self, address: str, reading: Reading = AS_FOUND) -> Data:
        return corpus.infer(Path(address), reading)


SOURCE = PlainText()
