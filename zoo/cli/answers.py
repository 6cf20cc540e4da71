"""What a model said of examples, as a table on the screen, as CSV or JSON, and how much of it is right."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from functools import partial
from typing import Any

from zoo.cli.console import out, table
from zoo.cli.words import echo

EDGES = ("left", "top", "right", "bottom")  # of a box


def show(rows: list[Any], top: int) -> None:
    """A line an answer, or a box; of a translation the translation alone."""
    if all("text" in row and "probabilities" not in row for row in rows):
        for row in rows:
            echo(row["prediction"])
        return
    rows = _by_box(rows)
    columns: dict[str, Callable[[Any], str]] = {
        "file": lambda row: row.get("text", row["file"])[:60],
        ">row": lambda row: str(row["row"]),
        "date": lambda row: row.get("date", ""),
        "prediction": lambda row: _written(row["prediction"]),
        "how sure": lambda row: _sureness(row, top),
        **{f">{edge}": partial(_edge, edge) for edge in EDGES},
        "picture": lambda row: row.get("picture", ""),
        "truth": lambda row: row.get("truth", ""),
    }
    used = {name: cell for name, cell in columns.items() if any(map(cell, rows))}
    grid = table(*used)
    for row in rows:
        grid.add_row(*(cell(row) for cell in used.values()))
    out.print(grid)


def _by_box(rows: list[Any]) -> list[Any]:
    """A row for each box that was found in an image; other rows as they are."""
    found = []
    for row in rows:
        if "boxes" not in row:
            found.append(row)
            continue
        for box in row["boxes"] or [{"class": "nothing"}]:
            sure = {"probability": box["confidence"]} if "confidence" in box else {}
            edges = {edge: box[edge] for edge in EDGES if edge in box}
            found.append({**row, "prediction": box["class"], **sure, **edges})
    return found


def _edge(edge: str, row: dict[str, Any]) -> str:
    """In pixels of the image."""
    return f"{row[edge]:.1f}" if edge in row else ""


def _written(prediction: Any) -> str:
    """A value to the seven digits that float32 has; the files hold all."""
    return f"{prediction:.7g}" if isinstance(prediction, float) else str(prediction)


def right(rows: list[Any]) -> str:
    """How good the answers are whose truth stands in the file."""
    known = [row for row in rows if "truth" in row]
    if not known:
        return ""
    if not isinstance(known[0]["prediction"], float):
        right = sum(row["prediction"] == row["truth"] for row in known)
        return f"right: {right:,} of {len(known):,} ({right / len(known):.2%})"
    try:
        errors = [abs(row["prediction"] - float(row["truth"])) for row in known]
    except ValueError:
        return ""
    return f"mean absolute error: {sum(errors) / len(errors):.4g} over {len(known):,} rows"


def _sureness(row: dict[str, Any], top: int) -> str:
    if "score" in row:
        return f"score {row['score']:+.3f}"
    if "boxes" in row:
        return f"{row['probability']:.1%}" if "probability" in row else ""
    best = sorted(row.get("probabilities", {}).items(), key=lambda item: -item[1])[:top]
    return "  ".join(f"{name} {share:.1%}" for name, share in best)


def _as_csv(rows: list[Any]) -> str:
    """A row an answer: where it stands, the columns of its file, the answer, and how sure of each class."""
    flat = [
        {"file": row["file"], "row": row["row"]}
        | {key: row[key] for key in ("text", "date") if key in row}
        | row.get("columns", {})
        | {key: row[key] for key in ("truth", "prediction", "probability", "score", *EDGES, "picture") if key in row}
        | {f"probability of {name}": share for name, share in row.get("probabilities", {}).items()}
        for row in _by_box(rows)
    ]
    written = io.StringIO()
    writer = csv.DictWriter(written, list(dict.fromkeys(key for row in flat for key in row)), lineterminator="\n")
    writer.writeheader()
    writer.writerows(flat)
    return written.getvalue()


def _as_json(rows: list[Any]) -> str:
    return json.dumps(rows, indent=2, default=str) + "\n"


WRITERS: dict[str, Callable[[list[Any]], str]] = {".csv": _as_csv, ".json": _as_json}
