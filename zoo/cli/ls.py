"""`zoo ls [PATTERN]`."""

from __future__ import annotations

import re
import shlex
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import click

from zoo import tasks
from zoo.catalogue.spec import KINDS
from zoo.cli.words import echo
from zoo.errors import UsageError

if TYPE_CHECKING:
    from zoo.catalogue.registry import ModelRecord

NARROW = 120  # columns below which a terminal shows neither family nor inputs nor tasks


@click.command(
    epilog="""\b
Examples:
  zoo ls                        everything
  zoo ls 'lenet*'               names by glob
  zoo ls --year 1950-1990 --task binary
Next: zoo show NAME, zoo run NAME DATASET"""
)
@click.argument("pattern", default="*")
@click.option("--family", help="One family, as lenet.")
@click.option("--task", type=click.Choice(tasks.names()), help="What it can be trained for.")
@click.option("--inputs", type=click.Choice(KINDS), help="The kind of data it takes.")
@click.option("--year", metavar="YEAR|FIRST-LAST", help="When it was published: 1998, or 1950-1990.")
@click.option("--json", "as_json", is_flag=True, help="Print the rows as JSON.")
def command(
    pattern: str, family: str | None, task: str | None, inputs: str | None, year: str | None, as_json: bool
) -> None:
    """List the architectures whose name matches PATTERN (a glob) and every filter given.

    A terminal of less than 120 columns leaves out family, inputs and tasks; --json never does.
    """
    from zoo.catalogue import registry
    from zoo.data import sources

    names = registry.list_models(pattern, family=family, task=task, inputs=inputs, year=_years(year))
    records = [registry.glance(name) for name in names]
    if as_json:
        from zoo.cli.console import print_json

        print_json([_row(record) for record in records])
    elif records:
        _print(records)
    for name, reason in (registry.broken() | tasks.broken() | sources.broken()).items():
        echo(f"note: plug-in {name!r} is broken and left out: {reason}", err=True)
    if not records:  # an empty answer is an answer: exit code 0, so that a script's filter does not fail
        echo(_nothing(registry.list_models(), family, pattern), err=True)


def _years(text: str | None) -> int | tuple[int, int] | None:
    if text is None:
        return None
    if not (match := re.fullmatch(r"(\d{4})(?:-(\d{4}))?", text.strip())):
        raise UsageError(f"--year {text!r} is neither a year nor a span\nwrite --year 1998 or --year 1950-1990")
    first, last = int(match[1]), int(match[2] or match[1])
    if first > last:
        raise UsageError(f"--year {text}: the span ends before it begins\nwrite --year {last}-{first}")
    return first, last


def _row(record: ModelRecord) -> dict[str, Any]:
    names = ("name", "year", "family", "params", "inputs", "tasks", "idea", "origin")
    return {name: getattr(record, name) for name in names}


def _print(records: list[ModelRecord]) -> None:
    from zoo.cli.console import Screen, out, table

    # a line each where a program reads; a narrow terminal gets what tells most
    screen = out if out.is_terminal else Screen(width=400)
    wide = screen.width >= NARROW
    grid = table(
        "name", ">year", *(["family"] if wide else []), ">params", *(["inputs", "tasks"] if wide else []), "idea"
    )
    for column in grid.columns[:-1]:
        column.no_wrap = True
    for r in records:
        family, kinds = ([r.family], [" ".join(r.inputs), " ".join(r.tasks)]) if wide else ([], [])
        grid.add_row(r.name, str(r.year), *family, f"{r.params:,}", *kinds, r.idea)
    screen.print(grid)


def _nothing(known: list[str], family: str | None, pattern: str) -> str:
    from zoo.catalogue.registry import glance
    from zoo.errors import nearest

    families = sorted({glance(name).family for name in known})
    hints = []
    if pattern != "*" and any(fnmatchcase(name, pattern) for name in known):
        hints = [f"zoo ls {shlex.quote(pattern)} without the filters"]
    elif pattern != "*":
        hints = [f"zoo ls '{close}*'" for close in nearest(pattern.strip("*"), known, 1)] or [f"zoo ls '*{pattern}*'"]
    if family and family not in families:
        hints.append(f"a family of: {', '.join(families)}")
    return f"no model matches; try {' or '.join([*hints, 'zoo ls'])}"
