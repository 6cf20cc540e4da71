"""Which features of a TFDS dataset are input and label, and how one decoded example becomes a pair (x, y).

Features are told apart by the name of their class, so that this reads descriptions without importing TensorFlow.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from zoo.errors import UsageError, unknown

if TYPE_CHECKING:
    import tensorflow as tf

    from zoo.data.config import Data
    from zoo.data.fields import Role


class Pair(NamedTuple):
    """What is input and what is label. `source` is one feature's name, or None: all but the label together.

    Text alone, for a language model, has no label.
    """

    source: str | None
    input: Any  # a feature, or a mapping of them
    label: str | None
    target: Any  # a feature

    @property
    def is_image(self) -> bool:
        return _is(self.input, "Image")

    @property
    def is_text(self) -> bool:
        return _is(self.input, "Text")

    @property
    def kind(self) -> str:
        """What the zoo calls data of this kind."""
        return "image" if self.is_image else "text" if self.is_text else "tabular"

    @property
    def classes(self) -> int | None:
        """Number of classes; None where the label is a quantity."""
        return int(self.target.num_classes) if _is(self.target, "ClassLabel") else None


class Column(NamedTuple):
    """One number of a table's row: its name, its feature, and the one-hot class it stands for."""

    name: str
    feature: str


def choose(info: Any, label: str | None, name: str) -> Pair:
    """The dataset's own choice of input and label, or the user's label.

    Raises:
        UsageError: no such feature, no choice where none was made, or input that is neither image, text nor table.
    """
    features = sorted(info.features)  # in a dictionary of TFDS they stand in another order in every process
    if label is not None and label not in features:
        raise unknown(f"feature of {name}", label, features, f"it has: {', '.join(features)}")
    keys = info.supervised_keys
    if keys and len(keys) == 2 and all(isinstance(key, str) for key in keys):
        source, label = keys[0], label or keys[1]
    elif label is None and len(features) == 1 and _is(info.features[features[0]], "Text"):
        return Pair(features[0], info.features[features[0]], None, None)
    elif label is None:
        raise UsageError(f"{name} does not say what its label is; name it: --label, one of {', '.join(features)}")
    else:
        images, texts = ([key for key in features if _is(info.features[key], kind)] for kind in ("Image", "Text"))
        source = images[0] if images else texts[0] if len(texts) == 1 else None
    rest = {key: info.features[key] for key in features if key != label}
    pair = Pair(source, rest if source is None else _opened(info.features[source]), label, info.features[label])
    _refuse_other(pair, name)
    return pair


def _opened(feature: Any) -> Any:
    """A dictionary of features as a mapping, another feature as it is."""
    return {key: feature[key] for key in feature} if _is(feature, "FeaturesDict") else feature


def _refuse_other(pair: Pair, name: str) -> None:
    if not (_is(pair.target, "ClassLabel") and pair.target.num_classes) and not (
        _is_numeric(pair.target) and pair.target.shape == ()
    ):
        raise UsageError(f"{name}: label {pair.label!r} is {_type(pair.target)}; it has to be a class or a number")
    if not (pair.is_image or pair.is_text):
        columns(pair, name)
    elif pair.is_image and _dtype(pair.input) != "uint8":
        raise UsageError(f"{name}: its images are {_dtype(pair.input)}; zoo takes uint8")


def columns(pair: Pair, name: str) -> list[Column]:
    """Columns of a table's row in the order of their names; a class has one for each of its values, one-hot.

    Raises:
        UsageError: a feature that is neither numbers nor a class.
    """
    found = []
    for key, feature in _parts(pair):
        if _is(feature, "ClassLabel"):
            found += [Column(f"{key}={value}", key) for value in feature.names]
        elif _is_numeric(feature) and len(feature.shape) == 1 and feature.shape[0]:
            found += [Column(f"{key} {i}", key) for i in range(feature.shape[0])]
        elif _is_numeric(feature) and feature.shape == ():
            found.append(Column(key, key))
        else:
            raise UsageError(
                f"{name}: input {key!r} is {_type(feature)}; zoo takes images, one text, tables of numbers or classes"
            )
    return found


def _parts(pair: Pair) -> list[tuple[str, Any]]:
    if isinstance(pair.input, Mapping):
        return sorted(pair.input.items())
    return [(str(pair.source), pair.input)]


def _type(feature: Any) -> str:
    return type(feature).__name__


def _is(feature: Any, type_name: str) -> bool:
    return _type(feature) == type_name


def _dtype(feature: Any) -> str:
    import numpy as np

    return np.dtype(feature.np_dtype).name


def _is_numeric(feature: Any) -> bool:
    return _type(feature) in ("Tensor", "Scalar") and _dtype(feature).startswith(("int", "uint", "float", "bool"))


def picker(pair: Pair, data: Data, name: str, target: Role = "label") -> Callable[[Any], tuple[tf.Tensor, tf.Tensor]]:
    """The function that takes one decoded example to (x, y); of text x is its bytes, and y 0 where there is no label.

    Raises:
        UsageError: the recipe says another kind of data, or other columns.
    """
    import tensorflow as tf

    if pair.kind != data.kind:
        found = {"image": "images", "text": "texts", "tabular": "a table"}[pair.kind]
        raise UsageError(f"{name} holds {found}; the recipe says data.kind = {data.kind!r}")
    if pair.label is None and target != "tokens":
        raise UsageError(f"{name} is text without labels; the recipe says data.task = {data.task!r}")
    if pair.kind == "tabular" and data.feature_names:
        _refuse_other_columns(columns(pair, name), data, name)
    dtype = tf.float32 if target == "value" else tf.int64

    def pick(example: Any) -> tuple[tf.Tensor, tf.Tensor]:
        raw = example if pair.source is None else example[pair.source]
        y = tf.cast(0 if pair.label is None else example[pair.label], dtype)
        if pair.is_text:
            return raw, y
        return fit_image(raw, data.input_shape) if pair.is_image else _row(raw, pair), y

    return pick


def _refuse_other_columns(found: list[Column], data: Data, name: str) -> None:
    names = [column.name for column in found]
    if len(names) == len(data.feature_names) and len({column.feature for column in found}) == 1:
        return  # one vector: the recipe may name its numbers
    if names != list(data.feature_names):
        raise UsageError(
            f"{name} has the columns {', '.join(names)}\n"
            f"the recipe's data.feature_names are {', '.join(data.feature_names)}"
        )


def _row(value: Any, pair: Pair) -> tf.Tensor:
    """One flat row of float32, (columns,): numbers as they are, classes one-hot."""
    import tensorflow as tf

    parts = []
    for key, feature in _parts(pair):
        cell = value[key] if isinstance(pair.input, Mapping) else value
        if _is(feature, "ClassLabel"):
            parts.append(tf.one_hot(cell, feature.num_classes))
        else:
            parts.append(tf.reshape(tf.cast(cell, tf.float32), [-1]))
    return tf.concat(parts, axis=0)


def fit_image(image: tf.Tensor, shape: tuple[int, ...]) -> tf.Tensor:
    """A uint8 image in the channels and the size that the recipe asks for (bilinear, antialiased)."""
    import tensorflow as tf

    if image.shape[-1] == 3 and shape[2] == 1:
        image = tf.image.rgb_to_grayscale(image)
    elif image.shape[-1] == 1 and shape[2] == 3:
        image = tf.image.grayscale_to_rgb(image)
    if tuple(image.shape) == tuple(shape):
        return image
    resized = tf.image.resize(image, shape[:2], antialias=True)  # float32
    return tf.cast(tf.clip_by_value(tf.round(resized), 0, 255), tf.uint8)
