"""F29, F30, B35, B38: what a foreign model file may hold, and that damage is called damage."""

import json
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from hostile import CANARY, CONFIG, HOSTILE, call, dense, layer, operation, tensor, weights, with_layer, write
from tiers import representatives

from zoo import safety
from zoo.catalogue import registry
from zoo.errors import UsageError
from zoo.safety.names import LAYERS

ASK = """
import json, sys, time
from pathlib import Path
from zoo.runs.directory import Run
for folder in sorted(Path(sys.argv[1]).iterdir()):
    begun = time.process_time()
    try:
        Run(folder).model
        said = "LOADED"
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
    print(json.dumps([folder.name, said, time.process_time() - begun]))
status = Path("/proc/self/status").read_text()  # ru_maxrss would count the parent before exec
peak = int(status.split("VmHWM:")[1].split()[0]) // 1024
print(json.dumps(["keras" in sys.modules or "tensorflow" in sys.modules, peak]))
"""

WITH_LAYERS_OF_OURS = ("transformer.encoder", "transformer.decoder", "encoder_decoder.attention", "unet.small")


def everything(folder):
    return sorted((str(path), path.stat().st_mtime_ns) for path in folder.rglob("*"))


def test_every_hostile_file_is_refused_before_keras_sees_it(tmp_path):
    for name, (make, _) in HOSTILE.items():
        (tmp_path / "runs" / name).mkdir(parents=True)
        (tmp_path / "runs" / name / "run.json").write_text('{"exit": "done"}')
        make(tmp_path / "runs" / name / "model.keras")
    (tmp_path / "here").mkdir()
    before = everything(tmp_path)
    command = [sys.executable, "-c", ASK, str(tmp_path / "runs")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path / "here")
    *answers, (imported, megabytes) = map(json.loads, done.stdout.splitlines())
    assert len(answers) == len(HOSTILE)
    for name, said, seconds in answers:
        assert said.startswith("UsageError") and "model.keras is " in said, (name, said)
        assert any(part in said for part in HOSTILE[name][1].split("|")), (name, said)
        assert len(said.splitlines()) <= 3 and seconds < 1, (name, said, seconds)
    assert not imported and megabytes < 400
    assert everything(tmp_path) == before and not list(tmp_path.rglob(CANARY))  # no side effect


def test_a_connection_table_as_long_as_a_book_takes_no_memory(tmp_path):
    from zoo.layers import SparseConv2D

    table = [[0]] * 100_000
    write(
        tmp_path / "model.keras",
        with_layer(
            layer(
                "SparseConv2D",
                {"table": table, "size": 1, "name": "maps"},
                "zoo.layers.sparse_conv",
                registered_name="zoo>SparseConv2D",
            )
        ),
    )
    with pytest.raises(UsageError):
        safety.load_model(tmp_path / "model.keras")
    with pytest.raises(ValueError, match="100,000 links to 100,000 maps are too many"):
        SparseConv2D(table, 1).build((None, 4, 4, 1))


def test_the_sound_file_that_they_are_made_of_loads(tmp_path):
    write(tmp_path / "model.keras")
    model = safety.load_model(tmp_path / "model.keras")
    kernel = np.arange(6, dtype="float32").reshape(3, 2)
    x = np.array([[1.0, 2.0, 3.0]], "float32")
    np.testing.assert_allclose(np.array(model(x)), x @ kernel + 1, rtol=1e-6)


@pytest.mark.parametrize(
    "config",
    [
        dense(units=900_000, activation="linear") | {},  # three times as many weights as there may be
        with_layer(*(layer("Dense", {"units": 900_000, "name": f"d{i}"}) for i in range(3))),  # 10 ** 12 weights
    ],
)
def test_layers_that_are_huge_together_are_stopped_before_their_memory_is_taken(tmp_path, config):
    import resource

    write(tmp_path / "model.keras", config)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(UsageError, match="ask for more variables than the 8 weights in it"):
        safety.load_model(tmp_path / "model.keras")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 400 * 1024


def test_an_operation_with_a_million_outputs_is_stopped_before_they_are_made(tmp_path):
    unstack = operation("Unstack", "core", call(tensor("input")), shape=(None, 1_000_000), num=1_000_000, axis=1)
    write(tmp_path / "model.keras", unstack)
    with pytest.raises(UsageError, match="its layers give more than 100,000 outputs"):
        safety.load_model(tmp_path / "model.keras")


def whole_numbers(file):
    del file["layers/dense/vars/0"]
    file["layers/dense/vars/0"] = np.arange(6, dtype="int64").reshape(3, 2)


def test_whole_numbers_in_the_place_of_floats_are_refused(tmp_path):
    write(tmp_path / "model.keras", h5=weights(whole_numbers))
    with pytest.raises(UsageError, match=r"the weights of \S*dense/kernel are int64, not floats") as caught:
        safety.load_model(tmp_path / "model.keras")
    assert len(str(caught.value).splitlines()) <= 3


def test_nothing_of_the_bounds_is_left_behind_in_keras(tmp_path):
    import keras

    before = [dict(vars(kind)) for kind in (keras.Variable, keras.KerasTensor)]
    write(tmp_path / "model.keras", h5=weights(whole_numbers))
    with pytest.raises(UsageError):
        safety.load_model(tmp_path / "model.keras")
    assert [dict(vars(kind)) for kind in (keras.Variable, keras.KerasTensor)] == before


def sequences():
    """A network whose layers are called with masks, states, None and truth values, one of them twice."""
    import keras
    from keras import layers

    x = keras.Input((5, 4), name="x")
    real = keras.ops.any(x != 0.0, axis=-1)
    shared = layers.Dense(4, name="shared")
    y = shared(layers.ReLU(name="between")(shared(x)))
    outputs, h, c = layers.LSTM(3, return_sequences=True, return_state=True, name="encoder")(y, mask=real)
    z = layers.LSTM(3, return_sequences=True, name="decoder")(outputs, initial_state=[h, c], training=None)
    z = layers.MultiHeadAttention(2, 2, name="attention")(z, z, use_causal_mask=True, attention_mask=None)
    return keras.Model(x, layers.LayerNormalization(name="norm")(z, training=False))


def pictures():
    """Arithmetic and slices, and what `keras.applications` puts before a network, constants and all."""
    import keras

    x = keras.Input((8, 8, 3), name="x")
    y = keras.applications.vgg16.preprocess_input(x) * 2.0 + 1
    y = keras.ops.where(y > 0, y, -1e9)[..., ::2][:, 1:-1]
    return keras.Model(x, keras.layers.Conv2D(2, 3, name="conv")(y) / 255)


@pytest.mark.parametrize("build", [sequences, pictures])
def test_what_keras_itself_puts_into_calls_is_accepted(tmp_path, build):
    model = build()
    model.save(tmp_path / "model.keras")
    x = np.random.default_rng(0).random((2, *model.inputs[0].shape[1:]), "float32")
    assert (np.array(safety.load_model(tmp_path / "model.keras")(x)) == np.array(model(x))).all()


def test_the_largest_network_of_keras_is_accepted_in_half_a_second(tmp_path):
    import time

    import keras

    from zoo.catalogue.inspect import skeleton

    config = skeleton(lambda: keras.applications.EfficientNetV2L(weights=None)).get_config()
    write(tmp_path / "model.keras", layer("Functional", config, "keras.src.models.functional"))
    begun = time.process_time()
    safety.scan(tmp_path / "model.keras")
    assert time.process_time() - begun < 0.5


def cut(path, share):
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])


def turn(path, place):
    content = bytearray(path.read_bytes())
    content[place] ^= 4
    path.write_bytes(content)


def without_weights(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("metadata.json", "{}")
        archive.writestr("config.json", json.dumps(CONFIG))


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda p: p.write_bytes(b""), "it is empty"),
        (lambda p: p.write_bytes(b"no model at all"), "it is no archive"),
        (lambda p: cut(p, 0.5), "BadZipFile"),
        (lambda p: cut(p, 0.99), "BadZipFile"),
        (lambda p: turn(p, p.read_bytes().index(b"batch_shape")), "the checksum of config.json does not agree"),
        (lambda p: turn(p, p.read_bytes().index(weights()) + 3000), "the checksum of model.weights.h5 does not agree"),
        (without_weights, "there is no model.weights.h5 in it"),
        (lambda p: write(p, "{"), "JSONDecodeError"),
        (lambda p: write(p, "[]"), "config.json is no table"),
        (lambda p: write(p, h5=b"\x89HDF\r\n\x1a\n"), "damaged"),
        (lambda p: write(p, h5=weights()[:900]), "damaged"),
    ],
)
def test_a_damaged_model_is_said_to_be_damaged(tmp_path, damage, told):
    path = tmp_path / "model.keras"
    write(path)
    damage(path)
    with pytest.raises(UsageError, match=r"model\.keras is damaged: ") as caught:
        safety.scan(path)
    assert told in str(caught.value) and "not found" not in str(caught.value)
    assert len(str(caught.value).splitlines()) <= 3 and caught.value.exit_code == 2


@pytest.mark.parametrize("command", ["eval", "predict"])
def test_models_of_other_formats_are_refused_on_the_command_line(zoo_cli, tmp_path, command):
    (tmp_path / "model.h5").write_bytes(weights())
    (tmp_path / "model.pkl").write_bytes(b"\x80\x04K\x01.")
    write(tmp_path / "alone.keras")
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / "saved_model.pb").write_bytes(b"")
    for name, told in (
        ("model.h5", "an HDF5 model"), ("model.pkl", "a pickle"), ("saved", "a SavedModel"),
        ("alone.keras", "not a run directory"),
    ):  # fmt: skip
        said = zoo_cli(command, tmp_path / name, *(["x.png"] if command == "predict" else []))
        assert said.code == 2 and f"{name} is refused: " in said.err and told in said.err
        assert len(said.err.splitlines()) <= 3


def test_every_layer_of_keras_is_either_known_or_kept_out():
    import keras

    classes = {name: getattr(keras.layers, name) for name in dir(keras.layers)}
    layers = {kind.__name__ for kind in classes.values() if isinstance(kind, type) and issubclass(kind, keras.Layer)}
    kept_out = {"Lambda", "TFSMLayer", "JaxLayer", "FlaxLayer", "TorchModuleWrapper", "Layer", "Wrapper"}
    assert layers - LAYERS == kept_out
    assert layers >= LAYERS


def example(tensor):
    """Two examples of what an input takes; five tokens where any number goes."""
    shape, random = (2, *(side or 5 for side in tensor.shape[1:])), np.random.default_rng(0)
    return random.integers(1, 5, shape).astype("int32") if "int" in tensor.dtype else random.random(shape, "float32")


@pytest.mark.parametrize("name", representatives(registry.list_models(), *WITH_LAYERS_OF_OURS))
def test_every_model_of_the_registry_is_accepted_and_loads_identical(tmp_path, name):
    import keras

    model = registry.build(name, **registry.describe(name).trial)
    model.save(tmp_path / "model.keras")
    again = safety.load_model(tmp_path / "model.keras")
    inputs = {tensor.name: example(tensor) for tensor in model.inputs}
    x = inputs if len(inputs) > 1 else next(iter(inputs.values()))
    assert safety.scan(tmp_path / "model.keras") >= model.count_params()
    assert all((a == b).all() for a, b in zip(model.get_weights(), again.get_weights(), strict=True))
    outputs = (keras.tree.flatten(network(x)) for network in (model, again))
    assert all((np.array(one) == np.array(other)).all() for one, other in zip(*outputs, strict=True))
