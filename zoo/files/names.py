"""Names and words that come from outside: files, classes, labels, models, messages."""

from __future__ import annotations

import re
import unicodedata

HIDDEN = ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")  # control, format (such as writing direction), surrogates, separators
JOINERS = "\u200c\u200d"  # format characters that scripts and emoji need
ODD = re.compile(r"[^ -~]")


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
