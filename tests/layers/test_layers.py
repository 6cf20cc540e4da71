import keras
import numpy as np
import pytest

from zoo.layers import CodeDistance, PerceptronLoss, SparseConv2D, Subsampling, scaled_tanh
from zoo.layers.activations import activate
from zoo.layers.code_distance import codes


def array(tensor):
    return keras.ops.convert_to_numpy(tensor)


def test_scaled_tanh_passes_one_and_minus_one():
    np.testing.assert_allclose(array(scaled_tanh(np.array([-1.0, 0.0, 1.0, 99.0]))), [-1, 0, 1, 1.7159], atol=1e-4)


def test_perceptron_loss_counts_only_the_wrong_side():
    y, z = np.array([[1.0], [1.0], [0.0], [0.0]]), np.array([[2.0], [-3.0], [-2.0], [0.5]])
    np.testing.assert_allclose(array(PerceptronLoss(reduction=None)(y, z)), [0, 3, 0, 0.5])
    assert float(PerceptronLoss()(y, z)) == pytest.approx(3.5 / 4)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(PerceptronLoss()))
    assert isinstance(again, PerceptronLoss)


def test_subsampling_adds_the_window_scales_and_shifts():
    layer = Subsampling(activation="linear")
    x = np.arange(32, dtype="float32").reshape(1, 4, 4, 2)
    layer.build(x.shape)
    layer.set_weights([np.array([0.5, -1.0]), np.array([3.0, 4.0])])
    window = x[0, 2:4, 0:2].sum((0, 1))
    np.testing.assert_allclose(array(layer(x))[0, 1, 0], window * [0.5, -1.0] + [3.0, 4.0])
    assert layer(np.zeros((1, 5, 7, 2), "float32")).shape == layer.compute_output_shape((1, 5, 7, 2)) == (1, 2, 3, 2)


@pytest.fixture
def sparse():
    table = ((0, 2), (1,), (0, 1, 2))
    layer = SparseConv2D(table, 3)
    layer.build((None, 6, 5, 3))
    layer.bias.assign([0.1, 0.2, 0.3])
    return layer


def test_sparse_convolution_is_the_sum_over_its_links(sparse):
    x = np.random.default_rng(0).standard_normal((2, 6, 5, 3)).astype("float32")
    kernel, output = sparse.kernel.numpy(), array(sparse(x))  # (3, 3, 6), (2, 4, 3, 3)
    links = [(0, 0), (2, 0), (1, 1), (0, 2), (1, 2), (2, 2)]  # (source, target), as stored
    for i, j, target in ((0, 0, 0), (3, 2, 1), (1, 2, 2)):
        here = [(x[1, i : i + 3, j : j + 3, s] * kernel[..., n]).sum() for n, (s, t) in enumerate(links) if t == target]
        assert output[1, i, j, target] == pytest.approx(sum(here) + sparse.bias.numpy()[target], rel=1e-4)
    assert sparse.count_params() == 9 * 6 + 3
    assert output.shape == sparse.compute_output_shape((2, 6, 5, 3))


def test_sparse_convolution_does_not_see_the_maps_it_is_not_linked_to(sparse):
    x = np.random.default_rng(0).standard_normal((1, 6, 5, 3)).astype("float32")
    changed = x.copy()
    changed[..., 1] += 1
    difference = np.abs(array(sparse(changed)) - array(sparse(x))).max((0, 1, 2))
    assert difference[0] == 0 and difference[1] > 0 and difference[2] > 0


def test_sparse_convolution_refuses_a_table_that_names_a_missing_map():
    with pytest.raises(ValueError, match="names a map that the input of 3 maps lacks"):
        SparseConv2D(((0, 3),), 3).build((None, 6, 6, 3))


def test_codes_lie_42_bits_apart():
    book = codes(168)
    assert book.shape == (168, 84) and set(np.unique(book)) == {-1, 1}
    apart = (book[:, None] != book).sum(-1)
    assert set(apart[np.triu_indices(84, 1)]) == {42}
    assert set(np.unique(apart[~np.eye(168, dtype=bool)])) == {42, 84}


def test_code_distance_is_the_squared_euclidean_one():
    layer = CodeDistance(5)
    x = np.random.default_rng(0).standard_normal((3, 84)).astype("float32")
    expected = ((x[:, None] - codes(5)) ** 2).sum(-1)
    np.testing.assert_allclose(array(layer(x)), expected, rtol=1e-5)
    np.testing.assert_allclose(array(layer(codes(5).astype("float32"))).diagonal(), 0, atol=1e-4)
    assert layer.weights == [] and layer.compute_output_shape((3, 84)) == (3, 5)


def test_prelu_has_one_slope_a_map():
    x = keras.Input((4, 4, 6))
    assert keras.Model(x, activate(x, "prelu", "slopes")).count_params() == 6
