"""Checks of what a model says: the same alone, in half precision, behind padding, and before what is to come."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from zoo.checks.subject import FREE_AXIS, TOKENS, CheckError, Subject, forward, rows_of, target_tokens, unchanged


def batch_of_one(subject: Subject) -> str:
    """An example gives the same output alone as in a batch."""
    x = subject.inputs(4)
    together = forward(subject.model, x)
    for i in range(4):
        alone = forward(subject.model, rows_of(x, slice(i, i + 1)))
        if alone.shape != (1, *together.shape[1:]):
            raise CheckError(f"a batch of one gives shape {alone.shape}, not {(1, *together.shape[1:])}")
        if not np.allclose(alone[0], together[i], rtol=1e-4, atol=1e-5):
            raise CheckError(f"alone and in a batch the output differs by {np.abs(alone[0] - together[i]).max():.1e}")
    return "alone as in a batch of 4"


def mixed_precision(subject: Subject) -> str:
    """Under half precision the output layer stays float32, and its values close to those of float32."""
    x, weights = subject.inputs(4), subject.model.get_weights()
    exact = forward(subject.model, x)
    seen = []
    for policy in ("mixed_bfloat16", "mixed_float16"):
        half = _forward_under(policy, subject, weights, x)
        difference = float(np.abs(half - exact).max())
        if not difference <= 0.05 * max(1.0, float(np.abs(exact).max())):
            raise CheckError(f"{policy}: the output differs by {difference:.1e}")
        seen.append(f"{policy.removeprefix('mixed_')} differs by {difference:.0e}")
    return ", ".join(seen)


def _forward_under(policy: str, subject: Subject, weights: list[np.ndarray], x: Any) -> np.ndarray:
    usual = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        model = subject.build()
    finally:
        keras.config.set_dtype_policy(usual)
    if half := next((tensor.dtype for tensor in model.outputs if tensor.dtype != "float32"), None):
        raise CheckError(f'{policy}: the output is {half}; give the output layer dtype="float32"')
    model.set_weights(weights)
    return forward(model, x)


def padding(subject: Subject) -> str:
    """More padding behind token ids changes no real output, and a row of padding alone gives numbers."""
    if not subject.takes_tokens:
        return "does not apply: takes no token ids of any length"

    def shortened(ids: np.ndarray) -> np.ndarray:
        return np.where(np.arange(FREE_AXIS) < np.array([FREE_AXIS, 7, 2, 0])[:, None], ids, 0)

    x = keras.tree.map_structure(shortened, subject.inputs(4))
    longer = keras.tree.map_structure(lambda ids: np.pad(ids, ((0, 0), (0, 5))), x)
    before, after = forward(subject.model, x), forward(subject.model, longer)
    if not (np.isfinite(before).all() and np.isfinite(after).all()):
        raise CheckError("a row of padding alone gives an output that is not finite")
    if subject.writes:
        before, after = (y[:, :FREE_AXIS][target_tokens(x) != 0] for y in (before, after))  # (real tokens, vocabulary)
    return unchanged(before, after, "five more columns of padding change the output")


def causality(subject: Subject) -> str:
    """What a model that writes says at a position does not hang on the tokens behind it."""
    if not subject.writes:
        return "does not apply: says one thing an example"
    x, half = subject.inputs(4), FREE_AXIS // 2
    ids = target_tokens(x)
    other = np.where(np.arange(FREE_AXIS) < half, ids, ids % TOKENS + 1)
    changed = {**x, "target": other} if isinstance(x, dict) else other
    before, after = forward(subject.model, x), forward(subject.model, changed)
    return unchanged(before[:, :half], after[:, :half], "tokens to come change the output before them")
