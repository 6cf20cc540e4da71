"""Look inside a Keras model: the graph of its layers, and a table with shapes, parameters and receptive fields.

Works on any built `keras.Model`, ours or yours; nested models are opened. A model written as a subclass has no
graph that could be read: its layers are listed, their connections are not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING, Any, NamedTuple

from zoo.catalogue.arithmetic import parameter_arithmetic

if TYPE_CHECKING:
    import keras

PUT_OFF = "uninitialized_variables"
Key = tuple[str, int]  # a layer's name and which of its calls is meant

# Layers that pass each position on by itself, so that the receptive field stays as it was
POINTWISE = {
    "InputLayer", "Activation", "ReLU", "LeakyReLU", "PReLU", "ELU", "Softmax", "Identity", "Dropout",
    "SpatialDropout2D", "GaussianNoise", "BatchNormalization", "Rescaling", "Normalization", "ZeroPadding1D",
    "ZeroPadding2D", "Cropping2D", "LayerNormalization", "LocalResponseNormalization", "LayerScale",
    "Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate",
}  # fmt: skip


class Result(NamedTuple):
    """One output of one call of a layer: most have one only, number 0."""

    name: str
    call: int
    output: int = 0

    @property
    def key(self) -> Key:
        """The call it comes from."""
        return self.name, self.call


@dataclass(frozen=True)
class Node:
    """One call of one layer. `args` and `kwargs` are those of the call, a `Result` standing where a tensor was."""

    key: Key
    layer: Any
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)
    linked: bool = True  # False in a subclassed model, whose connections nobody knows

    @property
    def sources(self) -> list[Key]:
        """The calls whose results this one takes."""
        return [result.key for result in results([self.args, self.kwargs])]


def skeleton(build: Callable[[], keras.Model]) -> keras.Model:
    """What `build` gives, without memory for its weights: shapes and counts of a network however large, in no time.

    It computes nothing and holds no numbers. Leans on two names of Keras: a stateless scope puts off making a
    variable's values, and the list of those put off (private, keras.src) is left as it was found.
    """
    import keras
    from keras.src.backend.common import global_state

    before = list(global_state.get_global_attribute(PUT_OFF) or [])
    try:
        with keras.StatelessScope(initialize_variables=False):
            return build()
    finally:
        global_state.set_global_attribute(PUT_OFF, before)


def graph(model: keras.Model) -> list[Node]:
    """The calls of a model's layers, each after those it depends on. Nested models stay closed: look at `.layer`."""
    config = model.get_config() if _has_graph(model) else {}
    if "input_layers" in config:
        return _functional(model, config)
    if type(model).__name__ == "Sequential":
        return _chain(list(model.layers))
    return [Node((layer.name, 0), layer, linked=False) for layer in model.layers]


def _has_graph(model: keras.Model) -> bool:
    return hasattr(model, "operations")  # Functional models have it; a subclass's get_config may raise


def _functional(model: keras.Model, config: dict[str, Any]) -> list[Node]:
    operations = {operation.name: operation for operation in model.operations}
    nodes: dict[Key, Node] = {}
    for entry in config["layers"]:
        calls = entry["inbound_nodes"] or [{"args": (), "kwargs": {}}]
        for index, call in enumerate(calls):
            key = (entry["name"], index)
            nodes[key] = Node(key, operations[entry["name"]], tuple(_plain(call["args"])), _plain(call["kwargs"]))
    order = TopologicalSorter({key: node.sources for key, node in nodes.items()}).static_order()
    return [nodes[key] for key in order]


def _chain(layers: list[Any]) -> list[Node]:
    keys = [(layer.name, 0) for layer in layers]
    feeds: list[tuple[Any, ...]] = [(), *((Result(*key),) for key in keys[:-1])]
    return [Node(key, layer, args) for key, layer, args in zip(keys, layers, feeds, strict=True)]


def _plain(structure: Any) -> Any:
    """The arguments of a call with each serialised tensor replaced by the result it is."""
    if isinstance(structure, dict):
        if structure.get("class_name") == "__keras_tensor__":
            return Result(*structure["config"]["keras_history"])
        return {key: _plain(value) for key, value in structure.items()}
    return [_plain(value) for value in structure] if isinstance(structure, (list, tuple)) else structure


def results(structure: Any) -> Iterator[Result]:
    """Every result that stands in the arguments of a call, in order."""
    if isinstance(structure, Result):
        yield structure
    elif isinstance(structure, (list, tuple)):
        for value in structure:
            yield from results(value)
    elif isinstance(structure, dict):
        yield from results(list(structure.values()))


def filled(structure: Any, values: Mapping[Key, Any]) -> Any:
    """The arguments of a call with each result replaced by its tensor; `values` has what every call gave."""
    if isinstance(structure, Result):
        value = values[structure.key]
        return value[structure.output] if isinstance(value, (list, tuple)) else value
    if isinstance(structure, dict):
        return {key: filled(value, values) for key, value in structure.items()}
    return type(structure)(filled(v, values) for v in structure) if isinstance(structure, (list, tuple)) else structure


def is_model(layer: Any) -> bool:
    """Whether a layer is itself a model with layers of its own."""
    return hasattr(layer, "layers") and hasattr(layer, "get_layer")


def is_convolution(layer: Any) -> bool:
    """Whether a layer has two-dimensional filters."""
    return hasattr(layer, "dense_kernel") or ("Conv2D" in type(layer).__name__ and hasattr(layer, "kernel"))


def flat_layers(model: keras.Model) -> list[Any]:
    """Every layer in order, nested models opened."""
    found: list[Any] = []
    for node in graph(model):
        found += flat_layers(node.layer) if is_model(node.layer) else [node.layer]
    return found


def output_shape(layer: Any) -> str:
    """`28x28x6` for (batch, 28, 28, 6), `?` where a side is free; several outputs are joined by a comma."""
    try:
        made = layer.output
    except AttributeError:  # called more than once, or never built as a graph
        return "?"
    return ", ".join(shape_text(tensor.shape[1:]) for tensor in (made if isinstance(made, (list, tuple)) else [made]))


def shape_text(shape: tuple[int | None, ...]) -> str:
    """`28x28x6`; `scalar` for an empty shape."""
    return "x".join("?" if side is None else str(side) for side in shape) or "scalar"


def layer_rows(model: keras.Model) -> list[dict[str, Any]]:
    """One row a layer: `name`, `type`, `shape`, `params`, `arithmetic`, `field`; `params` add up to `count_params()`.

    `arithmetic` is how the parameters come about (`(5*5*1 + 1)*6`), `field` the side in input pixels of what one
    unit of a convolutional or pooling layer sees, None where that has no meaning. Layers of a nested model are named
    `outer/inner`. A layer called twice has its parameters in its first row.
    """
    rows: list[dict[str, Any]] = []
    _add_rows(rows, model, prefix="", seen=set())
    own = model.count_params() - sum(row["params"] for row in rows)
    if own:  # weights that a subclassed model holds itself
        rows.append(_row("(own weights)", type(model).__name__, "", own, str(own), None))
    return rows


def _add_rows(rows: list[dict[str, Any]], model: keras.Model, prefix: str, seen: set[int]) -> None:
    nodes = graph(model)
    fields = receptive_fields(nodes)
    for node in nodes:
        layer = node.layer
        if is_model(layer):
            _add_rows(rows, layer, f"{prefix}{layer.name}/", seen)
            continue
        params = 0 if id(layer) in seen or not hasattr(layer, "count_params") else layer.count_params()
        arithmetic = parameter_arithmetic(layer) if params else ("shared" if id(layer) in seen else "")
        seen.add(id(layer))
        side = fields.get(node.key)
        name, kind = prefix + layer.name, type(layer).__name__
        rows.append(_row(name, kind, output_shape(layer), params, arithmetic, _side(side)))


def _row(name: str, kind: str, shape: str, params: int, arithmetic: str, side: int | str | None) -> dict[str, Any]:
    return {"name": name, "type": kind, "shape": shape, "params": params, "arithmetic": arithmetic, "field": side}


def _side(sides: tuple[float, ...] | None) -> int | str | None:
    if sides is None:
        return None
    return int(sides[0]) if len(set(sides)) == 1 else "x".join(map(str, sides))


class Sight(NamedTuple):
    """What the units of a layer see along one side: unit i the pixels from `start + step * i`, `field` of them."""

    start: float = 0
    step: float = 1
    field: float = 1

    def pixels(self, unit: int, side: int) -> tuple[int, int]:
        """First pixel that a unit sees and the one behind its last, those outside of the image left out."""
        first = round(self.start + self.step * unit)
        return min(max(first, 0), side - 1), max(min(first + round(self.field), side), 1)


Sights = tuple[Sight, ...]  # along each side: of images along the height and along the width


def receptive_fields(nodes: list[Node]) -> dict[Key, tuple[float, ...]]:
    """Sides of the receptive field, in input pixels, of each call in a chain (or branches) of convolutions and pools.

    With window f, stride s and dilation d: field += (d (f - 1)) * step, then step *= s (start: field 1, step 1).
    Where branches meet, the larger field counts. Calls behind a dense layer, a flattening or a global pool have none.
    """
    found: dict[Key, Sights] = {}
    for node in nodes:
        known = [found[key] for key in node.sources if key in found]
        if len(known) < len(node.sources):
            continue
        before = widest(known) if known else _start(node.layer)
        if before and (seen := through(node.layer, before)):
            found[node.key] = seen
    fields = {key: tuple(see.field for see in seen) for key, seen in found.items()}
    return {key: sides for key, sides in fields.items() if max(sides) > 1}


def widest(branches: list[Sights]) -> Sights:
    """What is seen where branches meet: along each side the widest window."""
    return tuple(max(sides, key=lambda see: see.field) for sides in zip(*branches, strict=True))


def _start(layer: Any) -> Sights | None:
    """What is seen before the first layer of a model that takes images or series; None for vectors."""
    try:
        given = layer.output if type(layer).__name__ == "InputLayer" else layer.input
        rank = len((given[0] if isinstance(given, (list, tuple)) else given).shape) - 2
    except AttributeError:
        return None
    return (Sight(),) * rank if rank >= 1 else None


def through(layer: Any, before: Sights) -> Sights | None:
    """What the units behind a layer see; None where that is no window that moves by even steps."""
    kind, rank = type(layer).__name__, len(before)
    if kind in ("ZeroPadding2D", "Cropping2D"):
        borders = layer.padding if kind == "ZeroPadding2D" else [(-first, -last) for first, last in layer.cropping]
        return tuple(
            Sight(see.start - see.step * first, see.step, see.field)
            for see, (first, _) in zip(before, borders, strict=True)
        )
    if kind in POINTWISE:
        return before
    window = getattr(layer, "kernel_size", None) or getattr(layer, "pool_size", None)
    if window is None or "Transpose" in kind:
        return None
    window, strides = _each(window, rank), _each(getattr(layer, "strides", None) or 1, rank)
    dilation = _each(getattr(layer, "dilation_rate", 1), rank)
    sizes = [d * (w - 1) + 1 for d, w in zip(dilation, window, strict=True)]
    added = _added(layer, sizes, strides)
    return tuple(
        Sight(see.start - see.step * border, see.step * stride, see.field + (size - 1) * see.step)
        for see, size, stride, border in zip(before, sizes, strides, added, strict=True)
    )


def _added(layer: Any, sizes: list[int], strides: tuple[int, ...]) -> list[int]:
    """Pixels that a layer adds itself in front of each side; none where its sides are free."""
    if getattr(layer, "padding", "valid") != "same":
        return [0] * len(sizes)
    try:
        came, went = layer.input.shape[1:-1], layer.output.shape[1:-1]
    except AttributeError:  # called more than once
        return [0] * len(sizes)
    return [
        0 if before is None or after is None else max((after - 1) * stride + size - before, 0) // 2
        for before, after, size, stride in zip(came, went, sizes, strides, strict=True)
    ]


def _each(value: Any, rank: int) -> tuple[int, ...]:
    return (value,) * rank if isinstance(value, int) else tuple(value)
