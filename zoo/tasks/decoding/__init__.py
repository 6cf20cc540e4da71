"""Text out of a trained model: one piece of code for every language model and sequence-to-sequence model.

    Decoder(model).generate(prompts, length=100, temperature=0.8)
    Decoder(model).translate(source, length=40, beam_width=4)

Where a program only writes, few rows at once, one thread is fastest on a CPU: before TensorFlow computes anything, say
`tf.config.threading.set_intra_op_parallelism_threads(1)`, and the same for `inter_op`.

It serves the zoo's models and any other functional Keras model of the same form; `zoo.tasks.decoding.network` says what
a layer of one's own needs to be run token by token. The whole loop is one TensorFlow graph, for a batch at once.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from zoo.errors import UsageError
from zoo.tasks.decoding.network import Network
from zoo.tasks.decoding.search import END, START, beams, drawn, go_on, likeliest

MOST_BEAMS = 256
MOST_TOKENS = 1_000_000  # written for one prompt

__all__ = ["Decoder"]

IDS, ROW = tf.TensorSpec([None, None], tf.int32), tf.TensorSpec([None], tf.int32)
NUMBER, REAL = tf.TensorSpec([], tf.int32), tf.TensorSpec([], tf.float32)


class Decoder:
    """A model that writes. Later changes of the model's weights are followed; the graphs are made at the first call.

    Args:
        model: takes token ids, one input or a dict of `source` and `target`, gives one distribution a token; or a
            model that only wraps such a one.
        cached: False computes the whole prefix anew for each token, to compare with.

    Raises:
        UsageError: the model has another form, or Keras computes with another backend than TensorFlow.
    """

    def __init__(self, model: keras.Model, cached: bool = True) -> None:
        if keras.backend.backend() != "tensorflow":
            raise UsageError(
                f"Decoder runs as TensorFlow graphs, and Keras computes with {keras.backend.backend()} here\n"
                "set KERAS_BACKEND=tensorflow before Keras is imported; a saved model opens there as it is"
            )
        self.network = Network(model, cached)
        self._searches: dict[int, Any] = {}  # a graph for each width

    def generate(
        self,
        prompts: np.ndarray,
        *,
        length: int,
        temperature: float = 1.0,
        top_k: int | None = None,
        seed: int = 0,
        stop: int | None = END,
    ) -> np.ndarray:
        """What a language model writes behind prompts: ids (batch, prompt time) -> ids (batch, length).

        Prompts are padded with 0 on the right, and not repeated in what is written. Each row ends with `stop` or after
        `length` tokens; what is left is 0.

        Args:
            temperature: probabilities are taken to the power of 1 / temperature; 0 takes the likeliest token each time.
            top_k: draw among that many likeliest tokens only.
            seed: the same seed and prompts give the same text.
            stop: token that ends a text; None: none does.

        Raises:
            UsageError: not a language model, a value out of range, an empty prompt, ids that the model does not have,
                or more tokens than the model has positions for.
        """
        self._refuse_form(translates=False)
        prompts, lengths = _right_padded(prompts, "prompt")
        self._refuse_settings(length, temperature, top_k)
        self._refuse_ids(prompts)
        self._refuse_long(prompts.shape[1], length)
        given = prompts, lengths, length, -1 if stop is None else stop
        if temperature == 0 or top_k == 1:
            tokens = _run(self._likeliest, *given)
        else:
            among = min(top_k or self.network.vocab_size, self.network.vocab_size)
            tokens = _run(self._drawn, *given, seed % 2**31, float(temperature), among)
        return np.take_along_axis(tokens, lengths[:, None] + np.arange(length), axis=1)

    def translate(
        self, source: np.ndarray, *, length: int, beam_width: int = 1, length_penalty: float = 0.6
    ) -> np.ndarray:
        """The target for each source: (batch, source time) ids, padded with 0 on the right -> (batch, time).

        Each row ends with the end token (3) or is cut at `length`; what is left is 0.

        Args:
            beam_width: how many targets are followed at once; 1 takes the likeliest token each time.
            length_penalty: of beams; 0 favours short targets, the paper of the transformer took 0.6.

        Raises:
            UsageError: a language model, a value out of range, or more tokens than the model has positions for.
        """
        self._refuse_form(translates=True)
        source, _ = _right_padded(source, "source")
        if beam_width > MOST_BEAMS:
            raise UsageError(f"a beam of {beam_width:,} targets: at most {MOST_BEAMS} are followed, 4 to 10 are usual")
        if beam_width < 1:
            raise UsageError(f"the beam's width is 1 or more, not {beam_width}\n1 takes the likeliest token each time")
        if not length_penalty >= 0:
            raise UsageError(f"the length penalty is 0 or more, not {length_penalty}")
        self._refuse_settings(length)
        most = self.network.longest(self.network.before)
        if most is not None and source.shape[1] > most:
            raise UsageError(
                f"{self.network.name} reads sources of {most} tokens at most, one here has {source.shape[1]}\n"
                "shorten it, or train the model with a larger max_length"
            )
        self._refuse_long(1, length)
        if beam_width == 1:
            found = _run(self._said, source, length)
        else:
            found = _run(self._searched(beam_width), source, length, float(length_penalty))
        return found[:, : max(1, int((found != 0).sum(axis=1).max(initial=0)))]

    def room(self, read: int) -> int | None:
        """How many tokens can be written behind `read` ones; None where positions know no end."""
        most = self.network.longest(self.network.each)
        return None if most is None else max(0, most - read + 1)

    def attention(self, source: np.ndarray, target: np.ndarray, layer: int = -1) -> np.ndarray:
        """Where a model with attention looks in the source: (batch, target time, source time), each row adding up to 1.

        Args:
            source: ids (batch, source time).
            target: ids (batch, target time) as the decoder reads them, from the start token (2) on; row t of a map
                belongs to the token that is said after reading target token t.
            layer: which attention over the source, in the order of the graph; of several heads the mean is given.

        Raises:
            UsageError: the model has no attention over a source, or no such layer.
        """
        self._refuse_form(translates=True)
        maps = _run(self._maps, np.asarray(source), np.asarray(target))
        if not maps:
            raise UsageError(f"{self.network.name} has no attention to show")
        if not -len(maps) <= layer < len(maps):
            raise UsageError(f"{self.network.name} has {len(maps)} attention layers over the source, no number {layer}")
        return maps[layer]

    @cached_property
    def _likeliest(self) -> Any:
        @tf.function(input_signature=[IDS, ROW, NUMBER, NUMBER], autograph=False)
        def run(prompts: Any, lengths: Any, length: Any, stop: Any) -> Any:
            return go_on(self.network, self.network.read(), prompts, lengths, length, likeliest, stop)

        return run.get_concrete_function()

    @cached_property
    def _drawn(self) -> Any:
        @tf.function(input_signature=[IDS, ROW, NUMBER, NUMBER, NUMBER, REAL, NUMBER], autograph=False)
        def run(prompts: Any, lengths: Any, length: Any, stop: Any, seed: Any, temperature: Any, top_k: Any) -> Any:
            choose = drawn(seed, temperature, top_k)
            return go_on(self.network, self.network.read(), prompts, lengths, length, choose, stop)

        return run.get_concrete_function()

    @cached_property
    def _said(self) -> Any:
        @tf.function(input_signature=[IDS, NUMBER], autograph=False)
        def run(source: Any, length: Any) -> Any:
            begin = tf.fill((tf.shape(source)[0], 1), START)
            known = self.network.read(source)
            return go_on(self.network, known, begin, tf.ones_like(begin[:, 0]), length, likeliest, END)[:, 1:]

        return run.get_concrete_function()

    def _searched(self, width: int) -> Any:
        @tf.function(input_signature=[IDS, NUMBER, REAL], autograph=False)
        def run(source: Any, length: Any, penalty: Any) -> Any:
            return beams(self.network, self.network.read(source), tf.shape(source)[0], length, width, penalty)

        if width not in self._searches:
            self._searches[width] = run.get_concrete_function()
        return self._searches[width]

    @cached_property
    def _maps(self) -> Any:
        @tf.function(input_signature=[IDS, IDS], autograph=False)
        def run(source: Any, target: Any) -> Any:
            return self.network.attention_scores(self.network.read(source), target)

        return run.get_concrete_function()

    def _refuse_form(self, translates: bool) -> None:
        if self.network.translates != translates:
            does = "goes on with a prompt: use generate" if translates else "translates a source: use translate"
            raise UsageError(f"{self.network.name} {does}")

    def _refuse_settings(self, length: int, temperature: float = 1.0, top_k: int | None = None) -> None:
        if length < 1:
            raise UsageError(f"the length is 1 token or more, not {length}")
        if length > MOST_TOKENS:
            raise UsageError(f"a length of {length:,} tokens: at most {MOST_TOKENS:,} are written at once")
        if not 0 <= temperature < float("inf"):
            raise UsageError(f"the temperature is 0 or more, not {temperature}\n0 takes the likeliest token each time")
        if top_k is not None and top_k < 1:
            raise UsageError(f"top_k is 1 or more, not {top_k}\nleave it away to draw among all tokens")

    def _refuse_ids(self, prompts: np.ndarray) -> None:
        known = self.network.vocab_size
        for odd in prompts[(prompts < 0) | (prompts >= known)][:1]:
            raise UsageError(f"{self.network.name} knows tokens 0 to {known - 1}; a prompt has {odd}")

    def _refuse_long(self, read: int, length: int) -> None:
        most = self.network.longest(self.network.each)
        if most is not None and read + length - 1 > most:
            have = f"a prompt of {read} and {length} more" if not self.network.translates else f"a target of {length}"
            raise UsageError(
                f"{self.network.name} has positions for {most} tokens; {have} need {read + length - 1}\n"
                f"ask for fewer, shorten the prompt, or train with a larger max_length or sinusoidal positions"
            )


def _run(graph: Any, *given: Any) -> Any:
    """What a graph makes of arrays and numbers, as arrays."""
    tensors = [tf.constant(x, tf.float32 if isinstance(x, float) else tf.int32) for x in given]
    return tf.nest.map_structure(np.asarray, graph(*tensors))


def _right_padded(ids: np.ndarray, what: str) -> tuple[np.ndarray, np.ndarray]:
    """Ids as int32 without columns that are padding in all rows, and the rows' lengths."""
    ids = np.asarray(ids, "int32")
    if ids.ndim != 2 or not len(ids):
        raise UsageError(f"a batch of {what}s is an array of two axes, (batch, time), not {ids.shape}")
    lengths = (ids != 0).sum(axis=1).astype("int32")
    if not lengths.all():
        raise UsageError(f"{what} {int(np.argmin(lengths)) + 1} is empty: it has to have one token at least")
    if (np.argmin(ids != 0, axis=1)[lengths < ids.shape[1]] != lengths[lengths < ids.shape[1]]).any():
        raise UsageError(f"a {what} has padding (0) before its end: padding stands on the right")
    return ids[:, : lengths.max()], lengths
