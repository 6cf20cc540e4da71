"""Models that write, for the tests of decoding: small ones of the catalogue, and chains whose next token is known."""

from functools import cache

import keras
import numpy as np
from keras import layers, ops

from zoo import tasks
from zoo.catalogue.registry import build, describe, list_models
from zoo.catalogue.spec import DataSpec
from zoo.tasks.decoding import Decoder

LANGUAGE = DataSpec("toy", "text", "language-model", (16,), vocab_size=12)
PAIRS = DataSpec("toy", "text-pair", "seq2seq", (16,), vocab_size=12, target_vocab_size=6, target_length=16)
PAIR_MODELS, LANGUAGE_MODELS = list_models(task="seq2seq"), list_models(task="language-model")
PROMPTS = np.array([[5, 7, 4, 9, 8], [6, 5, 0, 0, 0], [11, 4, 4, 0, 0]], "int32")
SOURCES = np.array([[5, 7, 4, 9, 8, 3], [6, 3, 0, 0, 0, 0], [11, 4, 4, 3, 0, 0]], "int32")


@cache
def model_of(name, seed=0):
    """A small build with weights far from their start, so that it has something to say."""
    record, spec = describe(name), PAIRS if name in PAIR_MODELS else LANGUAGE
    keras.utils.set_random_seed(seed)
    model = build(name, **record.trial | {k: v for k, v in tasks.of(spec).offers(spec).items() if k in record.knobs})
    for weight in model.trainable_weights:
        weight.assign(weight + keras.random.normal(weight.shape) * 0.3)
    return model


@cache
def decoder_of(name, cached=True, seed=0):
    return Decoder(model_of(name, seed), cached)


def asked(model, tokens, source=None):
    """Probabilities after a prefix of one row, from the whole model: (vocabulary,), padding and start left out."""
    x = np.array([tokens], "int32")
    given = x if source is None else {"source": np.array([source[source != 0]]), "target": x}
    probabilities = ops.convert_to_numpy(model(given, training=False))[0, -1].copy()
    probabilities[[0, 2]] = 0
    return probabilities


def greedy_by_hand(model, prefix, length, source=None, stop=3):
    said = []
    while len(said) < length and said[-1:] != [stop]:
        said.append(int(asked(model, [*prefix, *said], source).argmax()))
    return said + [0] * (length - len(said))


def chain(table, middle=()):
    """A language model whose next token hangs on the last one alone, by a table of probabilities (tokens, tokens)."""
    inputs = keras.Input((None,), dtype="int32", name="input")
    embedding = layers.Embedding(*table.shape, name="table")
    x = embedding(inputs)
    for layer in middle:
        x = layer(x)
    model = keras.Model(inputs, layers.Softmax(dtype="float32")(x), name="chain")
    embedding.set_weights([np.log(np.maximum(table, 1e-30))])
    return model


TABLE = np.array(
    [  # pad unknown start end 4 5
        [1.0, 0.0, 0.0, 0.0, 0.0, 0.0],
        [0.0, 1.0, 0.0, 0.0, 0.0, 0.0],
        [0.0, 0.0, 0.0, 0.0, 0.6, 0.4],
        [0.0, 0.0, 0.0, 1.0, 0.0, 0.0],
        [0.0, 0.2, 0.0, 0.3, 0.25, 0.25],
        [0.0, 0.1, 0.0, 0.9, 0.0, 0.0],
    ]
)


class LookAway(layers.Layer):
    """Passes its input on, whatever the source says. It has a step form."""

    def call(self, x, memory):
        return x + 0.0 * ops.sum(memory, axis=1, keepdims=True)

    def step(self, x, memory, *, state, position):
        return self.call(x, memory), state


def translating_chain(table=TABLE):
    source, target = (keras.Input((None,), dtype="int32", name=name) for name in ("source", "target"))
    embedding = layers.Embedding(*table.shape, name="table")
    x = LookAway()(embedding(target), layers.Embedding(12, table.shape[1])(source))
    model = keras.Model({"source": source, "target": target}, layers.Softmax(dtype="float32")(x), name="chain")
    embedding.set_weights([np.log(np.maximum(table, 1e-30))])
    return model
