"""`zoo predict RUN FILE...`, `zoo predict RUN --text TEXT`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from zoo.cli.console import err, print_json, table
from zoo.cli.console import out as console
from zoo.cli.words import echo
from zoo.errors import UsageError

if TYPE_CHECKING:
    from zoo.runs.directory import Run


@click.command(
    epilog="""\b
Examples:
  zoo predict runs/lenet-mnist seven.png eight.png
  zoo predict lenet:mnist seven.png            weights that the zoo brings along
  zoo predict runs/unet.small-isbi2012 slice.png --out masks       a mask for each image
  zoo predict runs/vae-mnist_images seven.png --out restored       or the image that is made of it
  zoo predict runs/mlp-iris flowers.csv --json
  zoo predict runs/lstm-imdb --text "a fine film" --text "what a bore"
  zoo predict runs/transformer-multi30k_en_de --text "A dog runs." --beam-width 4
Files are raw: images as they are, CSV rows with the columns of the training data, texts one a line."""
)
@click.argument("run")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option("--text", "texts", multiple=True, help="A text to classify or translate; may be given repeatedly.")
@click.option("--beam-width", type=int, default=1, show_default=True, help="Hypotheses kept in translating.")
@click.option("--invert", is_flag=True, help="Turn light into dark first: for dark ink on paper.")
@click.option("--top", type=click.IntRange(1), default=3, show_default=True, help="Classes shown for each example.")
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path(), help="The folder that images go into; this one."
)
@click.option("--json", "as_json", is_flag=True, help="Print every class's probability as JSON.")
@click.option("--debug", is_flag=True, help="Show the whole traceback of an error.")
def command(
    run: str,
    files: tuple[Path, ...],
    texts: tuple[str, ...],
    beam_width: int,
    invert: bool,
    top: int,
    out: Path,
    as_json: bool,
    debug: bool,
) -> None:
    """Apply a finished RUN to image files, to the rows of CSV files, or to texts."""
    from zoo.pretrained.published import load

    if not files and not texts:
        raise UsageError("nothing to predict: name files, or give texts with --text")
    rows = _rows(load(run), files, texts, beam_width, invert, out)
    for file in dict.fromkeys(row["file"] for row in rows if row["unlike"]):
        err.print(f"note: {file} is light where the training images are dark, or the reverse; try --invert")
    if as_json:
        print_json(rows)
        return
    if all("text" in row and "probabilities" not in row for row in rows):
        for row in rows:
            echo(row["prediction"])
        return
    grid = table("file", ">row", "prediction", "how sure")
    for row in rows:
        prediction = row["prediction"]
        shown = f"{prediction:.4g}" if isinstance(prediction, float) else prediction
        grid.add_row(row.get("text", row["file"])[:60], str(row["row"]), shown, _sureness(row, top))
    console.print(grid)


def _rows(
    run: Run, files: tuple[Path, ...], texts: tuple[str, ...], beam_width: int, invert: bool, out: Path
) -> list[Any]:
    from zoo import tasks
    from zoo.runs.predicting import texts_of

    given, task = (*texts, *files), tasks.of(run.recipe.data)
    if task.answers_in_text:
        from zoo.training.environment import prepare_to_write

        prepare_to_write(len(texts_of(given)))
    return run.predict(given, beam_width=beam_width, invert=invert, out=_folder(out) if task.answers_in_files else out)


def _folder(out: Path) -> Path:
    if not out.is_dir() or not os.access(out, os.W_OK):
        raise UsageError(f"cannot write into {out}: no such folder, or it is not writable\nname another with --out")
    return out


def _sureness(row: dict[str, Any], top: int) -> str:
    if "score" in row:
        return f"score {row['score']:+.3f}"
    best = sorted(row.get("probabilities", {}).items(), key=lambda item: -item[1])[:top]
    return "  ".join(f"{name} {share:.1%}" for name, share in best)
