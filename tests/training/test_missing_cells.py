"""Missing cells of a table are filled inside the saved model too, by the training part's own statistics."""

import numpy as np
import pytest

keras = pytest.importorskip("keras")

import zoo
from zoo import tasks
from zoo.data import missing
from zoo.data.reading import Reading
from zoo.layers import MissingCells
from zoo.recipe import resolve
from zoo.runs import job
from zoo.training.fit import Fit
from zoo.training.loop import leaves

NAN = float("nan")


def table(path):
    draw = np.random.default_rng(0).normal(size=(90, 2))
    rows = []
    for i, (a, b) in enumerate(draw):
        size, colour = "" if i % 7 == 3 else f"{a:.3f}", "" if i % 11 == 5 else ("red", "green", "red")[i % 3]
        rows.append(f"{size},{colour},{b:.3f},{'y' if a > 0 else 'n'}")
    path.write_text("\n".join(["size,colour,weight,bought", *rows]) + "\n")
    return path


def run_of(path, way, folder):
    own = tasks.from_path(path, reading=Reading(missing=way))
    recipe = resolve("mlp", "own", ["knobs.hidden_units=[4]"], {"epochs": 2}, data=own)[0]
    job.execute(recipe, folder, smoke=True)
    return zoo.load(folder)


def test_a_layer_fills_cells_and_sets_flags():
    layer = MissingCells(fills=[5.0, 0.0, -2.0], flag_of=[-1, 0, -1])
    rows = np.array([[1, 0, -7], [NAN, NAN, NAN], [NAN, 0, -7], [3, 1, NAN]], "float32")
    assert np.array(layer(rows)).tolist() == [[1, 0, -7], [5, 1, -2], [5, 1, -7], [3, 1, -2]]


def test_the_saved_model_alone_gives_the_answers_for_rows_with_gaps(tmp_path):
    run = run_of(table(tmp_path / "own.csv"), "flag", tmp_path / "run")
    names = ("size", "colour=green", "colour=red", "weight", "size missing", "colour missing")
    assert run.recipe.data.feature_names == names
    alone = keras.saving.load_model(tmp_path / "run" / "model.keras", compile=False)
    gaps = np.array([[NAN, 1, 0, 0.5, NAN, 0], [0.3, NAN, NAN, 0.5, 0, 0], [0.3, 0, 1, -0.5, 0, 0]], "float32")
    (tmp_path / "new.csv").write_text("size,colour,weight\n,green,0.5\n0.3,,0.5\n0.3,red,-0.5\n")
    size, colour = float(run.recipe.data.fills["size"]), run.recipe.data.fills["colour"]
    assert colour == "red"
    full = np.array([[size, 1, 0, 0.5, 1, 0], [0.3, 0, 1, 0.5, 0, 1], [0.3, 0, 1, -0.5, 0, 0]], "float32")
    answers = alone.predict(gaps, verbose=0)
    assert np.isfinite(answers).all() and (answers == alone.predict(full, verbose=0)).all()
    rows = run.predict(tmp_path / "new.csv")
    assert [row["prediction"] for row in rows] == [run.recipe.data.class_names[int(p > 0.5)] for p in answers[:, 0]]


def test_a_recipe_that_fills_nothing_has_no_such_layer_and_one_that_does_is_trained_alike(tmp_path, monkeypatch):
    path = table(tmp_path / "own.csv")
    own = tasks.from_path(path, reading=Reading(missing="drop"))
    assert missing.inside(own) is None and missing.inside(resolve("mlp", "iris")[0].data) is None

    def fit():
        filled = tasks.from_path(path, reading=Reading(missing="median"))
        recipe = resolve("mlp", "own", ["knobs.hidden_units=[4]"], {"epochs": 2}, data=filled)[0]
        made = Fit(recipe, tasks.load(recipe.data, "own"), most_steps=4)
        made()
        return made

    inside = fit()
    monkeypatch.setattr(missing, "inside", lambda data: None)
    before = fit()
    assert any(isinstance(layer, MissingCells) for layer in leaves(inside.model)) and inside.jit == before.jit
    assert not any(isinstance(layer, MissingCells) for layer in leaves(before.model))
    for here, there in zip(inside.model.get_weights(), before.model.get_weights(), strict=True):
        assert (here == there).all()
