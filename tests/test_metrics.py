"""The table of metrics: which way is better, how values are written, what counts as equal."""

import pytest

from zoo.catalogue import metrics
from zoo.catalogue.metrics import Metric


@pytest.mark.parametrize(
    ("name", "higher"),
    [("loss", False), ("val_loss", False), ("val_accuracy", True), ("bleu", True), ("mae", False), ("price_mae", False),
     ("val_kind_accuracy", True), ("exact_match", True), ("seasonal_naive_mae", False), ("never_heard_of", False)],
)  # fmt: skip
def test_which_way_is_better(name, higher):
    assert metrics.find(name).higher_is_better is higher


def test_values_as_people_read_them():
    assert metrics.find("accuracy").text(0.98765) == "98.77%"
    assert metrics.find("bleu").text(33.8712) == "33.87"
    assert metrics.find("loss").text(1.4314e-06) == "1.431e-06"


def test_what_counts_as_equal():
    assert metrics.find("accuracy").slack(0.9, 0.001) == pytest.approx(0.001)
    assert metrics.find("bleu").slack(30.0, 0.001) == pytest.approx(0.1)
    assert metrics.find("mae").slack(10.0, 0.001) == pytest.approx(0.05)
    assert metrics.find("mae").slack(0.0, 0.001) == metrics.LEAST
    assert metrics.find("accuracy").loss_from(0.9, 0.8) == pytest.approx(0.1)
    assert metrics.find("mae").loss_from(0.9, 0.8) == pytest.approx(-0.1)


def test_what_a_run_is_known_by():
    assert metrics.headline({"loss": 0.1, "accuracy": 0.9}) == "accuracy"
    assert metrics.headline({"loss": 1.6, "accuracy": 0.5, "perplexity": 5.0}) == "loss"
    assert metrics.headline({"loss": 1.0, "accuracy": 0.6, "exact_match": 0.2, "bleu": 30.0}) == "bleu"
    assert metrics.headline({"loss": 9.0, "naive_mae": 3.0, "mae": 2.0}) == "mae"
    assert metrics.baselines({"mae": 2.0, "naive_mae": 3.0}) == {"naive_mae": 3.0}


def test_a_metric_is_added_once():
    metrics.add(metrics.find("accuracy"))
    with pytest.raises(ValueError, match="there already"):
        metrics.add(Metric("accuracy", higher_is_better=False))


def test_the_best_epoch_is_kept_whatever_the_metric_is_called(monkeypatch):
    monkeypatch.setattr(metrics, "_TABLE", dict(metrics._TABLE))
    metrics.add(Metric("panoptic_quality", higher_is_better=True, full=1.0))
    import keras

    from zoo.recipe.schema import Callbacks, Checkpoint, EarlyStopping
    from zoo.training.callbacks import make_callbacks

    name = "val_panoptic_quality"
    settings = Callbacks(
        checkpoint=Checkpoint(monitor=name), early_stopping=EarlyStopping(monitor=name, patience=2), nan_stop=False
    )
    stopping, best = make_callbacks(settings, None)
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    for callback in (stopping, best):
        callback.set_model(model)
        callback.on_train_begin()
    for epoch, value in enumerate([0.2, 0.6, 0.4, 0.5]):
        for callback in (stopping, best):
            callback.on_epoch_end(epoch, {name: value})
    assert (best.epoch, best.best) == (1, 0.6)
    assert model.stop_training and stopping.best == 0.6


def test_a_run_of_several_heads_is_known_by_the_first_metric_of_the_table_and_the_others_stand_beside_it():
    measured = ["loss", "sort_loss", "sort_accuracy", "mass_loss", "mass_mae"]
    assert metrics.headline(measured) == "sort_accuracy"
    assert metrics.of_other_heads(dict.fromkeys(measured, 0.0)) == ["mass_mae"]
    assert metrics.headline(["loss", "price_loss", "price_mae"]) == "price_mae"
    assert metrics.headline(["loss", "naive_mae", "mae"]) == "mae"
    assert metrics.of_other_heads({"loss": 1.0, "mae": 1.0, "naive_mae": 2.0}) == []
