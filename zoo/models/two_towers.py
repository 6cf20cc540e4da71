"""Two towers: photographs and numbers, each through layers of its own, joined in front of one or several heads.

Ahmed and Moustafa 2016, House price estimation from visual and textual features, NCTA 2016 (arXiv:1609.08399): four
photographs of a house beside its four numbers estimate the price better than either alone. Networks that join what
several senses say: Ngiam et al. 2011, Multimodal deep learning, ICML. Each tower is there alone too, to compare with.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from zoo.catalogue.registry import register
from zoo.errors import UsageError

if TYPE_CHECKING:
    import keras

PAPER = "Ahmed and Moustafa 2016, House price estimation from visual and textual features"
PUBLISHED = {"Houses, with photographs against numbers alone": "3 times the R-value, a tenth of the squared error"}
DEVIATIONS = (
    "the photographs go through convolutions that learn, where the paper found points by SURF",
    "one small dense tower for the numbers, where the paper joined all features in front of one hidden layer",
)
SHAPES = {"picture": (64, 64, 3), "measures": (4,)}
HEADS = {"sort": (10, "softmax"), "value": (1, "linear")}


@register(
    "two_towers",
    family="two_towers",
    year=2016,
    paper=PAPER,
    idea="Each kind of input has layers that suit it; what they find is joined, and several heads answer from it.",
    inputs=("mixed", "image", "tabular"),
    tasks=("multi-task",),
    params=157_307,
    published=PUBLISHED,
    deviations=DEVIATIONS,
)
def two_towers(
    input_shapes: Mapping[str, tuple[int, ...]] = SHAPES,
    heads: Mapping[str, tuple[int, str]] = HEADS,
    filters: tuple[int, ...] = (16, 32, 64),
    image_units: int = 32,
    hidden_units: tuple[int, ...] = (32, 16),
    joint_units: int = 32,
    dropout: float = 0.0,
    name: str = "two_towers",
) -> keras.Model:
    """Inputs by name -> outputs by name.

    Images (batch, height, width, channels) go through one tower, the same weights for all of them: a 3x3 convolution
    and a 2x2 pool for each of `filters`, then `image_units` dense units. Numbers (batch, features) go through dense
    layers of `hidden_units`. All that comes out is concatenated, (batch, features), and goes through `joint_units`
    dense units in front of the heads.

    Args:
        input_shapes: of each input by name; three sides are an image, one a row of numbers. All images have one shape.
        heads: units and activation of each output by name.
        dropout: share of the joint units' outputs dropped in training.

    Raises:
        UsageError: images of several shapes, or an input that is neither image nor numbers.

    Source: Ahmed and Moustafa 2016; what differs from it stands in the record.
    """
    import keras
    from keras import layers

    inputs = {key: keras.Input(shape, name=key) for key, shape in input_shapes.items()}
    images = [tensor for tensor in inputs.values() if len(tensor.shape) == 4]
    numbers = {key: tensor for key, tensor in inputs.items() if len(tensor.shape) == 2}
    if len(images) + len(numbers) < len(inputs):
        raise UsageError("two towers take images (height, width, channels) and rows of numbers (features,)")
    if len({image.shape for image in images}) > 1:
        raise UsageError("all images go through one tower and have one shape; resize them alike")
    found = []
    if images:
        tower = image_tower(images[0].shape[1:], filters, image_units)
        found += [tower(image) for image in images]  # (batch, image_units) each
    for key, x in numbers.items():
        for i, units in enumerate(hidden_units, start=1):
            x = layers.Dense(units, activation="relu", name=f"{key}_{i}")(x)  # (batch, units)
        found.append(x)
    x = layers.Concatenate(name="joined")(found) if len(found) > 1 else found[0]
    x = layers.Dense(joint_units, activation="relu", name="joint")(x)  # (batch, joint_units)
    if dropout:
        x = layers.Dropout(dropout, name="dropout")(x)
    outputs = {
        key: layers.Dense(units, activation=activation, dtype="float32", name=key)(x)
        for key, (units, activation) in heads.items()
    }
    return keras.Model(inputs, outputs, name=name)


@register(
    "two_towers.pictures",
    family="two_towers",
    year=2016,
    paper=PAPER,
    idea="The tower of the images alone: what photographs say where nobody reads the numbers beside them.",
    inputs=("mixed", "image"),
    tasks=("multi-task",),
    params=156_107,
    published=PUBLISHED,
    deviations=DEVIATIONS,
)
def two_towers_pictures(
    input_shapes: Mapping[str, tuple[int, ...]] = SHAPES,
    heads: Mapping[str, tuple[int, str]] = HEADS,
    filters: tuple[int, ...] = (16, 32, 64),
    image_units: int = 32,
    joint_units: int = 32,
    dropout: float = 0.0,
    name: str = "two_towers_pictures",
) -> keras.Model:
    """`two_towers` that looks at the images among its inputs alone; arguments as there."""
    images = {key: shape for key, shape in input_shapes.items() if len(shape) == 3}
    if not images:
        raise UsageError("there is no image among the inputs")
    return two_towers(images, heads, filters, image_units, (), joint_units, dropout, name=name)


@register(
    "two_towers.numbers",
    family="two_towers",
    year=2016,
    paper=PAPER,
    idea="The tower of the numbers alone: what they say where nobody looks at the images beside them.",
    inputs=("mixed", "tabular"),
    tasks=("multi-task",),
    params=1_595,
    published=PUBLISHED,
    deviations=DEVIATIONS,
)
def two_towers_numbers(
    input_shapes: Mapping[str, tuple[int, ...]] = SHAPES,
    heads: Mapping[str, tuple[int, str]] = HEADS,
    hidden_units: tuple[int, ...] = (32, 16),
    joint_units: int = 32,
    dropout: float = 0.0,
    name: str = "two_towers_numbers",
) -> keras.Model:
    """`two_towers` that looks at the rows of numbers among its inputs alone; arguments as there."""
    numbers = {key: shape for key, shape in input_shapes.items() if len(shape) == 1}
    if not numbers:
        raise UsageError("there are no numbers among the inputs")
    return two_towers(numbers, heads, (), 0, hidden_units, joint_units, dropout, name=name)


def image_tower(input_shape: tuple[int, ...], filters: tuple[int, ...], units: int) -> keras.Model:
    """Convolutions, each halving the sides, and a dense layer: (batch, height, width, channels) -> (batch, units)."""
    import keras
    from keras import layers

    x = inputs = keras.Input(input_shape, name="image")
    for i, count in enumerate(filters, start=1):
        x = layers.Conv2D(count, 3, padding="same", activation="relu", name=f"conv_{i}")(x)  # (batch, h, w, count)
        x = layers.MaxPooling2D(2, padding="same", name=f"pool_{i}")(x)  # (batch, h / 2, w / 2, count)
    x = layers.Flatten(name="flatten")(x)
    outputs = layers.Dense(units, activation="relu", name="image_units")(x)  # (batch, units)
    return keras.Model(inputs, outputs, name="image_tower")
