"""An optimiser and a loss that were given as Keras objects, in place of those that the recipe names.

A recipe cannot hold an object: run.json says what was given, and neither `--resume` nor a run of recipe.toml has it.
Nothing here needs Keras before it is used.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from zoo.errors import UsageError
from zoo.recipe import Resolved

if TYPE_CHECKING:
    import keras


class Given(NamedTuple):
    """Objects in place of a recipe's names; None: as the recipe says."""

    optimizer: keras.optimizers.Optimizer | None = None
    loss: keras.losses.Loss | None = None

    def __bool__(self) -> bool:
        return self.optimizer is not None or self.loss is not None

    def facts(self) -> dict[str, Any]:
        """What run.json says of them: class and configuration, by the name of the argument."""
        return {
            name: {"class": type(part).__name__, "config": _plain(part.get_config())}
            for name, part in self._asdict().items()
            if part is not None
        }

    def new_optimizer(self) -> keras.optimizers.Optimizer | None:
        """An optimiser like the given one, without its state; to be called in the scope of the strategy."""
        return self.optimizer and type(self.optimizer).from_config(self.optimizer.get_config())

    def loss_values(self) -> Callable[[Any, Any], Any] | None:
        """The given loss with one value an example: (targets, outputs) -> (batch, ...)."""
        return self.loss and type(self.loss).from_config(self.loss.get_config() | {"reduction": "none"})

    def refuse_beside(self, recipe: Resolved, replicas: int = 1) -> None:
        """Objects where they cannot work.

        Raises:
            UsageError: several devices or workers, who are told of the recipe alone; a run in two phases; a rate that
                has two masters.
        """
        if self and replicas > 1:
            raise UsageError("an optimizer or a loss given as an object takes one device\nsay strategy='one'")
        if self and recipe.transfer is not None:
            raise UsageError(
                "a run that starts from a trained network takes no optimizer and no loss as an object\n"
                "say them by name: optimizer='sgd', sets=['training.loss=...']"
            )
        if self.loss is not None and recipe.training.label_smoothing:
            raise UsageError(
                "training.label_smoothing: the given loss says itself what it smooths\n"
                "leave it away, or name the loss: sets=['training.loss=...']"
            )
        if self.optimizer is not None and recipe.callbacks.reduce_on_plateau and self._has_schedule():
            raise UsageError(
                "callbacks.reduce_on_plateau: the given optimizer has a schedule of its own\n"
                "give it a number as its learning rate, or leave the callback away"
            )

    def _has_schedule(self) -> bool:
        return self.optimizer is not None and isinstance(self.optimizer.get_config().get("learning_rate"), dict)


NOTHING = Given()


def _plain(value: Any) -> Any:
    """A configuration as JSON can hold it; what it cannot is described."""
    if isinstance(value, dict):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, float | int | str | None):
        return value
    return float(value) if hasattr(value, "__float__") else type(value).__name__
