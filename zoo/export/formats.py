"""Four file formats: how a model is written in each, and how the format's own runtime reads and runs what was written.

Examples are one array (n, ...), or a dict of them by the name of the model's inputs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.errors import MissingError, pip_install, unknown
from zoo.export.table import FORMATS
from zoo.export.writing import Shapes, write_keras, write_litert, write_onnx, write_saved_model

if TYPE_CHECKING:
    import keras

Apply = Callable[[Any], Any]  # examples -> outputs: an array, or of several heads a dict, or a list by their names


@dataclass(frozen=True)
class Format:
    """A file format, its runtime, and the three lines that import the runtime, load a file and run it."""

    name: str
    suffix: str
    runtime: str
    module: str  # the runtime's
    write: Callable[[keras.Model, Path, Shapes], None]
    open: Callable[[Path], Apply]
    usage: tuple[str, str, str]
    needs: tuple[tuple[str, str], ...] = ()  # packages to write and run it: import name, and what pip calls it
    half: bool = True  # whether it holds networks that compute in half precision

    @property
    def version(self) -> str:
        """The runtime's name and version: `ONNX Runtime 1.31.1`."""
        return f"{self.runtime} {import_module(self.module).__version__}"

    def check_installed(self) -> None:
        """Look for the packages, without importing them.

        Raises:
            MissingError: some are not installed.
        """
        missing = [package for module, package in self.needs if find_spec(module) is None]
        if missing:
            raise MissingError(
                f"the format {self.name} needs {' and '.join(missing)}, not installed here\n"
                f"install what export needs with: {pip_install('export')}"
            )

    def how_to_load(self, model: keras.Model, path: Path, layers: Path | None = None) -> list[str]:
        """Python that loads the file and runs it on arrays named `x`, or as the model's inputs are.

        `layers` is the module of the zoo's layers that is imported before.
        """
        single = not isinstance(model.input, dict)
        arrays = {tensor.name: "x" if single else tensor.name for tensor in model.inputs}
        table = "{" + ", ".join(f'"{name}": {array}' for name, array in arrays.items()) + "}"
        words = {
            "file": f'"{path}"',
            "inputs": "x" if single else table,
            "table": table,
            "named": ", ".join(f"{name}={array}" for name, array in arrays.items()),
        }
        before = ["import sys", f'sys.path.append("{layers.parent}")', f"import {layers.stem}"] if layers else []
        return before + [line.format(**words) for line in self.usage]


def _open_keras(path: Path) -> Apply:
    import keras

    model = keras.saving.load_model(path, compile=False, safe_mode=True)
    return lambda x: model.predict(x, verbose=0)


def _open_saved_model(path: Path) -> Apply:
    import tensorflow as tf

    model = tf.saved_model.load(str(path))
    return lambda x: tf.nest.map_structure(lambda output: output.numpy(), model.serve(x))


def _open_onnx(path: Path) -> Apply:
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return lambda x: session.run(None, _by_name(x, session.get_inputs()[0].name))


def _open_litert(path: Path) -> Apply:
    from ai_edge_litert.interpreter import Interpreter

    run = Interpreter(str(path)).get_signature_runner()
    return lambda x: run(**_by_name(x, *run.get_input_details()))


def _by_name(x: Any, first: str, *others: str) -> dict[str, np.ndarray]:
    return x if isinstance(x, dict) else {first: x}


ALL = {
    "keras": Format(
        "keras", ".keras", "Keras", "keras", write_keras, _open_keras,
        ("import keras", "model = keras.saving.load_model({file})", "outputs = model.predict({inputs})"),
    ),
    "savedmodel": Format(
        "savedmodel", ".savedmodel", "TensorFlow", "tensorflow", write_saved_model, _open_saved_model,
        ("import tensorflow as tf", "model = tf.saved_model.load({file})", "outputs = model.serve({inputs})"),
    ),
    "onnx": Format(
        "onnx", ".onnx", "ONNX Runtime", "onnxruntime", write_onnx, _open_onnx,
        (
            "import onnxruntime",
            "session = onnxruntime.InferenceSession({file})",
            "outputs = session.run(None, {table})[0]",
        ),
        (("onnx", "onnx"), ("onnxruntime", "onnxruntime"), ("tf2onnx", "tf2onnx")),
        half=False,
    ),
    "litert": Format(
        "litert", ".tflite", "LiteRT", "ai_edge_litert", write_litert, _open_litert,
        (
            "from ai_edge_litert.interpreter import Interpreter",
            "run = Interpreter({file}).get_signature_runner()",
            'outputs = run({named})["output_0"]',
        ),
        (("ai_edge_litert", "ai-edge-litert"),),
        half=False,
    ),
}  # fmt: skip


def find(name: str) -> Format:
    """A format by its name.

    Raises:
        UsageError: no such format; the nearest names are given.
    """
    if name not in ALL:
        raise unknown("format", name, FORMATS, f"known: {', '.join(FORMATS)}")
    return ALL[name]
