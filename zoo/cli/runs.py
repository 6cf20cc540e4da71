"""`zoo runs [FOLDER]`, `zoo runs rm RUN...`."""

from __future__ import annotations

import sys
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from zoo.cli.words import echo
from zoo.errors import UsageError

if TYPE_CHECKING:
    from zoo.runs.listing import Listed
    from zoo.runs.removing import Removable

STATES = ("running", "stopped", "failed", "done")
SORTS = ("date", "metric", "time", "model", "dataset", "seed", "state")
DEFAULT = "runs"
NARROW = 120  # columns below which a terminal shows neither model nor dataset, which the folder's name says, nor dates


class Listing(click.Group):
    """A group that lists where none of its commands is named."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        named = args and (args[0] in self.commands or args[0] in ctx.help_option_names)
        return super().parse_args(ctx, args if named else ["ls", *args])


@click.group(
    cls=Listing,
    epilog="""\b
Examples:
  zoo runs                                      every run below runs/, the newest first: the same as zoo runs ls
  zoo runs --dataset 'mnist*' --sort metric     those of some datasets, the best of each first
  zoo runs ls --help                            all filters
  zoo runs rm runs/mlp-iris/STAMP               remove a run, after a question""",
)
def command() -> None:
    """List the runs below a folder, or remove some."""


@command.command(
    short_help="List every run below a folder; what is done where no command is named.",
    epilog="""\b
Examples:
  zoo runs results/ --state done --model 'resnet*'
  zoo runs --json
  zoo runs rm $(zoo runs --state failed --quiet)
State: running (a process works in it), stopped (zoo run --resume RUN goes on), failed, or done.
Next: zoo compare RUN RUN, zoo eval RUN, zoo run --resume RUN""",
)
@click.argument("folder", default=DEFAULT, type=click.Path(path_type=Path))
@click.option("--model", metavar="GLOB", default="*", help="Of these models.")
@click.option("--dataset", metavar="GLOB", default="*", help="On these datasets.")
@click.option("--state", "states", multiple=True, type=click.Choice(STATES), help="May be given repeatedly.")
@click.option(
    "--sort", type=click.Choice(SORTS), default="date", show_default=True,
    help="date and time: the newest, the longest first; metric: by dataset, the best first.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print the rows as JSON.")
@click.option("--quiet", is_flag=True, help="Print the folders alone, one a line.")
@click.option("--debug", is_flag=True, help="Show the whole traceback of an error.")
def ls(
    folder: Path,
    model: str,
    dataset: str,
    states: tuple[str, ...],
    sort: str,
    as_json: bool,
    quiet: bool,
    debug: bool,
) -> None:
    """List every run below FOLDER (default: runs): metric, seed, time and state.

    A terminal of less than 120 columns leaves out model, dataset and date; --json never does.
    """
    from zoo.runs import listing

    is_empty = folder == Path(DEFAULT) and not folder.exists()
    found = listing.Found([], {}) if is_empty else listing.find(folder)
    rows = [
        row
        for row in found.runs
        if fnmatchcase(row.model, model) and fnmatchcase(row.dataset, dataset) and row.state in (states or STATES)
    ]
    rows.sort(key=lambda row: _order(row, sort))
    for place, reason in found.passed_over.items():
        echo(f"note: {place} is passed over: {reason}", err=True)
    if as_json:
        from zoo.cli.console import print_json

        print_json([row.as_json() for row in rows])
    elif quiet:
        echo("".join(f"{row.run}\n" for row in rows), nl=False)
    elif rows:
        _print(rows)
    if not rows and not as_json and not quiet:
        echo(f"no run below {folder} matches" if found.runs else f"no runs below {folder}; try: zoo run lenet digits",
             err=True)  # fmt: skip


def _order(row: Listed, sort: str) -> tuple[Any, ...]:
    from zoo.catalogue import metrics

    newest = tuple(-ord(letter) for letter in row.date)  # text, in reverse
    if sort == "metric":
        if row.metric is None or row.value is None:
            return row.dataset, 1, "", 0.0, newest
        sign = -1.0 if metrics.find(row.metric).higher_is_better else 1.0
        return row.dataset, 0, row.metric, sign * row.value, newest
    keys: dict[str, Any] = {
        "date": newest,
        "time": -(row.seconds or 0.0),
        "model": row.model,
        "dataset": row.dataset,
        "seed": row.seed,
        "state": STATES.index(row.state),
    }
    return keys[sort], newest, str(row.run)


def _print(rows: list[Listed]) -> None:
    from zoo.cli.console import Screen, measured, out, table

    screen = out if out.is_terminal else Screen(width=400)
    wide = screen.width >= NARROW
    more = ["model", "dataset"] if wide else []
    grid = table("run", *more, "metric", ">value", ">seed", ">epochs", ">time", *(["date"] if wide else []), "state")
    for column in grid.columns[1:-1]:  # where the others are too wide, a folder's name and a reason are folded
        column.no_wrap = True
    for row in rows:
        value = "" if row.metric is None else measured(row.value, row.metric)
        time = "" if row.seconds is None else f"{row.seconds:,.0f} s"
        date = [row.date[:16].replace("T", " ")] if wide else []
        names = [row.model, row.dataset] if wide else []
        grid.add_row(
            str(row.run), *names, row.metric or "", value, str(row.seed), str(row.epochs), time, *date, _state(row)
        )
    screen.print(grid)


def _state(row: Listed) -> str:
    """The state, and of a run that ended early why; a smoke run is said to be one."""
    said = row.exit if row.exit.startswith(row.state) else row.state
    if row.state == "failed":
        said = f"failed: {row.exit}"
    return f"{said}, smoke run" if row.smoke else said


@command.command(
    short_help="Remove runs, after a list and a question.",
    epilog="""\b
Examples:
  zoo runs rm runs/mlp-iris/20261126-193646-983
  zoo runs rm 'runs/mlp-iris/*'
  zoo runs rm $(zoo runs --state failed --quiet) --yes     in a script: nothing is asked""",
)
@click.argument("runs", nargs=-1, required=True, metavar="RUN...")
@click.option("--yes", is_flag=True, help="Remove them without a question.")
@click.option("--json", "as_json", is_flag=True, help="Print what was removed as JSON.")
@click.option("--debug", is_flag=True, help="Show the whole traceback of an error.")
def rm(runs: tuple[str, ...], yes: bool, as_json: bool, debug: bool) -> None:
    """Remove each RUN, a folder or a glob, once it is listed and you say yes.

    Nothing goes but folders of runs that hold nothing else; one in which a run is going on stays, and no link is
    followed. If one of those named cannot be removed, none is.
    """
    from zoo.runs import listing, removing

    chosen = [removing.removable(Path(name)) for name in listing.expanded(runs)]
    if not yes:
        _ask(chosen)
    for run in chosen:
        removing.remove(run)
        if not as_json:
            echo(f"removed {run.folder}")
    if as_json:
        from zoo.cli.console import print_json

        print_json([{"run": str(run.folder), "files": run.files, "bytes": run.bytes} for run in chosen])


def _ask(chosen: list[Removable]) -> None:
    """List what would go, and ask.

    Raises:
        UsageError: nobody is there to be asked; Abort: the answer is no.
    """
    for run in chosen:
        echo(f"{run.folder}: {run.files} files, {run.bytes / 2**20:,.1f} MiB", err=True)
    runs = "this run" if len(chosen) == 1 else f"these {len(chosen)} runs"
    if not sys.stdin.isatty():
        raise UsageError(f"nobody can be asked whether {runs} may go: this is no terminal\nsay so with --yes")
    total = sum(run.bytes for run in chosen) / 2**20
    if not click.confirm(f"remove {runs}, {total:,.1f} MiB in all?", err=True):
        echo("nothing was removed", err=True)
        raise click.exceptions.Exit(0)
