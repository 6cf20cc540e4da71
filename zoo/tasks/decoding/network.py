"""A sequence model taken apart for decoding: what hangs on the source alone, and what hangs on the growing target.

The parts are the model's own layers, found by a walk over its graph; no architecture is written a second time. What
hangs on the source runs once. A layer on the target's path runs token by token if it can:

- a layer that treats each position by itself (dense, embedding, normalisation ...) is called on one position;
- Keras' SimpleRNN, LSTM and GRU go by their cell, from the `initial_state` that they are called with, if any;
- Keras' attention over the source is called with one query;
- any other layer needs a step form, three methods of which the last two may be left out:
  `step(x, *inputs, state, position) -> (output, new state)`, x being (batch, 1, features);
  `initial_state(batch, length) -> list of tensors`, each with the batch in axis 0, room for `length` positions;
  `prepare(x, *inputs) -> (x, *inputs of step)`, which runs once: what can be computed from the inputs other than x.

Where a layer has none, the whole model goes over the whole prefix for each token: slower, and the same result.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import keras
import tensorflow as tf
from keras import layers, ops

from zoo.catalogue.inspect import Key, Node, Result, filled, graph, is_model, results
from zoo.errors import UsageError
from zoo.layers import PaddingMask

MERGING = (layers.Add, layers.Subtract, layers.Multiply, layers.Average, layers.Maximum, layers.Minimum, layers.Concatenate)  # fmt: skip  # noqa: E501
POINTWISE = (
    *MERGING, layers.Embedding, layers.ReversibleEmbedding, layers.Dense, layers.LayerNormalization,
    layers.RMSNormalization, layers.BatchNormalization, layers.Dropout, layers.SpatialDropout1D, layers.GaussianNoise,
    layers.GaussianDropout, layers.Activation, layers.ReLU, layers.LeakyReLU, layers.ELU, layers.Softmax,
    layers.Rescaling, layers.Identity, PaddingMask,
)  # fmt: skip
KERAS_ATTENTION = (layers.Attention, layers.MultiHeadAttention)
NO_INPUTS = ("initial_state", "training", "mask")  # arguments of a call that a step does not take


@dataclass(frozen=True)
class Known:
    """What is known before the first token: tensors made from the source, by the call that made them or needs them."""

    values: Mapping[Key, Any] = field(default_factory=dict)
    prepared: Mapping[Key, Any] = field(default_factory=dict)  # inputs of a step but for its first
    first: Mapping[Key, Any] = field(default_factory=dict)  # states to begin with

    def repeated(self, times: int) -> Known:
        """The same with each row `times` times, one below the other."""

        def repeat(structure: Any) -> Any:
            return tf.nest.map_structure(lambda x: tf.repeat(x, times, axis=0) if tf.is_tensor(x) else x, structure)

        return Known(*(repeat(dict(part)) for part in (self.values, self.prepared, self.first)))


class Network:
    """A language model or a sequence-to-sequence model, token by token.

    Args:
        model: functional; one input of token ids, or two layers `source` and `target`; a model that only wraps such a
            one is opened.
        cached: False goes over the whole prefix for each token, whatever the layers can do.

    Raises:
        UsageError: the model is none of these.
    """

    def __init__(self, model: keras.Model, cached: bool = True) -> None:
        core = _opened(model)
        self.name, self.vocab_size = core.name, core.output.shape[-1]
        self.source, self.target, self.output = _ends(core)
        nodes = [node for node in graph(core) if type(node.layer) is not layers.InputLayer]
        self.changing = {self.target}  # the calls whose results hang on the target
        for node in nodes:
            if self.changing.intersection(node.sources):
                self.changing.add(node.key)
        self.before = [node for node in nodes if node.key not in self.changing]
        self.each = [node for node in nodes if node.key in self.changing]
        self.cached = cached and all(self._by_steps(node) for node in self.each)

    @property
    def translates(self) -> bool:
        """Whether there is a source."""
        return self.source is not None

    def longest(self, part: list[Node]) -> int | None:
        """Most positions that the layers of a part know (their `max_length`); None where there is no end."""
        known = [getattr(node.layer, "max_length", None) for node in part]
        return min((length for length in known if length is not None), default=None)

    def read(self, source: Any = None) -> Known:
        """Run what hangs on the source (batch, source time) alone; without a source there is little to run."""
        values: dict[Key, Any] = {} if self.source is None else {self.source: source}
        for node in self.before:
            values[node.key] = _call(node, values)
        needed = {key for node in self.each for key in node.sources}
        known = Known({key: value for key, value in values.items() if key in needed})
        if not self.cached:
            return known
        prepared, first = {}, {}
        for node in self.each:
            inputs, state = _inputs(node)
            if hasattr(node.layer, "prepare"):
                fixed = filled(inputs[1:], values)
                prepared[node.key] = list(node.layer.prepare(None, *fixed)[1:])
            if state is not None:
                made = filled(state, values)
                first[node.key] = list(made) if isinstance(made, (list, tuple)) else [made]
        return Known(known.values, prepared, first)

    def start(self, known: Known, batch: Any, length: Any) -> list[Any]:
        """The state before the first of `length` tokens: tensors with the batch in axis 0, in nested lists."""
        if not self.cached:
            return [tf.zeros((batch, length), "int32")]
        return [
            known.first[node.key] if node.key in known.first else _initial_state(node.layer, batch, length)
            for node in self.each
        ]

    def step(self, known: Known, tokens: Any, position: Any, state: list[Any]) -> tuple[Any, list[Any]]:
        """Read one token a row, (batch,), at `position`.

        Returns the probabilities of the next token, (batch, vocabulary), and the new state.
        """
        if not self.cached:
            prefix = ops.slice_update(state[0], (0, position), tokens[:, None])
            return self.whole(known, prefix[:, : position + 1])[:, -1], [prefix]
        values = {**known.values, self.target: tokens[:, None]}  # (batch, 1)
        after = []
        for node, before in zip(self.each, state, strict=True):
            values[node.key], new = self._step(node, values, known, before, position)
            after.append(new)
        return filled(self.output, values)[:, 0], after

    def whole(self, known: Known, target: Any) -> Any:
        """All at once: target (batch, time) -> probabilities (batch, time, vocabulary)."""
        return filled(self.output, self.values(known, target))

    def values(self, known: Known, target: Any) -> dict[Key, Any]:
        """What every call on the target's path gives for a whole target (batch, time)."""
        values = {**known.values, self.target: target}
        for node in self.each:
            values[node.key] = _call(node, values)
        return values

    def attention_scores(self, known: Known, target: Any) -> list[Any]:
        """Of each attention over the source, where each target position looks: (batch, target time, source time)."""
        values = self.values(known, target)
        maps = [_scores(node, values) for node in self.each if self._looks_back(node)]
        return [ops.mean(scores, axis=1) if len(scores.shape) == 4 else scores for scores in maps]

    def _looks_back(self, node: Node) -> bool:
        can = hasattr(node.layer, "attention_scores") or isinstance(node.layer, KERAS_ATTENTION)
        return can and not all(key in self.changing for key in node.sources)

    def _step(self, node: Node, values: Any, known: Known, state: Any, position: Any) -> tuple[Any, Any]:
        layer = node.layer
        if isinstance(layer, layers.RNN):
            return _cell_step(layer, filled(_inputs(node)[0][0], values), state)
        if type(layer) is layers.Dense:  # on a matrix it is one product; on three axes TensorFlow works out shapes
            return ops.expand_dims(layer(ops.squeeze(filled(node.args[0], values), 1)), 1), state
        if not hasattr(layer, "step"):
            return _call(node, values), state
        inputs = _inputs(node)[0]
        x = filled(inputs[0], values)
        rest = known.prepared[node.key] if node.key in known.prepared else filled(inputs[1:], values)
        return layer.step(x, *rest, state=state, position=position)

    def _by_steps(self, node: Node) -> bool:
        """Whether a call on the target's path can be made one position at a time."""
        layer = node.layer
        if isinstance(layer, layers.RNN):
            return layer.return_sequences and not layer.go_backwards and not self._changes(_inputs(node)[1])
        if hasattr(layer, "step"):
            inputs, state = _inputs(node)
            return not self._changes(state) and not (hasattr(layer, "prepare") and self._changes(inputs[1:]))
        if isinstance(layer, layers.Attention):  # AdditiveAttention is one too
            return not self._changes(node.args[0][1:]) and not node.kwargs.get("use_causal_mask")
        if type(layer) is layers.MultiHeadAttention:
            return not self._changes([*node.args[1:], *node.kwargs.values()])
        if type(layer) in MERGING and not all(self._changes(part) for part in node.args[0]):
            return False
        return type(layer) in POINTWISE and _last_axis(layer)

    def _changes(self, structure: Any) -> bool:
        return any(result.key in self.changing for result in results(structure))


def _opened(model: keras.Model) -> keras.Model:
    """The model inside of one that does nothing but to call it."""
    while is_model(model.layers[-1]) and all(type(layer) is layers.InputLayer for layer in model.layers[:-1]):
        model = model.layers[-1]
    return model


def _ends(core: keras.Model) -> tuple[Key | None, Key, Result]:
    """Where the source (None in a language model) and the target come in, and where the probabilities go out."""
    config = core.get_config() if hasattr(core, "operations") else {}
    given, made = _places(config.get("input_layers", ())), _places(config.get("output_layers", ()))
    tokens = all("int" in tensor.dtype and len(tensor.shape) == 2 for tensor in core.inputs or ())
    if set(given) not in ({0}, {"source", "target"}) or not tokens or len(made) != 1 or len(core.output.shape) != 3:
        raise UsageError(
            f"{core.name} does not write: that takes token ids in, as one input or as source and target, and a "
            "distribution for each token out"
        )
    if "source" in given:
        return given["source"].key, given["target"].key, next(iter(made.values()))
    return None, given[0].key, next(iter(made.values()))


def _places(config: Any) -> dict[Any, Result]:
    """Inputs or outputs in a model's config by their names, or by their numbers where they have none."""
    if isinstance(config, dict):
        return {name: Result(*place) for name, place in config.items()}
    places = [config] if config and isinstance(config[0], str) else config
    return {number: Result(*place) for number, place in enumerate(places)}


def _call(node: Node, values: Mapping[Key, Any]) -> Any:
    """The layer's result as in training, without what it does in training only."""
    kwargs = filled(node.kwargs, values)
    if "training" in inspect.signature(node.layer.call).parameters:
        kwargs["training"] = False
    return node.layer(*filled(node.args, values), **kwargs)


def _scores(node: Node, values: Mapping[Key, Any]) -> Any:
    """The weights of an attention layer, of one head or of several."""
    args, kwargs = filled(node.args, values), filled(node.kwargs, values)
    kwargs.pop("training", None)
    if hasattr(node.layer, "attention_scores"):
        return node.layer.attention_scores(*args, **kwargs)
    return node.layer(*args, **kwargs, return_attention_scores=True, training=False)[1]


def _inputs(node: Node) -> tuple[list[Any], Any]:
    """What a call is given, in the order of the layer's arguments, and the state it begins with."""
    given = inspect.signature(node.layer.call).bind(*node.args, **node.kwargs).arguments
    return [value for name, value in given.items() if name not in NO_INPUTS], given.get("initial_state")


def _initial_state(layer: keras.Layer, batch: Any, length: Any) -> list[Any]:
    if isinstance(layer, layers.RNN):
        return list(layer.cell.get_initial_state(batch))
    return list(layer.initial_state(batch, length)) if hasattr(layer, "initial_state") else []


def _cell_step(layer: layers.RNN, x: Any, state: list[Any]) -> tuple[Any, list[Any]]:
    """One step by a recurrent layer's cell, x (batch, 1, features) -> (batch, 1, units), and the states behind it."""
    output, new = layer.cell(x[:, 0], state, training=False)
    output, new = output[:, None], list(new)
    return ([output, *new] if layer.return_state else output), new


def _last_axis(layer: keras.Layer) -> bool:
    axis = getattr(layer, "axis", -1)
    return all(a in (-1, 2) for a in (axis if isinstance(axis, (list, tuple)) else [axis]))
