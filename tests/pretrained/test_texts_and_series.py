"""A network of texts, of running text or of a series starts another run: its vocabulary and its window travel."""

import numpy as np
import pytest

import zoo
from zoo.errors import UsageError
from zoo.pretrained import bases, own_data
from zoo.pretrained.names import weight_names
from zoo.pretrained.published import core_weights
from zoo.pretrained.transfer import TransferFit
from zoo.runs import beginning
from zoo.runs.watching import Watcher
from zoo.training.model import core_of

SMALL = ["knobs.units=[4]", "knobs.bidirectional=false", "knobs.embedding_dim=4"]


def texts(path, classes, words, seed):
    draw = np.random.default_rng(seed)
    rows = [f"{' '.join(draw.choice(words, 6))} of {name},{name}" for name in classes for _ in range(30)]
    path.write_text("\n".join(["text,label", *rows]) + "\n")
    return path


def series(path, columns, seed, steps=120):
    draw = np.random.default_rng(seed).normal(size=(steps, len(columns))).cumsum(0)
    dates = np.datetime_as_string(np.datetime64("2020-01-01") + np.arange(steps))
    rows = [",".join([day, *(f"{value:.3f}" for value in row)]) for day, row in zip(dates, draw, strict=True)]
    path.write_text("\n".join([",".join(["date", *columns]), *rows]) + "\n")
    return path


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("own")


@pytest.fixture(scope="module")
def classifier(place):
    """A small LSTM on texts of two classes."""
    path = texts(place / "first.csv", ["cat", "dog"], ["the", "tail", "ear", "paw", "fur"], 0)
    zoo.run("lstm", path, sets=SMALL, smoke=True, out=place / "classifier")
    return zoo.load(place / "classifier")


@pytest.fixture(scope="module")
def forecaster(place):
    path = series(place / "first-series.csv", ["a", "b"], 0)
    zoo.run("lstm", path, sets=["knobs.units=[4]", "data.input_shape=[8,2]"], smoke=True, out=place / "forecaster")
    return zoo.load(place / "forecaster")


def start(run, path, sets=(), **more):
    base = bases.find(str(run.folder))
    data = own_data.data_for(base, str(path))
    return bases.resolve_start(base, "other", new_network=False, sets=sets, options={"epochs": 2}, data=data, **more)


def fit_of(recipe):
    return TransferFit(recipe, beginning.load(recipe, Watcher(), False))


def same_weights(model, run, but=()):
    given = core_weights(run)
    core = core_of(model)
    here = dict(zip(weight_names(core), core.get_weights(), strict=True))
    return all((here[name] == given[name]).all() for name in here if name.split("/")[0] not in but)


def test_the_vocabulary_travels_with_a_classifier_to_other_classes(place, classifier, zoo_cli):
    other = texts(place / "second.csv", ["sun", "rain", "snow"], ["the", "sky", "ear", "cloud"], 1)
    recipe, notes = start(classifier, other)
    assert any("the vocabulary is that of" in note for note in notes)
    assert recipe.transfer.head == "new" and recipe.transfer.freeze == "none" and recipe.transfer.head_epochs == 1
    fit = fit_of(recipe)
    assert fit.splits.vocabularies.source.tokens == classifier.vocabularies.source.tokens
    assert fit.model.output.shape == (None, 3) and same_weights(fit.model, classifier, {"output"})
    said = zoo_cli("run", "lstm", "--data", other, "--weights", classifier.folder, "--epochs", 2, "--out", place / "a")
    assert said.code == 0, said.err
    new = zoo.load(place / "a")
    assert new.vocabularies.source.tokens == classifier.vocabularies.source.tokens and len(new.history["loss"]) == 2
    assert zoo_cli("eval", place / "a", "--data", other).code == 0


def test_a_head_of_a_classifier_learns_alone_on_features(place, classifier):
    other = texts(place / "third.csv", ["sun", "rain"], ["the", "sky"], 2)
    recipe, _ = start(classifier, other, freeze="all")
    fit = fit_of(recipe)
    fit()
    assert same_weights(fit.model, classifier, {"output"})
    assert fit.features.train.x.dtype == "float32"
    expected = np.asarray(core_of(fit.model).get_layer("output")(fit.features.validation.x))
    np.testing.assert_allclose(fit.predict(fit.splits.validation.x), expected, rtol=1e-5, atol=1e-6)


def test_window_and_horizon_travel_with_a_series(place, forecaster, zoo_cli):
    other = series(place / "second-series.csv", ["a", "b"], 1, 300)
    recipe, notes = start(forecaster, other)
    assert recipe.data.input_shape == (8, 2) and recipe.transfer.head == "keep"
    assert any("8 steps back, 1 ahead" in note for note in notes)
    assert same_weights(fit_of(recipe).model, forecaster)
    said = zoo_cli("finetune", forecaster.folder, "--data", other, "--epochs", 1, "--out", place / "b")
    assert said.code == 0 and "window and horizon are those of" in said.err, said.err


def test_columns_of_other_names_are_told_and_of_another_number_refused(place, forecaster):
    renamed = series(place / "renamed.csv", ["b", "a"], 1)
    assert "columns are taken by their order" in " ".join(start(forecaster, renamed)[1])
    wider = series(place / "wider.csv", ["a", "b", "c"], 1)
    with pytest.raises(UsageError, match="takes 2 columns, other has 3"):
        start(forecaster, wider)
    with pytest.raises(UsageError, match=r"--freeze all: its values are brought back .*\nsay --freeze none"):
        start(forecaster, renamed, freeze="all")
    with pytest.raises(UsageError, match="--freeze 1: networks of series have no blocks"):
        start(forecaster, renamed, freeze=1)


def test_a_language_model_goes_on_with_another_text(place, zoo_cli):
    first, second = place / "first.txt", place / "second.txt"
    first.write_text("the cat sat on the mat and ate the rat.\n" * 60)
    second.write_text("zounds, the hat is on the cat!\n" * 60)
    sets = ["knobs.units=[4]", "data.input_shape=[16]"]
    zoo.run("lstm", first, sets=sets, smoke=True, out=place / "writer")
    said = zoo_cli("finetune", place / "writer", "--data", second, "--smoke", "--out", place / "c")
    assert said.code == 0, said.err
    run = zoo.load(place / "c")
    assert run.vocabularies.source.tokens == zoo.load(place / "writer").vocabularies.source.tokens
    assert run.recipe.transfer.head == "keep" and run.recipe.data.input_shape == (16,)
    assert zoo_cli("generate", place / "c", "--prompt", "the ").code == 0


def test_a_table_is_read_by_the_columns_and_categories_of_its_base(place):
    """Other columns, another order and categories that are not all there change nothing."""
    draw = np.random.default_rng(0).normal(size=80)
    rows = [f"{a:.3f},{('a', 'b', 'c')[i % 3]},{'yes' if a > 0 else 'no'}" for i, a in enumerate(draw)]
    (place / "all.csv").write_text("\n".join(["size,kind,bought", *rows]) + "\n")
    zoo.run("mlp", place / "all.csv", smoke=True, out=place / "bought")
    run = zoo.load(place / "bought")
    rows = [f"{i},{('c', 'b')[i % 2]},{'yes' if a > 0 else 'no'},{a:.3f}" for i, a in enumerate(draw)]
    (place / "some.csv").write_text("\n".join(["number,kind,bought,size", *rows]) + "\n")
    recipe, _ = start(run, place / "some.csv")
    assert recipe.data.feature_names == run.recipe.data.feature_names == ("size", "kind=a", "kind=b", "kind=c")
    assert recipe.data.label == "bought" and recipe.transfer.head == "keep"
    x = fit_of(recipe).splits.train.x
    assert not x[:, 1].any() and set(x[:, 2] + x[:, 3]) == {1.0} and (abs(x[:, 0]) < 5).all()


def test_values_of_a_table_keep_their_units(place):
    """What stands behind the output layer would be missing where that learnt by itself."""
    rows = np.random.default_rng(0).normal(size=(80, 2))
    path = place / "prices.csv"
    path.write_text("\n".join(["a,b,price", *(f"{a:.3f},{b:.3f},{900 + 100 * a:.2f}" for a, b in rows)]) + "\n")
    sets = ["preprocessing.targets=standardize", "training.learning_rate=0.001"]
    zoo.run("linear", path, smoke=True, sets=sets, out=place / "prices")
    run = zoo.load(place / "prices")
    assert start(run, path)[0].transfer.freeze == "none"
    with pytest.raises(UsageError, match="brought back to their units behind the output layer"):
        start(run, path, freeze="all")


def test_a_run_again_from_the_weights_of_a_run(place, forecaster, zoo_cli):
    """What is proposed where a run cannot be given more epochs."""
    said = zoo_cli(
        "run", forecaster.folder / "recipe.toml", "--weights", forecaster.folder, "--epochs", 1, "--out", place / "d"
    )
    assert said.code == 0, said.err
    transfer = zoo.load(place / "d").recipe.transfer
    assert transfer.head == "keep" and transfer.freeze == "none" and transfer.weights == str(forecaster.folder)
    said = zoo_cli("run", forecaster.folder / "recipe.toml", "--weights", "lenet:mnist")
    assert said.code == 2 and "holds no weights of it" in said.err
