"""`zoo compare RUN RUN...`."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING

import click

from zoo.cli.words import echo
from zoo.errors import UsageError

if TYPE_CHECKING:
    from zoo.compare.comparison import Comparison
    from zoo.compare.groups import Group

SIDE_BY_SIDE = 4  # groups that get a column each; of more each gets a row
MOST_NOTES = 20
LONGEST = 60  # characters of a setting


@click.command(
    epilog="""\b
Examples:
  zoo compare runs/lenet-mnist runs/mlp-mnist          the newest run of each, and the other seeds of its recipe
  zoo compare 'runs/mlp-digits/*'                      all runs that match
  zoo compare runs/lenet-mnist lenet:mnist             beside what is on record; see: zoo results
  zoo compare runs/lenet-mnist runs/mlp-mnist --html lenet-mlp.html
  zoo compare 'runs/*-digits' --csv > digits.csv       a row each run
Next: zoo run MODEL DATASET --seed 1, zoo runs --sort metric, zoo report RUN"""
)
@click.argument("runs", nargs=-1, required=True, metavar="RUN...")
@click.option(
    "--html", type=click.Path(path_type=Path), metavar="FILE",
    help="Write a page: with learning curves over each other, and examples that one gets right and the other wrong.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print all of it as JSON.")
@click.option("--csv", "as_csv", is_flag=True, help="Print a row each run as CSV.")
@click.option("--debug", is_flag=True, help="Show the whole traceback of an error.")
def command(runs: tuple[str, ...], html: Path | None, as_json: bool, as_csv: bool, debug: bool) -> None:
    """Show RUNs beside each other: what differs in their recipes, metrics, and whether it is more than chance.

    Each is held against the first. On the same test examples McNemar's exact test says whether two networks differ by
    more than chance, and a paired bootstrap by how much; over several seeds of a recipe it is the mean and the range.
    """
    from zoo.cli.console import print_json
    from zoo.compare import comparison as compared

    if as_json and as_csv:
        raise UsageError("--json and --csv are two forms of the same\nsay one of them")
    if html is not None:
        _refuse_taken(html)
    comparison = compared.compare(runs)
    for note in comparison.notes[:MOST_NOTES]:
        echo(f"note: {note}", err=True)
    if len(comparison.notes) > MOST_NOTES:
        echo(f"note: and {len(comparison.notes) - MOST_NOTES} notes more: --json has them", err=True)
    if as_json:
        print_json(compared.as_json(comparison))
    elif as_csv:
        echo(_as_csv(comparison), nl=False)
    else:
        _print(comparison)
    if html is not None:
        from zoo.compare import page

        page.write(comparison, html)
        echo(f"wrote {html}", err=True)


def _refuse_taken(file: Path) -> None:
    if file.suffix != ".html":
        raise UsageError(f"--html {file}: the page's name ends in .html, such as: --html comparison.html")
    if file.exists():
        raise UsageError(f"{file} exists already; nothing is overwritten\nname another file with --html")


def _as_csv(comparison: Comparison) -> str:
    from zoo.compare.comparison import as_rows

    rows, written = as_rows(comparison), io.StringIO()
    writer = csv.DictWriter(written, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return written.getvalue()


def _print(comparison: Comparison) -> None:
    from zoo.cli.console import out
    from zoo.compare.words import SEEDS_HINT

    if len(comparison.groups) <= SIDE_BY_SIDE:
        _print_columns(comparison)
    else:
        _print_rows(comparison)
    if left_out := len(comparison.differing) - len(comparison.differing_in_short):
        out.print(f"and {left_out} keys that say what the datasets are like: --json")
    if comparison.sentences:
        out.print()
    for sentence in comparison.sentences:
        out.print(sentence)
    if any(one.seeds == (1, 1) for one in comparison.held.tested):
        echo(f"note: {SEEDS_HINT}", err=True)


def _where(group: Group) -> str:
    """The first of a group's runs, and how many others there are."""
    from zoo.compare.comparison import runs_of

    first, *others = runs_of(group)
    return f"{first} and {len(others)} more" if others else first


def _print_columns(comparison: Comparison) -> None:
    """A column each group: what it scored, and below it what differs."""
    from zoo.cli.console import out, table
    from zoo.compare.comparison import facts, seeds_of, spread_text

    groups = comparison.groups
    grid = table("", *(group.label for group in groups))
    grid.add_row("run", *(_where(group) for group in groups))
    grid.add_row("seed", *map(seeds_of, groups))
    for name in comparison.metrics:
        grid.add_row(f"test {name}", *(spread_text(group, name) for group in groups))
    for fact in facts(groups[0]):
        grid.add_row(fact, *(facts(group)[fact] for group in groups))
    if comparison.differing:
        grid.add_row("", *("" for _ in groups))
        grid.add_row("what differs")
    for one in comparison.differing_in_short:
        grid.add_row(one.key, *map(_shown, one.values))
    out.print(grid)


def _print_rows(comparison: Comparison) -> None:
    """A row each group, and then what differs, value by value."""
    from zoo.cli.console import out, table
    from zoo.compare.comparison import facts, seeds_of, spread_text

    groups = comparison.groups
    grid = table("", "metric", ">test", ">seed", *(f">{fact}" for fact in facts(groups[0])), "run")
    for group in groups:
        scored = group.headline, spread_text(group, group.headline)
        grid.add_row(group.label, *scored, seeds_of(group), *facts(group).values(), _where(group))
    out.print(grid)
    if not comparison.differing:
        return
    differing = table("what differs", "")
    for one in comparison.differing_in_short:
        differing.add_row(one.key, _by_value([group.label for group in groups], one.values))
    out.print()
    out.print(differing)


def _by_value(labels: list[str], values: tuple[object, ...]) -> str:
    """`0.01: perceptron; 0.001: the others`."""
    found: dict[str, list[str]] = {}
    for label, value in zip(labels, values, strict=True):
        found.setdefault(_shown(value), []).append(label)
    most = max(found, key=lambda value: len(found[value]))
    said = {value: ", ".join(who) for value, who in found.items()}
    if len(found[most]) > 2:
        del said[most]
        said[most] = "the others"
    return "; ".join(f"{value}: {who}" for value, who in said.items())


def _shown(value: object) -> str:
    from zoo.compare.groups import short

    text = short(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
