"""How examples reach the training steps: all of them rest on the device, or, from disk, a block of steps at a time.

Which examples make which batch is the same in both ways, and so are the numbers that training gives.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
import tensorflow as tf

from zoo.data.examples import is_stored
from zoo.training.batches import Feed, Plan

RunSteps = Callable[[Plan, int, int, int], None]  # plan of an epoch, start, stop, number of the epoch's first step
RunOn = Callable[[Mapping[str, Any], Plan, int, int, int], None]  # the same, on these arrays
BLOCK = 2**24  # bytes of examples that are read at once; two such blocks are in memory
MOST_STEPS = 512  # in a block


def fed(run: RunOn, feed: Feed, batch_size: int, place: Callable[[np.ndarray], Any]) -> RunSteps:
    """`run` with a feed's arrays, which `place` puts onto the device."""
    if any(is_stored(array) for array in feed.arrays.values()):
        return _streamed(run, _Reader(feed, batch_size, place))
    resident = {name: place(array) for name, array in feed.arrays.items()}
    return lambda plan, start, stop, first: run(resident, plan, start, stop, first)


def signature(feed: Feed) -> dict[str, tf.TensorSpec]:
    """What TensorFlow is told of the arrays: blocks differ in their number of examples, what rests does not."""
    stored = any(is_stored(array) for array in feed.arrays.values())
    return {
        name: tf.TensorSpec((None if stored else len(array), *array.shape[1:]), array.dtype)
        for name, array in feed.arrays.items()
    }


def _streamed(run: RunOn, reader: _Reader) -> RunSteps:
    def run_steps(plan: Plan, start: int, stop: int, first: int) -> None:
        while start < stop:
            number = start // reader.steps
            base = number * reader.steps  # the step that a block begins with
            end = min(stop, base + reader.steps)
            arrays, part = reader.block(plan, number)
            run(arrays, part, start - base, end - base, first + base)
            start = end

    return run_steps


class _Reader:
    """Blocks of an epoch's steps, the next one read in a thread while the present one is computed."""

    def __init__(self, feed: Feed, batch_size: int, place: Callable[[np.ndarray], Any]) -> None:
        self._feed, self._place = feed, place
        size = batch_size * sum(array.nbytes // max(1, len(array)) for array in feed.arrays.values())
        self.steps = int(min(MOST_STEPS, max(1, BLOCK // size)))
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="zoo-reader")
        self._plan: Plan | None = None
        self._blocks: dict[int, Future[tuple[Mapping[str, Any], Plan]]] = {}

    def block(self, plan: Plan, number: int) -> tuple[Mapping[str, Any], Plan]:
        """The examples of these steps, and the plan that finds them there.

        Raises:
            ZooError: the file cannot be read any more.
        """
        if plan is not self._plan:
            self._plan, self._blocks = plan, {}
        wanted = [n for n in (number, number + 1) if n * self.steps < len(plan.rows)]
        self._blocks = {n: self._blocks.get(n) or self._thread.submit(self._read, plan, n) for n in wanted}
        return self._blocks[number].result()

    def _read(self, plan: Plan, number: int) -> tuple[Mapping[str, Any], Plan]:
        rows, lengths = (part[number * self.steps :][: self.steps] for part in plan)
        arrays = {name: self._place(array[rows.ravel()]) for name, array in self._feed.arrays.items()}
        return arrays, Plan(np.arange(rows.size, dtype="int32").reshape(rows.shape), lengths)
