"""`scripts/charts line`: networks on record by what they cost."""

import json
import runpy
import sys
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from matplotlib.text import Text
from PIL import Image

from zoo.catalogue import metrics
from zoo.drawing.costs import Cost, by_cost
from zoo.drawing.style import png
from zoo.runs import results

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "charts"
ACCURACY = metrics.find("accuracy")


def row(model, mean, params, seconds, **other):
    made = {
        "model": model, "dataset": "cifar10", "metric": "accuracy", "mean": mean, "low": mean - 0.01,
        "high": mean + 0.02, "params": params, "epochs": 20, "seconds": seconds, "device": "2 CPU cores",
    }  # fmt: skip
    return made | other


@pytest.fixture
def charts(tmp_path, monkeypatch):
    """Runs the script on made-up rows; gives back its exit status and the figure that it saved."""

    def run(rows, *arguments):
        for one in rows:
            (tmp_path / f"{one['model']}-{one['dataset']}.json").write_text(json.dumps(one))
        monkeypatch.setattr(results, "results_folder", lambda: tmp_path)
        monkeypatch.setattr(sys, "argv", [str(SCRIPT), "line", *arguments, "--out", str(tmp_path / "drawn.png")])
        try:
            runpy.run_path(str(SCRIPT), run_name="__main__")
        except SystemExit as left:
            return left.code, None
        return 0, tmp_path / "drawn.png"

    return run


def test_without_rows_it_says_how_to_record_one(charts, capsys):
    assert charts([row("mlp", 0.98, 1, 1.0, dataset="mnist")]) == (3, None)
    assert "no result on cifar10 is on record\nrecord one with: scripts/record " in capsys.readouterr().err


def test_an_unknown_dataset_is_refused(charts, capsys):
    assert charts([], "cifar1") == (2, None)
    assert "did you mean cifar10?" in capsys.readouterr().err


def test_rows_are_drawn_with_year_and_time_an_epoch(charts, capsys):
    rows = [
        row("resnet.20", 0.91, 271_098, 1200.0),
        row("vgg.small", 0.85, 576_170, 300.0),
        row("lenet", 0.65, 62_006, 60.0, dataset="mnist"),
        row("mlp", 0.5, 100, 1.0, metric="loss"),
        row("gone", 0.5, 100, 1.0),
    ]
    status, drawn = charts(rows)
    assert status == 0 and Image.open(drawn).size[0] > 1000
    said = capsys.readouterr().out
    assert "resnet.20, 2015: 91.00%, 271,098 parameters, 60 s an epoch" in said
    assert "vgg.small, 2014: 85.00%, 576,170 parameters, 15 s an epoch" in said
    assert "note: mlp is left out: its row has loss" in said and "note: gone is left out" in said
    assert "lenet" not in said


def some(count, device="2 CPU cores", seed=0):
    draw = np.random.default_rng(seed)
    return [
        Cost(f"network.{i}", 1990 + i, m, m - 0.01, m + 0.02, int(p), float(s), device)
        for i, (m, p, s) in enumerate(
            zip(draw.uniform(0.7, 0.9, count), 10 ** draw.uniform(5, 7, count), 10 ** draw.uniform(0, 2, count),
                strict=True)
        )
    ]  # fmt: skip


def test_both_panels_hold_every_network_with_its_year():
    costs = some(3)
    left, right = by_cost(costs, ACCURACY, "title").axes
    for axes, cost in ((left, "params"), (right, "seconds")):
        drawn = sorted(map(tuple, axes.lines[0].get_xydata()))
        assert drawn == sorted((getattr(one, cost), one.mean) for one in costs)
        assert axes.get_xscale() == "log"
        assert {text.get_text() for text in axes.texts} == {"network.0 1990", "network.1 1991", "network.2 1992"}
        assert {text.xy for text in axes.texts} == set(drawn)
    assert not by_cost(costs, ACCURACY, "title").legends


@pytest.mark.parametrize("seed", range(3))
def test_names_cover_neither_each_other_nor_points(seed):
    figure = by_cost(some(18, seed=seed), ACCURACY, "title")
    png(figure)
    for axes in figure.axes:
        boxes = [Text.get_window_extent(text) for text in axes.texts]  # without the lines to their points
        assert len(boxes) == 18
        assert not [(a, b) for a, b in combinations(boxes, 2) if a.overlaps(b)]
        points = axes.transData.transform(axes.lines[0].get_xydata())
        assert not [point for point in points for box in boxes if box.contains(*point)]
        assert all(axes.bbox.padded(1).contains(*corner) for box in boxes for corner in box.corners())


def test_devices_have_signs_of_their_own():
    figure = by_cost([*some(2), *some(2, "one GPU", seed=1)], ACCURACY, "title")
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["2 CPU cores", "one GPU"]
    signs = {line.get_marker() for line in figure.axes[0].lines if len(line.get_xdata()) == 2}
    assert len(signs - {"None", "|", "_"}) == 2


def test_one_network_and_names_with_dollars():
    assert png(by_cost([Cost("a$b$", 2000, 0.5, 0.5, 0.5, 10, 1.0, "d")], ACCURACY, "title"))
