"""Text that comes with every Python: the source of its own standard library."""

from __future__ import annotations

import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.data.examples import Examples, Source
from zoo.data.options import checked
from zoo.data.reading import AS_FOUND, Reading
from zoo.data.sources.source import DataSource
from zoo.errors import MissingError, UsageError, unknown

if TYPE_CHECKING:
    from zoo.data.config import Data
    from zoo.data.fields import Role

NAMES = ("source",)
MODULES = (  # in every Python from 3.11 on, whichever parts a distribution packs apart; in this order
    "argparse", "ast", "base64", "bdb", "bisect", "calendar", "cmd", "code", "codecs", "collections/__init__",
    "concurrent/futures/_base", "concurrent/futures/thread", "configparser", "contextlib", "copy", "csv", "dataclasses",
    "difflib", "dis", "email/message", "email/utils", "enum", "filecmp", "fileinput", "fnmatch", "fractions", "ftplib",
    "functools", "gettext", "glob", "gzip", "hashlib", "heapq", "html/parser", "http/client", "http/cookies",
    "http/server", "imaplib", "inspect", "ipaddress", "json/decoder", "json/encoder", "linecache", "locale",
    "logging/__init__", "logging/handlers", "mailbox", "mimetypes", "numbers", "optparse", "pdb", "pickle",
    "pickletools", "platform", "poplib", "posixpath", "pprint", "profile", "pstats", "queue", "quopri", "random",
    "reprlib", "rlcompleter", "sched", "selectors", "shelve", "shlex", "shutil", "smtplib", "socket", "socketserver",
    "ssl", "statistics", "string", "stringprep", "subprocess", "symtable", "tabnanny", "tarfile", "tempfile",
    "textwrap", "threading", "timeit", "tokenize", "trace", "traceback", "tracemalloc", "types", "typing",
    "unittest/case", "unittest/mock", "unittest/suite", "urllib/parse", "urllib/request", "uuid",
    "warnings", "wave", "weakref",
    "webbrowser", "xml/dom/minidom", "xml/etree/ElementTree", "xmlrpc/client", "zipapp",
)  # fmt: skip


def read(name: str, data: Data) -> Source:
    """The first `data.train` characters of the library's modules, joined by line feeds, as one text.

    Only printable ASCII and line feeds are kept (tabs become four blanks): 96 different characters in any version of
    Python, whose text differs otherwise. There is no test part of its own.

    Raises:
        UsageError: no such text, an option, fewer characters than the recipe asks for.
        MissingError: this Python came without its source.
    """
    import numpy as np

    if name not in NAMES:
        raise unknown("text of the standard library", name, NAMES, f"known: {', '.join(NAMES)}")
    checked("stdlib:source", data.options, {})
    text = "\n".join(map(_module, MODULES))
    if len(text) < data.train:
        raise UsageError(
            f"stdlib:source has {len(text):,} characters in this Python, the recipe asks for {data.train:,}\n"
            f"take fewer: --set data.train={len(text) // 100_000 * 100_000}"
        )
    return Source(Examples(np.array([text[: data.train]], object), np.zeros(1, "int32")))


def _module(name: str) -> str:
    path = Path(sysconfig.get_path("stdlib")) / f"{name}.py"
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise MissingError(
            f"this Python came without its source: cannot read {path} ({error.strerror})\n"
            "a Python from python.org, conda or a Linux distribution brings it"
        ) from error
    return "".join(letter for letter in text.expandtabs(4) if letter == "\n" or " " <= letter <= "~")


class Stdlib(DataSource):
    scheme = "stdlib"
    form = "stdlib:source"
    no_script = ""
    kinds = ("text",)
    place = "this Python's library"

    def read(self, address: str, data: Data, target: Role) -> Source:
        return read(address, data)

    def why_no_script(self, address: str, data: Data) -> str:
        by_character = data.text is not None and data.text.tokens == "character"
        return "" if by_character else "scripts read it by the character; set data.text.tokens = 'character'"

    def infer(self, address: str, reading: Reading = AS_FOUND) -> Data:
        raise self.needs_recipe(address, "stdlib")


SOURCE = Stdlib()
