"""Whether a run fits into the memory of this machine, estimated before anything large is made."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from zoo.catalogue import registry
from zoo.data.examples import memory
from zoo.errors import UsageError
from zoo.recipe import Resolved
from zoo.training.distribution import cluster

NUMBER = 4  # bytes
# numbers for each parameter: itself, its gradient, and what the optimiser keeps
KEPT = {"sgd": 2, "momentum": 3, "nesterov": 3, "adagrad": 3, "rmsprop": 3, "adam": 4, "adamw": 4}
LAYERS = 16  # as many of the largest size are thought possible before a network is counted


def refuse_too_large(recipe: Resolved) -> None:
    """Estimate what a batch and the network need.

    A batch is known from the recipe. A network is counted without memory for its weights, which needs Keras: only where
    its sizes leave a doubt, and not among several workers, who have to meet before TensorFlow builds anything.

    Raises:
        UsageError: more than this machine has; the estimate is given.
    """
    have = memory()
    steps, batch = recipe.preprocessing, recipe.training.batch_size
    padded = steps.model_copy(update={"resize": None}).output_shape(recipe.data.input_shape)
    shape = max(padded, steps.output_shape(recipe.data.input_shape), key=math.prod)
    need = 2 * NUMBER * batch * math.prod(shape)  # a batch, and what the first layer makes of it
    if need > have:
        inputs = f"a batch of {batch} inputs of {'x'.join(map(str, shape))}"
        raise _too_large(inputs, need, have, "take smaller inputs (data.input_shape, preprocessing) or --batch-size")
    if not _may_be_large(recipe, math.prod(shape), have) or cluster.find(recipe.training.strategy):
        return
    count = _parameters(recipe)
    each = 1 if recipe.transfer else KEPT[recipe.training.optimizer]  # of a frozen network nothing is kept
    each += bool(recipe.training.averaging)
    if NUMBER * each * count > have:
        network = f"{recipe.model} with {count:,} parameters, trained by {recipe.training.optimizer},"
        raise _too_large(network, NUMBER * each * count, have, "take a smaller network (knobs) or smaller inputs")


def _too_large(what: str, need: int, have: int, remedy: str) -> UsageError:
    return UsageError(f"{what} takes about {need / 2**30:,.1f} GiB; this machine has {have / 2**30:,.1f} GiB\n{remedy}")


def _may_be_large(recipe: Resolved, inputs: int, have: int) -> bool:
    """Whether many layers between the two largest sizes that the recipe names would not fit."""
    record = registry.describe(recipe.model)
    knobs = record.knobs | recipe.knobs
    given = {name: value for name, value in knobs.items() if name not in ("input_shape", "vocab_size")}
    text = recipe.data.text
    vocabularies = (text.vocab_size, text.target_vocab_size or 0) if text else ()
    *_, second, first = sorted([1, 1, inputs, *vocabularies, *_numbers(given)])
    return max(record.params, LAYERS * first * second) * NUMBER * max(KEPT.values()) > have


def _numbers(value: Any) -> Iterator[int]:
    """The whole numbers in a knob, a tuple or a table of them."""
    if isinstance(value, Mapping):
        value = tuple(value.values())
    if isinstance(value, list | tuple):
        for part in value:
            yield from _numbers(part)
    elif isinstance(value, int):
        yield value


def _parameters(recipe: Resolved) -> int:
    from zoo.training.environment import prepare

    prepare()
    from zoo.catalogue.inspect import skeleton
    from zoo.training.model import build_core

    return int(skeleton(partial(build_core, recipe)).count_params())
