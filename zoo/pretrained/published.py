"""Published folders: a finished run without code, to be handed on, and read like a run.

weights.npz      every weight under its name, and the constants of the preprocessing
recipe.toml      what was trained on what, and how; the network is built from it
run.json         how the numbers came about, and the SHA-256 of the files above
metrics.json     scored on the whole test split
vocabulary.json  of texts
README.md        a card, its head as Hugging Face reads it
SHA256SUMS       for `sha256sum -c`
"""

from __future__ import annotations

from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.files import JSON, read_bytes, sha256
from zoo.pretrained import arrays, index
from zoo.pretrained.assign import put, refuse_others
from zoo.pretrained.names import weight_names
from zoo.runs import directory, forms
from zoo.runs.directory import Run

if TYPE_CHECKING:
    import keras
    import numpy as np

CONSTANTS = "preprocessing/"  # before the names of arrays that belong to no layer of the network


class Published(Run):
    """A folder that `zoo publish` wrote."""

    form = forms.PublishedFacts

    @property
    def name(self) -> str:
        """What commands call it: `lenet:mnist` if the zoo brings it along, else the folder."""
        return next((name for name in index.entries() if index.folder(name) == self.folder), str(self.folder))

    @cached_property
    def weights(self) -> dict[str, np.ndarray]:
        """The network's arrays by name (`C1/kernel`), floats as float32.

        Raises:
            UsageError: weights.npz is damaged, changed, or no weights file.
        """
        return {name: _single(array) for name, array in self._arrays.items() if not name.startswith(CONSTANTS)}

    @cached_property
    def model(self) -> keras.Model:
        """The trained network, built from the recipe: raw examples in, as the data has them, preprocessing inside.

        `zoo.build(MODEL, weights=...)` gives the network without its preprocessing.

        Raises:
            UsageError: a file is damaged, or the weights are not those of the recipe's network.
        """
        from zoo.training.model import assemble, build_core

        refuse_others(partial(build_core, self.recipe), self.weights, str(self.folder))  # before memory is taken
        core = build_core(self.recipe)
        put(core, self.weights, str(self.folder))
        return assemble(self.recipe, core, self.constants)

    @property
    def constants(self) -> dict[str, np.ndarray]:
        """What the preprocessing took from the training split."""
        return {name.removeprefix(CONSTANTS): a for name, a in self._arrays.items() if name.startswith(CONSTANTS)}

    @property
    def _foreign(self) -> Path | None:
        return None if self.folder.parent == index.FOLDER else self.folder  # there an installer may have put links

    @cached_property
    def _arrays(self) -> dict[str, np.ndarray]:
        return arrays.read(self.whole("weights.npz"))


def _single(array: np.ndarray) -> np.ndarray:
    return array.astype("float32") if array.dtype.kind == "f" else array


def load(source: str | Path) -> Run:
    """A finished run by its directory, a published folder, or weights of the zoo by name (`lenet:mnist`).

    Its `model` takes raw examples, as 28x28 images of 0 to 255; `zoo.build("lenet", weights="mnist")` is the network
    alone, behind the preprocessing. `predict` takes files, texts and arrays.

    Raises:
        UsageError: there is no such thing, or the run did not finish.
    """
    path = Path(source)
    if ":" in str(source) and not path.exists():
        return Published(index.folder(str(source)))
    return Published(path) if (path / "weights.npz").is_file() else directory.load(path)


def core_weights(run: Run) -> dict[str, np.ndarray]:
    """Every weight of a run's network, by the name that a fresh build gives it.

    Raises:
        UsageError: the run or the folder is damaged.
    """
    if isinstance(run, Published):
        return run.weights
    from zoo.catalogue.inspect import skeleton
    from zoo.training.model import build_core, core_of

    names = weight_names(skeleton(partial(build_core, run.recipe)))
    return dict(zip(names, core_of(run.model).get_weights(), strict=True))


def constants(run: Run) -> dict[str, np.ndarray]:
    """What a run's preprocessing took from the training split (see `zoo.training.model`)."""
    if isinstance(run, Published):
        return run.constants
    from zoo.training.model import constants_in

    return constants_in(run.model)


def differences(folder: Path) -> list[str]:
    """What is wrong with a published folder by its SHA256SUMS: files that are gone, changed or new. Empty: nothing."""
    sums = folder / "SHA256SUMS"
    if not sums.is_file():
        return [f"{sums} is not there"]
    wrong = []
    listed = [line.partition("  ") for line in read_bytes(sums, JSON).decode(errors="replace").splitlines()]
    for digest, _, name in listed:
        path = folder / name
        if Path(name).name != name or not path.is_file():
            wrong.append(f"{path} is not there")
        elif sha256(path) != digest:
            wrong.append(f"{path} differs from its SHA-256")
    unlisted = {path.name for path in folder.iterdir()} - {name for *_, name in listed} - {sums.name}
    return wrong + [f"{folder / name} is not listed in SHA256SUMS" for name in sorted(unlisted)]
