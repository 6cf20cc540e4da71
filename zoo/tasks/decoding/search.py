"""How the next token is chosen: the likeliest, a drawn one, or by beams. Each a loop that runs as one graph.

Padding (0) and start (2) are never chosen. Shapes: `known` is what a network knows of a batch, prompts are (batch,
time), padded on the right.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf
from keras import ops

from zoo.tasks.decoding.network import Known, Network

PADDING, START, END = 0, 2, 3
NEVER = -1e9
Choose = Callable[[Any, Any], Any]  # log probabilities (batch, vocabulary), position -> tokens (batch,)


def likeliest(logits: Any, position: Any) -> Any:
    """The greedy choice."""
    return tf.argmax(logits, axis=-1, output_type=tf.int32)


def drawn(seed: Any, temperature: Any, top_k: Any) -> Choose:
    """A choice by chance: p^(1 / temperature) among the `top_k` likeliest, the same for the same seed and position."""

    def choose(logits: Any, position: Any) -> Any:
        best = tf.math.top_k(logits, top_k).values  # (batch, top_k)
        out = (logits < best[:, -1:]) | (logits <= NEVER)
        logits = tf.where(out, NEVER, (logits - best[:, :1]) / temperature)
        return tf.random.stateless_categorical(logits, 1, (seed, position), tf.int32)[:, 0]

    return choose


def go_on(network: Network, known: Known, prompts: Any, lengths: Any, room: Any, choose: Choose, stop: Any) -> Any:
    """Write on behind prompts of `lengths` (batch,) until each row has `room` more tokens or said `stop`.

    All rows stand at the same position: a row whose prompt is longer still reads while others write.
    Returns (batch, time + room): prompts, what was written, padding.
    """
    batch, time = tf.shape(prompts)[0], tf.shape(prompts)[1]
    last = time + room - 1  # the last position that may be written

    def advance(*before: Any) -> Any:
        position, tokens, done, state = before
        probabilities, new = network.step(known, tokens[:, position], position, state)
        said = tf.where(done, PADDING, choose(log(probabilities), position))
        writes = position + 1 >= lengths
        token = tf.where(writes, said, tokens[:, position + 1])
        tokens = ops.slice_update(tokens, (0, position + 1), token[:, None])
        done |= writes & ((token == stop) | (position + 1 >= lengths + room - 1))
        return same_shapes((position + 1, tokens, done, new), before)

    _, tokens, _, _ = tf.while_loop(
        lambda position, tokens, done, state: (position < last) & ~tf.reduce_all(done),
        advance,
        (
            tf.constant(0),
            tf.pad(prompts, [[0, 0], [0, room]]),
            tf.zeros(batch, tf.bool),
            network.start(known, batch, last),
        ),
    )
    return tokens


def beams(network: Network, known: Known, batch: Any, length: Any, width: int, penalty: Any) -> Any:
    """The best of what beam search finds: ids (batch, length), ended by END unless cut, then padding.

    In each step the `width` likeliest continuations of all beams of a row live on. One that says END leaves the beams;
    the best of those is kept, by log probability / ((5 + tokens) / 6)^penalty (Wu et al. 2016). A row is done when no
    living beam can overtake it. What is cut at `length` counts as if it had ended there.
    """
    known = known.repeated(width)
    first = tf.one_hot(tf.zeros(batch, tf.int32), width, 0.0, NEVER)  # (batch, width): one beam lives at the start
    tokens = tf.one_hot(tf.zeros((batch, width), tf.int32), length + 1, START, PADDING, dtype=tf.int32)
    nothing = tf.fill((batch,), 2 * NEVER)

    def scaled(scores: Any, size: Any) -> Any:
        return scores / ((5.0 + tf.cast(size, tf.float32)) / 6.0) ** penalty

    def going(position: Any, tokens: Any, scores: Any, best: Any, best_score: Any, state: Any) -> Any:
        hopeful = scaled(tf.reduce_max(scores, axis=1), length) > best_score
        return (position < length) & tf.reduce_any(hopeful)

    def advance(*before: Any) -> Any:
        position, tokens, scores, best, best_score, state = before
        now = tf.reshape(tokens[:, :, position], (-1,))  # (batch * width,)
        probabilities, new = network.step(known, now, position, state)
        vocabulary = tf.shape(probabilities)[-1]
        total = scores[:, :, None] + tf.reshape(log(probabilities), (batch, width, vocabulary))
        scores, place = tf.math.top_k(tf.reshape(total, (batch, -1)), width)  # (batch, width)
        parent, token = place // vocabulary, place % vocabulary
        tokens = tf.gather(tokens, parent, batch_dims=1)
        tokens = ops.slice_update(tokens, (0, 0, position + 1), token[:, :, None])
        rows = tf.reshape(parent + tf.range(batch)[:, None] * width, (-1,))
        new = tf.nest.map_structure(lambda x: tf.gather(x, rows), new)

        ended = (token == END) | (position + 1 == length)
        finished = tf.where(ended, scaled(scores, position + 1), 2 * NEVER)
        better = tf.reduce_max(finished, axis=1) > best_score
        found = tf.gather(tokens, tf.argmax(finished, axis=1), batch_dims=1)  # (batch, length + 1)
        best = tf.where(better[:, None], found, best)
        best_score = tf.maximum(best_score, tf.reduce_max(finished, axis=1))
        scores = tf.where(ended, NEVER, scores)
        return same_shapes((position + 1, tokens, scores, best, best_score, new), before)

    state = network.start(known, batch * width, length)
    begin = tf.constant(0), tokens, first, tokens[:, 0], nothing, state
    return tf.while_loop(going, advance, begin)[3][:, 1:]


def log(probabilities: Any) -> Any:
    """Log probabilities, NEVER for what is not to be said."""
    ids = tf.range(tf.shape(probabilities)[-1])
    wanted = (ids != PADDING) & (ids != START)
    return tf.where(wanted, tf.math.log(tf.maximum(tf.cast(probabilities, tf.float32), 1e-30)), NEVER)


def same_shapes(new: Any, old: Any) -> Any:
    """What goes round a loop keeps its shapes, though TensorFlow may not see it."""
    return tf.nest.map_structure(lambda x, before: tf.ensure_shape(x, before.shape), new, old)
