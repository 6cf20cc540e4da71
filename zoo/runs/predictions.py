"""What a network said of the test split, kept in the run directory: a report is drawn from there, without the data.

predictions.npz    `outputs/NAME`, `targets/NAME` and `inputs/NAME`, by the names of the fields (one output: `y`), and
                   `examples`, how many there are. An array of which only some rows are kept stands beside their
                   numbers, in `rows/outputs/NAME`. Of outputs of which only some rows are kept `scores/METRIC` has
                   what was measured of each example (`zoo.tasks.task.Task.by_example`).
predictions.jsonl  of texts, an object a line: the example's `row`, its `inputs` and `targets` by name before they were
                   encoded, and what was `said`

All rows of the targets and of the outputs are kept where they take 16 MiB at the most, and of the inputs where they
take 1 MiB; else those of the examples that pictures show, as far as 16 MiB go. Texts that the network gave are kept up
to 16 million characters, other texts where they are shown.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from zoo.data.examples import Examples, only
from zoo.errors import UsageError
from zoo.files import write_text
from zoo.runs import forms

if TYPE_CHECKING:
    import numpy as np

    from zoo.data.kept import SomeRows
    from zoo.runs.directory import Run

ARRAYS, TEXTS = "predictions.npz", "predictions.jsonl"
WHOLE = {"outputs": 2**24, "targets": 2**24, "inputs": 2**20, "scores": 2**24}  # bytes up to which all rows are kept
MOST_SHOWN = 2**24  # bytes of the rows that are kept of larger ones
MOST_LETTERS = 2**24
LARGEST = 2**26  # bytes of a file that is read
FIRST = 16  # examples that are kept in any case


class Predictions(NamedTuple):
    """What was kept of the test split; arrays are NumPy's, or `SomeRows` of them."""

    test: Examples
    outputs: Any  # an array, or arrays by name; None where none were kept
    raw: Examples | None  # texts before they were encoded
    said: Any  # texts that the network gave
    scores: Mapping[str, Any] = MappingProxyType({})  # of each example, where not all outputs are there


def write(
    folder: Path,
    test: Examples,
    raw: Examples | None,
    outputs: Any,
    said: Sequence[str],
    shown: np.ndarray,
    scores: Mapping[str, np.ndarray] = MappingProxyType({}),
) -> dict[str, str]:
    """Keep what fits: everything, or of what is too large the first examples and those whose numbers are in `shown`.

    `scores` are kept where not all outputs are.

    Returns:
        Of which arrays only some rows were kept, and how many.
    """
    import numpy as np

    from zoo.pretrained import arrays

    shown = np.union1d(np.arange(min(FIRST, len(test))), shown).astype("int64")
    groups = {"targets": test.targets, "inputs": test.inputs} | (
        {} if outputs is None else {"outputs": _named(outputs)}
    )
    kept: dict[str, Any] = {"examples": np.array([len(test)])}
    notes = {}
    for group, found in groups.items():
        rows = _rows(found, len(test), shown, WHOLE[group])
        for name, array in found.items():
            kept[f"{group}/{name}"] = array[:] if rows is None else array[rows]
            if rows is not None:
                kept[f"rows/{group}/{name}"] = rows
                notes[f"{group}/{name}"] = f"{len(rows):,} of {len(test):,} examples"
        if group == "outputs" and rows is not None and _rows(scores, len(test), shown, WHOLE["scores"]) is None:
            kept |= {f"scores/{name}": values.astype("float32") for name, values in scores.items()}
    arrays.write(folder / ARRAYS, kept)
    if raw is not None:
        _write_texts(folder / TEXTS, raw, said, shown)
    return notes


def _named(outputs: Any) -> Mapping[str, Any]:
    if outputs is None:
        return {}
    return outputs if isinstance(outputs, Mapping) else {"y": outputs}


def _rows(arrays: Mapping[str, Any], count: int, shown: np.ndarray, whole: int) -> np.ndarray | None:
    """Which rows are kept; None: all of them."""
    size = sum(array.dtype.itemsize * _product(array.shape[1:]) for array in arrays.values())
    return None if count * size <= whole else shown[: MOST_SHOWN // size]


def _product(sides: Sequence[int]) -> int:
    whole = 1
    for side in sides:
        whole *= side
    return whole


def _write_texts(file: Path, raw: Examples, said: Sequence[str], shown: np.ndarray) -> None:
    inputs, targets = ({n: column for n, column in part.items() if _is_text(column)} for part in raw.sides)
    columns = [*inputs.values(), *targets.values(), said]
    fits = sum(len(text) for column in columns for text in column) <= MOST_LETTERS
    lines = []
    for row in range(len(raw)) if said and fits else shown.tolist():
        line = {"row": row, "inputs": _at(inputs, row), "targets": _at(targets, row)}
        lines.append(json.dumps(line | ({"said": said[row]} if said else {}), ensure_ascii=False))
    write_text(file, "".join(f"{line}\n" for line in lines))


def _is_text(column: Sequence[Any]) -> bool:
    return len(column) > 0 and isinstance(column[0], str)


def _at(columns: Mapping[str, Sequence[Any]], row: int) -> dict[str, str]:
    return {name: str(column[row]) for name, column in columns.items()}


def read(run: Run) -> Predictions:
    """What a run kept, after a look that its files are as it wrote them and of a sensible size.

    Raises:
        UsageError: nothing was kept, or it is damaged, changed or too large.
    """
    if ARRAYS not in run.files:
        raise UsageError(
            f"{run.name} kept no outputs of its test split: an earlier version of zoo made it\n"
            f"repeat the run: zoo run {run.folder}/recipe.toml"
        )
    from zoo.pretrained import arrays

    found = arrays.read(_of_size(run.whole(ARRAYS)))
    try:
        length = int(found["examples"][0])
        groups = {group: _group(found, group, length) for group in WHOLE}
    except (KeyError, IndexError) as error:
        raise UsageError(f"{run.folder / ARRAYS} is damaged: {error}") from None
    test, outputs = Examples(groups["inputs"], groups["targets"]), groups["outputs"]
    raw, said = _read_texts(_of_size(run.whole(TEXTS)), length) if TEXTS in run.files else (None, ())
    return Predictions(test, only(outputs) if outputs else None, raw, said, groups["scores"])


def _of_size(path: Path) -> Path:
    if path.stat().st_size > LARGEST:
        raise UsageError(f"{path} has {path.stat().st_size:,} bytes; zoo keeps no more than {LARGEST:,} in it")
    return path


def _group(found: Mapping[str, np.ndarray], group: str, length: int) -> dict[str, Any]:
    from zoo.data.kept import SomeRows

    arrays = {}
    for key, array in found.items():
        if key.startswith(f"{group}/"):
            rows = found.get(f"rows/{key}")
            if len(array) != (length if rows is None else len(rows)):
                raise KeyError(f"{key} has {len(array)} rows")
            arrays[key.removeprefix(f"{group}/")] = array if rows is None else SomeRows(length, rows, array)
    return arrays


def _read_texts(file: Path, length: int) -> tuple[Examples | None, Any]:
    import numpy as np

    from zoo.data.kept import SomeRows

    lines = forms.read_lines(file, forms.KeptTexts)
    rows = np.array([line["row"] for line in lines], "int64")

    def column(texts: list[str]) -> SomeRows:
        return SomeRows(length, rows, np.array(texts, dtype=object))

    if not lines:
        return None, ()
    inputs, targets = (
        {n: column([line[part][n] for line in lines]) for n in lines[0][part]} for part in ("inputs", "targets")
    )
    said = column([line["said"] for line in lines]) if lines[0].get("said") is not None else ()
    return Examples(inputs, targets), said
