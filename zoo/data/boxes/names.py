"""Names of classes that lie beside boxes written for YOLO, and the one key that is read of its YAML files."""

from __future__ import annotations

import re
from collections import Counter
from itertools import takewhile
from pathlib import Path

from zoo.data.boxes.labelled import class_name, text_of
from zoo.data.layout import NAMES
from zoo.errors import UsageError

YAML = ("data.yaml", "dataset.yaml", "data.yml", "dataset.yml")
LISTS = ("classes.txt", "obj.names", "_darknet.labels")  # a name a line
Pairs = list[tuple[str | None, str]]  # number, where it is said, and name
QUOTED = r""""(?:[^"\\]|\\.)*"|'(?:[^']|'')*'"""
BEGINS = r"""[^\s"'\[\]{},&*!|>%@`#]"""  # a name without quotes
ITEM = re.compile(rf"\s*(?:(\d+)\s*:\s+)?({QUOTED}|{BEGINS}[^,\[\]{{}}\n]*)\s*(?:,|(?=[\]}}]))")
CLOSED = re.compile(r"\s*[\]}]")
LINE = re.compile(rf"\s*(?:-\s+|(\d+)\s*:\s+)((?:{QUOTED})\s*|{BEGINS}.*)$")
COMMENT_LESS = re.compile(rf"(?:{QUOTED}|[^#]|(?<=\S)#)*")
FORMS = "names: [a, b] in one line or several, or a name a line below it: `- a` or `0: a`"


def find(folder: Path) -> tuple[str, ...] | None:
    """The names of a folder's classes: in the folder, its labels/, or above it where it is called as a part is.

    Raises:
        UsageError: a file that says no names, or one name twice.
    """
    above = [folder.parent] if any(folder.name.lower() in words for words in NAMES.values()) else []
    places = (place / name for place in (folder, folder / "labels", *above) for name in (*YAML, *LISTS))
    file = next((place for place in places if place.is_file()), None)
    if file is None:
        return None
    text = text_of(file)
    lines = [line for line in text.splitlines() if line.strip()]
    names = of_yaml(text, file) if file.suffix in (".yaml", ".yml") else lines
    named = tuple(class_name(name, str(file)) for name in names)
    if twice := next((name for name, times in Counter(named).items() if times > 1), None):
        raise UsageError(f"{file} names the class {twice!r} twice")
    if not named:
        raise UsageError(f"{file} has no name of a class\nwrite {'one a line' if names is lines else FORMS}")
    return named


def of_yaml(text: str, file: Path) -> list[str]:
    """The names in a YAML file: those forms of the key `names` that such files have, other keys passed over.

    Raises:
        UsageError: it is not there, or has another form.
    """
    lines = [line for line in (COMMENT_LESS.match(line)[0] for line in text.splitlines()) if line.strip()]  # type: ignore[index]
    start = next((i for i, line in enumerate(lines) if re.match(r"names\s*:", line)), None)
    if start is None:
        raise UsageError(f"{file} has no key `names`\nwrite {FORMS}")
    first, rest = lines[start].partition(":")[2].strip(), lines[start + 1 :]
    pairs = _in_brackets("\n".join([first, *rest])) if first else _a_line_each(rest)
    if pairs is None:
        begin = " ".join([first, *rest[:1]]).strip()[:80]
        raise UsageError(f"{file}: the names cannot be read: {begin!r}\nwrite {FORMS}")
    keys = [int(key) for key, _ in pairs if key]
    if keys and sorted(keys) != list(range(len(pairs))):
        raise UsageError(f"{file}: names are numbered {', '.join(map(str, keys[:8]))}, not 0, 1, 2 and so on")
    return [_plain(name) for _, name in (sorted(pairs, key=lambda pair: int(pair[0] or 0)) if keys else pairs)]


def _in_brackets(text: str) -> Pairs | None:
    """`[a, 'b']` and `{0: a, 1: "b"}`; None: it is neither."""
    found: Pairs = []
    place = 1
    while not (end := CLOSED.match(text, place)):
        item = ITEM.match(text, place)
        if item is None:
            return None
        found.append((item[1], item[2]))
        place = item.end()
    return found if text[0] + end[0].strip() in ("[]", "{}") else None


def _a_line_each(lines: list[str]) -> Pairs | None:
    """`- a` or `0: a` in each line up to the next key; None: one has another form."""
    inside = list(takewhile(lambda line: line[0] in " \t-", lines))
    found = [LINE.match(line) for line in inside]
    return None if not all(found) else [(line[1], line[2]) for line in found if line]


def _plain(name: str) -> str:
    name = name.strip()
    if name[:1] == "'":
        return name[1:-1].replace("''", "'")
    return re.sub(r"\\(.)", r"\1", name[1:-1]) if name[:1] == '"' else name
