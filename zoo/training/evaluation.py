"""Whole splits through a network: outputs for every example, loss and metrics over all of them, none left out."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from zoo.data.config import Data
from zoo.data.examples import Examples, Splits, only
from zoo.data.fields import Fields
from zoo.tasks import of
from zoo.tasks.objective import Objective
from zoo.tasks.task import Scorer
from zoo.training.batches import pieces
from zoo.training.logits import Forward, with_logits

EVALUATION_BATCH = 500
MOST_NUMBERS = 2**23  # in an evaluation batch's inputs
MIRRORED = 10 * EVALUATION_BATCH  # images that are turned at once
TOKEN_BATCH = 64  # where outputs are not kept
MAPS = 32  # maps of the size of its input that a network which answers for each pixel is thought to have

Predict = Callable[[Any], Any]  # inputs (n, ...) -> outputs (n, ...), an array or arrays by name
Evaluate = Callable[[Examples], "Evaluation"]


class Evaluation(NamedTuple):
    """Loss and metrics over a split, the network's outputs for all of it, and the texts that it gave, if any.

    The outputs are an array, or arrays by name where the network has several; None where a whole split's are too many.
    """

    metrics: dict[str, Any]
    outputs: Any
    texts: Sequence[str] = ()
    loss_from: str = "outputs"  # what the loss is computed from: the outputs, or the "logits" before them
    details: Mapping[str, Any] = MappingProxyType({})  # what else is said of the split, see `zoo.tasks.details`


def make_predict(model: Callable[..., Any], fields: Fields) -> Predict:
    """A function from raw examples (n, ...) to float32 outputs (n, ...), every example once, none dropped.

    The outputs are an array, or arrays by name as the network has them.
    """
    forward = tf.function(lambda x: model(x, training=False), reduce_retracing=True)

    def predict(x: Any) -> Any:
        arrays = by_name(x)
        parts = pieces(arrays, fields, evaluation_batch(arrays, fields))
        return in_order((rows, as_arrays(forward(constant(only(part))))) for rows, part in parts)

    return predict


def make_evaluate(model: keras.Model, data: Data, loss: str, predict: Predict) -> Evaluate:
    """A function that scores all of some examples by the loss that is minimised; `predict` gives the outputs."""
    task = of(data)
    if not task.keeps_outputs:
        fields = task.fields(data)
        add_up = _make_add_up(model, task.objective(data, loss), fields)
        return lambda examples: Evaluation(add_up(examples), None)

    if (scorer := task.scorer(model, data, loss)) is not None:
        return _make_average(model, scorer, task.fields(data))

    def evaluate(examples: Examples) -> Evaluation:
        outputs = predict(examples.x)
        y = task.targets(examples.y, data, loss)
        return Evaluation(score(model, task.objective(data, loss), outputs, y), outputs)

    return evaluate


def make_score(model: keras.Model, data: Data, loss: str, predicting: Callable[[Any], Predict]) -> Evaluate:
    """As `make_evaluate`, for a finished model: the loss is computed from the logits where the model has them.

    From probabilities Keras' cross-entropies are cut at 1e-7: an example that the model is surely wrong about would
    count 16.1 at the most. `predicting` makes a function of whole splits from one of a batch.
    """
    task = of(data)
    logits_of = task.objective(data, loss).logits_of if task.scorer(model, data, loss) is None else ""
    forward = with_logits(model, logits_of) if logits_of else None
    if forward is None:
        return make_evaluate(model, data, loss, predicting(model))
    if not task.keeps_outputs:
        add_up = _make_add_up(model, task.objective(data, loss), task.fields(data), forward)
        return lambda examples: Evaluation(add_up(examples), None, loss_from="logits")
    predict = predicting(lambda x, training: forward(x))

    def evaluate(examples: Examples) -> Evaluation:
        outputs, logits = predict(examples.x)
        y = task.targets(examples.y, data, loss)
        measured = score(model, task.objective(data, loss), outputs, y, logits)
        return Evaluation(measured, outputs, loss_from="logits")

    return evaluate


def measure(
    model: keras.Model, data: Data, loss: str, splits: Splits, part: str, evaluate: Evaluate, flips: bool = False
) -> Evaluation:
    """All that is said of one part of the data: loss and metrics over the whole of it, and what is measured once.

    With `flips` also the accuracy of the mean of the answers to each image and to its mirror image.
    """
    examples, task = splits.by_name()[part], of(data)
    found = evaluate(examples)
    ranked = {} if found.outputs is None else task.from_outputs(examples, found.outputs, data, loss)
    if flips:
        both = (found.outputs + _of_mirror_images(examples, evaluate)) / 2
        answers = score(model, task.objective(data, loss), both, task.targets(examples.y, data, loss))
        ranked |= {"accuracy_with_flips": answers["accuracy"]}
    further = task.further(model, data, splits, part, found.metrics)
    said = further.texts if found.outputs is None else found.outputs
    details = task.details(data, loss, splits, part, said) if len(said) else {}
    return found._replace(metrics=found.metrics | ranked | further.metrics, texts=further.texts, details=details)


def _of_mirror_images(examples: Examples, evaluate: Evaluate) -> np.ndarray:
    """The outputs for the mirror image of each, left to right; some at a time, since images may rest on disk."""
    parts = [examples.cut(slice(start, start + MIRRORED)) for start in range(0, len(examples), MIRRORED)]
    return np.concatenate([evaluate(Examples(part.x[:, :, ::-1], part.y)).outputs for part in parts])


def score(model: keras.Model, objective: Objective, outputs: Any, y: Any, logits: Any = None) -> dict[str, float]:
    """Loss and metrics over a whole split, from the outputs for all of it at once; an exact loss from logits."""
    loss = objective.mean(y, outputs, logits) + sum(model.losses)
    objective.count(y, outputs, logits)
    return objective.results() | {"loss": float(loss)}


def _make_add_up(
    model: keras.Model, objective: Objective, fields: Fields, forward: Forward | None = None
) -> Callable[[Examples], dict[str, float]]:
    """A function that scores batch by batch: the outputs, a distribution for each token, are never all in memory."""

    @tf.function(reduce_retracing=True)
    def add(x: Any, y: tf.Tensor) -> None:
        outputs, logits = forward(x) if forward else (model(x, training=False), None)
        total = objective.total(y, outputs, y.shape[0])
        loss = objective.mean(y, outputs, logits)
        objective.mean_loss.update_state(loss, sample_weight=objective.mean_weight(total))
        objective.count(y, outputs, logits)

    def add_up(examples: Examples) -> dict[str, float]:
        objective.reset()
        arrays = {**examples.inputs, **examples.targets}
        for _, part in pieces(arrays, fields, evaluation_batch(examples.inputs, fields, TOKEN_BATCH)):
            x, y = ({name: part[name] for name in names} for names in examples.sides)
            add(constant(only(x)), constant(only(y)))
        return objective.results()

    return add_up


def _make_average(model: keras.Model, scorer: Scorer, fields: Fields) -> Callable[[Examples], Evaluation]:
    """A function that scores batch by batch, and takes the mean of what each example got."""
    score = tf.function(scorer, reduce_retracing=True)

    def average(examples: Examples) -> Evaluation:
        found, kept = [], []
        for rows, part in pieces(examples.inputs, fields, evaluation_batch(examples.inputs, fields)):
            values, outputs = score(constant(only(part)), tf.constant(rows[0], "int32"))
            found.append(keras.tree.map_structure(lambda tensor: tensor.numpy(), dict(values)))
            kept.append((rows, keras.tree.map_structure(lambda tensor: tensor.numpy(), outputs)))
        means = {name: float(np.concatenate([each[name] for each in found]).mean(dtype="float64")) for name in found[0]}
        return Evaluation(means | {"loss": means["loss"] + float(sum(model.losses))}, in_order(kept))

    return average


def by_name(x: Any) -> Mapping[str, Any]:
    """Inputs by the names of their fields: a single array is the field `x`."""
    return x if isinstance(x, Mapping) else {"x": x}


def evaluation_batch(arrays: Mapping[str, Any], fields: Fields, most: int = EVALUATION_BATCH) -> int:
    """Inputs at once: fewer of large images, whose maps would fill the memory, and where maps as large come out."""
    size = 1 if fields.cuts else sum(math.prod(array.shape[1:]) for array in arrays.values())
    maps = MAPS if any(field.is_map for field in fields.targets) else 1
    return int(min(most, max(1, MOST_NUMBERS // (maps * size))))


def in_order(parts: Iterable[tuple[np.ndarray, Any]]) -> Any:
    """Outputs of pieces put back into the order of their row numbers, float32."""
    rows, outputs = zip(*parts, strict=True)
    order = np.concatenate(rows)

    def ordered(*pieces: np.ndarray) -> np.ndarray:
        joined = np.concatenate(pieces)
        found = np.empty_like(joined, "float32")
        found[order] = joined
        return found

    return keras.tree.map_structure(ordered, *outputs)


def as_arrays(x: Any) -> Any:
    """Tensors as arrays."""
    return keras.tree.map_structure(lambda tensor: tensor.numpy(), x)


def constant(x: Any) -> Any:
    """Arrays as tensors."""
    return keras.tree.map_structure(tf.constant, x)
