"""Which examples make the next batches, and how they are taken from arrays that rest on the device.

Which rows come when is computed from (seed, epoch) alone. Ragged fields, such as token ids, are padded to the longest
example of the whole set; a batch is made of examples of about one length and cut to its own longest, so that little
padding is computed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from zoo.data.examples import Examples, only
from zoo.data.fields import Fields

BATCHES_A_POOL = 50  # examples of so many batches are sorted by length among themselves


class Plan(NamedTuple):
    """One epoch: the row numbers of every batch, (steps, batch), and to what ragged fields are cut, (steps, k)."""

    rows: np.ndarray
    lengths: np.ndarray


class Feed(NamedTuple):
    """A split's arrays by name, which of them are cut to which of a batch's lengths, and which are targets."""

    arrays: Mapping[str, Any]
    cuts: Mapping[str, int]
    targets: tuple[str, ...]


def make_feed(examples: Examples, fields: Fields) -> Feed:
    """The arrays of examples whose targets are in the form that the loss takes."""
    return Feed({**examples.inputs, **examples.targets}, fields.cuts, tuple(examples.targets))


def take(feed: Feed, rows: Any, lengths: Any) -> tuple[Any, Any]:
    """Examples (batch, ...) of the given row numbers, ragged fields cut to `lengths`: x and y, arrays or dicts."""
    inputs = [name for name in feed.arrays if name not in feed.targets]
    return only(_taken(feed, inputs, rows, lengths)), take_targets(feed, rows, lengths)


def take_targets(feed: Feed, rows: Any, lengths: Any) -> Any:
    """The targets alone, as `take` gives them."""
    return only(_taken(feed, feed.targets, rows, lengths))


def _taken(feed: Feed, names: Any, rows: Any, lengths: Any) -> dict[str, Any]:
    found = {name: tf.gather(feed.arrays[name], rows) for name in names}
    cuts = {name: feed.cuts[name] for name in found if name in feed.cuts}
    return found | {name: found[name][:, : lengths[i]] for name, i in cuts.items()}  # (batch, length)


def field_lengths(arrays: Mapping[str, np.ndarray], fields: Fields) -> np.ndarray:
    """Real entries of each example in each ragged input, int32 (n, k); k is 0 where nothing is ragged."""
    counts = [np.count_nonzero(arrays[name], axis=1) for name in fields.measured]
    if not counts:
        return np.zeros((len(next(iter(arrays.values()))), 0), "int32")
    return np.stack(counts, axis=1).astype("int32")


def plan_epoch(lengths: np.ndarray, batch_size: int, seed: int, epoch: int) -> Plan:
    """Every batch of one epoch, shuffled by (seed, epoch), of examples of about one length; the rest is left out.

    `lengths` are those of `field_lengths`, (n, k).
    """
    rows = batches_by_length(lengths.sum(axis=1), batch_size, seed, epoch)
    return Plan(rows, lengths[rows].max(axis=1, initial=0))


def batches_by_length(lengths: np.ndarray, batch_size: int, seed: int, epoch: int) -> np.ndarray:
    """The batches of `shuffled_batches`, but of examples of about one length (n,), so that little is padding.

    Examples are sorted by length within pools of many batches; the batches then come in random order.
    """
    rows, random = shuffled_batches(len(lengths), batch_size, seed, epoch)
    if not len(rows) or not np.ptp(lengths):
        return rows
    pools = [pool.ravel() for pool in np.split(rows, range(BATCHES_A_POOL, len(rows), BATCHES_A_POOL))]
    ordered = np.concatenate([pool[np.argsort(lengths[pool], kind="stable")] for pool in pools])
    return random.permutation(ordered.reshape(-1, batch_size))


def shuffled_batches(examples: int, batch_size: int, seed: int, epoch: int) -> tuple[np.ndarray, np.random.Generator]:
    """Row numbers of every batch of an epoch, int32 (steps, batch), and the generator they came from.

    Their order follows from (seed, epoch); examples that fill no batch are left out.
    """
    random = np.random.Generator(np.random.Philox(key=[seed, epoch]))
    order = random.permutation(examples).astype("int32")
    steps = examples // batch_size
    return order[: steps * batch_size].reshape(steps, batch_size), random


def padding_share(plan: Plan, lengths: np.ndarray) -> float:
    """How much of what an epoch computes is padding, from 0 to 1."""
    computed = int(plan.lengths.sum()) * plan.rows.shape[1]
    return 1.0 - int(lengths[plan.rows].sum()) / computed if computed else 0.0


def pieces(arrays: Mapping[str, Any], fields: Fields, size: int) -> Iterator[tuple[np.ndarray, dict[str, Any]]]:
    """All examples, `size` at a time: their row numbers and their arrays, ragged ones by length and cut to it."""
    lengths, cuts = field_lengths(arrays, fields), fields.cuts
    order = np.argsort(lengths.sum(axis=1), kind="stable")
    for start in range(0, len(order), size):
        rows = order[start : start + size]
        longest = lengths[rows].max(axis=0, initial=0)
        yield (
            rows,
            {
                name: array[rows, : longest[cuts[name]]] if name in cuts else array[rows]
                for name, array in arrays.items()
            },
        )
