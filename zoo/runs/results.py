"""Recorded results: one JSON file a pair of model and dataset, and whether each still belongs to today's code."""

from __future__ import annotations

from pathlib import Path
from statistics import mean as average
from typing import Any

from zoo.catalogue import metrics
from zoo.catalogue.folders import results_folder
from zoo.errors import UsageError
from zoo.files import read_json, write_json


def rows(model: str | None = None) -> list[dict[str, Any]]:
    """All recorded results, or those of one model, by dataset and then best first."""
    found = [read_json(path) for path in sorted(results_folder().glob("*.json"))]
    kept = [row for row in found if model in (None, row["model"])]
    return sorted(kept, key=_best_first)


def _best_first(row: dict[str, Any]) -> tuple[str, float]:
    sign = -1.0 if metrics.find(row["metric"]).higher_is_better else 1.0
    return row["dataset"], sign * row["mean"]


def shown(row: dict[str, Any], *keys: str) -> list[str]:
    """Values of a row's metric as people read them."""
    return [metrics.find(row["metric"]).text(row[key]) for key in keys]


def markdown() -> str:
    """The table of the README."""
    lines = ["| model | dataset | metric | mean | range | scored | parameters | epochs | time |", "|" + "---|" * 9]
    for row in rows():
        mean, low, high = shown(row, "mean", "low", "high")
        scored = f"{row['examples_scored']:,} of {row['examples_in_split']:,}"
        lines.append(
            f"| {row['model']} | {row['dataset']} | {_metric(row)} | {mean} | {low} to {high} | {scored} "
            f"| {row['params']:,} | {row['epochs']} | {row['seconds']:.0f} s |"
        )
    return "\n".join(lines)


def _metric(row: dict[str, Any]) -> str:
    """The metric's name; of a forecast with what it has to beat, of several heads with the others'."""
    beside = row.get("beside", {})
    return ", ".join(
        [row["metric"], *(f"{name.removesuffix('_mae').replace('_', ' ')} {v:.4g}" for name, v in beside.items())]
    )


def staleness(row: dict[str, Any]) -> str | None:
    """Why a row no longer says what its command would give today, or None."""
    from zoo.recipe import fingerprint, resolve

    try:
        recipe = resolve(row["model"], row["dataset"])[0]
        training = recipe.training
        if training.precision == "auto":  # which the machine decided that it was recorded on
            training = training.model_copy(update={"precision": row.get("precision", "auto")})
        now = fingerprint(recipe.model_copy(update={"training": training}))
    except UsageError as error:
        return f"its recipe does not resolve any more: {str(error).splitlines()[-1].strip()}"
    if now != row["fingerprint"]:
        return f"recipe or builder changed since {row['date'][:10]}"
    return None


def combine(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """One row from the run.json of several seeds of one recipe, each with its `metrics`.

    Raises:
        UsageError: the runs are not of one recipe, or a seed is there twice.
    """
    first = runs[0]
    seeds = [run["seed"] for run in runs]
    if len({run["fingerprint"] for run in runs}) > 1 or len(set(seeds)) < len(seeds):
        raise UsageError("a row is made of runs of one recipe with different seeds")
    metric = metrics.headline(first["metrics"]["test"])
    values = [run["metrics"]["test"][metric] for run in runs]
    return {
        "model": first["model"],
        "dataset": first["dataset"],
        "metric": metric,
        "mean": average(values),
        "low": min(values),
        "high": max(values),
        "values": values,
        "beside": _beside([run["metrics"]["test"] for run in runs]),
        "loss_from": first.get("loss_from", "outputs"),
        "seeds": seeds,
        "examples_scored": first["metrics"]["examples_scored"],
        "examples_in_split": first["metrics"]["examples_in_split"],
        "params": first["params"],
        "epochs": first["epochs"],
        "seconds": round(average(run["seconds"] for run in runs), 1),
        "precision": first.get("precision", "float32"),
        "device": f"{first['machine']['cores']} CPU cores" if not _gpus(first) else ", ".join(_gpus(first)),
        "versions": first["versions"],
        "date": first["date"],
        "command": f"zoo run {first['model']} {first['dataset']} --seed {'|'.join(map(str, seeds))}",
        "fingerprint": first["fingerprint"],
    }


def _beside(scores: list[dict[str, Any]]) -> dict[str, Any]:
    """What needs no model, and what the other heads scored on the average."""
    others = {name: average(each[name] for each in scores) for name in metrics.of_other_heads(scores[0])}
    return metrics.baselines(scores[0]) | others


def join(before: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    """One row from two of the same recipe with different seeds; versions and date are the later one's.

    Raises:
        UsageError: the rows are of different recipes, or share a seed.
    """
    if before["fingerprint"] != more["fingerprint"]:
        raise UsageError(f"the row on record is of another recipe ({before['date'][:10]}): run its seeds again")
    if shared := set(before["seeds"]) & set(more["seeds"]):
        raise UsageError(f"seed {min(shared)} is on record already")
    pairs = sorted(zip(before["seeds"] + more["seeds"], before["values"] + more["values"], strict=True))
    seeds, values = ([pair[i] for pair in pairs] for i in (0, 1))
    total = sum(row["seconds"] * len(row["seeds"]) for row in (before, more))
    return more | {
        "mean": average(values),
        "low": min(values),
        "high": max(values),
        "values": values,
        "seeds": seeds,
        "seconds": round(total / len(seeds), 1),
        "command": f"{more['command'].partition(' --seed ')[0]} --seed {'|'.join(map(str, seeds))}",
    }


def _gpus(run: dict[str, Any]) -> list[str]:
    return [device for device in run["devices"] if "GPU" in device]


def write(row: dict[str, Any]) -> Path:
    """Store a row in place of an older one of the same pair."""
    path = results_folder() / f"{row['model']}-{row['dataset']}.json"
    write_json(path, row)
    return path
