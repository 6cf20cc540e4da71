import keras
import numpy as np
import pytest
from keras import layers
from tiers import representatives

from zoo import safety
from zoo.catalogue import registry
from zoo.catalogue.inspect import skeleton
from zoo.errors import UsageError
from zoo.layers import KerasPreprocessing
from zoo.models import lenet, vgg_small, vgg_transfer
from zoo.models.freezing import blocks, freeze
from zoo.models.vgg_transfer import APPLICATIONS, make_base

SHAPE = (32, 32, 3)


def test_every_network_of_keras_applications_is_a_base():
    theirs = {name for name in dir(keras.applications) if name[0].isupper()}
    assert set(APPLICATIONS) == theirs
    for module in set(APPLICATIONS.values()):
        assert callable(getattr(keras.applications, module).preprocess_input)


def test_only_the_head_learns():
    model = skeleton(vgg_transfer)
    assert model.count_params() == 14_714_688 + (512 + 1) * 256 + (256 + 1) * 10 == 14_848_586
    learning = [weight.path for weight in model.trainable_weights]
    assert learning == ["head_1/kernel", "head_1/bias", "output/kernel", "output/bias"]


@pytest.mark.parametrize("base", ["VGG16", "MobileNetV2", pytest.param("DenseNet121", marks=pytest.mark.slow)])
def test_raw_pixels_go_through_keras_own_preprocessing(base):
    """The same weights in Keras' network behind Keras' preprocessing give the same maps, as built and as saved."""
    keras.utils.set_random_seed(0)
    model = vgg_transfer(SHAPE, base=base)
    inside = next(layer for layer in model.layers if isinstance(layer, keras.Model))
    theirs = getattr(keras.applications, base)(weights=None, include_top=False, input_shape=SHAPE)
    theirs.set_weights(inside.get_weights())
    raw = np.random.default_rng(0).integers(0, 255, (2, *SHAPE)).astype("float32")
    prepared = getattr(keras.applications, APPLICATIONS[base]).preprocess_input(raw.copy())
    maps = keras.Model(model.input, model.get_layer("pool").output)
    expected = np.array(theirs(prepared, training=False)).mean((1, 2))
    np.testing.assert_allclose(np.array(maps(raw)), expected, rtol=1e-3, atol=1e-3 * np.abs(expected).max())


@pytest.mark.parametrize("base", ["VGG16", "MobileNetV3Small", "vgg.small", "lenet"])
def test_a_saved_one_passes_the_look_through_and_gives_the_same(base, tmp_path):
    model = vgg_transfer(SHAPE, base=base)
    model.save(tmp_path / "model.keras")
    again = safety.load_model(tmp_path / "model.keras")
    raw = np.random.default_rng(0).integers(0, 255, (2, *SHAPE)).astype("float32")
    assert (np.array(model(raw)) == np.array(again(raw))).all()
    assert len(again.trainable_weights) == 4


def test_grey_images_are_taken_as_three_equal_channels():
    keras.utils.set_random_seed(0)
    grey, colour = vgg_transfer((32, 32, 1), hidden_units=()), vgg_transfer(SHAPE, hidden_units=())
    colour.set_weights(grey.get_weights())
    x = np.random.default_rng(0).integers(0, 255, (2, 32, 32, 1)).astype("float32")
    np.testing.assert_allclose(np.array(grey(x)), np.array(colour(np.repeat(x, 3, -1))), rtol=1e-5)


def test_other_channels_get_the_mean_of_the_preprocessing():
    five = skeleton(lambda: vgg_transfer((32, 32, 5)))
    assert five.get_layer("vgg16").get_layer("block1_conv1").kernel.shape == (3, 3, 5, 64)
    x = np.random.default_rng(0).random((2, 4, 4, 5), "float32") * 255
    centred = np.array(KerasPreprocessing("vgg16")(x))
    np.testing.assert_allclose(centred, x - (103.939 + 116.779 + 123.68) / 3, rtol=1e-5, atol=1e-3)
    np.testing.assert_allclose(np.array(KerasPreprocessing("mobilenet_v2")(x)), x / 127.5 - 1, rtol=1e-4, atol=1e-6)


def test_preprocessing_is_keras_own_for_colours_and_refuses_what_keras_has_not():
    x = np.random.default_rng(0).random((2, 4, 4, 3), "float32") * 255
    for module in set(APPLICATIONS.values()):
        expected = getattr(keras.applications, module).preprocess_input(x.copy())
        np.testing.assert_allclose(np.array(KerasPreprocessing(module)(x)), expected, rtol=1e-5, atol=1e-4)
    with pytest.raises(UsageError, match="did you mean vgg19 or vgg16"):
        KerasPreprocessing("vgg61")


def test_normalisation_keeps_its_moments_though_the_model_trains():
    model = vgg_transfer(SHAPE, base="vgg.small", learning_blocks=3)
    base = model.get_layer("vgg_small")
    before = {weight.path: np.array(weight) for weight in base.weights}
    model.compile(keras.optimizers.SGD(1.0), "sparse_categorical_crossentropy")
    model.train_on_batch(np.random.default_rng(0).random((8, *SHAPE), "float32") * 9, np.arange(8))
    moved = {weight.path for weight in base.weights if (np.array(weight) != before[weight.path]).any()}
    assert moved == {path for path in before if path.endswith("kernel")}


def test_a_base_of_the_catalogue_ends_in_front_of_its_flattening():
    whole, base = lenet(activation="relu"), make_base("lenet", (32, 32, 1), {"activation": "relu"})
    assert base.output.shape == (None, 5, 5, 16) and [layer.name for layer in base.layers][-1] == "S4"
    assert base.count_params() == 156 + 2_416
    base.set_weights(whole.get_weights()[:4])
    x = np.random.default_rng(0).random((2, 32, 32, 1), "float32")
    maps = keras.Model(whole.input, whole.get_layer("S4").output)
    np.testing.assert_allclose(np.array(base(x)), np.array(maps(x)), rtol=1e-5)


def test_a_base_of_the_catalogue_ends_in_the_last_maps_before_they_are_averaged():
    knobs = {"width": 0.25, "depth": 0.1, "halvings": 3}
    base = skeleton(lambda: make_base("efficientnet.b0", (32, 32, 3), knobs))
    assert base.layers[-1].name == "top_activation" and base.output.shape == (None, 4, 4, 320)


def test_heads():
    model = vgg_transfer(SHAPE, base="vgg.small", pooling="flatten", hidden_units=(7, 5), dropout=0.1, num_classes=1,
                         classifier_activation="sigmoid")  # fmt: skip
    shapes = {layer.name: tuple(layer.output.shape[1:]) for layer in model.layers}
    assert shapes["pool"] == (4 * 4 * 128,) and shapes["head_2"] == (5,) and shapes["output"] == (1,)
    assert model.get_layer("head_dropout_2").rate == 0.1


@pytest.mark.parametrize(
    ("knobs", "told"),
    [
        ({"base": "VGG61"}, "unknown base 'VGG61'; did you mean VGG19 or VGG16"),
        ({"base": "mlp"}, "mlp has no maps in front of what it says"),
        ({"base": "vae"}, "vae has no maps"),
        ({"base": "autoencoder.conv"}, "autoencoder.conv has no maps"),
        ({"base": "vgg_transfer"}, "vgg_transfer is itself put on a base"),
        ({"base": "two_towers"}, "two_towers takes several inputs"),
        ({"base": "vit.tiny"}, "vit.tiny makes a sequence of its maps"),
        ({"base": "vgg.small", "pooling": "avarage"}, "did you mean average"),
        ({"base": "vgg.small", "learning_blocks": 9}, "9 last blocks are to learn, the network has 3"),
        ({"base": "Xception"}, "Input size must be at least 71x71"),
        ({"base": "lenet", "base_knobs": {"pool": 2}}, "unknown knob of lenet 'pool'"),
    ],
)
def test_what_cannot_be_is_refused(knobs, told):
    with pytest.raises(UsageError) as caught:
        registry.build("vgg_transfer", input_shape=SHAPE, **knobs)
    assert told in str(caught.value) and len(str(caught.value).splitlines()) <= 3


def names(model):
    return [[layer.name for layer in block] for block in blocks(model.layers)]


def test_blocks_are_those_of_the_papers():
    vgg = names(skeleton(lambda: keras.applications.VGG16(weights=None, include_top=False, input_shape=SHAPE)))
    assert [len(block) for block in vgg] == [2, 2, 3, 3, 3] and vgg[-1][0] == "block5_conv1"
    assert names(lenet()) == [["C1"], ["C3"], ["C5"], ["F6"], ["output"]]
    small = names(vgg_small())
    assert [block[0] for block in small] == ["block1_conv1", "block2_conv1", "block3_conv1", "fc1", "predictions"]


def test_blocks_of_resnet_are_its_stages():
    found = names(skeleton(lambda: make_base("ResNet50", (64, 64, 3), {})))
    assert [{name.split("_")[0] for name in block} for block in found] == [
        {"conv1"}, {"conv2"}, {"conv3"}, {"conv4"}, {"conv5"}
    ]  # fmt: skip


def test_looking_at_the_maps_as_a_whole_ends_no_block():
    def build():
        return keras.applications.EfficientNetB0(weights=None, include_top=False, input_shape=(64, 64, 3))

    last = names(skeleton(build))[-1]
    assert last[0] == "block6a_dwconv" and "block7a_se_reduce" in last and last[-1] == "top_bn"


def test_freezing_leaves_normalisation_out():
    model = vgg_small()
    assert freeze(model.layers, 0) == [] and not model.trainable_weights
    assert freeze(model.layers, 2) == ["fc1", "predictions"]
    assert freeze(model.layers, 3) == ["block3_conv1", "block3_conv2", "fc1", "predictions"]
    everything = freeze(model.layers, None)
    assert [layer.name for layer in model.layers if layer.weights and layer.name not in everything] == [
        layer.name for layer in model.layers if isinstance(layer, layers.BatchNormalization)
    ]


OTHERS = ("mlp", "perceptron", "autoencoder", "vae", "vit", "two_towers")  # families
CONVOLUTIONAL = [
    name
    for name in registry.list_models(inputs="image")
    if registry.describe(name).family not in OTHERS and name != "vgg_transfer"
]


@pytest.mark.parametrize("base", representatives(CONVOLUTIONAL, "yolo.small", "unet.small"))
def test_every_convolutional_net_of_the_catalogue_is_a_base(base):
    """Its maps in front of the output, with all their weights and without those of the output."""
    side = max(64, registry.describe(base).min_size or 0)
    model = skeleton(lambda: vgg_transfer((side, side, 3), base=base))
    inside = next(layer for layer in model.layers if isinstance(layer, keras.Model))
    whole = skeleton(lambda: registry.build(base, input_shape=(side, side, 3)))
    assert len(inside.output.shape) == 4
    said = {tensor._keras_history.operation.name for tensor in whole.outputs}
    maps = {layer.name for layer in whole.layers if layer.weights and len(layer.output.shape) == 4}
    beside = {name for name in maps if name.startswith("auxiliary")}  # classifiers in the middle of GoogLeNet
    assert {layer.name for layer in inside.layers if layer.weights} == maps - said - beside
    assert not inside.trainable_weights
