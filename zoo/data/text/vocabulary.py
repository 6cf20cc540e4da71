"""Text to token ids and back: words and characters by Keras' TextVectorization, sub-words by the tokenizers library.

A vocabulary is learnt from training texts alone and travels with the run as JSON. Ids 0 to 3 are padding, unknown,
start and end in every one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from zoo.errors import MissingError, UsageError, pip_install

if TYPE_CHECKING:
    import keras
    import numpy as np

    from zoo.data.config import Text

PADDING, UNKNOWN, START, END = range(4)
SPECIAL = ("", "[UNK]", "[START]", "[END]")
TEXTS_A_BATCH = 1024


@dataclass(frozen=True)
class Vocabulary:
    """Tokens in the order of their ids, and how a text is taken apart into them.

    For sub-words `merges` holds the tokenizers library's own JSON description (byte-pair encoding over bytes, Sennrich
    et al. 2016), which knows how to take apart; for words and characters it is empty.
    """

    kind: str  # word, character, subword
    standardize: str
    tokens: tuple[str, ...]
    merges: str = ""

    def __len__(self) -> int:
        return len(self.tokens)

    def encode(self, texts: Sequence[str]) -> list[np.ndarray]:
        """Token ids of each text, int32 (its tokens,): no start, no end, no padding. What is not known becomes 1."""
        import numpy as np

        if self.kind == "subword":
            return [np.array(found.ids, "int32") for found in self._tokenizer.encode_batch(list(texts))]
        return ids_of(texts, self._splitter)

    def decode(self, ids: Sequence[int]) -> str:
        """The text of ids up to the first end; padding and start are left out."""
        known = [int(i) for i in ids]
        known = known[: known.index(END)] if END in known else known
        known = [i for i in known if i not in (PADDING, START)]
        if self.kind == "subword":
            return str(self._tokenizer.decode(known)).removeprefix(" ")  # as it was put before the first word
        return self._joint.join(self.tokens[i] for i in known)

    def joined(self, *texts: str) -> str:
        """Decoded texts that follow each other, as one."""
        return self._joint.join(texts)

    @property
    def _joint(self) -> str:
        return " " if self.kind == "word" else ""

    def pieces(self, ids: Sequence[int]) -> list[str]:
        """Each token by itself, as people read it; a sub-word that begins a word begins with a blank."""
        if self.kind != "subword":
            return [self.tokens[int(i)] for i in ids]
        return [SPECIAL[i] if i <= END else str(self._tokenizer.decode([i])) for i in map(int, ids)]

    def unknown(self, text: str) -> list[str]:
        """The words or characters of a text that are not in the vocabulary, in their order, each once."""
        if self.kind == "subword":  # bytes spell everything
            return []
        if self.kind == "character" and self.standardize == "none":
            return list(dict.fromkeys(piece for piece in text if piece not in self.tokens))
        pieces = text.split() if self.kind == "word" else list(text)
        ids = self.encode(pieces) if pieces else []
        return list(dict.fromkeys(piece for piece, found in zip(pieces, ids, strict=False) if UNKNOWN in found))

    def as_json(self) -> dict[str, Any]:
        """Everything `from_json` needs."""
        return {
            "kind": self.kind,
            "standardize": self.standardize,
            "tokens": list(self.tokens),
            "merges": self.merges,
        }

    @classmethod
    def from_json(cls, table: dict[str, Any]) -> Vocabulary:
        """The vocabulary that `as_json` described."""
        return cls(table["kind"], table["standardize"], tuple(table["tokens"]), table["merges"])

    @cached_property
    def _splitter(self) -> keras.layers.TextVectorization:
        return splitter(self.kind, self.standardize, self.tokens)

    @cached_property
    def _tokenizer(self) -> Any:
        found = _tokenizers().Tokenizer.from_str(self.merges)
        found.encode_special_tokens = True  # a text that holds [END] says so letter by letter
        return found


def learn(texts: Sequence[str], text: Text, size: int, key: str = "vocab_size") -> Vocabulary:
    """The `size` most frequent tokens of `texts`, the four special ones included.

    Raises:
        UsageError: the texts hold fewer; the number is given.
        MissingError: sub-words are asked for and the tokenizers library is not installed.
    """
    if text.tokens == "subword":
        found = _learn_subwords(texts, text, size)
    else:
        tokens = learn_tokens(texts, size, text.tokens, text.standardize)
        found = Vocabulary(text.tokens, text.standardize, tuple(tokens))
    if len(found) < size:
        raise UsageError(
            f"data.text.{key} = {size:,}, but the training texts give only {len(found):,} tokens "
            f"(padding, unknown, start and end included)\nset it with: --set data.text.{key}={len(found)}"
        )
    return found


def learn_tokens(texts: Sequence[str], size: int, kind: str, standardize: str) -> list[str]:
    """The `size` most frequent tokens of texts, words or characters; the four special ones come first."""
    import tensorflow as tf

    layer = splitter(kind, standardize, size=size - 2)  # start and end come on top
    layer.adapt(tf.data.Dataset.from_tensor_slices(list(texts)).batch(TEXTS_A_BATCH))
    return [*SPECIAL, *map(str, layer.get_vocabulary(include_special_tokens=False))]


def ids_of(texts: Sequence[str], layer: keras.layers.TextVectorization) -> list[np.ndarray]:
    """Token ids of each text, int32 (its tokens,), as a `splitter` finds them."""
    import numpy as np
    import tensorflow as tf

    rows: list[np.ndarray] = []
    batches = tf.data.Dataset.from_tensor_slices([*texts] or [""]).batch(TEXTS_A_BATCH)
    for ragged in batches.map(layer, tf.data.AUTOTUNE).prefetch(2):
        rows += np.split(ragged.values.numpy().astype("int32"), ragged.row_limits().numpy()[:-1])
    return rows[: len(texts)]


def splitter(
    kind: str, standardize: str, tokens: Sequence[str] = (), size: int | None = None
) -> keras.layers.TextVectorization:
    """The layer that takes texts apart into words or characters, texts -> ragged ids; it knows `tokens` or learns."""
    import keras

    return keras.layers.TextVectorization(
        max_tokens=size,
        standardize=None if standardize == "none" else standardize,
        split="character" if kind == "character" else "whitespace",
        vocabulary=list(tokens[2:]) or None,  # the layer adds padding and unknown itself
        ragged=True,
    )


def _learn_subwords(texts: Sequence[str], text: Text, size: int) -> Vocabulary:
    library = _tokenizers()
    tokenizer = library.Tokenizer(library.models.BPE())
    if text.standardize != "none":
        tokenizer.normalizer = library.normalizers.Lowercase()
    tokenizer.pre_tokenizer = library.pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = library.decoders.ByteLevel()
    special = ["[PAD]", *SPECIAL[1:]]
    trainer = library.trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=special,
        initial_alphabet=library.pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    names = sorted(tokenizer.get_vocab().items(), key=lambda pair: pair[1])
    return Vocabulary("subword", text.standardize, tuple(name for name, _ in names), tokenizer.to_str())


def _tokenizers() -> Any:
    try:
        import tokenizers
    except ImportError:
        raise MissingError(
            f"sub-word vocabularies need the tokenizers library\ninstall it with: {pip_install('translate')}   "
            "(or: --set data.text.tokens=word)"
        ) from None
    return tokenizers
