"""`zoo show MODEL`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from zoo.cli.words import echo
from zoo.errors import UsageError, unknown

if TYPE_CHECKING:
    import keras

    from zoo.catalogue.registry import ModelRecord


@click.command(
    epilog="""\b
Examples:
  zoo show lenet
  zoo show mlp --set hidden_units=[300,100] --set activation=tanh    another build
  zoo show lenet --svg lenet.svg                                     the architecture as a picture
Next: zoo run MODEL DATASET"""
)
@click.argument("model")
@click.option("--set", "sets", multiple=True, metavar="KNOB=VALUE", help="Build with this knob (starts TensorFlow).")
@click.option("--svg", type=click.Path(path_type=Path), help="Write the architecture diagram (starts TensorFlow).")
@click.option("--json", "as_json", is_flag=True, help="Print card and layers as JSON.")
def command(model: str, sets: tuple[str, ...], svg: Path | None, as_json: bool) -> None:
    """Show one architecture: where it comes from, what it takes, and its layers with their parameters explained."""
    from zoo.catalogue import layer_tables, registry

    record = registry.describe(model)
    knobs = dict(_knob(record, text) for text in sets)
    layers = None if knobs else layer_tables.layers(record)
    if layers is None or svg:
        if not knobs and layers is None:
            echo(f"note: {model} is not in the catalogue; building it to look inside", err=True)
        layers = _build_and_look(record, knobs, svg)
    results = _results(model)
    if as_json:
        from zoo.cli.console import print_json

        print_json(_card(record, knobs) | {"layers": layers, "results": results})
        return
    _print_card(record, knobs)
    _print_results(record, results)
    _print_layers(layers)
    if svg:
        echo(f"wrote {svg}", err=True)


def _knob(record: ModelRecord, text: str) -> tuple[str, Any]:
    """`hidden_units=[16,16]` as a name and a value: TOML where it parses, else the text itself."""
    name, sign, value = text.removeprefix("knobs.").partition("=")
    if not sign:
        raise UsageError(f"--set {text!r} is not KNOB=VALUE\n{record.name} has: {', '.join(record.knobs)}")
    if name not in record.knobs:
        raise unknown(f"knob of {record.name}", name, record.knobs, f"it has: {', '.join(record.knobs)}")
    from zoo.recipe.overrides import toml_value

    parsed = toml_value(value)
    return name, tuple(parsed) if isinstance(parsed, list) else parsed


def _build_and_look(record: ModelRecord, knobs: dict[str, Any], svg: Path | None) -> list[dict[str, Any]]:
    """Layer rows of a real build, and its diagram where one is asked for."""
    from zoo.catalogue.inspect import layer_rows
    from zoo.training.environment import prepare

    prepare()
    built = _built(record, knobs)
    if svg:
        from zoo.drawing.diagram import architecture
        from zoo.files import write_text

        if not svg.absolute().parent.is_dir():
            raise UsageError(f"--svg {svg}: there is no folder {svg.parent}")
        write_text(svg, architecture(built))
    return layer_rows(built)


def _built(record: ModelRecord, knobs: dict[str, Any]) -> keras.Model:
    """The network without memory for its weights, whatever its size."""
    from zoo.catalogue import registry
    from zoo.catalogue.inspect import skeleton

    try:
        return skeleton(partial(registry.build, record.name, **knobs))
    except UsageError:
        raise
    except Exception as error:
        reason = " ".join(str(error).split())[:200]
        given = ", ".join(f"{name}={value!r}" for name, value in knobs.items()) or "its defaults"
        raise UsageError(f"{record.name} cannot be built with {given}\n{type(error).__name__}: {reason}") from error


def _results(model: str) -> list[dict[str, Any]]:
    """What has been measured here with this model; see `zoo results`."""
    from zoo.runs import results

    return results.rows(model)


def _card(record: ModelRecord, knobs: dict[str, Any]) -> dict[str, Any]:
    names = (
        "name",
        "family",
        "year",
        "paper",
        "idea",
        "inputs",
        "tasks",
        "params",
        "published",
        "deviations",
        "no_xla",
        "origin",
    )
    return {name: getattr(record, name) for name in names} | {"knobs": record.knobs | knobs}


def _print_card(record: ModelRecord, knobs: dict[str, Any]) -> None:
    from zoo.cli.console import out, table
    from zoo.pretrained.applications import SOURCES

    out.print(record.name, style="bold")
    out.print(record.idea + "\n")
    grid = table("", "")
    grid.columns[0].no_wrap = True
    grid.add_row("paper", record.paper)
    grid.add_row("family, year", f"{record.family}, {record.year}")
    grid.add_row("inputs", " or ".join(record.inputs) + _size(record))
    grid.add_row("tasks", ", ".join(record.tasks))
    for index, (name, value) in enumerate((record.knobs | knobs).items()):
        grid.add_row("" if index else "knobs", f"{name} = {value!r}" + ("  (set)" if name in knobs else ""))
    for index, text in enumerate(record.deviations):
        grid.add_row("" if index else "differs", text)
    for index, (name, value) in enumerate(record.defaults.items()):
        grid.add_row("" if index else "trains with", f"{name} = {value!r}")
    if source := SOURCES.get(record.name):
        grid.add_row("ImageNet", f"zoo.build({record.name!r}, weights='imagenet') sees {source.sees}")
    grid.add_row("XLA", f"no: {record.no_xla}" if record.no_xla else "yes (--jit on)")
    if record.origin != "zoo":
        grid.add_row("plug-in", record.origin)
    out.print(grid)


def _size(record: ModelRecord) -> str:
    if record.fixed_shape:
        return f", exactly {'x'.join(map(str, record.fixed_shape))}"
    return f", at least {record.min_size}x{record.min_size}" if record.min_size else ""


def _print_results(record: ModelRecord, results: list[dict[str, Any]]) -> None:
    """The paper's numbers, and ours below them."""
    from zoo.cli.console import out, table
    from zoo.runs.results import shown

    if not record.published and not results:
        return
    grid = table("published", ">")
    for what, number in record.published.items():
        grid.add_row(what, number)
    if results:
        grid.add_row("measured here", "", style="bold")
    for row in results:
        mean, low, high = (text.replace("%", " %") for text in shown(row, "mean", "low", "high"))
        span = f"{low} to {high} over {len(row['seeds'])} seeds"
        scored = f"{row['examples_scored']:,} of {row['examples_in_split']:,} test examples"
        grid.add_row(f"{row['dataset']} {row['metric']} ({span}, {scored})", mean)
    out.print()
    out.print(grid)


def _print_layers(layers: list[dict[str, Any]]) -> None:
    from zoo.cli.console import out, table

    sees = any(row["field"] for row in layers)
    grid = table("layer", "type", "output", ">params", "arithmetic", *([">sees"] if sees else []))
    for row in layers:
        field = [str(row["field"] or "")] if sees else []
        params = f"{row['params']:,}" if row["params"] else ""
        grid.add_row(row["name"], row["type"], row["shape"], params, row["arithmetic"], *field)
    grid.add_row("total", "", "", f"{sum(row['params'] for row in layers):,}", style="bold")
    out.print()
    out.print(grid)
    if sees:
        out.print("output: without the batch axis; sees: side in input pixels of what one unit looks at", style="dim")
