"""Every entry holds the common protocol; the protocol itself notices each fault it is there for."""

import json
from functools import partial

import keras
import pytest
from keras import layers
from tiers import representatives

from zoo import checks, tasks
from zoo.catalogue.registry import describe, list_models
from zoo.catalogue.spec import DataSpec
from zoo.checks import learning
from zoo.checks.subject import TOKENS
from zoo.cli import main
from zoo.layers import CrossAttention, PaddingMask, SelfAttention

LIKE_OTHERS = ("transformer", "encoder_decoder")


@pytest.mark.parametrize("name", representatives(list_models()))
def test_every_entry_holds_the_protocol(name):
    results = checks.run_protocol(describe(name))
    assert [result.name for result in results] == ["builds", "record", *checks.CHECKS]
    assert [f"{result.name}: {result.detail}" for result in results if not result.passed] == []
    assert next(result.detail for result in results if result.name == "two in one").startswith("same outputs")


WRITING = [*list_models(task="language-model", family="recurrent"), "transformer.decoder"]


@pytest.mark.parametrize("name", representatives(WRITING, "transformer.decoder"))
def test_every_language_model_holds_it_as_such(name):
    """Built as the data of a language model asks, of as few layers as will do: recurrent nets classify by default."""
    record, spec = describe(name), DataSpec("toy", "text", "language-model", (64,), vocab_size=30)
    offered = tasks.of(spec).offers(spec) | {"num_layers": 1}
    knobs = {key: value for key, value in offered.items() if key in record.knobs}
    results = checks.run_protocol(partial(record.builder, **knobs))
    assert [f"{result.name}: {result.detail}" for result in results if not result.passed] == []
    assert not any("does not apply" in result.detail for result in results)


def net(*middle, units=3, head="softmax", **output):
    """A builder of one small net: 4 features, the given layers, a float32 output unless said otherwise."""

    def build():
        inputs = x = keras.Input((4,))
        for make in middle:
            x = make()(x)
        return keras.Model(inputs, layers.Dense(units, head, **{"dtype": "float32", **output})(x))

    return build


def fault(check, builder):
    """What a check has to say against a builder."""
    with pytest.raises(checks.CheckError) as error:
        check(checks.Subject(builder))
    return str(error.value)


def test_a_sound_stranger_passes():
    assert all(result.passed for result in checks.run_protocol(net(lambda: layers.Dense(8, "tanh"))))


def test_what_does_not_build_is_the_only_finding():
    def raises():
        raise OSError("no weights here\nat all")

    assert checks.run_protocol(raises) == [checks.Result("builds", False, "OSError: no weights here")]


def test_a_builder_that_asks_for_arguments_is_refused():
    assert fault(checks.builds, lambda units: None) == "argument 'units' has no default"


def test_something_else_than_an_uncompiled_model_is_refused():
    def compiled():
        model = net()()
        model.compile("sgd", "mse")
        return model

    assert "int, not a keras.Model" in fault(checks.builds, lambda: 3)
    assert "compiled already" in fault(checks.builds, compiled)


def test_a_wrong_parameter_count_is_noticed():
    with pytest.raises(checks.CheckError, match="15 parameters, the record says 16"):
        checks.parameter_count(checks.Subject(net(), params=16))


@pytest.mark.filterwarnings("ignore:Gradients do not exist")
def test_a_weight_without_gradient_is_named():
    class Cut(layers.Layer):
        def call(self, x):
            return keras.ops.stop_gradient(x)

    assert fault(checks.gradients, net(lambda: layers.Dense(3, name="hidden"), Cut)) == (
        "no gradient: hidden/kernel, hidden/bias"
    )


def test_an_exploding_start_is_noticed():
    assert "far from ln 3 = 1.099" in fault(checks.initial_loss, net(lambda: layers.Rescaling(50.0)))


def test_a_net_that_cannot_learn_is_noticed(monkeypatch):
    monkeypatch.setattr(learning, "LEARNING_RATES", (0.01,))
    blind = net(lambda: layers.Rescaling(0.0))
    assert "5 examples not learnt" in fault(checks.overfits, blind)


def test_a_layer_that_mixes_the_batch_is_noticed():
    class Centre(layers.Layer):
        def call(self, x):
            return x - keras.ops.mean(x, axis=0, keepdims=True)

    assert "the output differs" in fault(checks.batch_of_one, net(Centre))


def test_a_name_that_is_not_taken_is_noticed():
    assert checks.two_in_one(checks.Subject(net())) == "does not apply: the builder takes no name"
    assert "the model is called 'functional" in fault(checks.two_in_one, lambda name="net": net()())


def reader(*middle, classes=3):
    """A builder of a small net on tokens: vectors of 8, the given layers."""

    def build():
        inputs = keras.Input((None,), dtype="int32")
        x = layers.Embedding(50, 8, embeddings_initializer="random_normal")(inputs)
        for make in middle:
            x = make()(x)
        return keras.Model(inputs, layers.Dense(classes, "softmax", dtype="float32")(x))

    return build


class MeanOfOthers(layers.Layer):
    """The mean over the steps that are not like the last one: 0 / 0 where all are alike."""

    def call(self, x):
        other = keras.ops.cast(keras.ops.any(x != x[:, -1:], axis=-1, keepdims=True), x.dtype)
        return keras.ops.sum(x * other, axis=1) / keras.ops.sum(other, axis=1)


def test_a_net_that_reads_padding_is_noticed():
    assert "change the output" in fault(checks.padding, reader(layers.GlobalAveragePooling1D))
    assert "change the output" in fault(checks.padding, reader(lambda: layers.LSTM(4)))
    assert checks.padding(checks.Subject(net())).startswith("does not apply")


def test_a_text_without_tokens_that_gives_no_number_is_noticed():
    assert "not finite" in fault(checks.padding, reader(MeanOfOthers))


def test_a_look_into_the_future_is_noticed():
    """Also among thousands of tokens, where every probability is small."""
    for classes in (5, 8000):
        backwards = reader(lambda: layers.LSTM(4, return_sequences=True, go_backwards=True), classes=classes)
        assert "tokens to come" in fault(checks.causality, backwards)
        assert "tokens to come" in fault(checks.causality, reader(lambda: SelfAttention(2, 4), classes=classes))
    onwards = reader(lambda: layers.LSTM(4, return_sequences=True))
    assert checks.causality(checks.Subject(onwards)) == "same output"
    assert checks.causality(checks.Subject(reader(lambda: layers.LSTM(4)))).startswith("does not apply")


def translator(*, to_come=False, padding=True):
    """A builder of a small net from source to target, with the faults asked for."""

    def build():
        source, target = (keras.Input((None,), dtype="int32", name=name) for name in ("source", "target"))
        vectors = layers.Embedding(50, 8, embeddings_initializer="random_normal")
        x, memory = vectors(target), vectors(source)
        real = PaddingMask(keep_first=True)(source) if padding else None
        x = CrossAttention(2, 4)(x, memory, real)
        if to_come:
            x = layers.Add()([x, SelfAttention(2, 4)(x)])
        outputs = layers.Dense(9, "softmax", dtype="float32")(x)
        return keras.Model({"source": source, "target": target}, outputs)

    return build


def test_models_from_source_to_target_are_checked_too():
    subject = checks.Subject(translator())
    assert set(subject.inputs(2)) == {"source", "target"}
    for check in (checks.padding, checks.causality, checks.batch_of_one, checks.saves, checks.mixed_precision):
        assert "does not apply" not in check(subject)
    assert "tokens to come" in fault(checks.causality, translator(to_come=True))
    assert "change the output" in fault(checks.padding, translator(padding=False))


def test_targets_of_a_writing_model_can_be_known():
    subject = checks.Subject(reader(lambda: layers.LSTM(4, return_sequences=True), classes=30))
    x, y = subject.inputs(8), subject.targets(8)
    assert (y[:, 1:] == x[:, 1:] + TOKENS * (x[:, :-1] % 2)).all()
    assert (y[:, 0] == x[:, 0]).all()


def test_a_lambda_layer_is_named_however_deep():
    inner = net(lambda: layers.Lambda(abs, name="twice"))
    assert fault(checks.no_lambda, net(inner)) == "Lambda 'twice': write a registered layer instead"


@pytest.mark.filterwarnings("ignore:The object being serialized includes a `lambda`")
def test_a_bare_lambda_does_not_survive_saving():
    subject = checks.Subject(net(lambda: layers.Activation(lambda x: 2 * x)))
    assert not checks._run("save and load", checks.saves, subject).passed


def test_a_layer_that_forgets_its_state_is_noticed():
    @keras.saving.register_keras_serializable("test_protocol")
    class Forgetful(layers.Layer):
        factor = 1.0

        def call(self, x):
            return self.factor * x

    def three():
        layer = Forgetful()
        layer.factor = 3.0
        return layer

    assert "after save and load the output differs" in fault(checks.saves, net(three))


def test_a_half_precision_output_is_noticed():
    assert 'give the output layer dtype="float32"' in fault(checks.mixed_precision, net(dtype=None))


def zoo(capsys, *arguments):
    """Run the command line in this process: exit code, stdout, stderr."""
    with pytest.raises(SystemExit) as exit_:
        main(list(arguments))
    return exit_.value.code, *capsys.readouterr()


@pytest.fixture
def own_folder(tmp_path, monkeypatch):
    """A current folder with a module of builders: `good`, `bad` (has a Lambda) and `number`."""
    (tmp_path / "own_nets.py").write_text(
        "def good():\n"
        "    import keras\n"
        "    x = keras.Input((3,))\n"
        "    return keras.Model(x, keras.layers.Dense(1, dtype='float32')(x))\n"
        "def bad():\n"
        "    import keras\n"
        "    x = keras.Input((3,))\n"
        "    return keras.Model(x, keras.layers.Dense(1)(keras.layers.Lambda(abs)(x)))\n"
        "number = 3\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)


def test_check_command_on_own_builders(own_folder, capsys, monkeypatch):
    monkeypatch.setattr(learning, "ROUNDS", 5)
    code, out, err = zoo(capsys, "check", "own_nets:good")
    assert code == 0
    assert "own_nets:good" in out and "no record to compare" in out
    assert err.endswith("all 12 checks passed\n")

    code, out, err = zoo(capsys, "check", "own_nets:bad", "--json")
    assert code == 4
    (entry,) = json.loads(out)
    assert {check["name"] for check in entry["checks"] if not check["passed"]} >= {"no Lambda", "mixed precision"}
    assert "own_nets:bad: no Lambda" in err


def test_check_command_says_what_it_cannot_find(own_folder, capsys):
    code, _, err = zoo(capsys, "check", "lennet")
    assert code == 2 and err.startswith("error: unknown model 'lennet'; did you mean lenet or ")
    assert err.endswith("\nsee them all with: zoo ls\n")
    code, _, err = zoo(capsys, "check", "nowhere.nets:build")
    assert code == 2 and err == "error: cannot import 'nowhere.nets': ModuleNotFoundError: No module named 'nowhere'\n"
    code, _, err = zoo(capsys, "check", "own_nets:goood")
    assert code == 2 and "unknown builder in own_nets 'goood'; did you mean good?" in err
    code, _, err = zoo(capsys, "check", "own_nets:number")
    assert code == 2 and "own_nets:number is a int, not a function" in err
