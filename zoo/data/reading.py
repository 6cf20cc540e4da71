"""What a user says of own data: how it is to be read, where that is not found out from the files, or not rightly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from zoo.data.table import Table
from zoo.errors import UsageError, unknown

if TYPE_CHECKING:
    from zoo.data.config import Data

TOKENS = ("word", "character")
READ_AS = {
    "table": ("tabular", "mixed"),
    "text": ("text",),
    "corpus": ("text",),
    "pairs": ("text-pair",),
    "series": ("series",),
    "images": ("image",),
    "boxes": ("image",),
}  # what own data can be said to be -> the kinds that it may turn out as
TEST, VALIDATION = 0.2, 0.1  # shares that are held out: of all, and of what then remains


@dataclass(frozen=True)
class Reading:
    """How own data is to be read; what is left away follows from the files.

    Attributes:
        label: the column to predict; several are separated by commas.
        kind: what the data is, one of `READ_AS`.
        test: the path of the test part, which is then not held out.
        validation: the path of the validation part.
        missing: what is done about missing cells, one of `zoo.data.missing`; None: they are refused.
        drop: columns that are left out, separated by commas.
        columns: columns to predict from, separated by commas; the others are left out.
        text_column: the column of texts.
        calendar: what the dates of a series become besides, of `zoo.data.dates.CALENDAR`, separated by commas.
        group: the column whose equal values keep rows in one part, such as a patient's number; nothing is learnt of it.
        weight: the column that says what each row counts in the loss; nothing is learnt of it.
        tokens: what texts are taken apart into, one of `TOKENS`.

    Raises:
        UsageError: no such kind, or no such tokens.
    """

    label: str | None = None
    kind: str | None = None
    test: str | None = None
    validation: str | None = None
    missing: str | None = None
    drop: str | None = None
    columns: str | None = None
    text_column: str | None = None
    calendar: str | None = None
    group: str | None = None
    weight: str | None = None
    tokens: str | None = None

    def __post_init__(self) -> None:
        if self.kind is not None and self.kind not in READ_AS:
            raise unknown("kind of data", self.kind, READ_AS, f"known: {', '.join(READ_AS)}")
        if self.tokens is not None and self.tokens not in TOKENS:
            raise unknown("kind of tokens", self.tokens, TOKENS, f"known: {', '.join(TOKENS)}")

    @property
    def said(self) -> tuple[str, ...]:
        """The names of what is said."""
        return tuple(field.name for field in fields(self) if getattr(self, field.name) is not None)

    def refuse_others(self, known: Sequence[str], source: str) -> None:
        """Refuse what is said and not among `known`, the names of what a source goes by.

        Raises:
            UsageError: there is such a thing.
        """
        if others := [flag(name) for name in self.said if name not in known]:
            takes = f"takes {', '.join(map(flag, known))}" if known else "takes none of them"
            raise UsageError(
                f"{', '.join(others)}: not for {source}\nleave it out; of the options that describe data it {takes}"
            )

    def refuse_unused(self, data: Data, known: Sequence[str]) -> None:
        """Refuse what is said and does nothing for such data; `known` as of `refuse_others`.

        Raises:
            UsageError: there is such a thing.
        """
        if self.kind and data.kind not in READ_AS[self.kind]:
            raise UsageError(f"{data.source} is {data.kind}, it cannot be read as {self.kind}\nleave out --as")
        wanted = {"tokens": ("texts", data.text), "text_column": ("a table of texts", data.kind == "text"),
                  "calendar": ("series", data.series)}  # fmt: skip
        for name, (what, suits) in wanted.items():
            if name in self.said and not suits:
                remedy = "leave it out" + (", or say what the data is with --as" if "kind" in known else "")
                raise UsageError(f"{flag(name)} is for {what}, {data.source} is {data.kind}\n{remedy}")

    @property
    def beside(self) -> tuple[str, ...]:
        """The columns that are neither predicted nor predicted from."""
        return tuple(name for name in (self.group, self.weight) if name)

    def of(self, label: str | None, kind: str | None) -> Reading:
        """The same with this label and kind, where they are given."""
        return replace(self, label=label or self.label, kind=kind or self.kind)

    @property
    def labels(self) -> tuple[str, ...]:
        """Names that a header with the label, or labels, has."""
        return tuple(self.label.split(",")) if self.label else ()

    def selected(self, table: Table, beside: bool = False) -> Table:
        """The table without the columns that are left out; the label stays.

        The columns `beside` come first, or not at all.

        Raises:
            UsageError: a column that is not there, or a label that is left out.
        """
        drop, columns = _names(self.drop, table), _names(self.columns, table)
        if self.text_column:
            columns = (*columns, *_names(self.text_column, table))
        aside = [name for called in self.beside for name in _names(called, table)]
        if not (drop or columns or aside):
            return table
        drop = (*drop, *aside)
        rest = [name for name in table.names if name not in drop]
        label = [name for name in _names(self.label, table) or rest[-1:] if name in table.names]
        if bad := next((name for name in label if name in drop), None):
            raise UsageError(f"{table.path}: column {bad!r} is the label and left out; drop another one")
        others = [name for name in label if name not in columns]
        names = [name for name in (columns or rest) if name not in drop and name not in label] + label
        if columns and not others:
            raise UsageError(f"{table.path}: columns to predict from and the label are the same; --label names another")
        kept = [*(aside if beside else ()), *sorted(set(names), key=table.names.index)]
        order = [table.names.index(name) for name in kept]
        rows = [[row[i] for i in order] for row in table.rows]
        return replace(table, names=tuple(table.names[i] for i in order), rows=rows)

    def shares(self, test: float = TEST, validation: float = VALIDATION) -> dict[str, Any]:
        """What is held out of the training part: of parts that have a path of their own nothing."""
        return {
            "test_share": 0.0 if self.test else test,
            "validation_share": 0.0 if self.validation else validation,
        }


def flag(name: str) -> str:
    """The option of the command line that says this part of a `Reading`."""
    return "--as" if name == "kind" else f"--{name.replace('_', '-')}"


def _names(given: str | None, table: Table) -> tuple[str, ...]:
    """The columns that are named, one or several with commas between them."""
    if not given:
        return ()
    named = (given,) if given in table.names else tuple(name.strip() for name in given.split(",") if name.strip())
    if absent := next((name for name in named if name not in table.names), None):
        raise unknown(f"column of {table.path}", absent, table.names, f"it has: {', '.join(table.names[:12])}")
    return named


AS_FOUND = Reading()
