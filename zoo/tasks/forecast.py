"""Forecasting: what comes next in a series, a value a step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from zoo.data.fields import Field
from zoo.tasks.regression import Regression
from zoo.tasks.task import Further, Look, Plan

if TYPE_CHECKING:
    from pathlib import Path

    import keras
    import numpy as np

    from zoo.catalogue.spec import DataSpec
    from zoo.data.config import Data
    from zoo.data.examples import Examples, Source, Splits
    from zoo.data.text.encoding import Vocabularies


CALLED = {"mae": "this net", "naive_mae": "the last value again", "seasonal_naive_mae": "the value a season ago"}


class Forecast(Regression):
    """The next `horizon` values of a series from the window before them; a recipe calls it a regression of a series."""

    kinds = ("series",)
    scales_targets = True
    takes_weights = False
    can_scale_targets = False  # they follow the window's scale
    is_head = False

    def target(self, data: Data) -> Field:
        return Field("y", "value", (_horizon(data),), "float32")

    def sizes(self, data: Data) -> dict[str, int]:
        """Windows; the later parts' first ones reach back into the part before."""
        ahead, reach = _horizon(data) - 1, {"train": data.input_shape[0]}
        return {name: max(0, steps - reach.get(name, 0) - ahead) for name, steps in data.parts().items()}

    def head(self, spec: DataSpec) -> tuple[int, str]:
        return spec.horizon, "linear"

    def target_form(self, data: Data, loss: str) -> None:
        """Values (n, horizon) as they are."""

    def mistakes(self, data: Data) -> list[str]:
        if data.series and (data.series.period or 1) > data.input_shape[0]:
            window = data.input_shape[0]
            return [f"data.series.period = {data.series.period} is longer than the window, {window} steps"]
        return super().mistakes(data)

    def shown(self, test: Examples, outputs: Any, data: Data, loss: str) -> np.ndarray:
        """The last windows."""
        import numpy as np

        from zoo.drawing.sequences import MOST_STEPS

        return np.arange(len(test))[-MOST_STEPS:]

    def rows(self, path: Path, outputs: np.ndarray, data: Data, loss: str, out: Path) -> list[dict[str, Any]]:
        """A row a step after the file's last, with its date where the file has dates."""
        from zoo.data.series import dates_after

        dates, rows = dates_after(path, data, _horizon(data)), self.words(outputs, data, loss)
        return [{"date": date} | row for date, row in zip(dates, rows, strict=True)] if dates else rows

    def pictures(self, look: Look) -> Iterator[Plan]:
        """What is forecast one step ahead, over what came and the value before."""
        from zoo.drawing.sequences import MOST_STEPS, forecast

        test, said = look.test, look.outputs
        if said is None or not len(test):
            return
        last = slice(max(0, len(test) - MOST_STEPS), len(test))
        errors = {words: look.measured[name] for name, words in CALLED.items() if name in look.measured}
        before = {CALLED["naive_mae"]: test.x[last][:, -1, 0]}
        yield (
            "forecast.png",
            "Forecasts",
            lambda: forecast(test.y[last][:, 0], said[last][:, 0], before, errors, last.start),
        )

    def pipeline(self, kind: str) -> str:
        return "time-series-forecasting"

    def encode(self, source: Source, data: Data, name: str, known: Vocabularies | None = None) -> Splits:
        from zoo.data import series

        return series.split(source, data, name)

    def baselines(self, data: Data, splits: Splits, measured: Mapping[str, Any], asked: bool) -> list[dict[str, Any]]:
        """The forecasts that need no model, as they were measured, or on the test part."""
        measured = measured or (naive_errors(splits.test, data) if len(splits.test) else {})
        naive = {name: words for name, words in CALLED.items() if name != "mae" and name in measured}
        return [{"name": words, "metric": "mae", "value": measured[name]} for name, words in naive.items()]

    def further(
        self, model: keras.Model, data: Data, splits: Splits, part: str, measured: Mapping[str, float]
    ) -> Further:
        """Mean absolute errors of forecasts that need no model: the last value again, and the value a season ago."""
        return Further(naive_errors(splits.by_name()[part], data), [])


def naive_errors(examples: Examples, data: Data) -> dict[str, float]:
    """Mean absolute errors of the last value again and, where the season is known, of the value a season ago."""
    import numpy as np

    assert data.series is not None
    window, target = data.input_shape[0], examples.x[:, :, 0]  # (n, window)
    errors = {"naive_mae": float(np.abs(examples.y - target[:, -1:]).mean())}
    if data.series.period:
        steps = [window - data.series.period + h % data.series.period for h in range(data.series.horizon)]
        errors["seasonal_naive_mae"] = float(np.abs(examples.y - target[:, steps]).mean())
    return errors


def _horizon(data: Data) -> int:
    return data.series.horizon if data.series else 1


TASKS = (Forecast(),)
