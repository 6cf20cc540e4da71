"""What a user says of own data: how it is to be read, where that is not found out from the files, or not rightly."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from zoo.data.table import Table
from zoo.errors import UsageError, unknown

TOKENS = ("word", "character")
TEST, VALIDATION = 0.2, 0.1  # shares that are held out: of all, and of what then remains


@dataclass(frozen=True)
class Reading:
    """How own data is to be read; what is left away follows from the files.

    Attributes:
        label: the column to predict; several are separated by commas.
        kind: what the data is, one of `zoo.data.sources.own.READ_AS`.
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


def _names(given: str | None, table: Table) -> tuple[str, ...]:
    """The columns that are named, one or several with commas between them."""
    if not given:
        return ()
    named = (given,) if given in table.names else tuple(name.strip() for name in given.split(",") if name.strip())
    if absent := next((name for name in named if name not in table.names), None):
        raise unknown(f"column of {table.path}", absent, table.names, f"it has: {', '.join(table.names[:12])}")
    return named


AS_FOUND = Reading()
