"""YOLO: the layers and numbers of weights of the paper's figure 3, and the small net's."""

import pytest

from zoo.errors import UsageError
from zoo.models import yolo_small, yolo_v1

# figure 3: (times, [(side, filters), ...]); the first has 3 channels
PAPER = [
    (1, [(7, 64), (3, 192), (1, 128), (3, 256), (1, 256), (3, 512)]),
    (4, [(1, 256), (3, 512)]),
    (1, [(1, 512), (3, 1024)]),
    (2, [(1, 512), (3, 1024)]),
    (1, [(3, 1024), (3, 1024), (3, 1024), (3, 1024)]),
]


def test_the_papers_net_has_its_weights_and_its_grid():
    model = build_skeleton(yolo_v1)
    weights, channels, layers = 0, 3, 0
    for times, steps in PAPER:
        for side, filters in steps * times:
            weights += side * side * channels * filters + filters
            channels, layers = filters, layers + 1
    weights += 7 * 7 * 1024 * 4096 + 4096 + 4096 * 1470 + 1470
    assert layers == 24
    assert model.count_params() == weights
    assert model.output_shape == (None, 7, 7, 30)
    shapes = {name: model.get_layer(name).output.shape[1:] for name in ("conv1", "pool1", "pool2", "pool4", "conv24")}
    assert shapes == {
        "conv1": (224, 224, 64), "pool1": (112, 112, 64), "pool2": (56, 56, 192), "pool4": (14, 14, 1024),
        "conv24": (7, 7, 1024),
    }  # fmt: skip


def build_skeleton(builder):
    from zoo.catalogue.inspect import skeleton

    return skeleton(builder)


def test_the_small_net_counts_by_hand_and_says_a_grid_of_a_sixteenth():
    model = build_skeleton(yolo_small)

    def unit(side, given, filters):
        return side * side * given * filters + 4 * filters  # and the four vectors of batch normalisation

    def residual(filters):
        return unit(1, filters, filters // 2) + unit(3, filters // 2, filters)

    counted = unit(3, 3, 32) + unit(3, 32, 64) + residual(64) + unit(3, 64, 128) + 2 * residual(128)
    counted += unit(3, 128, 256) + 2 * residual(256) + unit(3, 256, 256) + 256 * 13 + 13
    assert model.count_params() == counted
    assert model.output_shape == (None, 15, 20, 13)
    assert yolo_small((96, 96, 1), num_classes=10, width=1 / 8).output_shape == (None, 6, 6, 20)
    assert yolo_small((100, 90, 3), width=1 / 8).output_shape == (None, 7, 6, 13)


@pytest.mark.parametrize(
    ("build", "told"),
    [
        (lambda: yolo_v1((63, 64, 3)), "64x64 pixels or more, not 63x64"),
        (lambda: yolo_small((31, 32, 3)), "32x32 pixels or more"),
        (lambda: yolo_small(blocks=(1, 2)), "2 numbers"),
        (lambda: yolo_small(width=0), "width is a factor above 0"),
    ],
)
def test_what_cannot_be_built_is_refused(build, told):
    with pytest.raises(UsageError, match=told):
        build()
