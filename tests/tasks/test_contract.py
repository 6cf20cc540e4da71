"""What a task may say of itself beyond the usual: own scores, what a recipe may not say, no script."""

import keras
import numpy as np
import pytest

from zoo import tasks
from zoo.data import Examples
from zoo.data.fields import Field, Fields
from zoo.eject.ejecting import refuse
from zoo.errors import UsageError
from zoo.recipe import resolve
from zoo.recipe.rules import contradictions, metric_names
from zoo.tasks.task import Task
from zoo.training import evaluation


class Doubled(Task):
    """Scores each example by twice its number, and keeps its row number."""

    name = "doubled"
    losses = ("mse",)
    no_script = "it is made up"

    def fields(self, data):
        return Fields((Field("x", "vector", (1,), "float32"),), ())

    def logged(self, data, loss):
        return ("double",)

    def contradictions(self, recipe):
        return ["training.batch_size: too round"]

    def scorer(self, model, data, loss):
        return lambda x, first: ({"loss": x[:, 0], "double": 2 * x[:, 0]}, x * 0 + keras.ops.cast(first, "float32"))


def test_a_task_that_scores_by_itself_gets_means_over_whole_splits(monkeypatch):
    """1,203 examples are no multiple of an evaluation batch: each counts once, and penalties of weights come on top."""
    monkeypatch.setattr(evaluation, "of", lambda data: Doubled())
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, kernel_regularizer=keras.regularizers.L2(0.5))])
    model.layers[0].kernel.assign([[2.0]])
    x = np.arange(1203, dtype="float32")[:, None]
    found = evaluation.make_evaluate(model, None, "mse", None)(Examples(x, {}))
    assert found.metrics == {"loss": pytest.approx(601 + 2), "double": 1202}
    assert found.outputs[[0, 499, 500, 1202], 0].tolist() == [0, 0, 500, 1000]


@pytest.fixture
def doubled(monkeypatch):
    recipe, _ = resolve("mlp", "iris")
    monkeypatch.setattr(tasks, "of", lambda data: Doubled())
    monkeypatch.setattr(tasks, "sizes", lambda data: {"train": 96, "validation": 24, "test": 30})
    return recipe


def test_what_a_task_logs_may_be_monitored(doubled):
    assert metric_names(doubled) == ["loss", "double", "val_loss", "val_double"]


def test_a_task_has_its_word_on_the_whole_recipe(doubled):
    assert "training.batch_size: too round" in contradictions(doubled)


def test_a_task_that_is_no_script_says_why(doubled):
    with pytest.raises(UsageError, match="mlp on iris is not written as a script: it is made up\n"):
        refuse(doubled)


def test_a_task_that_scores_by_itself_is_no_script_though_it_does_not_say_so(doubled, monkeypatch):
    monkeypatch.setattr(Doubled, "no_script", "")
    with pytest.raises(UsageError, match="its task has a scorer of its own, which zoo alone knows"):
        refuse(doubled)
