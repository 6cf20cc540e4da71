"""The loop against plain Keras, the order of examples, the schedules, and the metrics over whole splits."""

import math
import subprocess
import sys

import numpy as np
import pytest

keras = pytest.importorskip("keras")

import zoo
from zoo import tasks
from zoo.errors import MissingError, UsageError, ZooError
from zoo.recipe import resolve
from zoo.training import evaluation, loop
from zoo.training.batches import plan_epoch
from zoo.training.fit import Fit
from zoo.training.optimizers import Schedule


def make_fit(model="mlp", dataset="iris", *sets, **options):
    recipe = resolve(model, dataset, ["knobs.hidden_units=[8]", "training.schedule=constant", *sets], options)[0]
    return Fit(recipe, tasks.load(recipe.data, dataset))


def weights(model):
    return [np.array(w) for w in model.weights]


@pytest.mark.parametrize(
    ("optimizer", "jit"),
    [
        ("sgd", "off"), ("nesterov", "off"), ("adam", "off"), ("adamw", "off"), ("adamw", "on"),
        *(pytest.param(name, "on", marks=pytest.mark.slow) for name in ("sgd", "nesterov", "adam")),
    ],
)  # fmt: skip
def test_the_loop_does_what_train_on_batch_does(optimizer, jit):
    fit = make_fit("mlp", "iris", "training.clip_norm=0.5", optimizer=optimizer, epochs=2, jit=jit, batch_size=16)
    twin = make_fit("mlp", "iris", "training.clip_norm=0.5", optimizer=optimizer, epochs=2, batch_size=16)
    fit()
    twin.model.compile(twin.model.optimizer, "sparse_categorical_crossentropy")
    train = twin.splits.train
    for epoch in range(2):
        for rows in plan_epoch(np.zeros((len(train.y), 0), "int32"), 16, seed=0, epoch=epoch).rows:
            twin.model.train_on_batch(train.x[rows], train.y[rows])
    for ours, theirs in zip(weights(fit.model), weights(twin.model), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=2e-6)


def test_how_many_steps_one_call_takes_changes_nothing(monkeypatch):
    results = []
    for most in (1, 7, 512):
        monkeypatch.setattr(loop, "MOST_STEPS_A_CALL", most)
        fit = make_fit("mlp", "iris", "knobs.dropout=0.5", epochs=2, batch_size=4)
        fit()
        results.append((weights(fit.model), fit.history["loss"]))
    for other, losses in results[1:]:
        assert losses == results[0][1]
        assert all((a == b).all() for a, b in zip(other, results[0][0], strict=True))


def test_same_seed_same_numbers_other_seed_others():
    runs = [make_fit(epochs=2, seed=seed) for seed in (3, 3, 4)]
    losses = [run().history["loss"] for run in runs]
    assert losses[0] == losses[1] != losses[2]


def test_an_epoch_is_a_permutation_and_no_two_are_alike():
    no_tokens = np.zeros((103, 0), "int32")
    first, second = (plan_epoch(no_tokens, 10, seed=0, epoch=e).rows for e in (0, 1))
    assert first.shape == (10, 10) and len(set(first.ravel())) == 100  # three are left out of this epoch
    assert (first != second).any() and (first == plan_epoch(no_tokens, 10, 0, 0).rows).all()
    assert (first != plan_epoch(no_tokens, 10, 1, 0).rows).any()


def test_evaluation_scores_every_example_and_agrees_with_keras(monkeypatch):
    fit = make_fit(epochs=1)
    fit()
    monkeypatch.setattr(evaluation, "EVALUATION_BATCH", 7)  # 30 test flowers: four batches of 7 and one of 2
    test = fit.splits.test
    values, outputs, *_ = fit.evaluate(test)
    assert outputs.shape == (30, 3)
    own = -np.log(outputs[np.arange(30), test.y]).mean()
    assert values["loss"] == pytest.approx(own, rel=1e-5)
    assert values["accuracy"] == pytest.approx((outputs.argmax(1) == test.y).mean())
    fit.model.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    theirs = fit.model.evaluate(test.x, test.y, verbose=0, return_dict=True)
    assert values == pytest.approx(theirs, rel=1e-5)


@pytest.mark.parametrize(
    ("kind", "step", "wanted"),
    [
        ("constant", 50, 0.1),
        ("constant", 4, 0.1 * 5 / 10),  # warm-up: the fifth of ten steps
        ("constant", 10, 0.1),
        ("step", 29, 0.1),  # 19 steps after the warm-up
        ("step", 30, 0.05),
        ("step", 55, 0.025),
        ("exponential", 20, 0.1 * 0.5**0.5),
        ("cosine", 10, 0.1),
        ("cosine", 55, 0.1 * (0.2 + 0.8 * 0.5)),  # half way between 10 and 100
        ("cosine", 100, 0.02),
        ("cosine", 32, 0.1 * (0.2 + 0.8 * 0.5 * (1 + math.cos(math.pi * 22 / 90)))),
    ],
)
def test_schedules_by_hand(kind, step, wanted):
    share = 0.2 if kind == "cosine" else 0.0
    schedule = Schedule(kind, 0.1, 100, warmup_steps=10, decay_steps=20, decay_rate=0.5, final_share=share)
    assert float(schedule(step)) == pytest.approx(wanted, rel=1e-5)
    assert float(Schedule.from_config(schedule.get_config())(step)) == pytest.approx(wanted, rel=1e-5)


def test_mirrored_over_one_device_says_so_and_equals_one():
    one, mirrored = (make_fit(epochs=2, strategy=s, jit="off") for s in ("one", "mirrored"))
    assert "equals --strategy one" in mirrored.strategy_text
    assert one().history["loss"] == pytest.approx(mirrored().history["loss"], abs=1e-6)
    for a, b in zip(weights(one.model), weights(mirrored.model), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_xla_does_not_go_with_mirrored():
    with pytest.raises(UsageError, match="--jit on"):
        make_fit(strategy="mirrored", jit="on")
    assert make_fit(strategy="mirrored").jit is False


def test_float16_needs_a_gpu_and_bfloat16_trains_here():
    import tensorflow as tf

    if not tf.config.list_physical_devices("GPU"):
        with pytest.raises(MissingError, match="needs a GPU"):
            make_fit(precision="mixed_float16")
    try:
        fit = make_fit("mlp", "iris", precision="mixed_bfloat16", epochs=30)
        fit()
        assert fit.model.layers[-1].layers[1].compute_dtype == "bfloat16"
        assert fit.evaluate(fit.splits.test)[0]["accuracy"] > 0.8
    finally:
        keras.config.set_dtype_policy("float32")


def test_nan_stops_the_run_and_names_the_cause():
    with pytest.raises(ZooError, match=r"loss became (nan|inf).*\n.*learning rate too high"):
        make_fit("mlp", "diabetes", "preprocessing.standardize=none", optimizer="sgd", learning_rate=10.0)()


def test_early_stopping_and_best_weights_go_back_to_the_best_epoch():
    for callback in ("callbacks.early_stopping.patience=29", "callbacks.checkpoint.monitor=val_loss"):
        fit = make_fit("mlp", "diabetes", callback, learning_rate=0.05, epochs=30)
        fit()
        best = min(fit.history["val_loss"])
        assert best < fit.history["val_loss"][-1]  # it did get worse after its best
        assert fit.evaluate(fit.splits.validation)[0]["loss"] == pytest.approx(best, rel=1e-5)


def test_plateau_lowers_the_rate():
    fit = make_fit("mlp", "iris", "callbacks.reduce_on_plateau={patience=1,factor=0.1}", learning_rate=0.5, epochs=12)
    fit()
    assert fit.history["learning_rate"][0] == 0.5 and fit.history["learning_rate"][-1] <= 0.051


def test_labels_and_predictions_take_the_form_of_the_loss():
    three, two = (resolve(*pair)[0].data for pair in (("mlp", "iris"), ("perceptron", "or")))
    y = np.array([2, 0], "int32")
    classes, sides = tasks.of(three), tasks.of(two)
    assert classes.targets(y, three, "mse").tolist() == [[0, 0, 1], [1, 0, 0]]
    assert classes.targets(y, three, "sparse_categorical_crossentropy") is y
    assert sides.targets(np.array([1, 0]), two, "hinge").tolist() == [[1.0], [0.0]]
    scores = np.array([[-0.2], [0.3], [0.7]], "float32")
    assert [row["prediction"] for row in sides.words(scores, two, "hinge")] == ["false", "true", "true"]
    assert [row["prediction"] for row in sides.words(scores, two, "binary_crossentropy")] == ["false", "false", "true"]


LOSSES = [  # of those that are alike in form the first quickly
    "mse", pytest.param("mae", marks=pytest.mark.slow), pytest.param("huber", marks=pytest.mark.slow),
    "categorical_crossentropy", "sparse_categorical_crossentropy",
]  # fmt: skip


@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_for_classes_learns(loss):
    fit = make_fit("mlp", "iris", f"training.loss={loss}", epochs=60, learning_rate=0.02)
    fit()
    assert fit.evaluate(fit.splits.test)[0]["accuracy"] >= 0.8


@pytest.mark.parametrize("model", ["perceptron", "perceptron.hinge", "perceptron.1958", "perceptron.sigmoid"])
def test_every_perceptron_learns_or(model):
    recipe = resolve(model, "or")[0]
    fit = Fit(recipe, tasks.load(recipe.data, "or"))
    fit()
    assert fit.evaluate(fit.splits.test)[0]["accuracy"] == 1.0


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "adamw"])
def test_every_optimizer_lowers_the_loss(optimizer):
    fit = make_fit("mlp", "iris", optimizer=optimizer, epochs=5, learning_rate=0.01)
    losses = fit().history["loss"]
    assert losses[-1] < losses[0]


def test_tensorboard_writes_events_and_is_asked_for_by_name_where_it_is_missing(tmp_path, monkeypatch):
    from zoo.training import callbacks

    recipe = resolve("mlp", "iris", ["callbacks.tensorboard={histogram_epochs=1}"], {"epochs": 2})[0]
    monkeypatch.setattr(callbacks, "find_spec", lambda name: None)
    with pytest.raises(MissingError, match=r"pip install '.*\[tensorboard\]'"):
        Fit(recipe, tasks.load(recipe.data, "iris"), tmp_path)
    monkeypatch.undo()
    pytest.importorskip("tensorboard")
    Fit(recipe, tasks.load(recipe.data, "iris"), tmp_path)()
    assert [path for path in (tmp_path / "tensorboard").rglob("events*") if path.stat().st_size > 200]


def test_a_saved_run_loads_in_plain_keras(tmp_path):
    """After `import zoo.layers` alone, which knows neither the zoo's schedules nor its optimisers."""
    outcome = zoo.run("mlp", "iris", epochs=1, sets=["training.schedule=cosine"], out=tmp_path / "run")
    code = (
        "import sys, keras, zoo.layers; model = keras.models.load_model(sys.argv[1]); "
        "assert not model.compiled and 'zoo.training' not in sys.modules; print(model.count_params())"
    )
    path = str(outcome.folder / "model.keras")
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) == zoo.load(outcome.folder).model.count_params()
