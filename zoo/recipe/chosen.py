"""What a network will see of own data, in words: the size of images, the window and the horizon of a series."""

from __future__ import annotations

from zoo import tasks
from zoo.data.config import Data
from zoo.recipe.schema import Resolved

COLOURS = {1: "grey", 3: "in colour"}


def notes(resolved: Resolved) -> list[str]:
    """What is in force, the command line's wishes included; and how to say it otherwise."""
    data, resize = resolved.data, resolved.preprocessing.resize
    return [*of_data(data), *([resized(data, resize, f" for {resolved.model}")] if resize else [])]


def of_data(data: Data) -> list[str]:
    """The same before a model is chosen; nothing of tables and texts."""
    if data.series is not None:
        window, columns = data.input_shape
        ahead = data.series.horizon
        return [
            f"{data.label!r} is forecast {ahead} {'step' if ahead == 1 else 'steps'} ahead from windows of {window} "
            f"steps of {', '.join(data.feature_names)}\n"
            f"otherwise: --set data.input_shape=[{2 * window},{columns}] --set data.series.horizon={ahead + 2}"
        ]
    if data.source.startswith("folder:") and _sees_pixels(data):
        height, width, channels = data.input_shape
        return [
            f"images are read as {height}x{width}, {COLOURS.get(channels, f'{channels} channels')}; "
            f"otherwise: --set data.input_shape=[{2 * height},{2 * width},{channels}]"
        ]
    return []


def resized(data: Data, size: tuple[int, int], why: str) -> str:
    """That the network sees images in another size than theirs, and what that costs."""
    before, after = data.input_shape[0] * data.input_shape[1], size[0] * size[1]
    if after > before:
        cost = f"{after / before:.3g} times the pixels to compute on, and no more detail"
    else:
        cost = f"{1 - after / before:.0%} of the pixels are lost"
    theirs, ours = (f"{height}x{width}" for height, width in (data.input_shape[:2], size))
    other = "otherwise: --set preprocessing.resize=[HEIGHT,WIDTH]"
    return f"images of {theirs} are brought to {ours}{why}: {cost}\n{other}"


def least_size(data: Data, least: int | None) -> dict[str, tuple[int, int]]:
    """Preprocessing that enlarges images to the smallest size that a network takes, their sides in proportion."""
    if data.inputs or not least or not _sees_pixels(data) or min(data.input_shape[:2]) >= least:
        return {}
    factor = least / min(data.input_shape[:2])
    height, width = (round(side * factor) for side in data.input_shape[:2])
    return {"resize": (height, width)}


def _sees_pixels(data: Data) -> bool:
    return tasks.of(data).fields(data).inputs[0].has_pixels
