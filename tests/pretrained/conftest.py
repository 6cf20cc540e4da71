"""Two small finished runs, and what was published of them."""

import pytest

pytest.importorskip("tensorflow")

import zoo
from zoo.runs.publishing import publish


@pytest.fixture(scope="session")
def images(tmp_path_factory):
    """LeNet on digits, a smoke run: preprocessing without constants."""
    folder = tmp_path_factory.mktemp("runs") / "lenet-digits"
    zoo.run("lenet", "digits", smoke=True, out=folder)
    return zoo.load(folder)


@pytest.fixture(scope="session")
def table(tmp_path_factory):
    """An MLP on iris: columns brought to zero mean and unit variance of the training split."""
    folder = tmp_path_factory.mktemp("runs") / "mlp-iris"
    zoo.run("mlp", "iris", epochs=40, out=folder)
    return zoo.load(folder)


@pytest.fixture(scope="session")
def published(images, tmp_path_factory):
    """The LeNet as a folder, in single precision."""
    return zoo.load(publish(images, tmp_path_factory.mktemp("published") / "lenet-digits", "mit", "cc-by-4.0"))
