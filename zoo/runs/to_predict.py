"""What is given to predict: texts and files one by one, each with its place and what stands beside it in a table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from zoo.data import beside, folder
from zoo.data.beside import Beside
from zoo.errors import UsageError
from zoo.files import TEXT, read_text

if TYPE_CHECKING:
    from zoo.data.config import Data


class Text(NamedTuple):
    """A text, where it stands, and what stands beside it in its table."""

    place: str
    text: str
    beside: dict[str, Any]


def texts_of(given: Any, data: Data) -> list[Text]:
    """Every text: strings, each line of the files, each .txt file of the folders, each row of the tables.

    Raises:
        UsageError: a file that is not there or is not UTF-8, or a text without anything in it; its place is named.
    """
    found, several = [], [given] if isinstance(given, str | Path) else list(given)
    for number, text in enumerate((text for text in several if isinstance(text, str)), start=1):
        found.append(Text(f"--text {number}", text, {}))
    for file in several:
        if isinstance(file, Path):
            found += _in_folder(file) if file.is_dir() else _in_file(file, data)
        elif not isinstance(file, str):
            raise UsageError(f"a model of texts takes strings, or the Path of a file, not a {type(file).__name__}")
    for place, text, _ in found:
        if not text.strip():
            raise UsageError(f"{place}: the text is empty\ngive some words, such as: --text 'a fine film'")
    return found


def _in_file(file: Path, data: Data) -> list[Text]:
    table = beside.of_texts(file, data)
    if table is None:
        return [Text(f"{file}, line {number}", line, {}) for number, line in enumerate(_lines(file), start=1)]
    texts, lines = table.table.column(*table.seen), table.table.lines
    return [
        Text(f"{file}, line {line}", text, more) for line, text, more in zip(lines, texts, _cells(table), strict=True)
    ]


def _in_folder(place: Path) -> list[Text]:
    files = [file for file in folder.below(place) if file.suffix.lower() == ".txt"]
    if not files:
        raise UsageError(f"no texts (.txt) in {place}")
    return [Text(str(file), "\n".join(_lines(file)), {}) for file in files]


def _cells(table: Beside) -> list[dict[str, Any]]:
    """What a row of predictions says of the row of a table: `columns`, and `truth` where it is known."""
    truths = [{"truth": truth} for truth in table.truths] or [{}] * len(table.table.rows)
    return [({"columns": other} if other else {}) | truth
            for other, truth in zip(table.others(), truths, strict=True)]  # fmt: skip


def _lines(file: Path) -> list[str]:
    try:
        return read_text(file, TEXT).removeprefix("\ufeff").splitlines()
    except UnicodeDecodeError as error:
        raise UsageError(f"{file}: not UTF-8 ({error.reason} at byte {error.start})") from error
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror}") from error


def files_of(paths: Sequence[Path], data: Data) -> list[Path]:
    """The files, and of folders the images in them.

    Raises:
        UsageError: a folder without images, or a folder where files are wanted.
    """
    return folder.image_files(paths) if data.kind == "image" else list(paths)


def of_table(file: Path, data: Data, count: int) -> list[dict[str, Any]]:
    """What stands beside each of the `count` examples of a file, where it is a table."""
    table = beside.of_features(file, data)
    return _cells(table) if table and len(table.table.rows) == count else [{}] * count
