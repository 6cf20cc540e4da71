"""Names and words that come from outside: files, classes, labels, models, messages."""

from __future__ import annotations

import re
import unicodedata

HIDDEN = ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")  # control, format (such as writing direction), surrogates, separators
JOINERS = "\u200c\u200d"  # format characters that scripts and emoji need
MOST_BYTES = 100  # of a file's name, which may get a suffix yet
MOST_LETTERS = 200  # of a dataset's name
ODD = re.compile(r"[^ -~]")
SCHEME = re.compile(r"[a-z][a-z0-9_]+:")  # of a source, before the address of one of its datasets


def escaped(text: str, lines: bool = False) -> str:
    r"""The text with whatever is no visible character written out, so that no terminal obeys it and no log is forged.

    An escape becomes `\x1b`, a line feed `\n` (with `lines` it stays, as do tabs); letters of any script stay as they
    are.
    """
    kept = "\n\t" + JOINERS if lines else JOINERS
    return ODD.sub(lambda found: _shown(found[0]) if found[0] not in kept else found[0], text)


def _shown(letter: str) -> str:
    if unicodedata.category(letter) not in HIDDEN:
        return letter
    return letter.encode("unicode_escape", "surrogatepass").decode("ascii")


def file_name(name: str) -> str:
    """What a name of a dataset or model is in the name of a file: letters, digits and `-_+.` alone, and not many.

    `tfds:wine_quality/red` becomes `tfds-wine_quality-red`. It leads into no other folder and is not hidden.
    """
    letters = unicodedata.normalize("NFC", name)
    plain = "".join(letter if letter.isalnum() or letter in "-_+." else "-" for letter in letters)
    return plain.encode()[:MOST_BYTES].decode(errors="ignore").lstrip(".-") or "_"


def dataset_name(name: str) -> str:
    """The same name.

    Raises:
        ValueError: it is none that a dataset can have: it is long, leads somewhere, or holds what cannot be seen.
    """
    scheme = SCHEME.match(name)
    parts = name[scheme.end() :].split("/") if scheme else [name]
    leads = (not scheme and "/" in name) or any(part.strip(" .") == "" for part in parts)
    if leads or len(name) > MOST_LETTERS or escaped(name) != name:
        raise ValueError("no name of a dataset")
    return name


def natural(name: str) -> list[tuple[bool, int, str]]:
    """What names are sorted by so that 2 comes before 10."""
    return [(part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in re.split(r"(\d+)", name)]
