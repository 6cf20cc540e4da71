"""What is written is what the model, asked about whole prefixes, finds likeliest, draws, or searches by beams."""

from itertools import product

import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops
from tiers import tiered
from writers import (
    LANGUAGE_MODELS,
    PAIR_MODELS,
    PROMPTS,
    SOURCES,
    TABLE,
    chain,
    decoder_of,
    greedy_by_hand,
    model_of,
    translating_chain,
)

from zoo.tasks.decoding import Decoder, plain
from zoo.tasks.decoding.search import beams


@pytest.mark.parametrize("name", tiered(LANGUAGE_MODELS))
def test_greedy_text_is_the_likeliest_token_each_time(name):
    """Row by row and without padding by hand: prompts of several lengths in one batch change nothing."""
    said = decoder_of(name).generate(PROMPTS, length=5, temperature=0)
    by_hand = [greedy_by_hand(model_of(name), [*row[row != 0]], 5) for row in PROMPTS]
    np.testing.assert_array_equal(said, by_hand)
    np.testing.assert_array_equal(decoder_of(name, cached=False).generate(PROMPTS, length=5, temperature=0), by_hand)


@pytest.mark.parametrize("name", tiered(PAIR_MODELS))
def test_greedy_targets_are_the_likeliest_token_each_time(name):
    said = decoder_of(name).translate(SOURCES, length=5)
    by_hand = np.array([greedy_by_hand(model_of(name), [2], 5, row) for row in SOURCES])
    np.testing.assert_array_equal(said, by_hand[:, : said.shape[1]])
    assert not by_hand[:, said.shape[1] :].any()
    np.testing.assert_array_equal(decoder_of(name, cached=False).translate(SOURCES, length=5), said)


@pytest.mark.parametrize("name", tiered(PAIR_MODELS))
def test_plain_decoding_says_the_same(name):
    said, plainly = decoder_of(name).translate(SOURCES, length=5), plain.translate(model_of(name), SOURCES, 5)
    before = np.pad(plainly, ((0, 0), (1, 0)))[:, :-1]
    rest = np.where((before == 3).any(axis=1, keepdims=True) & (np.cumsum(before == 3, axis=1) > 0), 0, plainly)
    np.testing.assert_array_equal(rest[:, : said.shape[1]], said)
    assert not rest[:, said.shape[1] :].any()


def best_by_hand(model, source, length, penalty):
    """The best of all targets of at most `length` tokens, scored one by one from the whole model's probabilities."""
    best = -np.inf, []
    for size in range(1, length + 1):
        targets = np.array([*product(*[(1, 4, 5)] * (size - 1), (1, 3, 4, 5) if size == length else (3,))])
        fed = np.pad(targets, ((0, 0), (1, 0)), constant_values=2)[:, :-1]
        rows = ops.convert_to_numpy(model({"source": np.tile(source, (len(fed), 1)), "target": fed}, training=False))
        logs = np.log(np.take_along_axis(rows, targets[..., None], axis=2))[..., 0].sum(1)
        best = max(best, *((score / ((5 + size) / 6) ** penalty, [*t]) for score, t in zip(logs, targets, strict=True)))
    return [*best[1], *[0] * (length - len(best[1]))]


@pytest.mark.parametrize("name", ["transformer", "encoder_decoder"])
@pytest.mark.parametrize("penalty", [0.0, 2.0])
def test_a_wide_beam_finds_the_best_of_all_targets(name, penalty):
    """A beam of 64 holds every prefix of 4 tokens out of 3; greedy search misses some of the best ones."""
    model = model_of(name)
    by_hand = [best_by_hand(model, row[row != 0], 4, penalty) for row in SOURCES]
    found = decoder_of(name).translate(SOURCES, length=4, beam_width=64, length_penalty=penalty)
    np.testing.assert_array_equal(found, np.array(by_hand)[:, : found.shape[1]])


def test_beam_search_by_hand():
    """Greedy takes 4 (0.6) and then end (0.3): 0.18. By way of 5 (0.4) and end (0.9) there is 0.36."""
    decoder = Decoder(translating_chain())
    assert decoder.translate(SOURCES, length=5).tolist() == [[4, 3]] * 3
    assert decoder.translate(SOURCES, length=5, beam_width=2, length_penalty=0).tolist() == [[5, 3]] * 3


def test_a_length_penalty_favours_longer_targets():
    """To end at once has 0.5; 4 and then end 0.4 - by (7/6)^p and p = 4 the longer one scores better."""
    table = np.eye(6)
    table[2], table[4] = [0, 0, 0, 0.5, 0.5, 0], [0, 0, 0.2, 0.8, 0, 0]
    decoder = Decoder(translating_chain(table))
    assert np.log(0.5) / (6 / 6) ** 4 < np.log(0.4) / (7 / 6) ** 4
    for penalty, best in ((0.0, [[3]]), (4.0, [[4, 3]])):
        assert decoder.translate(SOURCES[:1], length=4, beam_width=3, length_penalty=penalty).tolist() == best


@pytest.mark.parametrize("name", ["transformer", "encoder_decoder.attention"])
def test_a_beam_of_one_is_greedy_and_a_batch_is_its_rows(name):
    network = decoder_of(name).network
    narrow = beams(network, network.read(SOURCES), 3, 6, 1, 0.6).numpy()
    greedy = decoder_of(name).translate(SOURCES, length=6)
    np.testing.assert_array_equal(narrow[:, : greedy.shape[1]], greedy)
    together = decoder_of(name).translate(SOURCES, length=6, beam_width=3)
    for row, source in zip(together, SOURCES, strict=True):
        (alone,) = decoder_of(name).translate(source[None, : (source != 0).sum()], length=6, beam_width=3)
        np.testing.assert_array_equal(row, [*alone, *[0] * (len(row) - len(alone))])
    np.testing.assert_array_equal(decoder_of(name, False).translate(SOURCES, length=6, beam_width=3), together)


def test_a_beam_says_what_is_likelier_than_the_greedy_target():
    """Here never less likely, and somewhere more."""
    model, gains = model_of("transformer"), []
    sources = np.random.default_rng(1).integers(4, 12, (30, 5)).astype("int32")
    for found in (
        decoder_of("transformer").translate(sources, length=5, beam_width=w, length_penalty=0) for w in (1, 9)
    ):
        fed = np.pad(found, ((0, 0), (1, 0)), constant_values=2)[:, :-1]
        rows = ops.convert_to_numpy(model({"source": sources, "target": fed}, training=False))
        said = np.take_along_axis(rows, found[..., None], axis=2)[..., 0]
        gains.append(np.where(found == 0, 0, np.log(said)).sum(1))
    assert (gains[1] >= gains[0] - 1e-4).all() and (gains[1] > gains[0] + 1e-2).any()


def test_the_same_seed_gives_the_same_text():
    decoder = decoder_of("transformer.decoder")
    one, again, other = (decoder.generate(PROMPTS, length=11, seed=seed) for seed in (7, 7, 8))
    np.testing.assert_array_equal(one, again)
    assert (one != other).any()
    np.testing.assert_array_equal(
        decoder_of("transformer.decoder", cached=False).generate(PROMPTS, length=11, seed=7), one
    )


def test_one_candidate_or_no_heat_is_greedy():
    decoder = decoder_of("lstm")
    greedy = decoder.generate(PROMPTS, length=9, temperature=0)
    np.testing.assert_array_equal(decoder.generate(PROMPTS, length=9, top_k=1), greedy)
    np.testing.assert_array_equal(decoder.generate(PROMPTS, length=9, temperature=1e-6), greedy)
    assert (decoder.generate(PROMPTS, length=9, temperature=5.0) != greedy).any()


def test_tokens_are_drawn_with_their_probabilities():
    """Behind 4 stand unknown 0.2, end 0.3, 4 and 5 0.25 each; a temperature of 1/2 squares them."""
    decoder, count = Decoder(chain(TABLE)), 20_000
    for knobs, weights in (
        ({}, {1: 0.2, 3: 0.3, 4: 0.25, 5: 0.25}),
        ({"temperature": 0.5}, {1: 0.04, 3: 0.09, 4: 0.0625, 5: 0.0625}),
        ({"top_k": 3}, {3: 0.3, 4: 0.25, 5: 0.25}),
    ):
        said = decoder.generate(np.full((count, 1), 4), length=1, **knobs)[:, 0]
        total = sum(weights.values())
        for token in range(6):
            share = weights.get(token, 0) / total
            assert abs((said == token).mean() - share) <= 4 * np.sqrt(share * (1 - share) / count)


def test_a_text_ends_at_its_stop():
    decoder = Decoder(chain(TABLE))
    prompts = np.array([[5, 0], [4, 5], [4, 4], [3, 1]])
    assert decoder.generate(prompts, length=4, temperature=0).tolist() == [[3, 0, 0, 0]] * 3 + [[1] * 4]
    assert decoder.generate(prompts, length=4, temperature=0, stop=None).tolist() == [[3] * 4] * 3 + [[1] * 4]
    assert decoder.generate(prompts, length=2, temperature=0, stop=1).tolist() == [[3, 3]] * 3 + [[1, 0]]


class Steps(layers.Layer):
    """Passes its input on, and counts the steps."""

    taken = None

    def call(self, x):
        return x

    def step(self, x, *, state, position):
        self.taken.assign_add(1)
        return x, state


def test_the_loop_ends_when_all_rows_have_ended():
    counter = Steps()
    counter.taken = tf.Variable(0)
    decoder = Decoder(chain(TABLE, middle=[counter]))
    decoder.generate(np.array([[4, 4, 5], [5, 0, 0]]), length=1000, temperature=0)
    assert counter.taken.numpy() == 3  # it reads 4, 4, 5 and says end; the other row has ended before
