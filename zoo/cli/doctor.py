"""`zoo doctor`."""

from __future__ import annotations

import click
from rich.text import Text

from zoo.cli.console import out, print_json, table
from zoo.errors import MissingError


@click.command(epilog="Exit code 0 when nothing is wrong, 3 otherwise. Next: zoo run lenet digits")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
@click.option("--debug", is_flag=True, help="Show the whole traceback of an error.")
def command(as_json: bool, debug: bool) -> None:
    """Look at versions, devices (one real operation on each), data folders, and say what is wrong."""
    from zoo.runs.doctor import examine

    findings = examine()
    if as_json:
        print_json([finding._asdict() for finding in findings])
    else:
        grid = table("", "", "")
        for finding in findings:
            colour = {"ok": "green", "note": "yellow", "wrong": "red"}[finding.state]
            grid.add_row(Text(finding.state, style=colour), finding.what, finding.detail)
        out.print(grid)
    wrong = [finding.what for finding in findings if finding.state == "wrong"]
    if wrong:
        raise MissingError(f"{len(wrong)} things to mend: {', '.join(wrong)}")
