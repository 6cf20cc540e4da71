"""`zoo report RUN`."""

from __future__ import annotations

from pathlib import Path

import click

from zoo.cli.console import print_json
from zoo.cli.words import echo


@click.command(
    epilog="""\b
Examples:
  zoo report runs/lenet-mnist                the newest run of a pair
Next: open RUN/report.html"""
)
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print the files that were written as JSON.")
@click.option("--debug", is_flag=True, help="Show the whole traceback of an error.")
def command(run: Path, as_json: bool, debug: bool) -> None:
    """Draw the pictures and report.html of a finished RUN again, from its folder alone: the data may be gone."""
    from zoo.runs import directory

    finished = directory.load(run)
    with directory.claimed(finished.folder):
        from zoo.training.environment import prepare

        prepare()
        from zoo import report

        written = [str(path) for path in report.draw_run(finished)]
    if as_json:
        print_json({"run": str(finished.folder), "written": written})
    else:
        echo("\n".join(written))
