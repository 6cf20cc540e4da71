"""A run that starts from a trained network: first its new head alone, then what is left free of the rest.

The frozen network sees each example once: what it gives is kept in memory, and the head learns on that, so the first
phase costs one pass over the data and then next to nothing. It takes the examples as they are; augmentation begins with
the second phase. That one starts from the first's best epoch, and ends there if it finds nothing better.
"""

from __future__ import annotations

import logging
import math
import os
import shutil
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import keras
import numpy as np

from zoo.data import Examples, Splits
from zoo.data.config import Augmentation
from zoo.data.fields import Field, Fields
from zoo.errors import UsageError
from zoo.files.opening import make_folder
from zoo.models.freezing import freeze
from zoo.pretrained import bases
from zoo.pretrained.assign import head, put
from zoo.pretrained.names import weight_names
from zoo.recipe import Resolved, Transfer
from zoo.runs.directory import write_history
from zoo.training import checkpoint
from zoo.training.callbacks import BestWeights
from zoo.training.distribution import cluster
from zoo.training.evaluation import make_predict
from zoo.training.fit import Fit, Fitted
from zoo.training.model import assemble, body_and_head, build_core, constants, core_of

log = logging.getLogger("zoo")
FIRST = "head"  # the folder of the first phase, inside the run's


class TransferFit(Fit):
    """A run from a trained network, in one phase or two."""

    def __init__(
        self,
        recipe: Resolved,
        splits: Splits,
        folder: Path | None = None,
        callbacks: Sequence[keras.callbacks.Callback] = (),
        most_steps: int | None = None,
    ) -> None:
        """Build everything and put the base's weights in.

        Raises:
            UsageError: several workers; a base that is gone or changed; nothing is left to learn.
            MissingError: ImageNet weights that are not to be had.
        """
        assert recipe.transfer is not None
        if cluster.find(recipe.training.strategy):
            raise UsageError("a run that starts from a trained network takes one machine\nsay --strategy one")
        self.transfer: Transfer = recipe.transfer
        self.watchers = callbacks
        super().__init__(recipe, splits, folder, callbacks, most_steps)
        if not self.model.trainable_variables:
            raise UsageError(f"freeze = {self.transfer.freeze!r} leaves nothing to learn in {recipe.model}")

    def _make_model(self) -> keras.Model:
        base, core = bases.again(self.recipe), build_core(self.recipe)
        same = base.run is not None and base.run.recipe.model == self.recipe.model
        body, self.head = body_and_head(core, same)
        _put_base(core, base, head(core) if same and self.transfer.head == "new" else (), same)
        blocks = {"all": 0, "none": None}.get(str(self.transfer.freeze), self.transfer.freeze)
        learning = freeze(body, blocks)  # type: ignore[arg-type]
        for layer in self.head:
            layer.trainable = True
        names = [*learning, *(layer.name for layer in self.head if layer.weights)]
        log.info("starting from %s; learning: %s", self.transfer.weights, _some(names))
        return assemble(self.recipe, core, base.constants() or constants(self.recipe, self.splits.train))

    def __call__(self, resume: checkpoint.Checkpoint | None = None) -> Fitted:
        """Train both phases, or what is left of them.

        Raises:
            Stopped: Ctrl-C or SIGTERM came; the state is saved. ZooError: the loss is not a number any more.
        """
        if self.transfer.freeze == "all":
            return self._head_alone(resume)
        seconds = 0.0
        if resume is None:
            seconds = self._first_phase() if self._has_first_phase else 0.0
            self._contend()
            training = self.recipe.training
            what = "what is left free of the rest too" if self._has_first_phase else "all that learns, from the start"
            log.info("%s: %d epochs at %g", what, training.epochs, training.learning_rate)
        fitted = super().__call__(resume)
        fitted.seconds += seconds
        first = len(self.history["loss"]) - self.epoch
        if first:
            self.history["phase"] = [1.0] * first + [2.0] * self.epoch
            if self.folder and self.recipe.callbacks.csv_history:
                write_history(self.folder, self.history)
        if self.folder:
            shutil.rmtree(self.folder / FIRST, ignore_errors=True)
        return fitted

    @property
    def _has_first_phase(self) -> bool:
        return bool(self.transfer.head_epochs) and any(layer.trainable_weights for layer in self.head)

    def _head_alone(self, resume: checkpoint.Checkpoint | None) -> Fitted:
        """The only phase of a run whose network stays frozen: what [training] says, on its features."""
        if self.recipe.augmentation.active:
            log.info("note: no augmentation, since the features of the frozen network are computed once")
        fit = HeadFit(self, self.recipe, self.folder)
        fitted = fit(resume)
        fit.hand_over()
        self.history, self.jit = fit.history, fit.jit
        return Fitted(self.model, fit.history, self.strategy_text, fit.jit, fitted.seconds, fitted.first_step_seconds)

    def _first_phase(self) -> float:
        """Train the head alone, or go on with that, or take what came of it; the seconds that it took."""
        folder = self.folder / FIRST if self.folder else None
        if folder:
            make_folder(folder)
        done = checkpoint.newest(folder / "done")[0] if folder else None
        if done is not None:
            self.history = done.facts["history"]
            _set(self.head, [done.arrays[f"head/{i}"] for i in range(len(done.arrays))])
            return 0.0
        epochs = self.transfer.head_epochs
        epochs = epochs if self.most_steps is None else min(epochs, self.recipe.training.epochs)
        update = {"epochs": epochs, "learning_rate": self.transfer.head_learning_rate}
        training = self.recipe.training.model_copy(update=update | {"warmup_epochs": 0.0})
        fit = HeadFit(self, self.recipe.model_copy(update={"training": training}), folder)
        log.info("the first phase, the head alone: %d epochs at %g", training.epochs, training.learning_rate)
        fitted = fit(checkpoint.newest(folder / "checkpoints")[0] if folder else None)
        fit.hand_over()
        self.history = fit.history
        if folder:
            arrays = {f"head/{i}": np.array(weight) for i, weight in enumerate(_weights(self.head))}
            checkpoint.save(folder / "done", fit.epoch, arrays, {"history": self.history})
        return fitted.seconds

    def _contend(self) -> None:
        """What the second phase starts from is the best so far."""
        if not len(self.splits.validation):
            return
        scores = {f"val_{name}": value for name, value in self._validated().items()}
        for callback in self.callbacks:
            if isinstance(callback, BestWeights) and callback.monitor in scores:
                callback.best, callback.epoch, callback.weights = scores[callback.monitor], -1, self.model.get_weights()

    @cached_property
    def features(self) -> Splits:
        """What the frozen part gives for each example, computed once; the test split is left out.

        Raises:
            UsageError: that fills the memory.
        """
        core, before = core_of(self.model), self.model.layers[-2].output
        frozen = keras.Model(core.input, self.head[0].input)
        predict = make_predict(keras.Model(self.model.input, frozen(before)), self.fields)
        train, validation, test = self.splits
        shape = frozen.output.shape[1:]
        count = len(train) + len(validation)
        _refuse_too_big(count * math.prod(shape), shape)
        log.info("computing features once: %s for each of %d examples", "x".join(map(str, shape)), count)
        empty = np.zeros((0, *shape), "float32")

        def seen(part: Examples) -> Examples:
            return Examples(predict(part.x) if len(part) else empty, part.targets, part.beside)

        return Splits(seen(train), seen(validation), Examples(empty, test.cut(slice(0)).targets))


class HeadFit(Fit):
    """The head of a network, trained on the features that the rest of it gives."""

    def __init__(self, whole: TransferFit, recipe: Resolved, folder: Path | None) -> None:
        """Take the head's layers and the features from `whole`; augmentation is off."""
        self.whole = whole
        plain = recipe.model_copy(update={"augmentation": Augmentation()})
        super().__init__(plain, whole.features, folder, whole.watchers, whole.most_steps)

    def _make_fields(self) -> Fields:
        """Features are vectors or maps of numbers, whatever the examples are."""
        features = Field("x", "vector", self.splits.train.x.shape[1:], "float32")
        return Fields((features,), self.task.fields(self.recipe.data).targets)

    def _make_model(self) -> keras.Model:
        """Copies of the head's layers behind an input of their own, with the weights that these have now."""
        x = inputs = keras.Input(self.splits.train.x.shape[1:], name="features")
        for layer in self.whole.head:
            x = type(layer).from_config(layer.get_config())(x)
        inside = keras.Model(inputs, x, name="head")
        inside.set_weights([np.array(weight) for weight in _weights(self.whole.head)])
        outer = keras.Input(self.splits.train.x.shape[1:], name="raw")
        return keras.Model(outer, inside(outer), name="head_on_features")

    def hand_over(self) -> None:
        """Give the weights back to the whole network's head."""
        _set(self.whole.head, core_of(self.model).get_weights())

    def _resume_command(self) -> str:
        return self.whole._resume_command()


def _put_base(core: keras.Model, base: bases.Base, new: Sequence[str], same: bool) -> None:
    """The base's arrays into the whole network, or those of its maps into the part that is one."""
    given, target = base.arrays(), core if same else core_of(core)
    if not same:
        names = set(weight_names(target))
        given = {name: array for name, array in given.items() if name in names}
    for note in put(target, given, base.weights, new) if given else ():
        log.info("note: %s", note)


def _weights(layers: Sequence[keras.layers.Layer]) -> list[keras.Variable]:
    return [weight for layer in layers for weight in layer.weights]


def _set(layers: Sequence[keras.layers.Layer], arrays: Sequence[np.ndarray]) -> None:
    for weight, array in zip(_weights(layers), arrays, strict=True):
        weight.assign(array)


def _some(names: Sequence[str]) -> str:
    return ", ".join(names) if len(names) <= 8 else f"{', '.join(names[:3])} ... {', '.join(names[-3:])} ({len(names)})"


def _refuse_too_big(numbers: int, shape: tuple[int, ...]) -> None:
    need, have = 4 * numbers, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if 2 * need > have:
        raise UsageError(
            f"features of {'x'.join(map(str, shape))} an example take {need / 2**30:.1f} GiB, this machine has "
            f"{have / 2**30:.1f} GiB\ntake fewer examples, smaller images or --set knobs.pooling=average"
        )
