"""`zoo explain RUN IMAGE...`, `zoo explain RUN --layer NAME`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from zoo.cli import answers
from zoo.cli.console import err, print_json
from zoo.cli.words import echo
from zoo.errors import UsageError
from zoo.files.names import file_name

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from zoo.runs.directory import Run
    from zoo.runs.explaining import Explained

Plan = Iterable["tuple[str, Callable[[], Figure]]"]  # names of pictures, and what makes each
OF_IMAGES, OF_LAYERS = ("grad-cam", "occlusion", "maps"), ("filters", "patches")


@click.command(
    epilog="""\b
Examples:
  zoo explain lenet:mnist seven.png                       what it says, and seven-explained.png: which pixels count
  zoo explain runs/lenet-mnist seven.png --class 1        what speaks for another class
  zoo explain runs/resnet.20-cifar10 cat.png dog.png      several in one picture
  zoo explain runs/vgg.small-cifar10 cat.png --method grad-cam --layer block1_conv2 --layer block3_conv2
  zoo explain runs/mlp-mnist seven.png --method occlusion   for any network, convolutions or not
  zoo explain runs/lenet-mnist seven.png --method maps --layer C1 --layer C3    what these layers make of the image
  zoo explain runs/lenet-mnist --layer C3                 its filters, and what excites each channel in the test images
Methods: grad-cam weighs a layer's maps by what they count for the class (Selvaraju et al. 2017); occlusion covers the
image square by square and sees how much of the probability is lost (Zeiler and Fergus 2014; some 100 answers an image).
Next: zoo show MODEL names the layers; open RUN/report.html"""
)
@click.argument("run")
@click.argument("images", nargs=-1, type=click.Path(path_type=Path))
@click.option("--class", "label", metavar="NAME", help="The class to explain (default: the one that is answered).")
@click.option("--layer", "layers", multiple=True, metavar="NAME", help="A layer with maps; may be given repeatedly.")
@click.option(
    "--method", "methods", multiple=True, type=click.Choice([*OF_IMAGES, *OF_LAYERS]),
    help="May be given repeatedly. Of images: grad-cam and occlusion where left out; of layers: filters and patches.",
)  # fmt: skip
@click.option("--invert", is_flag=True, help="Turn light into dark first: for dark ink on paper.")
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path(), help="A new FILE.png; of several pictures the folder."
)
@click.option("--json", "as_json", is_flag=True, help="Print the answers and the pictures' names as JSON.")
@click.option("--debug", is_flag=True, help="Show the whole traceback of an error.")
def command(
    run: str,
    images: tuple[Path, ...],
    label: str | None,
    layers: tuple[str, ...],
    methods: tuple[str, ...],
    invert: bool,
    out: Path,
    as_json: bool,
    debug: bool,
) -> None:
    """Show why an image classifier's RUN says what it says: which pixels count, and what its layers look for."""
    from zoo.pretrained.published import load
    from zoo.runs import explaining
    from zoo.training.environment import prepare

    _refuse_contradictions(images, label, layers, methods)
    named = out if out.suffix == ".png" else None
    if named is None and not out.is_dir():
        raise UsageError(f"--out {out}: no such folder, and no name of a picture, FILE.png")
    if named is not None:
        _refuse_taken(named)
    elif images and methods != ("maps",):
        _refuse_taken(out / _explained_name(images))
    for path in images:
        if not path.exists():
            raise UsageError(f"cannot read {path}: no such file or folder\nname images, or a folder of some")
    finished = load(run)
    explaining.refuse_others(finished)
    prepare()
    rows: list[Explained] = []
    if images:
        rows = _explained(finished, images, label, layers, methods, invert)
        plan = _of_images(finished, images, rows, layers, methods)
    else:
        plan = _of_layers(finished, layers, methods)
    if not as_json:
        _print(rows, label)
    written = _write(plan, out, named, tell=not as_json)
    if as_json:
        told = [dict(one.answer) | {"class": one.label, "share": one.share} for one in rows]
        print_json({"run": finished.name, "answers": told, "pictures": [str(path) for path in written]})


def _refuse_contradictions(
    images: tuple[Path, ...], label: str | None, layers: tuple[str, ...], methods: tuple[str, ...]
) -> None:
    if not images and not layers:
        raise UsageError(
            "nothing to explain: name images, or layers with --layer\n"
            "try: zoo explain lenet:mnist IMAGE.png; or: zoo explain RUN --layer C1"
        )
    if label is not None and not images:
        raise UsageError(f"--class {label} is of an image, and none is named")
    fit, what = (OF_IMAGES, "images") if images else (OF_LAYERS, "layers without an image")
    if wrong := [method for method in methods if method not in fit]:
        raise UsageError(f"--method {wrong[0]} does not go with {what}\nof {what}: {', '.join(fit)}")
    if layers and methods and set(methods) == {"occlusion"}:
        raise UsageError("--layer names layers for grad-cam or maps; occlusion looks at none\nleave it away")


def _refuse_taken(path: Path) -> None:
    if path.exists():
        raise UsageError(f"{path} exists already; nothing is overwritten\nname another file, or a folder, with --out")


def _explained(
    run: Run,
    images: tuple[Path, ...],
    label: str | None,
    layers: tuple[str, ...],
    methods: tuple[str, ...],
    invert: bool,
) -> list[Explained]:
    of_pixels = [method for method in methods if method != "maps"] if methods else None
    by_gradient = of_pixels is None or "grad-cam" in of_pixels
    return run.explain(images, label=label, methods=of_pixels, layers=layers if by_gradient else (), invert=invert)


def _explained_name(images: tuple[Path, ...]) -> str:
    stem = f"{file_name(images[0].resolve().stem)}-" if len(images) == 1 else ""
    return f"{stem}explained.png"


def _of_images(
    run: Run, images: tuple[Path, ...], rows: list[Explained], layers: tuple[str, ...], methods: tuple[str, ...]
) -> Plan:
    """The pictures of images by their names, each with what makes it."""
    from zoo.runs import explaining

    if methods != ("maps",):
        yield _explained_name(images), lambda: explaining.picture(run, rows)
    for one in rows if "maps" in methods else ():
        row = f"-{one.answer['row']}" if sum(other.file == one.file for other in rows) > 1 else ""
        for layer in layers or ("",):
            middle = f"{file_name(layer)}-" if layer else ""
            name = f"{file_name(Path(one.file).stem)}{row}-{middle}maps.png"
            yield name, partial(explaining.feature_maps, run, one.image, layer)


def _of_layers(run: Run, layers: tuple[str, ...], methods: tuple[str, ...]) -> Plan:
    """The pictures of layers by their names, each with what makes it."""
    from zoo.runs import explaining

    for layer in layers:
        for kind in explaining.pictures_of(run, layer, methods):
            name = file_name(f"{run.recipe.model}-{run.recipe.dataset}-{layer}-{kind}")
            yield f"{name}.png", partial(explaining.layer_picture, run, layer, kind)


def _write(plan: Plan, out: Path, named: Path | None, tell: bool) -> list[Path]:
    """Make the pictures and write each to a place of its own; nothing is made if one of the places is taken.

    Each is told of at once, since the next one may fail.
    """
    from zoo.drawing.style import save

    pictures = list(plan)
    if named is not None and len(pictures) > 1:
        names = ", ".join(name for name, _ in pictures[:4])
        raise UsageError(f"--out {named}: {len(pictures)} pictures are made, such as {names}\nname a folder for them")
    places = [(named or out / name, make) for name, make in pictures]
    for place, _ in places:
        _refuse_taken(place)
    for place, make in places:
        save(make(), place)
        if tell:
            echo(f"wrote {place}", err=True)
    return [place for place, _ in places]


def _print(rows: list[Explained], label: str | None) -> None:
    """The answers, and the class that was asked for beside them."""
    if not rows:
        return
    answers.show([dict(one.answer) for one in rows], 3)
    for place in dict.fromkeys(one.file for one in rows if one.answer["unlike"]):
        err.print(f"note: {place} is light where the training images are dark, or the reverse; try --invert")
    for one in rows if label is not None else ():
        share = f"{one.share:.1%}" if "probabilities" in one.answer else f"score {one.share:+.3f}"
        echo(f"{one.file}: {one.label} {share}, which is explained")
