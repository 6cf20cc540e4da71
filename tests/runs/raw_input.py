"""Raw input for a run of any recipe, as a user has it: a table, a picture, the rows of a series, a text, a prompt."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from zoo import tasks
from zoo.data.config import Data, Input
from zoo.data.csvfile import feature_columns
from zoo.runs.directory import Run

EXAMPLES = 2


def commands(run: Run, folder: Path) -> tuple[tuple[object, ...], int]:
    """What `zoo` is to be told, without the run's name, to answer raw input; and how many answers it has to give."""
    data = run.recipe.data
    if tasks.of(data).writes:
        known = run.vocabularies.source.tokens[4:]
        prompts = [text for token in known[:EXAMPLES] for text in ("--prompt", token)]
        return ("generate", *prompts, "--length", 5, "--json"), EXAMPLES
    if data.text:
        sentences = [text for _ in range(EXAMPLES) for text in ("--text", "12 a dog runs")]
        return ("predict", *sentences, "--json"), EXAMPLES
    if data.inputs:
        return ("predict", _table_with_pictures(data, folder), "--json"), EXAMPLES
    if data.kind == "image":
        shape = (*(data.masks.image_size or data.input_shape), 1)[:3] if data.masks else data.input_shape
        pictures = [_picture(folder / f"raw{i}.png", shape) for i in range(EXAMPLES)]
        made = folder / "made"
        made.mkdir(exist_ok=True)
        for left in made.iterdir():
            left.unlink()
        return ("predict", *pictures, "--out", made, "--json"), EXAMPLES
    if data.series:
        return ("predict", _series(data, folder / "series.csv"), "--json"), data.series.horizon
    return ("predict", _rows(feature_columns(data), data, folder / "rows.csv"), "--json"), EXAMPLES


def _picture(path: Path, shape: tuple[int, ...]) -> Path:
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype="uint8")
    Image.fromarray(pixels[..., 0] if shape[-1] == 1 else pixels).save(path)
    return path


def _rows(columns: tuple[str, ...], data: Data | Input, path: Path) -> Path:
    """A table of these columns with a header."""
    row = [data.categories[column][0] if column in data.categories else "1.5" for column in columns]
    path.write_text("\n".join(",".join(cells) for cells in (columns, *[row] * EXAMPLES)) + "\n")
    return path


def _series(data: Data, path: Path) -> Path:
    """As many rows as a window has; in the columns that were trained on, by their names if they have some."""
    window, count = data.input_shape
    names = data.feature_names or tuple(f"column {i + 1}" for i in range(count))
    steps = [",".join([f"{1 + step % 7}"] * count) for step in range(window)]
    path.write_text("\n".join([",".join(names), *steps]) + "\n")
    return path


def _table_with_pictures(data: Data, folder: Path) -> Path:
    """A table whose rows name their pictures, or whose pictures are called by the numbers of the rows."""
    table: dict[str, list[str]] = {}
    for name, one in data.inputs.items():
        if one.kind == "image":
            called = one.files or "{row}_" + name + ".png"
            pictures = [called.replace("{row}", str(row)) for row in range(1, EXAMPLES + 1)]
            for picture in pictures:
                _picture(folder / picture, one.input_shape)
            if one.column:
                table[one.column] = pictures
        else:
            alone = data.of_input(name)
            for column in feature_columns(alone):
                table[column] = [alone.categories.get(column, ("1.5",))[0]] * EXAMPLES
    path = folder / "rows.csv"
    path.write_text("\n".join(map(",".join, [table, *zip(*table.values(), strict=True)])) + "\n")
    return path
