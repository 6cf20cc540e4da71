"""Single steps from one and the same state: what an optimiser that divides by small numbers can be compared by.

Adam divides a gradient by the root of its running square. Where a gradient is almost 0, rounding decides its sign, and
so the direction of a whole step; after some steps the networks of two processors have little in common. So each step
begins where one device began it, and what is compared is what the step makes of the optimiser's two running means (the
gradient and its square), scaled by their size, and of the weights, where their gradient is not almost 0.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import Any

import numpy as np

ADAPTIVE = ("adam", "adamw")
STEPS = 3
SMALL = 1e-3  # of the largest gradient in the network


def take(fit: Any, kept: list[dict[str, Any]] | None) -> tuple[list[dict[str, Any]], list[list[np.ndarray]]]:
    """The states before each step and after the last one, and what each step changed; `kept` are the states to take."""
    from zoo.training import state
    from zoo.training.checkpoint import Checkpoint

    def put(arrays: dict[str, Any]) -> None:
        state.put_back(Checkpoint(arrays, {"callbacks": {}}), fit._variables(), ())

    with fit.strategy.scope():
        run_steps = fit._make_run_steps()
    plan, states, changes = fit._plan(0), [], []
    with fit._as_one():
        for k in range(min(STEPS, len(plan.rows))):
            if kept:
                put(kept[k])
            states.append(state.gather(fit._variables(), ()).arrays)
            before = _moving(fit)
            run_steps(plan, k, k + 1, 0)
            changes.append([after - b for after, b in zip(_moving(fit), before, strict=True)])
    states.append(state.gather(fit._variables(), ()).arrays)
    if kept:
        put(kept[-1])
    return states, changes


def _moving(fit: Any) -> list[np.ndarray]:
    """Weights, and the running means of their gradients and of these squared, one after the other."""
    optimizer = fit.model.optimizer
    groups = (fit.model.trainable_variables, optimizer._momentums, optimizer._velocities)
    return [np.array(variable) for group in groups for variable in group]


def differences(one: list[np.ndarray], many: list[np.ndarray]) -> dict[str, float]:
    """How far a step on several devices is from that on one: of gradients, their squares, and weights."""
    third = len(one) // 3
    weights, means, squares = (slice(k * third, (k + 1) * third) for k in range(3))
    largest = max(np.abs(mean).max() for mean in one[means])
    clear = [np.abs(mean) > SMALL * largest for mean in one[means]]
    step = max(np.abs(change).max() for change in one[weights])
    moved = [np.abs(a - b)[c] / step for a, b, c in zip(one[weights], many[weights], clear, strict=True)]
    return {
        "gradients": _apart(one[means], many[means]),
        "squares": _apart(one[squares], many[squares]),
        "weights": max((float(part.max()) for part in moved if part.size), default=0.0),
    }


def _apart(one: list[np.ndarray], many: list[np.ndarray]) -> float:
    """The largest difference, of each array in parts of its own largest value, unless that is almost 0."""
    largest = max(np.abs(array).max() for array in one)
    scales = [max(np.abs(array).max(), SMALL * largest) for array in one]
    return max(float((np.abs(a - b) / s).max()) for a, b, s in zip(one, many, scales, strict=True))


@contextmanager
def in_double_precision():
    """Networks made meanwhile compute in float64, also where the code that makes them says float32.

    For networks of many normalisations: over replicas the variance is a difference of means of squares, which in
    float32 leaves some thousandths of a gradient to rounding. In float64 nothing but a mistake is left to be seen.
    """
    from keras import config, ops
    from keras.src import dtype_policies  # where layers look

    before, cast, policy = (config.floatx(), config.dtype_policy()), ops.cast, dtype_policies.get
    floatx, use_policy = config.set_floatx, config.set_dtype_policy
    floatx("float64")
    try:
        with (
            _replaced(config, "set_floatx", lambda name: None),
            _replaced(config, "set_dtype_policy", lambda name: use_policy("float64")),
            _replaced(dtype_policies, "get", lambda given: policy(_double(given))),
            _replaced(ops, "cast", lambda x, dtype: cast(x, _double(dtype))),
        ):
            yield
    finally:
        floatx(before[0])
        use_policy(before[1])


def _double(dtype: Any) -> Any:
    return "float64" if isinstance(dtype, str) and dtype == "float32" else dtype


# --- replicas broken on purpose


@contextmanager
def a_lost_example():
    """The last replica leaves its last example away."""
    from zoo.training.distribution import replicas

    with _replaced(replicas, "share", _short(replicas.share)):
        yield


def _short(share):
    def shorter(size):
        first, count = share(size)
        return first, count - (first + count == size)

    return shorter


@contextmanager
def moments_of_each_its_own():
    """Each replica's optimiser sees the gradient of its own share."""
    from keras.src.backend.tensorflow.optimizer import TFOptimizer

    with _replaced(TFOptimizer, "_all_reduce_sum_gradients", lambda self, pairs: list(pairs)):
        yield


@contextmanager
def clipped_before_the_sum():
    """Each replica clips its own share's gradient."""
    import tensorflow as tf

    from zoo.training import stepping

    with _replaced(stepping, "_clipped", lambda gradients, norm: tf.clip_by_global_norm(gradients, norm)[0]):
        yield


@contextmanager
def _replaced(where, name, by):
    kept = getattr(where, name)
    setattr(where, name, by)
    try:
        yield
    finally:
        setattr(where, name, kept)


BROKEN = {
    "a_lost_example": a_lost_example,
    "moments_of_each_its_own": moments_of_each_its_own,
    "clipped_before_the_sum": clipped_before_the_sum,
}
