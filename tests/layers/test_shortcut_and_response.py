"""Local response normalisation and the padded shortcut against their formulas."""

import numpy as np
import pytest

from zoo.layers import LocalResponseNormalization, PaddedShortcut


def test_local_response_normalisation_is_the_formula_of_section_3_3():
    x = np.random.default_rng(0).normal(0, 30, (2, 3, 3, 7)).astype("float32")
    expected = np.empty_like(x)
    for i in range(7):
        near = x[..., max(0, i - 2) : i + 3]
        expected[..., i] = x[..., i] / (2 + 1e-4 * (near**2).sum(-1)) ** 0.75
    np.testing.assert_allclose(np.array(LocalResponseNormalization()(x)), expected, rtol=1e-5)


def test_it_is_what_tensorflow_computes():
    tf = pytest.importorskip("tensorflow")
    x = np.random.default_rng(1).normal(0, 30, (2, 3, 3, 7)).astype("float32")
    theirs = tf.nn.local_response_normalization(x, depth_radius=1, bias=1.0, alpha=0.01, beta=0.5)
    ours = LocalResponseNormalization(size=3, alpha=0.01, beta=0.5, bias=1.0)(x)
    np.testing.assert_allclose(np.array(ours), np.array(theirs), rtol=1e-5)


def test_an_even_number_of_neighbours_is_refused():
    with pytest.raises(ValueError, match="size is an odd number of maps from 1 on, not 4"):
        LocalResponseNormalization(size=4)


@pytest.mark.parametrize("side", [4, 5])
def test_the_shortcut_takes_every_second_position_and_pads_with_zeros(side):
    x = np.random.default_rng(0).random((2, side, side, 3)).astype("float32")
    y = np.array(PaddedShortcut(5)(x))
    assert y.shape == (2, (side + 1) // 2, (side + 1) // 2, 5) == PaddedShortcut(5).compute_output_shape(x.shape)
    np.testing.assert_array_equal(y[..., :3], x[:, ::2, ::2])
    assert not y[..., 3:].any()


def test_a_shortcut_to_fewer_maps_is_refused():
    with pytest.raises(ValueError, match="3 maps do not fit into 2"):
        PaddedShortcut(2)(np.zeros((1, 4, 4, 3), "float32"))
