"""Regression: a value for each example."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from zoo.data.fields import Field
from zoo.tasks.targets import columns
from zoo.tasks.task import Answer, Look, Plan, Task, outputs

if TYPE_CHECKING:
    import numpy as np

    from zoo.catalogue.spec import DataSpec
    from zoo.data.config import Data
    from zoo.data.examples import Splits
    from zoo.tasks.objective import Objective


class Regression(Task):
    """One value an example, by a linear output."""

    name = "regression"
    kinds: tuple[str, ...] = ("tabular", "image", "text", "mixed")
    is_head = True
    can_scale_targets = True
    takes_weights = True
    losses = ("mse", "mae", "huber")
    metrics = ("mae",)

    def target(self, data: Data) -> Field:
        return Field("y", "value", (), "float32")

    def head(self, spec: DataSpec) -> tuple[int, str]:
        return 1, "linear"

    def mistakes(self, data: Data) -> list[str]:
        given = data.num_classes is not None or data.class_names
        return [*super().mistakes(data), *(["num_classes has no meaning for regression"] if given else [])]

    def pictures(self, look: Look) -> Iterator[Plan]:
        """Predicted against actual values; of one feature the function that was learnt."""
        from zoo.drawing.outcome import predicted_against_actual
        from zoo.drawing.plane import fitted_curve

        test, said = look.test, look.outputs
        if said is None or not len(test):
            return
        yield "predicted_actual.png", "Predicted against actual", lambda: predicted_against_actual(test.y, said)
        if look.data.input_shape == (1,):
            yield (
                "fitted_curve.png",
                "Learned function",
                lambda: fitted_curve(lambda points: outputs(look.model, points), test.x, test.y),
            )

    def pipeline(self, kind: str) -> str:
        return "tabular-regression" if kind == "tabular" else "other"

    def objective(self, data: Data, loss: str) -> Objective:
        import keras

        from zoo.tasks.objective import Objective, example_loss

        return Objective(example_loss(loss), [keras.metrics.MeanAbsoluteError(name="mae")])

    def target_form(self, data: Data, loss: str) -> partial[np.ndarray] | None:
        """Values (n, 1)."""
        return partial(columns)

    def baselines(self, data: Data, splits: Splits, measured: Mapping[str, Any], asked: bool) -> list[dict[str, Any]]:
        from zoo.tasks.baselines import of_values, scored

        return scored(of_values(data, splits), splits, "mae", asked)

    def details(self, data: Data, loss: str, splits: Splits, part: str, outputs: Any) -> dict[str, Any]:
        from zoo.tasks.details import of_values

        return of_values(splits.by_name()[part].y, outputs, splits.train.y)

    def by_example(self, wanted: Any, outputs: Any, data: Data, loss: str) -> dict[str, np.ndarray]:
        """Errors; of several values an example their mean."""
        return {"mae": abs(_rows(outputs) - _rows(wanted)).mean(axis=1)}

    def answers(self, wanted: Any, outputs: Any, data: Data, loss: str) -> dict[str, list[Answer]]:
        rows = zip(_rows(wanted), _rows(outputs), strict=True)
        return {"mae": [Answer(_told(truth), _told(said)) for truth, said in rows]}

    def words(self, outputs: np.ndarray, data: Data, loss: str) -> list[dict[str, Any]]:
        return [{"prediction": float(value)} for value in outputs.reshape(-1)]


def _rows(values: np.ndarray) -> np.ndarray:
    """Values (n,) or (n, values) as (n, values), in double precision."""
    return values.reshape(len(values), -1).astype(float)


def _told(values: np.ndarray) -> str:
    return " ".join(f"{value:.4g}" for value in values)


TASKS = (Regression(),)
