"""Language modelling: each token of a text from those before it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from zoo.data.fields import Field
from zoo.tasks.task import Further, Task

if TYPE_CHECKING:
    import keras

    from zoo.catalogue.spec import DataSpec
    from zoo.data.config import Data
    from zoo.data.examples import Source, Splits
    from zoo.data.text.encoding import Vocabularies
    from zoo.tasks.decoding import Decoder
    from zoo.tasks.objective import Objective

PROMPT_TOKENS, SAMPLE_TOKENS, TEMPERATURE = 16, 300, 0.8
MOST_LOSS = 50.0  # in nats; the perplexity of more is no number worth having


class LanguageModel(Task):
    """A distribution over the vocabulary at each position, from the text up to there."""

    name = "language-model"
    kinds = ("text",)
    losses = ("sparse_categorical_crossentropy",)  # the mean over real tokens
    over_tokens = True
    keeps_outputs = False
    writes = True

    def target(self, data: Data) -> Field:
        return Field("y", "tokens", data.input_shape, "int32", ragged=True, as_long_as="x")

    def sizes(self, data: Data) -> dict[str, int]:
        """Windows; the source is counted in tokens."""
        return {name: max(0, (tokens - 1) // data.input_shape[0]) for name, tokens in data.parts().items()}

    def head(self, spec: DataSpec) -> tuple[int, str]:
        assert spec.vocab_size is not None
        return spec.vocab_size, "softmax"

    def pipeline(self, kind: str) -> str:
        return "text-generation"

    def next_command(self, run: str, kind: str) -> str:
        return f"write:   zoo generate {run} --prompt '...'"

    def encode(self, source: Source, data: Data, name: str, known: Vocabularies | None = None) -> Splits:
        from zoo.data.text.encoding import encoded_windows

        return encoded_windows(source, data, name, known)

    def objective(self, data: Data, loss: str) -> Objective:
        from zoo.tasks.objective import TokenObjective

        return TokenObjective()

    def further(
        self, model: keras.Model, data: Data, splits: Splits, part: str, measured: Mapping[str, float]
    ) -> Further:
        """The perplexity a token."""
        return Further({"perplexity": math.exp(min(measured["loss"], MOST_LOSS))}, [])

    def sampler(self, data: Data, splits: Splits) -> Callable[[Decoder], str] | None:
        """What the model writes behind the beginning of the validation text."""
        if not len(splits.validation):
            return None
        assert splits.vocabularies is not None
        vocabulary, prompt = splits.vocabularies.source, splits.validation.x[:1, :PROMPT_TOKENS]

        def write(decoder: Decoder) -> str:
            room = decoder.room(prompt.shape[1])
            length = SAMPLE_TOKENS if room is None else min(room, SAMPLE_TOKENS)
            new = decoder.generate(prompt, length=length, temperature=TEMPERATURE, stop=None)
            return vocabulary.joined(vocabulary.decode(prompt[0]), vocabulary.decode(new[0]))

        return write


TASKS = (LanguageModel(),)
