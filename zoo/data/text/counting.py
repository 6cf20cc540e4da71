"""How many tokens own texts hold, counted in plain Python: so that they can be described before TensorFlow starts.

Takes texts apart as `zoo.data.text.vocabulary` does, by Keras' TextVectorization: letters outside ASCII are not
lowered, and only ASCII blanks separate words. A test holds the two together.
"""

from __future__ import annotations

import string
from collections import Counter
from collections.abc import Sequence
from typing import Literal

from zoo.data.config import Data, Text
from zoo.data.examples import Source
from zoo.data.splitting import split

MOST_WORDS = 20_000  # of a vocabulary; rarer words become unknown
SEEN = 2  # times that a word is seen at least where texts have classes: rarer ones serve to learn texts by heart
MOST_TOKENS = {"text": 256, "text-pair": 64}  # of one text; what is longer is cut
SPECIAL = 4  # padding, unknown, start, end
PUNCTUATION = string.punctuation.encode()


def unmeasured(texts: Sequence[str], pairs: bool = False, asked: str | None = None) -> Text:
    """How to take own texts apart, sizes still to be measured: words where most have blanks, else characters.

    What is `asked` for, "word" or "character", comes first.
    """
    blanks = sum(" " in text for text in texts)
    by_word = 2 * blanks >= len(texts) if asked is None else asked == "word"
    tokens: Literal["word", "character"] = "word" if by_word else "character"
    return Text(
        tokens=tokens,
        vocab_size=SPECIAL + 1,
        target_vocab_size=SPECIAL + 1 if pairs else None,
        target_length=2 if pairs else None,
        standardize="lower_and_strip_punctuation" if tokens == "word" else "none",
    )


def measured(data: Data, source: Source, where: str) -> Data:
    """`data` with the sizes of its vocabularies and its longest texts, as the training part has them."""
    text, most = data.text, MOST_TOKENS[data.kind]
    assert text is not None
    train = split(source, data, where, "label" if data.task == "label" else "value").train
    pairs = data.kind == "text-pair"
    size, longest = _measure(train.x, text, 1 if pairs else SEEN)
    sizes = {"vocab_size": size}
    if pairs:
        sizes["target_vocab_size"], target = _measure(train.y, text, 1)
        sizes["target_length"] = min(target + 1, most)  # its end included
    shape = (min(longest + pairs, most),)
    return data.model_copy(update={"input_shape": shape, "text": text.model_copy(update=sizes)})


def _measure(texts: Sequence[str], text: Text, least: int) -> tuple[int, int]:
    """Tokens that a vocabulary of these texts has, and those of the longest; of words those seen `least` times."""
    known: Counter[bytes | str] = Counter()
    longest = 1
    for one in texts:
        found = pieces(one, text)
        known.update(found)
        longest = max(longest, len(found))
    if text.tokens != "word":
        return len(known) + SPECIAL, longest
    several = sum(count >= least for count in known.values())
    return min((several or len(known)) + SPECIAL, MOST_WORDS), longest


def pieces(one: str, text: Text) -> list[bytes] | list[str]:
    """The words (as UTF-8 bytes) or characters of a text."""
    content = one.encode()
    if text.standardize != "none":
        content = content.lower()
    if text.standardize == "lower_and_strip_punctuation":
        content = content.translate(None, PUNCTUATION)
    return list(content.decode()) if text.tokens == "character" else content.split()
