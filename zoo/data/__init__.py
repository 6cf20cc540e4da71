"""Examples from anywhere, as NumPy arrays in three splits: `load(data, name)`. Importing this imports nothing heavy."""

from zoo.data.examples import Examples, Splits, TextSplits, class_counts
from zoo.data.loading import Status, from_path, infer, load, prepare, read_examples, status

__all__ = [
    "Examples",
    "Splits",
    "Status",
    "TextSplits",
    "class_counts",
    "from_path",
    "infer",
    "load",
    "prepare",
    "read_examples",
    "status",
]
