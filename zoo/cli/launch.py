"""`zoo launch N -- run MODEL DATASET`."""

from __future__ import annotations

import click

from zoo.errors import UsageError


@click.command(
    context_settings={"ignore_unknown_options": True},
    epilog="""\b
Examples:
  zoo launch 2 -- run lenet digits
  zoo launch 2 -- run --resume RUN     go on with a run that was stopped or lost a worker
On several machines each worker is started there, with TF_CONFIG: see scripts/cluster.
Next: zoo eval RUN""",
)
@click.argument("number", type=click.IntRange(1, 64))
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="-- run ...")
@click.option("--debug", is_flag=True, help="Show the whole traceback of an error.")
def command(number: int, arguments: tuple[str, ...], debug: bool) -> int:
    """Train with NUMBER workers on this machine, to try what several machines will do.

    The first worker, the chief, is shown and keeps the run; of the others only what they say when one fails.
    """
    from zoo.training.distribution.launching import launch

    if not arguments or arguments[0] != "run":
        raise UsageError(f"what is launched is zoo run, such as: zoo launch {number} -- run lenet digits")
    return launch(number, arguments)
