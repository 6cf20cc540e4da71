"""What a model writes after each epoch: one can watch it learn to spell, then to speak."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import keras

from zoo.data.examples import TextSplits
from zoo.recipe import Resolved

if TYPE_CHECKING:
    from zoo.decoding import Decoder

PROMPT_TOKENS, SAMPLE_TOKENS, SENTENCES = 16, 300, 5
TEMPERATURE = 0.8


def sampling(recipe: Resolved, splits: object, folder: Path | None) -> list[keras.callbacks.Callback]:
    """A callback that adds to `samples.txt`, for language models and pairs; none for other data or without a folder."""
    if folder is None or not isinstance(splits, TextSplits) or not len(splits.validation.y):
        return []
    if recipe.data.task not in ("language-model", "seq2seq"):
        return []
    return [Samples(recipe, splits, folder / "samples.txt")]


class Samples(keras.callbacks.Callback):
    """After each epoch: a language model goes on with the beginning of the validation text; of pairs a few are said."""

    def __init__(self, recipe: Resolved, splits: TextSplits, file: Path) -> None:
        super().__init__()
        self.recipe, self.splits, self.file = recipe, splits, file

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Add what the model says now."""
        text = self._go_on() if self.recipe.data.task == "language-model" else self._say()
        with self.file.open("a", encoding="utf-8") as file:
            file.write(f"--- epoch {epoch + 1} ---\n{text}\n\n")

    @cached_property
    def _decoder(self) -> Decoder:
        from zoo.decoding import Decoder

        return Decoder(self.model)

    def _go_on(self) -> str:
        vocabulary = self.splits.vocabularies.source
        prompt = self.splits.validation.x[:1, :PROMPT_TOKENS]
        room = self._decoder.room(prompt.shape[1])
        length = SAMPLE_TOKENS if room is None else min(room, SAMPLE_TOKENS)
        said = self._decoder.generate(prompt, length=length, temperature=TEMPERATURE, stop=None)
        joint = " " if vocabulary.kind == "word" else ""
        return f"{vocabulary.decode(prompt[0])}{joint}{vocabulary.decode(said[0])}"

    def _say(self) -> str:
        from zoo.training.extras import translate

        text, target = self.recipe.data.text, self.splits.vocabularies.target
        assert text is not None and text.target_length is not None and target is not None
        raw = self.splits.raw.validation
        said = translate(self._decoder, self.splits.validation.x["source"][:SENTENCES], target, text.target_length)
        rows = zip(raw.x[:SENTENCES], raw.y[:SENTENCES], said, strict=True)
        return "\n".join(f"{source}\n  wanted: {wanted}\n  said:   {now}" for source, wanted, now in rows)
