"""Decoding written plainly: the whole text so far goes through the network for each new token.

`Decoder` says the same faster, for it keeps what it has computed. Ejected scripts take these functions along.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from zoo.data.text.vocabulary import END, PADDING, START, UNKNOWN

AT_ONCE = 100  # texts


def translate(model: keras.Model, source: np.ndarray, length: int) -> np.ndarray:
    """What a model says for sources (n, time): ids (n, length), the likeliest token each time."""
    forward = tf.function(lambda x: model(x, training=False)[:, -1], reduce_retracing=True)
    said = np.full((len(source), 1), START, "int32")
    for _ in range(length):
        parts = [slice(i, i + AT_ONCE) for i in range(0, len(source), AT_ONCE)]
        outputs = np.concatenate([forward({"source": source[part], "target": said[part]}) for part in parts])
        outputs[:, [PADDING, START]] = 0.0  # (n, vocabulary)
        said = np.concatenate([said, outputs.argmax(axis=-1)[:, None].astype("int32")], axis=1)
        said[(said[:, :-1] == END).any(axis=1), -1] = END  # nothing comes after the end
    return said[:, 1:]


def write_on(
    model: keras.Model, beginning: Sequence[int], window: int, seed: int, length: int = 300, temperature: float = 0.8
) -> list[int]:
    """A beginning and `length` tokens that a model writes after it, each drawn by its probability^(1 / temperature).

    The model sees the last `window` tokens.
    """
    forward = tf.function(lambda x: model(x, training=False)[0, -1], reduce_retracing=True)
    ids, random = list(beginning), np.random.default_rng(seed)
    for _ in range(length):
        chances = forward(np.array([ids[-window:]], "int32")).numpy().astype("float64") ** (1 / temperature)
        chances[[PADDING, UNKNOWN, START, END]] = 0.0
        ids.append(int(random.choice(len(chances), p=chances / chances.sum())))
    return ids


def joined(ids: Sequence[int], tokens: Sequence[str], kind: str) -> str:
    """The text of token ids, words or characters, without padding, start and end."""
    return (" " if kind == "word" else "").join(tokens[i] for i in ids if i not in (PADDING, START, END))
