"""Which examples make the next batches, and how they are taken from arrays that rest on the device.

Which rows come when is computed from (seed, epoch) alone. Token ids are padded to the longest text of the whole set;
a batch is made of texts of about one length and cut to its own longest, so that little padding is computed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

BATCHES_A_POOL = 50  # examples of so many batches are sorted by length among themselves


class Plan(NamedTuple):
    """One epoch: the row numbers of every batch, (steps, batch), and to what its token arrays are cut, (steps, k)."""

    rows: np.ndarray
    lengths: np.ndarray


class Feed(NamedTuple):
    """A split's arrays by name, and which of them are cut to which of a batch's lengths."""

    arrays: Mapping[str, Any]
    cuts: Mapping[str, int]


def make_feed(x: Any, y: np.ndarray) -> Feed:
    """Arrays `x` (or `source` and `target`) and `y`; those of int32 and two axes are token ids."""
    arrays = {**(x if isinstance(x, dict) else {"x": x}), "y": y}
    cuts = {name: i for i, name in enumerate(_token_arrays(x))}
    if cuts and _is_tokens(y):
        cuts["y"] = max(cuts.values())  # as long as what it is predicted from: the text itself, or the target
    return Feed(arrays, cuts)


def take(feed: Feed, rows: Any, lengths: Any) -> tuple[Any, Any]:
    """Examples (batch, ...) of the given row numbers, token ids cut to `lengths`: x, one array or a dict, and y."""
    found = {name: tf.gather(array, rows) for name, array in feed.arrays.items()}
    found |= {name: found[name][:, : lengths[i]] for name, i in feed.cuts.items()}  # (batch, length)
    y = found.pop("y")
    return found.get("x", found), y


def _is_tokens(array: np.ndarray) -> bool:
    return array.dtype == np.int32 and array.ndim == 2


def _token_arrays(x: Any) -> dict[str, np.ndarray]:
    arrays = x if isinstance(x, dict) else {"x": x}
    return {name: array for name, array in arrays.items() if _is_tokens(array)}


def token_lengths(x: Any) -> np.ndarray:
    """Real tokens of each example in each of its token arrays, int32 (n, k); k is 0 for images and tables."""
    counts = [np.count_nonzero(array, axis=1) for array in _token_arrays(x).values()]
    return np.stack(counts, axis=1).astype("int32") if counts else np.zeros((_count(x), 0), "int32")


def _count(x: Any) -> int:
    return len(next(iter(x.values())) if isinstance(x, dict) else x)


def plan_epoch(lengths: np.ndarray, batch_size: int, seed: int, epoch: int) -> Plan:
    """Every batch of one epoch, shuffled by (seed, epoch), of texts of about one length; the rest is left out.

    `lengths` are those of `token_lengths`, (n, k).
    """
    random = np.random.Generator(np.random.Philox(key=[seed, epoch]))
    order = random.permutation(len(lengths)).astype("int32")
    steps = len(lengths) // batch_size
    order = order[: steps * batch_size]
    if lengths.shape[1] and np.ptp(lengths.sum(axis=1)):
        order = _by_length(order, lengths, batch_size, random)
    rows = order.reshape(steps, batch_size)
    return Plan(rows, lengths[rows].max(axis=1, initial=0))


def _by_length(order: np.ndarray, lengths: np.ndarray, batch_size: int, random: np.random.Generator) -> np.ndarray:
    """The same rows, sorted by length within pools of many batches; the batches then come in random order."""
    pool, total = BATCHES_A_POOL * batch_size, lengths.sum(axis=1)
    pools = [order[i : i + pool] for i in range(0, len(order), pool)]
    ordered = np.concatenate([rows[np.argsort(total[rows], kind="stable")] for rows in pools])
    return random.permutation(ordered.reshape(-1, batch_size)).reshape(-1)


def padding_share(plan: Plan, lengths: np.ndarray) -> float:
    """How much of what an epoch computes is padding, from 0 to 1."""
    computed = int(plan.lengths.sum()) * plan.rows.shape[1]
    return 1.0 - int(lengths[plan.rows].sum()) / computed if computed else 0.0


def pieces(x: Any, size: int) -> Iterator[tuple[np.ndarray, Any]]:
    """All of `x`, `size` examples at a time: their row numbers and the examples, texts by length and cut to it."""
    lengths = token_lengths(x)
    order = np.argsort(lengths.sum(axis=1), kind="stable")
    for start in range(0, len(order), size):
        rows = order[start : start + size]
        yield rows, _part(x, rows, lengths[rows].max(axis=0, initial=0))


def _part(x: Any, rows: np.ndarray, longest: np.ndarray) -> Any:
    if isinstance(x, dict):
        return {name: array[rows, :length] for (name, array), length in zip(x.items(), longest, strict=True)}
    return x[rows, : longest[0]] if len(longest) else x[rows]
