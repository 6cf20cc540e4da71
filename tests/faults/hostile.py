"""Model files that would do harm: each is a small sound model, written by hand, with one thing changed."""

import copy
import io
import json
import struct
import zipfile

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
        lambda p: write(p, with_layer(layer("Run", {}, "zoo.runs") | {"registered_name": "zoo>Run"})),
        "zoo.runs.Run",
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
    "shape bomb": (lambda p: write(p, h5=weights(bomb_array)), "claim 1,099,511,627,776 bytes, 0 are there"),
    "weights never written": (
        lambda p: write(p, h5=weights(unwritten_array)),
        "claim 1,099,511,627,776 bytes, 0 are there",
    ),
    "text for weights": (lambda p: write(p, h5=weights(texts)), "something else than numbers"),
    "a circle of groups": (lambda p: write(p, h5=weights(circle)), "a circle"),
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
    "HDF5 model": (lambda p: p.write_bytes(weights()), "an HDF5 model"),
    "pickle": (lambda p: p.write_bytes(b"\x80\x04K\x01."), "a pickle"),
}
