"""What cannot be written is refused, with the reason."""

import numpy as np
import pytest
from writers import PROMPTS, SOURCES, decoder_of

from zoo.catalogue.registry import build
from zoo.errors import UsageError
from zoo.tasks.decoding import Decoder


@pytest.mark.parametrize(
    ("knobs", "words"),
    [
        ({"length": 0}, "length is 1 token or more, not 0"),
        ({"temperature": -0.5}, "temperature is 0 or more, not -0.5\n0 takes the likeliest"),
        ({"temperature": float("nan")}, "temperature is 0 or more, not nan"),
        ({"top_k": 0}, "top_k is 1 or more, not 0\nleave it away"),
        ({"length": 13}, "has positions for 16 tokens; a prompt of 5 and 13 more need 17\nask for fewer"),
    ],
)
def test_settings_out_of_range_are_refused(knobs, words):
    with pytest.raises(UsageError, match=words):
        decoder_of("transformer.decoder").generate(PROMPTS, **{"length": 3, **knobs})
    assert decoder_of("transformer.decoder").generate(PROMPTS, length=12).shape == (3, 12)


@pytest.mark.parametrize(
    ("prompts", "words"),
    [
        ([[4, 5], [0, 0]], "prompt 2 is empty"),
        ([[4, 0, 5]], "padding stands on the right"),
        ([4, 5], r"an array of two axes, \(batch, time\), not \(2,\)"),
        ([[4, 12]], "knows tokens 0 to 11; a prompt has 12"),
    ],
)
def test_prompts_that_cannot_be_read_are_refused(prompts, words):
    with pytest.raises(UsageError, match=words):
        decoder_of("transformer.decoder").generate(np.array(prompts), length=3)


def test_translations_out_of_range_are_refused():
    decoder = decoder_of("transformer")
    with pytest.raises(UsageError, match="beam's width is 1 or more, not 0"):
        decoder.translate(SOURCES, length=3, beam_width=0)
    with pytest.raises(UsageError, match="length penalty is 0 or more, not -1"):
        decoder.translate(SOURCES, length=3, beam_width=2, length_penalty=-1)
    learned = Decoder(build("transformer", positions="learned", max_length=5, num_layers=1, vocab_size=12))
    with pytest.raises(UsageError, match="reads sources of 5 tokens at most, one here has 6\nshorten it"):
        learned.translate(SOURCES, length=3)
    with pytest.raises(UsageError, match="has positions for 5 tokens; a target of 6 need 6"):
        learned.translate(SOURCES[1:2, :2], length=6)


def test_other_models_are_refused():
    with pytest.raises(UsageError, match="transformer translates a source: use translate"):
        decoder_of("transformer").generate(PROMPTS, length=3)
    with pytest.raises(UsageError, match="transformer_decoder goes on with a prompt: use generate"):
        decoder_of("transformer.decoder").translate(SOURCES, length=3)
    for name in ("lstm", "mlp", "transformer.encoder"):
        with pytest.raises(UsageError, match="does not write: that takes token ids in"):
            Decoder(build(name))


def test_another_backend_is_refused_by_name(monkeypatch):
    """Before anything is looked at: not even a model of another form comes to its own refusal."""
    monkeypatch.setattr("keras.backend.backend", lambda: "jax")
    with pytest.raises(UsageError, match="TensorFlow graphs, and Keras computes with jax here\nset KERAS_BACKEND=tens"):
        Decoder(build("mlp"))
