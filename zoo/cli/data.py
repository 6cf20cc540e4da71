"""`zoo data ls | show | prepare`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from zoo import tasks
from zoo.cli import own_data
from zoo.cli.console import out, print_json, table
from zoo.cli.options import Grouped, refuse_of_recipe
from zoo.cli.options import own_data as own_data_options
from zoo.cli.words import echo
from zoo.data.reading import AS_FOUND, Reading
from zoo.errors import UsageError, ZooError
from zoo.files.names import file_name

if TYPE_CHECKING:
    from zoo.data.config import Data
    from zoo.data.examples import Splits


@click.group(epilog="Example: zoo data show mnist   Next: zoo run lenet mnist")
def command() -> None:
    """Datasets: those with a recipe, any of TensorFlow Datasets (tfds:NAME), own folders and CSV files by PATH."""


@command.command(epilog="Next: zoo data show NAME")
@click.option("--json", "as_json", is_flag=True, help="Print the rows as JSON.")
def ls(as_json: bool) -> None:
    """List the datasets that have a recipe: what they are, how large, and whether they are there."""
    from zoo import recipe

    rows = []
    for name in recipe.list_recipes():
        try:
            rows.append(_row(name, recipe.load_recipe(name).data))
        except ZooError as error:  # one bad recipe or damaged dataset does not hide the others
            echo(f"note: {name} left out: {error}", err=True)
    if as_json:
        print_json(rows)
        return
    grid = table("name", "kind", "task", "input", ">classes", ">train", ">validation", ">test", "where")
    for row in rows:
        shape = "x".join(map(str, row["input_shape"])) or f"{len(row['inputs'])} inputs"
        sizes = [f"{row[split]:,}" for split in ("train", "validation", "test")]
        grid.add_row(row["name"], row["kind"], row["task"], shape, str(row["classes"] or "-"), *sizes, _where(row))
    out.print(grid)


def _row(name: str, data: Data) -> dict[str, Any]:
    from zoo.data import status

    state, task = status(data), tasks.of(data)
    return {
        "name": name,
        "source": data.source,
        "kind": data.kind,
        "task": task.name,
        "input_shape": list(data.input_shape),
        **({"inputs": {n: list(one.input_shape) for n, one in data.inputs.items()}} if data.inputs else {}),
        **({"targets": {n: one.task for n, one in data.targets.items()}} if data.targets else {}),
        "classes": len(task.class_names(data)) or None,
        **task.sizes(data),
        "ready": state.ready,
        "place": state.place,
        "size_mb": state.size_mb,
        "download_mb": state.download_mb,
    }


def _where(row: dict[str, Any]) -> str:
    from zoo.data import sources

    downloads = sources.of(row["source"])[0].downloads
    if row["ready"]:
        return "ready" if downloads else "ready, no download"
    if downloads:
        return f"to download: {row['download_mb']:,.2f} MiB"
    return "to fetch by hand"


@command.command(
    cls=Grouped, epilog="Examples: zoo data show digits, zoo data show --data photos/   Next: zoo run lenet digits"
)
@click.argument("name", required=False)
@own_data_options("The path of own data, in place of NAME.")
@click.option("--out", "target", type=click.Path(path_type=Path), help="Where the sheet goes; ./NAME-samples.png.")
@click.option("--json", "as_json", is_flag=True, help="Print what is found as JSON.")
def show(name: str | None, path: str | None, reading: Reading, target: Path | None, as_json: bool) -> None:
    """Print what dataset NAME is, count its classes, and draw a sheet of samples; of texts and series, print some.

    NAME is a recipe's name, tfds:NAME[/CONFIG], or the path of an own folder or file.
    """
    if target is not None:
        _refuse_unwritable(target)
    if (name is None) == (path is None):
        raise UsageError("which data? name a dataset of zoo data ls, or own data with --data PATH; one of them")
    name = str(name or path)
    try:
        title, data = find(name, reading, own=path is not None)
    except UsageError:
        own_data.show_table(name, reading)
        raise
    if data.text or data.series:
        _show_sequences(name, title, data, target, as_json)
        return
    target = target or Path(f"{_plain(name)}-samples.png")
    _refuse_unwritable(target)
    splits, classes = tasks.load(data, name), tasks.of(data).class_names(data)
    counts = {target: _counts(splits, target, one) for target, one in data.each_target().items()}
    from zoo.data import overview
    from zoo.drawing import style
    from zoo.drawing.sheet import sample_sheet

    style.save(sample_sheet(splits.train, data, classes, title), target)
    of_boxes = overview.boxes(splits)
    if as_json:
        found = counts if data.targets else counts["y"]
        more = own_data.as_json(data, splits) | ({"boxes": of_boxes} if of_boxes else {})
        print_json({**_row(name, data), "title": title, "class_counts": found, "samples": str(target), **more})
        return
    _print_spec(name, title, data)
    for one, counted in counts.items():
        if any(counted.values()):
            _print_counts(counted, one if data.targets else "class")
        elif tasks.of(data).needs_targets:
            y = splits.train.targets[one]
            called = f"{one}: " if data.targets else ""
            out.print(f"to predict: {called}{y.min():g} to {y.max():g}, mean {y.mean():.4g}, deviation {y.std():.4g}")
    if of_boxes:
        _print_boxes(of_boxes)
    own_data.show(data, splits)
    out.print(f"\nsamples drawn in {target}")


def _counts(splits: Splits, target: str, data: Data) -> dict[str, dict[str, int]]:
    """How many examples of each class the parts have; `data` has this target alone."""
    from zoo.data import Examples, class_counts

    classes, parts = tasks.of(data).class_names(data), splits.by_name().items()
    return {split: class_counts(Examples({}, part.targets.get(target)), classes) for split, part in parts}


def _show_sequences(name: str, title: str, data: Data, target: Path | None, as_json: bool) -> None:
    """Texts and series as they come from their source, before they are encoded: TensorFlow is not needed for it."""
    from zoo.data import previews

    if target is not None:
        raise UsageError(f"{name} is {data.kind}: examples are printed, no sheet is drawn; leave out --out")
    task = tasks.of(data)
    found = previews.look(data, name, task.target(data), task.class_names(data))
    if as_json:
        more = {"examples": found.examples, **own_data.as_json(data, found.splits)}
        print_json({**_row(name, data), "title": title, "class_counts": found.counts, **more})
        return
    _print_spec(name, title, data)
    if any(found.counts.values()):
        _print_counts(found.counts)
    own_data.show(data, found.splits)
    out.print()
    for example in found.examples:
        out.print(example, markup=False, highlight=False)


def find(name: str, reading: Reading = AS_FOUND, own: bool = False) -> tuple[str, Data]:
    """Title and description of a dataset by a recipe's name, `tfds:NAME`, or a path; `own`: it is a path.

    Raises:
        UsageError: nothing of that name, or something said of own data where it is a recipe.
        MissingError: a TensorFlow Datasets name that is not prepared.
    """
    from zoo import recipe
    from zoo.data import sources
    from zoo.tasks import from_path, infer

    if sources.is_address(name) and not own:
        return name, infer(name, reading=reading)
    like_path = (Path(name).exists() or "/" in name or "," in name) and not name.endswith(".toml")
    if own or (name not in recipe.list_recipes() and like_path):
        return name, from_path(name, reading=reading)
    refuse_of_recipe(reading, name)
    found = recipe.load_recipe(name)
    return found.title, found.data


def _plain(name: str) -> str:
    """A file name out of a dataset's: `tfds:wine_quality/red` -> `wine_quality-red`, `my/pets.csv` -> `pets`."""
    from zoo.data import sources

    if sources.is_address(name) and not sources.is_own_file(name):
        return file_name(name.partition(":")[2])
    return file_name(Path(name.partition(":")[2] or name).stem)


def _refuse_unwritable(target: Path) -> None:
    """Before anything is loaded."""
    import os

    if target.suffix.lower() != ".png":
        raise UsageError(f"{target}: a sheet of samples is a .png")
    if not target.parent.is_dir() or not os.access(target.parent, os.W_OK):
        raise UsageError(f"cannot write {target}: no such folder, or it is not writable\nname another with --out FILE")


def _print_spec(name: str, title: str, data: Data) -> None:
    from zoo.data import status

    state = status(data)
    grid = table("", "")
    grid.show_header = False
    grid.add_row("dataset", f"{name}: {title}" if title != name else name)
    grid.add_row("source", data.source)
    grid.add_row("where", state.place + (f" ({state.size_mb:,.2f} MiB)" if state.size_mb else ""))
    grid.add_row("task", f"{tasks.of(data).name}, {data.kind}")
    if not data.inputs:
        grid.add_row("input", _input(data))
    for called in data.inputs:
        one = data.of_input(called)
        features = f": {', '.join(one.feature_names)}" if one.feature_names else ""
        grid.add_row(f"input {called}", f"{_input(one)}{features}")
    for called, target in data.targets.items():
        grid.add_row(f"target {called}", f"{target.task}, weight {target.weight:g}")
    if data.feature_names:
        grid.add_row("features", ", ".join(data.feature_names))
    if data.label or data.several_labels:
        grid.add_row("label", data.label or ", ".join(data.class_names))
    grid.add_row("splits", ", ".join(f"{split} {count:,}" for split, count in tasks.sizes(data).items()))
    out.print(grid)


def _input(data: Data) -> str:
    if data.text:
        units = {"word": "words", "character": "characters", "subword": "sub-words"}[data.text.tokens]
        size = data.text.target_vocab_size
        target = f"; to {data.text.target_length} of {size:,}" if size else ""
        return f"at most {data.input_shape[0]} {units} of {data.text.vocab_size:,}{target}"
    if data.series:
        return f"{data.input_shape[0]} steps of {data.input_shape[1]}; to forecast: {data.series.horizon}"
    return f"{'x'.join(map(str, data.input_shape))} {data.input_dtype}"


def _print_counts(counts: dict[str, dict[str, int]], called: str = "class") -> None:
    grid = table(called, *[f">{split}" for split in counts])
    for label in counts["train"]:
        grid.add_row(label, *[f"{counts[split][label]:,}" for split in counts])
    out.print()
    out.print(grid)


def _print_boxes(found: dict[str, dict[str, float]]) -> None:
    grid = table("of boxes", *[f">{split}" for split in found])
    for line in found["train"]:
        numbers = [found[split][line] for split in found]
        grid.add_row(line, *[f"{number:,.0f}" if number == int(number) else f"{number:,.1f}" for number in numbers])
    out.print()
    out.print(grid)


@command.command(epilog="Example: zoo data prepare mnist fashion_mnist   Next: zoo run lenet mnist")
@click.argument("names", nargs=-1, required=True)
def prepare(names: tuple[str, ...]) -> None:
    """Download what is not there yet, checked by TensorFlow Datasets' checksums; NAMEs as for `zoo data show`."""
    for name in names:
        place = _prepare(name)
        out.print(f"{name}: ready ({place})")


def _prepare(name: str) -> str:
    from zoo.data import sources

    if sources.is_address(name) and sources.of(name)[0].downloads:  # what it is, is known only once it is there
        source, address = sources.of(name)
        return source.prepare(address).place
    return sources.prepare(find(name)[1]).place
