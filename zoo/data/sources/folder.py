"""A folder of own images or texts, a sub-folder a class, or of images with masks or boxes: `folder:PATH`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from zoo.data import folder, masks
from zoo.data.rawfiles import locate
from zoo.data.reading import AS_FOUND, Reading
from zoo.data.sources.source import FileSource, listed
from zoo.data.text import files as textfiles

if TYPE_CHECKING:
    from zoo.data.config import Data
    from zoo.data.examples import Source
    from zoo.data.fields import Role


class Folder(FileSource):
    scheme = "folder"
    form = "folder:PATH"
    streams = True
    kinds = ("image", "text")
    goes_by = ("kind", "tokens", "test", "validation")

    def read(self, address: str, data: Data, target: Role) -> Source:
        self.refuse_missing(address, data)
        path = locate(address)
        if target == "mask":
            return masks.read(path, data)
        if target == "boxes":
            from zoo.data import boxes

            return boxes.read(path, data)
        return textfiles.read_folder(path, data) if data.kind == "text" else folder.read(path, data)

    def count(self, address: str, data: Data, target: Role) -> int:
        path = locate(address)
        if target == "mask":
            return len(masks.pairs(path))
        if target == "boxes":
            from zoo.data import boxes

            return boxes.count(path, data)
        return super().count(address, data, target) if data.text else len(folder.found(path, data)[1])

    def wanted(self, data: Data) -> str:
        if data.masks:
            return "a folder with images/ and masks/, whose files have the same names"
        if data.boxes:
            from zoo.data import boxes

            return boxes.WANTED
        if not data.class_names:
            return "a folder of images"
        what = "images" if data.kind == "image" else ".txt files"
        return f"a folder with a sub-folder of {what} for each class: {listed(data.class_names)}"

    def including(self, address: str, data: Data) -> Data:
        if not data.boxes:
            return data
        from zoo.data import boxes

        return boxes.with_room(locate(address), data)

    def infer(self, address: str, reading: Reading = AS_FOUND) -> Data:
        from zoo.data import boxes

        path = Path(address)
        if reading.kind == "boxes" or (reading.kind is None and boxes.holds(path)):
            return boxes.infer(path)
        if masks.folders(path):
            return masks.infer(path)
        if reading.kind == "images":
            return folder.infer(path, labelled=False)
        return textfiles.infer_folder(path, reading) if textfiles.holds_texts(path) else folder.infer(path)


SOURCE = Folder()
