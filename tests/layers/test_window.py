"""Windows scaled by themselves: forecasts come back in the units of the series, also from a saved model."""

import keras
import numpy as np

from zoo.layers import WindowScaling, WindowUnscaling

WINDOWS = np.array([[[1.0, 5], [2, 5], [6, 5]], [[100, 0], [100, 1], [100, 2]]], np.float32)  # (batch, window, columns)


def test_a_window_is_scaled_by_its_own_mean_and_deviation():
    scaled = np.array(WindowScaling()(WINDOWS))
    assert np.allclose(scaled[0, :, 0], [-2 / 14**0.5 * 3**0.5, -1 / 14**0.5 * 3**0.5, 3 / 14**0.5 * 3**0.5], atol=1e-4)
    assert np.allclose(scaled[0, :, 1], 0) and np.allclose(scaled[1, :, 0], 0)  # what does not change is 0, not nan


def test_a_forecast_comes_back_in_the_units_of_the_first_column():
    forecast = np.array(WindowUnscaling()([np.float32([[0, 1], [0, 1]]), WINDOWS]))
    assert np.allclose(forecast, [[3, 3 + (14 / 3) ** 0.5], [100, 100]], atol=1e-2)


def test_a_saved_model_says_the_same(tmp_path):
    raw = keras.Input((3, 2), name="raw")
    units = keras.layers.Dense(2)(keras.layers.Flatten()(WindowScaling(name="scaled")(raw)))
    model = keras.Model(raw, WindowUnscaling(name="forecast")([units, raw]))
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert np.array_equal(model.predict(WINDOWS, verbose=0), again.predict(WINDOWS, verbose=0))
