"""Model files that would do harm: each is a small sound model, written by hand, with one thing changed."""

import copy
import io
import json
import struct
import zipfile
from itertools import pairwise

import h5py
import numpy as np


def layer(name, config, module="keras.layers", **more):
    """A layer as Keras writes it into a Sequential model's config."""
    return {"module": module, "class_name": name, "config": config, "registered_name": None, **more}


CONFIG = {
    "module": "keras",
    "class_name": "Sequential",
    "config": {
        "name": "sound",
        "layers": [
            layer("InputLayer", {"batch_shape": [None, 3], "dtype": "float32", "name": "input"}),
            layer(
                "Dense", {"name": "dense", "units": 2, "activation": "relu"}, build_config={"input_shape": [None, 3]}
            ),
        ],
    },
    "registered_name": None,
    "build_config": {"input_shape": [None, 3]},
}


def weights(change=lambda file: None):
    """model.weights.h5 of CONFIG, after `change`."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        variables = file.create_group("layers/dense/vars")
        variables["0"], variables["1"] = np.arange(6, dtype="float32").reshape(3, 2), np.ones(2, "float32")
        change(file)
    return buffer.getvalue()


def write(path, config=CONFIG, h5=None, extra=(), compression=zipfile.ZIP_STORED):
    """The archive; `extra` are (name or ZipInfo, bytes)."""
    text = config if isinstance(config, str) else json.dumps(config)
    members = [("metadata.json", b"{}"), ("config.json", text), ("model.weights.h5", weights() if h5 is None else h5)]
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in [*members, *extra]:
            archive.writestr(name, content)


def with_layer(*layers):
    """CONFIG with more layers."""
    config = copy.deepcopy(CONFIG)
    config["config"]["layers"] += layers
    return config


def dense(**changes):
    """CONFIG with another Dense layer in the place of its own."""
    config = copy.deepcopy(CONFIG)
    config["config"]["layers"][1]["config"] |= changes
    return config


def symlink():
    info = zipfile.ZipInfo("assets/link")
    info.external_attr = 0o120777 << 16
    info.create_system = 3
    return info


def two_of_a_name(path):
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        write(path, extra=[("config.json", "{}")])


def overlapping(path):
    """A hundred names for one stretch of the file."""
    write(path, extra=[("assets/0", bytes(1_000_000))])
    with zipfile.ZipFile(path, "a") as archive:
        one = archive.getinfo("assets/0")
        for number in range(1, 100):
            other = copy.copy(one)
            other.filename = other.orig_filename = f"assets/{number}"
            archive.filelist.append(other)
            archive.NameToInfo[other.filename] = other
        archive._didModify = True


def far_claim(path):
    """The directory of the archive claims 2 GiB for the weights."""
    write(path)
    content = bytearray(path.read_bytes())
    entry = content.rfind(b"PK\x01\x02")
    content[entry + 20 : entry + 28] = struct.pack("<II", 2**31, 2**31)
    path.write_bytes(content)


def bomb_array(file):
    file.create_dataset("layers/dense/vars/2", shape=(2**38,), dtype="float32", chunks=(2**20,))


def unwritten_array(file):
    file.create_dataset("layers/dense/vars/2", shape=(2**38,), dtype="float32")


def packed_array(file):
    file.create_dataset("layers/dense/vars/2", data=np.zeros(10**6, "float32"), compression="gzip")


def outside_array(file):
    file.create_dataset("layers/dense/vars/2", shape=(4,), dtype="uint8", external=[("/etc/passwd", 0, 4)])


def virtual_array(file):
    layout = h5py.VirtualLayout(shape=(4,), dtype="float32")
    layout[:] = h5py.VirtualSource("/etc/passwd", "x", shape=(4,))
    file.create_virtual_dataset("layers/dense/vars/2", layout)


def texts(file):
    file.create_dataset("layers/dense/vars/2", data=["a", "b"], dtype=h5py.string_dtype())


def circle(file):
    file["layers/dense/again"] = file["layers"]


def external_link(file):
    file["layers/dense/vars/2"] = h5py.ExternalLink("/etc/passwd", "/x")


def soft_link(file):
    file["layers/dense/vars/2"] = h5py.SoftLink("/layers/dense/vars/0")


def doubled_array(file):
    for number in range(2, 50):
        file[f"layers/dense/vars/{number}"] = file["layers/dense/vars/0"]


def doubled_groups(file):
    """Forty levels, each there twice in the one above: 2 ** 40 ways to the bottom."""
    group = file.create_group("deep")
    for _ in range(40):
        below = group.create_group("a")
        group["b"] = below
        group = below
    group["end"] = np.ones(2, "float32")


def many_groups(file):
    for number in range(20_001):
        file.create_group(f"g/{number}")


def wide_numbers(file):
    file.create_dataset("layers/dense/vars/2", data=np.zeros(1, "V100000"))


def records(file):
    file.create_dataset("layers/dense/vars/2", data=np.zeros(1, [(f"f{i}", "f4") for i in range(500)]))


def endless_note(file):
    file["layers/dense/vars/0"].attrs["dtype"] = np.bytes_(b"x" * 60_000)


def tensor(name, shape=(None, 3)):
    """The output of a layer, as it stands in a call."""
    config = {"shape": list(shape), "dtype": "float32", "keras_history": [name, 0, 0]}
    return {"class_name": "__keras_tensor__", "config": config}


def call(*args, **kwargs):
    return {"args": list(args), "kwargs": kwargs}


def graph(*layers, shape=(None, 3), name="graph"):
    """A functional model of an input and more layers, (layer, its calls); the last one gives the output."""
    first = layer("InputLayer", {"batch_shape": list(shape), "dtype": "float32", "name": "input"})
    nodes = [(first, []), *layers]
    config = {
        "name": name,
        "layers": [item | {"name": item["config"]["name"], "inbound_nodes": calls} for item, calls in nodes],
        "input_layers": [["input", 0, 0]],
        "output_layers": [[nodes[-1][0]["config"]["name"], 0, 0]],
    }
    return layer("Functional", config, "keras.src.models.functional")


def dense_on(*args, **kwargs):
    """A functional model whose dense layer is called on what is given."""
    return graph((layer("Dense", {"name": "dense", "units": 2}), [call(*args, **kwargs)]))


def operation(name, module, called, shape=(None, 3), **config):
    return graph((layer(name, {"name": "op"} | config, f"keras.src.ops.{module}"), [called]), shape=shape)


def numpy(dtype, value=("x",)):
    return {"class_name": "__numpy__", "config": {"value": list(value), "dtype": dtype}}


def chain(count, step=1):
    """So many layers one after the other; `step` -1 lists them from back to front."""
    names = ["input", *(f"r{i}" for i in range(count))]
    made = [(layer("ReLU", {"name": b}), [call(tensor(a))]) for a, b in pairwise(names)]
    return graph(*made[::step])


def nested(levels):
    """A model in a model, each called twice on the outcome of the other call: 2 ** levels layers."""
    inner = graph((layer("ReLU", {"name": "r"}), [call(tensor("input"))]))
    for level in range(levels):
        inner["config"]["name"] = f"m{level}"
        again = tensor(f"m{level}")
        again["config"]["keras_history"] = [f"m{level}", 1, 0]
        inner = graph((inner, [call(tensor("input")), call(again)]))
    return inner


def pipelines(levels):
    """Each holds the one below twice, the second time by its number alone."""
    inner = layer("ReLU", {"name": "r"}, shared_object_id=0)
    for level in range(1, levels):
        again = layer("Pipeline", {"layers": []}) | {"shared_object_id": level - 1}
        inner = layer("Pipeline", {"layers": [inner, again], "name": f"p{level}"}, shared_object_id=level)
    return with_layer(inner)


def wrapped(levels):
    inner = layer("ReLU", {"name": "r"})
    for level in range(levels):
        inner = layer("TimeDistributed", {"layer": inner, "name": f"t{level}"})
    return with_layer(inner)


def many_members(path):
    write(path, extra=[(f"assets/{number}", b"") for number in range(1_200)])


LAMBDA = {"class_name": "__lambda__", "config": {"value": ["4wEAAA==", None, None]}}
CANARY = "canary"  # what none of them may make

# name -> (writes the file, what the refusal must say)
HOSTILE = {
    "lambda layer": (lambda p: write(p, with_layer(layer("Lambda", {"function": LAMBDA}))), "keras.layers.Lambda"),
    "lambda of the old format": (
        lambda p: write(p, with_layer({"class_name": "Lambda", "config": {"function": LAMBDA}})),
        "None.Lambda",
    ),
    "lambda as activation": (lambda p: write(p, dense(activation=LAMBDA)), "__lambda__"),
    "lambda in a nested model": (
        lambda p: write(p, with_layer(with_layer(layer("Lambda", {"function": LAMBDA})))),
        "keras.layers.Lambda",
    ),
    "arbitrary module": (
        lambda p: write(p, with_layer(layer("system", {"command": f"touch {CANARY}"}, "os"))),
        "os.system",
    ),
    "function of a module": (
        lambda p: write(p, dense(activation=layer("function", "eval", "builtins"))),
        "builtins.function",
    ),
    "function that fetches": (
        lambda p: write(p, dense(activation=layer("function", "get_file", "keras.utils"))),
        "keras.utils.function",
    ),
    "a class under another's name": (
        lambda p: write(p, with_layer(layer("Dense", {"units": 2}) | {"registered_name": "evil>Thing"})),
        "keras.layers.Dense",
    ),
    "a class of the zoo that is no layer": (
        lambda p: write(p, with_layer(layer("Run", {}, "zoo.runs.directory") | {"registered_name": "zoo>Run"})),
        "zoo.runs.directory.Run",
    ),
    "another package of Keras": (
        lambda p: write(p, with_layer(layer("Backbone", {}, "keras_hub.models"))),
        "keras_hub",
    ),
    "TFSMLayer": (lambda p: write(p, with_layer(layer("TFSMLayer", {"filepath": "/tmp/x"}))), "TFSMLayer"),
    "type specification": (
        lambda p: write(p, dense(kernel_constraint=layer("__typespec__", [[1]], "os", spec_name="system"))),
        "__typespec__",
    ),
    "optimiser of a nested model": (
        lambda p: write(p, with_layer(CONFIG | {"compile_config": {"optimizer": layer("Evil", {}, "evil")}})),
        "evil.Evil",
    ),
    "vocabulary of a file": (
        lambda p: write(p, with_layer(layer("StringLookup", {"vocabulary": "/etc/passwd"}))),
        "vocabulary",
    ),
    "traversal": (lambda p: write(p, extra=[("assets/../../canary", b"x")]), "leads out"),
    "absolute member": (lambda p: write(p, extra=[("/tmp/canary", b"x")]), "leads out"),
    "backslashes": (lambda p: write(p, extra=[("assets\\..\\canary", b"x")]), "leads out"),
    "symbolic link": (lambda p: write(p, extra=[(symlink(), b"/etc/passwd")]), "is a link"),
    "a stranger in the archive": (lambda p: write(p, extra=[("model.pkl", b"x")]), "model.pkl"),
    "two members of one name": (two_of_a_name, "one name"),
    "archive bomb": (
        lambda p: write(p, json.dumps(CONFIG) + " " * 10**8, compression=zipfile.ZIP_DEFLATED),
        "compressed",
    ),
    "bomb of weights": (lambda p: write(p, h5=bytes(10**8), compression=zipfile.ZIP_DEFLATED), "compressed"),
    "overlapping members": (overlapping, "claim more bytes"),
    "a size that is not there": (far_claim, "claim more bytes|compressed|damaged"),
    "a config of many megabytes": (lambda p: write(p, json.dumps(CONFIG) + " " * 10**7), "has 10,"),
    "external link": (lambda p: write(p, h5=weights(external_link)), "hold a link"),
    "soft link": (lambda p: write(p, h5=weights(soft_link)), "hold a link"),
    "weights in another file": (lambda p: write(p, h5=weights(outside_array)), "another file"),
    "virtual weights": (lambda p: write(p, h5=weights(virtual_array)), "another file"),
    "packed weights": (lambda p: write(p, h5=weights(packed_array)), "packed by a filter"),
    "shape bomb": (lambda p: write(p, h5=weights(bomb_array)), "lie in pieces, which Keras never writes"),
    "weights never written": (
        lambda p: write(p, h5=weights(unwritten_array)),
        "claim 1,099,511,627,776 bytes, 0 are there",
    ),
    "text for weights": (lambda p: write(p, h5=weights(texts)), "something else than numbers"),
    "a circle of groups": (lambda p: write(p, h5=weights(circle)), "one thing under two names, /layers/dense/again"),
    "huge layer": (lambda p: write(p, dense(units=10**9)), "units is 1,000,000,000"),
    "huge embedding": (
        lambda p: write(p, with_layer(layer("Embedding", {"input_dim": 10**12, "output_dim": 8}))),
        "input_dim is 1,000,",
    ),
    "huge picture": (
        lambda p: write(p, with_layer(layer("InputLayer", {"batch_shape": [None, 10**8, 10**8]}))),
        "batch_shape is 100,0",
    ),
    "a config too deep": (lambda p: write(p, "[" * 10**5 + "]" * 10**5), "damaged: RecursionError"),
    "a layer called on constants": (lambda p: write(p, dense_on([[1.0, 2.0, 3.0]])), "on constants alone"),
    "an operation called on constants": (
        lambda p: write(p, operation("Repeat", "numpy", call([0.0] * 900), repeats=900_000, axis=0)),
        "on constants alone",
    ),
    "an operation called on nothing": (
        lambda p: write(p, operation("Eye", "numpy", call(), N=1_000_000)),
        "on constants alone",
    ),
    "a call that is empty": (
        lambda p: write(p, graph((layer("Dense", {"name": "d", "units": 2}), [[]]))),
        "a layer's call",
    ),
    "a call in the old format": (
        lambda p: write(p, graph((layer("Dense", {"name": "d", "units": 2}), [[["input", 0, 0, {}]]]))),
        "a layer's call",
    ),
    "a layer called on a long list": (
        lambda p: write(p, dense_on(tensor("input"), mask=[0] * 10**5)),
        "a large constant",
    ),
    "a layer called on an object": (
        lambda p: write(p, dense_on(tensor("input"), mask=layer("RandomNormal", {}, "keras.initializers"))),
        "'RandomNormal', which is no plain value",
    ),
    "a layer called on a wide array": (
        lambda p: write(p, dense_on(tensor("input"), mask=numpy("S1000000000"))),
        "'__numpy__', which is no plain value",
    ),
    "an array of absurd width": (
        lambda p: write(
            p, dense(bias_initializer=layer("Constant", {"value": numpy("U500000000")}, "keras.initializers"))
        ),
        "None.__numpy__",
    ),
    "an array of records": (
        lambda p: write(p, dense(kernel_initializer=numpy([["a", "S1000000000"]]))),
        "None.__numpy__",
    ),
    "a class name that is a list": (lambda p: write(p, with_layer(layer(["Dense"], {"units": 2}))), "['Dense']"),
    "a class name that is a table": (lambda p: write(p, with_layer(layer({"Dense": 1}, {"units": 2}))), "{'Dense': 1}"),
    "a class name that is nothing": (lambda p: write(p, with_layer(layer(None, {"units": 2}))), "keras.layers.None"),
    "twenty thousand layers": (
        lambda p: write(p, with_layer(*(layer("ReLU", {"name": f"r{i}"}) for i in range(20_000)))),
        "more than 3,000 layers",
    ),
    "ten thousand layers in a graph": (lambda p: write(p, chain(10_000)), "more than 3,000 layers"),
    "a layer called ten thousand times": (
        lambda p: write(p, graph((layer("ReLU", {"name": "r"}), [call(tensor("input"))] * 10_000))),
        "called more than 3,000 times",
    ),
    "layers from back to front": (lambda p: write(p, chain(2_500, -1)), "stand in no order"),
    "models in models, called twice": (lambda p: write(p, nested(12)), "more than 3,000 layers"),
    "forty models in models, called twice": (lambda p: write(p, nested(40)), "nested more than 100 deep"),
    "pipelines that double": (lambda p: write(p, pipelines(24)), "more than 3,000 layers"),
    "layers wrapped in layers": (lambda p: write(p, wrapped(60)), "nested more than 100 deep"),
    "a million values": (lambda p: write(p, dense(units=[1] * 10**6)), "more than 500,000 values"),
    "a thousand members": (many_members, "more than 1,000 members"),
    "one array under many names": (lambda p: write(p, h5=weights(doubled_array)), "one thing under two names"),
    "groups that double": (lambda p: write(p, h5=weights(doubled_groups)), "one thing under two names"),
    "twenty thousand groups": (lambda p: write(p, h5=weights(many_groups)), "more groups and arrays than"),
    "numbers of absurd width": (lambda p: write(p, h5=weights(wide_numbers)), "something else than numbers"),
    "records for numbers": (lambda p: write(p, h5=weights(records)), "something else than numbers"),
    "a type with an endless name": (lambda p: write(p, h5=weights(endless_note)), "an endless name"),
    "HDF5 model": (lambda p: p.write_bytes(weights()), "an HDF5 model"),
    "pickle": (lambda p: p.write_bytes(b"\x80\x04K\x01."), "a pickle"),
}
