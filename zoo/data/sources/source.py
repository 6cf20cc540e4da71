"""The contract of a source: where examples come from, as one object."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from zoo.data.rawfiles import locate, missing
from zoo.data.reading import AS_FOUND, Reading
from zoo.errors import UsageError

if TYPE_CHECKING:
    from zoo.data.config import Data
    from zoo.data.examples import Source
    from zoo.data.fields import Role

MOST_LISTED = 12  # columns or classes


class Status(NamedTuple):
    """Where a dataset lies: `ready` to load without a network, its folder or file, MiB there, MiB to download."""

    ready: bool
    place: str
    size_mb: float
    download_mb: float


class DataSource:
    """A source; each method here is what holds for most.

    An address is what follows the scheme: `mnist` of `tfds:mnist`. Methods import what they use when they are called:
    asking for the status, or describing data, starts no framework.
    """

    scheme: str
    form: str  # how it is written, for messages: tfds:NAME
    kinds: tuple[str, ...] = ()  # of data that it can be read as; (): that depends on the address
    holds_several = False  # whether it can give several inputs or targets by name
    place = "made on the spot"  # where data lies that is always there
    downloads = False  # whether it fetches data that is not there
    streams = False  # whether its examples can stay on disk, where `zoo.data.examples.streams` says so
    goes_by: tuple[str, ...] = ()  # what of a `Reading` counts for `infer`; what else a user says is refused
    packages: tuple[str, ...] = ()  # beside TensorFlow and Keras, that a script which reads it needs
    # why `zoo eject` writes no script that reads it; "": it does, unless `why_no_script` has a reason
    no_script = "scripts read TensorFlow Datasets, scikit-learn's sets and generated data, not other packages' sources"

    def read(self, address: str, data: Data, target: Role) -> Source:
        """What the source holds, as `data` describes it, before it is checked, split or encoded.

        Texts are strings, a series is one part. `target` is the role of what is predicted.

        Raises:
            UsageError: the content is bad. MissingError: it is not there and cannot be fetched.
        """
        raise NotImplementedError

    def infer(self, address: str, reading: Reading = AS_FOUND) -> Data:
        """A description of data without a recipe; its `task` is the role of what is predicted.

        Raises:
            UsageError: bad content, or no sizes of its own. MissingError: it is not there.
        """
        raise self.needs_recipe(address, address)

    def count(self, address: str, data: Data, target: Role) -> int:
        """How many examples a part of `data` in files of its own has, as `data.train` counts those to train on.

        Raises:
            UsageError: it is unlike what is trained on; what is foreign in it is named.
        """
        return len(self.read(address, data.of_part(f"{self.scheme}:{address}"), target).train)

    def including(self, address: str, data: Data) -> Data:
        """The data with sizes that also hold for a part in files of its own, such as room for the boxes of an image.

        Raises:
            UsageError: files that cannot be read.
        """
        return data

    def status(self, address: str, data: Data | None = None) -> Status:
        """Whether the data lies ready, and where."""
        return Status(True, self.place, 0.0, 0.0)

    def prepare(self, address: str, data: Data | None = None) -> Status:
        """Fetch what can be fetched; look that the rest is there.

        Raises:
            UsageError or MissingError: it is not there and cannot be fetched.
        """
        return self.status(address, data)

    def read_examples(self, paths: Sequence[Path], data: Data) -> Any:
        """Raw examples to predict on, out of files that are there, in the form in which `read` gives inputs.

        Images: uint8 (n, height, width, channels), files of a folder sorted by name. Tables: float32 (n, features); a
        label column is passed over. Series: the last window of each file, float32 (n, window, columns). Of several
        inputs, which are read from tables, a dict of arrays.

        Raises:
            UsageError: a file that does not fit the data; it is named.
        """
        import numpy as np

        from zoo.data import arrays, csvfile, folder, series, several

        if data.inputs:
            tables = [several.read_examples(path, data) for path in paths]
            return {name: np.concatenate([table[name] for table in tables]) for name in data.inputs}
        if all(path.suffix == ".npy" for path in paths) and data.kind in ("image", "tabular"):
            return np.concatenate([arrays.read_inputs(path, data) for path in paths])
        if data.kind == "image":
            return folder.read_files(folder.image_files(paths), data)
        if data.series:
            return np.concatenate([series.last_window(path, data) for path in paths])
        return np.concatenate([csvfile.read_features(path, data) for path in paths])

    def why_no_script(self, address: str, data: Data) -> str:
        """Why `zoo eject` writes no script that reads this as `data` describes it; "": it does."""
        return self.no_script

    def wanted(self, data: Data) -> str:
        """What labelled examples of a user's own look like that a trained model can be scored on, in a few words."""
        return "labelled examples like those that it was trained on"

    def without_place(self, address: str) -> str:
        """The address as others may see it."""
        return address

    def title(self, address: str) -> str:
        """What the dataset is called, where no recipe names it."""
        return f"{self.scheme}:{address}"

    def needs_recipe(self, address: str, recipe: str) -> UsageError:
        """What is said where sizes are asked for that only a recipe knows."""
        return UsageError(f"{self.scheme}:{address} needs a recipe for its sizes; take the one named {recipe}")


class FileSource(DataSource):
    """Own files: they are there, or a user fetches them by hand."""

    goes_by: tuple[str, ...] = ("kind", "test", "validation")
    no_script = (
        "scripts read TensorFlow Datasets, scikit-learn's sets and generated data, and of files a user's own alone"
    )

    def files(self, address: str, data: Data | None = None) -> list[Path]:
        """The files or the folder that are needed."""
        return [locate(address)]

    def why_no_script(self, address: str, data: Data) -> str:
        return self.no_script if data.origin else ""

    def every_file(self, address: str, data: Data | None) -> list[Path]:
        """The same, those of the parts that lie elsewhere included."""
        others = [] if data is None else [source.partition(":")[2] for source in data.part_sources().values()]
        return [file for each in (address, *others) for file in self.files(each, data)]

    def status(self, address: str, data: Data | None = None) -> Status:
        wanted = self.every_file(address, data)
        where = wanted[0] if len(wanted) == 1 else wanted[0].parent
        files = [f for path in wanted for f in ([path] if path.is_file() else path.rglob("*")) if f.is_file()]
        return Status(all(path.exists() for path in wanted), str(where), mib(files), 0.0)

    def prepare(self, address: str, data: Data | None = None) -> Status:
        self.refuse_missing(address, data)
        return self.status(address, data)

    def title(self, address: str) -> str:
        return Path(address).stem

    def without_place(self, address: str) -> str:
        """Files by their names alone: where they lie is nobody's business."""
        parts = [address] if "," not in address or locate(address).exists() else address.split(",")
        return ",".join(Path(part).name for part in parts)

    def refuse_missing(self, address: str, data: Data | None) -> None:
        """Raise an error for files that are not there: a MissingError where the recipe says where to get them."""
        if absent := [path for path in self.every_file(address, data) if not path.exists()]:
            raise missing(absent, data)


def listed(names: Sequence[str]) -> str:
    """Some names in a row, and how many more there are."""
    shown = ", ".join(names[:MOST_LISTED])
    return shown if len(names) <= MOST_LISTED else f"{shown} and {len(names) - MOST_LISTED} more"


def mib(files: Sequence[Path]) -> float:
    """The size of files together."""
    return round(sum(file.stat().st_size for file in files) / 2**20, 2)
