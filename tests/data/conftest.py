"""Every data test has a cache folder of its own; two toy datasets are written by TensorFlow Datasets itself, once."""

import pytest

from zoo.data.config import Data


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A private cache folder."""
    folder = tmp_path / "home"
    monkeypatch.setenv("ZOO_HOME", str(folder))
    return folder


@pytest.fixture(scope="session")
def toys(tmp_path_factory):
    """A TFDS data folder with `zoo_toy` (30 images, pixel value = number, label = number mod 3), `zoo_table`,
    `zoo_texts` (sentences that name their number, label = number mod 2, withheld in the test split) and `zoo_pages`."""
    import numpy as np
    import tensorflow_datasets as tfds

    class ZooToy(tfds.core.GeneratorBasedBuilder):
        VERSION = tfds.core.Version("1.0.0")

        def _info(self):
            features = {
                "image": tfds.features.Image(shape=(6, 6, 1)),
                "label": tfds.features.ClassLabel(names=["none", "one", "two"]),
                "half": tfds.features.Scalar(np.float32),
            }
            return tfds.core.DatasetInfo(
                builder=self, features=tfds.features.FeaturesDict(features), supervised_keys=("image", "label")
            )

        def _split_generators(self, dl_manager):
            return {"train": self._generate_examples(range(20)), "test": self._generate_examples(range(20, 30))}

        def _generate_examples(self, numbers):
            for i in numbers:
                yield i, {"image": np.full((6, 6, 1), i, np.uint8), "label": i % 3, "half": i / 2}

    class ZooTable(tfds.core.GeneratorBasedBuilder):
        VERSION = tfds.core.Version("1.0.0")

        def _info(self):
            features = {
                "weight": tfds.features.Scalar(np.float32),
                "age": tfds.features.Scalar(np.int32),
                "kind": tfds.features.ClassLabel(names=["cat", "dog"]),
                "price": tfds.features.Scalar(np.float32),
                "text": tfds.features.Text(),
            }
            return tfds.core.DatasetInfo(
                builder=self,
                features=tfds.features.FeaturesDict(
                    {"all": {k: features[k] for k in ("weight", "age", "kind")}} | features
                ),
                supervised_keys=("all", "price"),
            )

        def _split_generators(self, dl_manager):
            return {"train": self._generate_examples()}

        def _generate_examples(self):
            for i in range(10):
                row = {"weight": i + 0.5, "age": i, "kind": i % 2}
                yield i, {"all": row, **row, "price": 10.0 * i, "text": "a"}

    class ZooTexts(tfds.core.GeneratorBasedBuilder):
        VERSION = tfds.core.Version("1.0.0")

        def _info(self):
            features = {
                "idx": tfds.features.Scalar(np.int32),
                "label": tfds.features.ClassLabel(names=["even", "odd"]),
                "sentence": tfds.features.Text(),
            }
            return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict(features))

        def _split_generators(self, dl_manager):
            ranges = {"train": range(20), "validation": range(20, 26), "test": range(26, 30)}
            return {name: self._generate_examples(numbers, name) for name, numbers in ranges.items()}

        def _generate_examples(self, numbers, split):
            for i in numbers:
                label = -1 if split == "test" else i % 2
                yield i, {"idx": i, "label": label, "sentence": f"Number {i}<br />is it.\n"}

    class ZooPages(tfds.core.GeneratorBasedBuilder):
        VERSION = tfds.core.Version("1.0.0")

        def _info(self):
            features = tfds.features.FeaturesDict({"text": tfds.features.Text()})
            return tfds.core.DatasetInfo(builder=self, features=features)

        def _split_generators(self, dl_manager):
            return {"train": self._generate_examples(["ab ", "bc\n"]), "test": self._generate_examples(["d"])}

        def _generate_examples(self, pages):
            for i, page in enumerate(pages):
                yield i, {"text": page}

    folder = tmp_path_factory.mktemp("tfds")
    tfds.disable_progress_bar()
    for builder in (ZooToy, ZooTable, ZooTexts, ZooPages):
        builder(data_dir=folder).download_and_prepare()
    return folder


@pytest.fixture
def toy_dir(toys, tmp_path, monkeypatch):
    """A copy of the toys that a test may damage, in TFDS_DATA_DIR."""
    import shutil

    folder = tmp_path / "tfds"
    shutil.copytree(toys, folder)
    monkeypatch.setenv("TFDS_DATA_DIR", str(folder))
    return folder


@pytest.fixture
def toy():
    return Data(
        source="tfds:zoo_toy",
        kind="image",
        task="classification",
        input_shape=(6, 6, 1),
        input_dtype="uint8",
        num_classes=3,
        class_names=("none", "one", "two"),
        train=20,
        test=10,
    )


@pytest.fixture
def flat():
    """Makes a description of tabular data."""

    def make(source="generated:xor", task="binary", features=2, train=100, **more):
        classes = {"num_classes": 3} if task == "classification" and "num_classes" not in more else {}
        return Data(source=source, kind="tabular", task=task, input_shape=(features,), train=train, **classes, **more)

    return make
