import keras
import numpy as np
import pytest
from keras import layers

from zoo.errors import UsageError
from zoo.models import lenet, lenet_1998
from zoo.models.lenet import C3_TABLE


def shapes(model):
    return {layer.name: tuple(layer.output.shape[1:]) for layer in model.layers}


def params(model):
    return {layer.name: layer.count_params() for layer in model.layers if layer.count_params()}


@pytest.mark.parametrize("builder", [lenet, lenet_1998])
def test_maps_shrink_28_14_10_5_to_400_features(builder):
    found = shapes(builder())
    expected = {"C1": (28, 28, 6), "S2": (14, 14, 6), "C3": (10, 10, 16), "S4": (5, 5, 16)}
    expected |= {"flatten": (400,), "C5": (120,), "F6": (84,), "output": (10,)}
    assert {name: found[name] for name in expected} == expected


def test_parameters_layer_by_layer():
    assert params(lenet()) == {"C1": 156, "C3": 2_416, "C5": 48_120, "F6": 10_164, "output": 850}
    printed = params(lenet_1998())
    assert printed == {"C1": 156, "S2": 12, "C3": 1_516, "S4": 32, "C5": 48_120, "F6": 10_164}
    assert sum(printed.values()) == 60_000


def test_ten_3x3x3_filters_have_280_parameters():
    layer = layers.Conv2D(10, 3)
    layer.build((None, 32, 32, 3))
    assert layer.count_params() == 280


@pytest.mark.parametrize(
    ("n", "f", "s", "p"), [(32, 5, 1, 0), (28, 2, 2, 0), (7, 3, 2, 1), (8, 3, 2, 1), (10, 4, 3, 2)]
)
def test_output_size_is_floor_of_n_plus_2p_minus_f_over_s_plus_1(n, f, s, p):
    x = layers.ZeroPadding2D(p)(keras.Input((n, n, 1)))
    size = (n + 2 * p - f) // s + 1
    assert layers.Conv2D(2, f, s)(x).shape == (None, size, size, 2)
    assert layers.MaxPooling2D(f, s)(x).shape == (None, size, size, 1)


def test_table_of_c3_is_the_papers():
    assert len(C3_TABLE) == 16
    assert [len(row) for row in C3_TABLE] == [3] * 6 + [4] * 9 + [6]
    assert sum(25 * len(row) + 1 for row in C3_TABLE) == 1_516
    assert [sum(source in row for row in C3_TABLE) for source in range(6)] == [10] * 6  # each S2 map feeds ten
    assert len(set(C3_TABLE)) == 16  # no two maps see the same: they have to learn different things
    assert all(row == tuple(sorted(set(row))) for row in C3_TABLE)


def test_connections_sum_to_the_papers_340908():
    units = {"C1": 28 * 28 * 6 * 26, "S2": 14 * 14 * 6 * 5, "C3": 100 * 1_516, "S4": 5 * 5 * 16 * 5, "C5": 48_120}
    model = lenet_1998()
    assert units["C1"] == 28 * 28 * model.get_layer("C1").count_params()
    assert units["C3"] == 10 * 10 * model.get_layer("C3").count_params()
    codes = 84 * 10
    assert sum(units.values()) + model.get_layer("F6").count_params() + codes == 340_908


@pytest.mark.parametrize("builder", [lenet, lenet_1998])
@pytest.mark.parametrize("shape", [(16, 16, 1), (28, 28, 1), (33, 40, 3)])
def test_other_sizes_and_channels(builder, shape):
    output = builder(input_shape=shape, num_classes=3)(np.zeros((2, *shape), "float32"))
    np.testing.assert_allclose(keras.ops.sum(output, -1), 1, rtol=1e-6)


def test_knobs():
    two = lenet(num_classes=1, classifier_activation="sigmoid", activation="prelu", pooling="max")
    assert isinstance(two.get_layer("S2"), layers.MaxPooling2D)
    assert two.count_params() == 61_706 - 850 + 85 + 6 + 16 + 120 + 84  # a slope a map or unit
    with pytest.raises(UsageError, match="unknown pooling 'avarage'; did you mean average"):
        lenet(pooling="avarage")
    with pytest.raises(UsageError, match="num_classes is 2 to 168"):
        lenet_1998(num_classes=169)


def test_lenet_1998_starts_within_the_papers_bounds():
    keras.utils.set_random_seed(1)  # six numbers of S2 may all be small by chance
    model = lenet_1998()
    for name, fan_in in (("C1", 25), ("S2", 4), ("S4", 4), ("C5", 400), ("F6", 120)):
        start, bias = (weight.numpy() for weight in model.get_layer(name).weights)
        assert 0.5 * 2.4 / fan_in < np.abs(start).max() <= 2.4 / fan_in
        assert not bias.any()
    kernel = model.get_layer("C3").kernel.numpy()  # (5, 5, 60): 6 maps of 3 links, 9 of 4, 1 of 6
    for links, fan_in in ((slice(0, 18), 75), (slice(18, 54), 100), (slice(54, 60), 150)):
        assert 0.9 * 2.4 / fan_in < np.abs(kernel[..., links]).max() <= 2.4 / fan_in
