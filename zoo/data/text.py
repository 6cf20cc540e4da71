"""Raw texts to padded token ids: vocabularies learnt on the training part, everything encoded once.

Ids are padded on the right with 0. Of pairs the source ends with the end token; `target` is what the decoder is fed
(start, y1, y2 ...) and `y` what it is to say (y1, y2 ... end).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from zoo.data.examples import Examples, Source, Splits, TextSplits, conform_labels
from zoo.data.splitting import split
from zoo.data.vocabulary import END, START, UNKNOWN, Vocabulary, learn
from zoo.errors import UsageError

if TYPE_CHECKING:
    import numpy as np

    from zoo.data.config import Data

log = logging.getLogger("zoo.data")


@dataclass(frozen=True)
class Vocabularies:
    """What turns a run's texts into ids and back; `target` is None where there is one side only."""

    source: Vocabulary
    target: Vocabulary | None = None

    def as_json(self) -> dict[str, Any]:
        """Everything `from_json` needs."""
        return {
            "source": self.source.as_json(),
            "target": self.target.as_json() if self.target else None,
        }

    @classmethod
    def from_json(cls, table: dict[str, Any]) -> Vocabularies:
        """What `as_json` described."""
        target = table["target"]
        return cls(Vocabulary.from_json(table["source"]), Vocabulary.from_json(target) if target else None)


def load(source: Source, data: Data, where: str, known: Vocabularies | None = None) -> TextSplits:
    """The three parts as token ids, with the vocabularies that made them: `known` ones, or learnt on the training part.

    Raises:
        UsageError: a vocabulary larger than the data gives, sizes other than the recipe's, bad labels.
    """
    if data.task == "language-model":
        return _load_windows(source, data, where, known)
    parts = split(source, data, where)
    vocabularies = known or _learn(parts.train, data)

    def encoded(part: Examples, name: str) -> Examples:
        return examples_of(part, data, vocabularies, f"{where}, {name}")

    return TextSplits.of(
        encoded(parts.train, "train"),
        encoded(parts.validation, "validation"),
        encoded(parts.test, "test"),
        vocabularies,
        parts,
    )


def _learn(train: Examples, data: Data) -> Vocabularies:
    text = data.text
    assert text is not None
    source = learn(train.x, text, text.vocab_size)
    if data.task != "seq2seq":
        return Vocabularies(source)
    assert text.target_vocab_size is not None
    return Vocabularies(source, learn(train.y, text, text.target_vocab_size, "target_vocab_size"))


def examples_of(part: Examples, data: Data, vocabularies: Vocabularies, where: str) -> Examples:
    """Raw texts `x` and labels or target texts `y` as padded ids: x int32 (n, length), or a dict of two for pairs."""
    if data.task != "seq2seq":
        return Examples(encode(part.x, data, vocabularies, where), conform_labels(part.y, data, where))
    assert vocabularies.target is not None and data.text is not None and data.text.target_length is not None
    target = vocabularies.target.encode(part.y) if len(part.y) else []
    length = data.text.target_length
    _note_cut(sum(len(ids) >= length for ids in target), len(target), length, f"{where}, target")
    x = {
        "source": encode(part.x, data, vocabularies, where),
        "target": padded([[START, *ids[: length - 1]] for ids in target], length),
    }
    return Examples(x, padded([[*ids[: length - 1], END] for ids in target], length))


def encode(
    texts: Sequence[str], data: Data, vocabularies: Vocabularies, where: str, say: Callable[..., None] = log.info
) -> np.ndarray:
    """Ids of (source) texts, int32 (n, data.input_shape[0]), cut where they are longer; those of pairs end with END.

    `say` is told how many were cut.
    """
    assert data.text is not None
    (length,), ended = data.input_shape, [END] if data.task == "seq2seq" else []
    room = length - len(ended)
    rows = vocabularies.source.encode(texts) if len(texts) else []
    _note_cut(sum(len(ids) > room for ids in rows), len(rows), length, where, say)
    keep = slice(-room, None) if data.text.keep == "end" else slice(room)
    return padded([[*(ids[keep] if len(ids) else [UNKNOWN]), *ended] for ids in rows], length)


def _note_cut(count: int, of: int, length: int, where: str, say: Callable[..., None] = log.info) -> None:
    if count:
        say("%s: %s of %s texts are longer than %s tokens and are cut", where, f"{count:,}", f"{of:,}", length)


def padded(rows: Sequence[Sequence[int]], length: int) -> np.ndarray:
    """Rows of ids filled up with 0 on the right: int32 (rows, length)."""
    import numpy as np

    ids = np.zeros((len(rows), length), "int32")
    for i, row in enumerate(rows):
        ids[i, : len(row)] = row
    return ids


def _load_windows(source: Source, data: Data, where: str, known: Vocabularies | None) -> TextSplits:
    """One long text a part as windows: x the tokens 0 to n - 1 of a window, y the tokens 1 to n."""
    counts = data.parts()
    train_text = str(source.train.x[0])
    seen = train_text[: round(len(train_text) * counts["train"] / data.train)]  # what is held out teaches no token
    vocabularies = known or Vocabularies(_learn_one([seen], data))
    streams = {"train": vocabularies.source.encode([train_text])[0]}
    for name, part in (("validation", source.validation), ("test", source.test)):
        if getattr(data, name):
            streams[name] = _own_part(part, vocabularies, where, name)
    _refuse_other_counts(streams, data, where)
    rest = streams["train"]
    for name in ("test", "validation"):  # from the end: what is tested comes last
        if name not in streams:
            held = len(rest) - counts[name]
            rest, streams[name] = rest[:held], rest[held:]
    length = data.input_shape[0]
    return TextSplits.of(
        _windows(rest, length),
        _windows(streams["validation"], length),
        _windows(streams["test"], length),
        vocabularies,
        Splits(source.train, source.train, source.train),
    )


def _learn_one(texts: list[str], data: Data) -> Vocabulary:
    assert data.text is not None
    return learn(texts, data.text, data.text.vocab_size)


def _own_part(part: Examples | None, vocabularies: Vocabularies, where: str, name: str) -> np.ndarray:
    if part is None:
        raise UsageError(f"{where} has no {name} text of its own\nset data.{name} = 0 and data.{name}_share")
    return vocabularies.source.encode([str(part.x[0])])[0]


def _refuse_other_counts(streams: dict[str, np.ndarray], data: Data, where: str) -> None:
    for name, ids in streams.items():
        if len(ids) != getattr(data, name):
            raise UsageError(
                f"{where}: the recipe says {getattr(data, name):,} tokens in data.{name}, the text gives {len(ids):,}\n"
                f"mend the recipe, or: --set data.{name}={len(ids)}"
            )


def _windows(ids: np.ndarray, length: int) -> Examples:
    count = max(0, (len(ids) - 1) // length)
    x = ids[: count * length].reshape(count, length)  # (windows, length)
    return Examples(x, ids[1 : count * length + 1].reshape(count, length))
