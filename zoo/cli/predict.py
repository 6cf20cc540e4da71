"""`zoo predict RUN FILE...`, `zoo predict RUN --text TEXT`, `zoo predict RUN -`."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from zoo.cli import answers
from zoo.cli.console import err, print_json
from zoo.cli.words import echo
from zoo.errors import UsageError
from zoo.files import TEXT, write_text

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
  zoo predict runs/mlp-iris flowers.csv --out answers.csv      the columns of the file beside the answers
  zoo predict runs/lenet-mnist scans/ --skip-broken            every image of a folder that can be read
  grep film reviews.txt | zoo predict runs/lstm-imdb -         from standard input
  zoo predict runs/lstm-imdb --text "a fine film" --text "what a bore"
  zoo predict runs/transformer-multi30k_en_de --text "A dog runs." --beam-width 4
Files are raw: images as they are, CSV rows with the columns of the training data, texts one a line, or the column of
texts of a CSV. Where the label is there too, how many answers are right is said.
Next: zoo explain RUN IMAGE shows which pixels of an image speak for the answer"""
)
@click.argument("run")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option("--text", "texts", multiple=True, help="A text to classify or translate; may be given repeatedly.")
@click.option("--beam-width", type=int, default=1, show_default=True, help="Hypotheses kept in translating.")
@click.option("--invert", is_flag=True, help="Turn light into dark first: for dark ink on paper.")
@click.option("--top", type=click.IntRange(1), default=3, show_default=True, help="Classes shown for each example.")
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path(), help="A new FILE.csv or FILE.json; of images the folder."
)
@click.option("--skip-broken", is_flag=True, help="Leave out files that cannot be read; they are named and counted.")
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
    skip_broken: bool,
    as_json: bool,
    debug: bool,
) -> None:
    """Apply a finished RUN to image files, to the rows of CSV files, or to texts; - is standard input."""
    from zoo.pretrained.published import load

    if not files and not texts:
        raise UsageError("nothing to predict: name files, or give texts with --text")
    file = out if out.suffix in answers.WRITERS else None
    if file is not None and file.exists():
        raise UsageError(f"{file} exists already; nothing is overwritten\nname another file with --out")
    with _standard_input(files) as (given, name):
        rows = _rows(load(run), (*texts, *given), beam_width, invert, Path() if file else out, skip_broken)
    for row in rows:
        row["file"] = row["file"].replace(name, "-") if name else row["file"]
    for place in dict.fromkeys(row["file"] for row in rows if row["unlike"]):
        err.print(f"note: {place} is light where the training images are dark, or the reverse; try --invert")
    if file is not None:
        write_text(file, answers.WRITERS[file.suffix](rows))
        echo(f"{len(rows):,} rows in {file}", err=True)
    elif as_json:
        print_json(rows)
    else:
        answers.show(rows, top)
    if said := answers.right(rows):
        echo(said, err=True)


@contextmanager
def _standard_input(files: tuple[Path, ...]) -> Iterator[tuple[tuple[Path, ...], str]]:
    """The files, and what `-` is called among them: standard input, kept in a file meanwhile."""
    if Path("-") not in files:
        yield files, ""
        return
    content = sys.stdin.buffer.read(TEXT + 1)
    if len(content) > TEXT:
        raise UsageError(f"standard input is over {TEXT:,} bytes; give a file")
    with tempfile.NamedTemporaryFile(prefix="zoo-input-") as kept:
        kept.write(content)
        kept.flush()
        yield tuple(Path(kept.name) if file == Path("-") else file for file in files), kept.name


def _rows(
    run: Run, given: tuple[Path | str, ...], beam_width: int, invert: bool, out: Path, skip_broken: bool
) -> list[Any]:
    from zoo import tasks
    from zoo.runs.to_predict import texts_of

    task = tasks.of(run.recipe.data)
    if task.answers_in_text:
        from zoo.training.environment import prepare_to_write

        prepare_to_write(len(texts_of(given, run.recipe.data)))
    out = _folder(out) if task.answers_in_files else out
    return run.predict(given, beam_width=beam_width, invert=invert, out=out, skip_broken=skip_broken)


def _folder(out: Path) -> Path:
    if not out.is_dir() or not os.access(out, os.W_OK):
        raise UsageError(f"cannot write into {out}: no such folder, or it is not writable\nname another with --out")
    return out
