"""Small real datasets that scikit-learn carries: nothing to download."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zoo.data.config import Data
from zoo.data.examples import Examples, Source
from zoo.data.reading import AS_FOUND, Reading
from zoo.data.sources.source import DataSource
from zoo.errors import unknown

if TYPE_CHECKING:
    from zoo.data.fields import Role

NAMES = ("breast_cancer", "diabetes", "digits", "iris", "wine")


def read(name: str) -> Source:
    """The whole set as one training part. `digits`: uint8 (1797, 8, 8, 1); the others float32 rows.

    The digits' values 0 to 16 are spread over 0 to 255, as in any image file.

    Raises:
        UsageError: scikit-learn carries no such set under a name the zoo knows.
    """
    refuse_unknown(name)
    from sklearn import datasets

    if name == "digits":
        bunch = datasets.load_digits()
        pixels = (bunch.images * (255 / 16)).round().astype("uint8")
        return Source(Examples(pixels[..., None], bunch.target))  # (1797, 8, 8, 1)
    bunch = datasets.load_diabetes(scaled=False) if name == "diabetes" else getattr(datasets, f"load_{name}")()
    return Source(Examples(bunch.data.astype("float32"), bunch.target))


def infer(name: str) -> Data:
    """A description made from the set itself: a fifth for testing, a tenth of the rest for validation."""
    part = read(name).train
    classes = None if name == "diabetes" else int(part.y.max()) + 1
    return Data(
        source=f"sklearn:{name}",
        kind="image" if name == "digits" else "tabular",
        task="value" if classes is None else "label",
        input_shape=part.x.shape[1:],
        input_dtype=part.x.dtype.name,
        num_classes=classes,
        train=len(part.y),
        test_share=0.2,
    )


def refuse_unknown(name: str) -> None:
    if name not in NAMES:
        raise unknown("scikit-learn dataset", name, NAMES, f"known: {', '.join(NAMES)}")


class Sklearn(DataSource):
    scheme = "sklearn"
    form = "sklearn:NAME"
    no_script = ""
    kinds = ("tabular", "image")
    place = "scikit-learn"

    def read(self, address: str, data: Data, target: Role) -> Source:
        return read(address)

    def infer(self, address: str, reading: Reading = AS_FOUND) -> Data:
        return infer(address)


SOURCE = Sklearn()
