"""Raw texts to padded token ids: vocabularies learnt on the training part, everything encoded once.

Ids are padded on the right with 0. Of pairs the source ends with the end token; `target` is what the decoder is fed
(start, y1, y2 ...) and `y` what it is to say (y1, y2 ... end).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from zoo.data.examples import Examples, Source, Splits, conform_targets
from zoo.data.splitting import split
from zoo.data.text.vocabulary import END, START, UNKNOWN, Vocabulary, learn
from zoo.errors import UsageError

if TYPE_CHECKING:
    import numpy as np

    from zoo.data.config import Data
    from zoo.data.fields import Role

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


def encoded(source: Source, data: Data, target: Role, where: str, known: Vocabularies | None = None) -> Splits:
    """Texts with classes or values as token ids, by `known` vocabularies or those learnt on the training part.

    Raises:
        UsageError: a vocabulary larger than the data gives, sizes other than the recipe's, bad labels.
    """
    parts = split(source, data, where, target)
    vocabularies = known or Vocabularies(_learn(parts.train.x, data))

    def encoded_part(name: str, part: Examples) -> Examples:
        place = f"{where}, {name}"
        y = conform_targets(part.y, data, place, target)
        return Examples(encode(part.x, data, vocabularies, place), y, part.beside)

    return Splits(*_each(encoded_part, parts), vocabularies, parts)


def encoded_pairs(source: Source, data: Data, where: str, known: Vocabularies | None = None) -> Splits:
    """Pairs of texts as token ids: inputs `source` and `target`, (n, length) each, and the target to predict.

    Raises:
        UsageError: as `encoded`.
    """
    assert data.text is not None and data.text.target_vocab_size is not None
    parts = split(source, data, where)
    vocabularies = known or Vocabularies(
        _learn(parts.train.x, data),
        learn(parts.train.y, data.text, data.text.target_vocab_size, "target_vocab_size"),
    )

    def encoded_part(name: str, part: Examples) -> Examples:
        return _pairs(part, data, vocabularies, f"{where}, {name}")

    return Splits(*_each(encoded_part, parts), vocabularies, parts)


def _each(encoded_part: Callable[[str, Examples], Examples], parts: Splits) -> tuple[Examples, Examples, Examples]:
    train, validation, test = (encoded_part(name, part) for name, part in parts.by_name().items())
    return train, validation, test


def _learn(texts: Sequence[str], data: Data) -> Vocabulary:
    assert data.text is not None
    return learn(texts, data.text, data.text.vocab_size)


def _pairs(part: Examples, data: Data, vocabularies: Vocabularies, where: str) -> Examples:
    assert vocabularies.target is not None and data.text is not None and data.text.target_length is not None
    target = vocabularies.target.encode(part.y)
    length = data.text.target_length
    _note_cut(sum(len(ids) >= length for ids in target), len(target), length, f"{where}, target")
    read, said = target_ids(target, length)
    return Examples({"source": encode(part.x, data, vocabularies, where, ended=True), "target": read}, said)


def encode(
    texts: Sequence[str],
    data: Data,
    vocabularies: Vocabularies,
    where: str,
    say: Callable[..., None] = log.info,
    *,
    ended: bool = False,
) -> np.ndarray:
    """Ids of (source) texts, int32 (n, data.input_shape[0]), cut where they are longer; `ended`: followed by END.

    `say` is told how many were cut.
    """
    assert data.text is not None
    (length,) = data.input_shape
    rows = vocabularies.source.encode(texts)
    _note_cut(sum(len(ids) > length - ended for ids in rows), len(rows), length, where, say)
    return source_ids(rows, length, data.text.keep == "end", ended)


def _note_cut(count: int, of: int, length: int, where: str, say: Callable[..., None] = log.info) -> None:
    if count:
        say("%s: %s of %s texts are longer than %s tokens and are cut", where, f"{count:,}", f"{of:,}", length)


def source_ids(rows: Sequence[Sequence[int]], length: int, keep_end: bool = False, ended: bool = False) -> np.ndarray:
    """Ids of texts as a network reads them, int32 (n, length), filled up with 0; `ended`: followed by END.

    Of longer texts the start is kept, or the end; a text of no tokens becomes one that is unknown.
    """
    end = [END] * ended
    room = length - len(end)
    kept = slice(-room, None) if keep_end else slice(room)
    return padded([[*(ids[kept] if len(ids) else [UNKNOWN]), *end] for ids in rows], length)


def target_ids(rows: Sequence[Sequence[int]], length: int) -> tuple[np.ndarray, np.ndarray]:
    """What a decoder reads of targets, from START on, and what it is to say, up to END: int32 (n, length) each."""
    read = padded([[START, *ids[: length - 1]] for ids in rows], length)
    return read, padded([[*ids[: length - 1], END] for ids in rows], length)


def padded(rows: Sequence[Sequence[int]], length: int) -> np.ndarray:
    """Rows of ids filled up with 0 on the right: int32 (rows, length)."""
    import numpy as np

    ids = np.zeros((len(rows), length), "int32")
    for i, row in enumerate(rows):
        ids[i, : len(row)] = row
    return ids


def encoded_windows(source: Source, data: Data, where: str, known: Vocabularies | None = None) -> Splits:
    """One long text a part as windows: x the tokens 0 to n - 1 of a window, y the tokens 1 to n.

    Raises:
        UsageError: as `encoded`.
    """
    counts = data.parts()
    train_text = str(source.train.x[0])
    seen = train_text[: round(len(train_text) * counts["train"] / data.train)]  # what is held out teaches no token
    vocabularies = known or Vocabularies(_learn([seen], data))
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
    parts = (rest, streams["validation"], streams["test"])
    train, validation, test = (Examples(*next_tokens(ids, length)) for ids in parts)
    return Splits(train, validation, test, vocabularies)


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


def next_tokens(ids: np.ndarray, length: int) -> tuple[np.ndarray, np.ndarray]:
    """A text's ids (tokens,) as windows (n, length), and the token that follows each of theirs, (n, length)."""
    count = max(0, (len(ids) - 1) // length)
    return ids[: count * length].reshape(count, length), ids[1 : count * length + 1].reshape(count, length)
