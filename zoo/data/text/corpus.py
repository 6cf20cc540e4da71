"""Own plain text without classes, a file or a folder of them: what a language model learns from."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from zoo.data.config import Data, Text
from zoo.data.examples import Examples, Source
from zoo.data.folder import below
from zoo.data.rawfiles import read_text
from zoo.data.reading import AS_FOUND, Reading
from zoo.data.table import DELIMITERS, is_number
from zoo.data.text.counting import MOST_WORDS, SEEN, SPECIAL, pieces, unmeasured
from zoo.errors import UsageError

log = logging.getLogger("zoo.data")
WINDOW = {"character": 128, "word": 64}  # tokens that are read at once
LEAST = 8  # of a shorter text's windows
SHARE = 0.1  # of the text, at its end, to test on; as much of the rest before it to validate on
MOSTLY = 0.9  # share of lines with equally many cells, above which a file is a table
SUFFIXES = (".txt",)


def files(path: Path) -> list[Path]:
    """The file itself, or the .txt files below a folder, in the order of their names.

    Raises:
        UsageError: a folder without any.
    """
    if not path.is_dir():
        return [path]
    found = [file for file in below(path) if file.suffix.lower() in SUFFIXES and not file.name.startswith(".")]
    if not found:
        raise UsageError(f"{path} holds no text files ({', '.join(SUFFIXES)})")
    return found


def text_of(path: Path) -> str:
    """The text of the file, or of all files of the folder one after the other.

    Raises:
        UsageError: no files, nothing in them, or something that is not UTF-8.
    """
    text = "\n".join(read_text(file) for file in files(path)).replace("\r\n", "\n")
    if not text.strip():
        raise UsageError(f"{path} is empty")
    return text


def read(path: Path) -> Source:
    """The whole text as one training part, an array of one string."""
    import numpy as np

    return Source(Examples(np.array([text_of(path)], object), np.zeros(1, "int32")))


def infer(path: Path, reading: Reading = AS_FOUND) -> Data:
    """A description of a text by its characters, or by its words where these are asked for.

    The last tenth is for testing, a tenth before it for validation.

    Raises:
        UsageError: whatever `text_of` refuses, or too short a text.
    """
    told = unmeasured((), asked=reading.tokens or "character")
    found, unit = tokens_of(text_of(path), told), f"{told.tokens}s"
    data = Data(
        source=f"text:{path}", kind="text", task="tokens", input_shape=(WINDOW[told.tokens],), input_dtype="int32",
        train=len(found), **reading.shares(SHARE, SHARE), text=told,
    )  # fmt: skip
    shortest = min(tokens for tokens in data.parts().values() if tokens)
    if shortest <= LEAST:
        raise UsageError(
            f"{path} has {len(found):,} {unit}: too few to hold a tenth out for testing and one for validation\n"
            "a language model wants some ten thousand at least"
        )
    size = vocabulary_size(found[: data.parts()["train"]], told)  # what is held out teaches no character
    _note(path, reading, len(found), unit, size - SPECIAL)
    window = max(LEAST, min(WINDOW[told.tokens], (shortest - 1) // 2))
    return data.model_copy(update={"input_shape": (window,), "text": told.model_copy(update={"vocab_size": size})})


def vocabulary_size(found: Sequence[str | bytes], told: Text) -> int:
    """Tokens of the vocabulary that these make, special ones included: every character, or words seen `SEEN` times."""
    seen = Counter(found)
    several = [token for token, times in seen.items() if times >= SEEN] if told.tokens == "word" else list(seen)
    return min(len(several or seen) + SPECIAL, MOST_WORDS)


def _note(path: Path, reading: Reading, found: int, unit: str, known: int) -> None:
    count, by_word = len(files(path)), unit == "words"
    log.warning(
        "note: %s is taken as plain text for a language model: %s %s%s, %s%s\n%s",
        path, f"{found:,}", unit, f" in {count:,} files" if count > 1 else "",
        f"{known:,} different ones seen twice or more" if by_word else f"{known:,} different ones",
        "" if reading.test else "; the last tenth is for testing",
        ("a folder for each class makes them texts with classes" if path.is_dir() else "a table: --as table")
        + ("" if reading.tokens else "; by words: --tokens word"),
    )  # fmt: skip


def tokens_of(text: str, told: Text) -> Sequence[str | bytes]:
    """The characters, or the words, of a text."""
    return text if told.tokens == "character" else pieces(text, told)


def is_plain(path: Path) -> bool:
    """Whether a .txt file is running text, and no table: few of its lines are cut into equally many cells."""
    lines = [line for line in read_text(path).splitlines()[:200] if line.strip()]
    return path.suffix.lower() in SUFFIXES and not any(_cuts(lines, delimiter) for delimiter in (*DELIMITERS, " "))


def _cuts(lines: list[str], delimiter: str) -> bool:
    """Whether this separates cells; blanks do where the cells are numbers, and one number a line is a column.

    Commas and semicolons with a blank behind each, and no number anywhere, are punctuation.
    """
    rows = [line.split() if delimiter == " " else line.split(delimiter) for line in lines]
    width, count = Counter(map(len, rows)).most_common(1)[0] if rows else (0, 0)
    if count < MOSTLY * len(rows):
        return False
    numbers = [is_number(cell) for row in rows for cell in row]
    if delimiter == " ":
        return all(numbers)
    is_spoken = delimiter in ",;" and not any(numbers) and all(cell[:1] == " " for row in rows for cell in row[1:])
    return width > 1 and not is_spoken


def is_folder(path: Path) -> bool:
    """Whether a folder holds text files, all of them beside each other and nothing else that is read."""
    entries = [entry for entry in path.iterdir() if not entry.name.startswith(".")]
    loose = [entry for entry in entries if entry.is_file() and entry.suffix.lower() in SUFFIXES]
    return bool(loose) and not any(entry.is_dir() for entry in entries)


def count(path: Path, data: Data) -> int:
    """The tokens of a text, as `data.train` counts them.

    Raises:
        UsageError: as `text_of`, or it has too few for a window.
    """
    assert data.text is not None
    text = text_of(path)
    tokens = len(tokens_of(text, data.text))
    if tokens <= data.input_shape[0]:
        raise UsageError(f"{path} has {tokens:,} tokens: too few for a window of {data.input_shape[0]}")
    return tokens
