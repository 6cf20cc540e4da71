"""zoo: classic neural networks, from the perceptron to small transformers, behind one interface.

    import zoo
    zoo.list_models("lenet*")
    model = zoo.build("lenet", num_classes=10)          # a plain keras.Model
    model = zoo.build("lenet", weights="mnist")         # the same, trained
    splits = zoo.data.load("digits")                    # NumPy arrays, or splits.train.as_dataset()
    outcome = zoo.run("lenet", "mnist")                 # trained, evaluated, drawn
    outcome = zoo.run("mlp", (x, y), callbacks=[...])   # on your own arrays

Everything loads on first use: `import zoo` imports no framework.
"""

from importlib import import_module as _import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from zoo import data as data
    from zoo.catalogue.registry import ModelRecord as ModelRecord
    from zoo.catalogue.registry import describe as describe
    from zoo.catalogue.registry import list_models as list_models
    from zoo.catalogue.registry import register as register
    from zoo.errors import ZooError as ZooError
    from zoo.pretrained.from_weights import build as build
    from zoo.pretrained.index import list_weights as list_weights
    from zoo.pretrained.published import load as load
    from zoo.recipe import Recipe as Recipe
    from zoo.recipe import Resolved as Resolved
    from zoo.recipe import list_datasets as list_datasets
    from zoo.recipe import load_recipe as load_recipe
    from zoo.runs.directory import Run as Run
    from zoo.runs.finishing import Outcome as Outcome
    from zoo.runs.job import run as run
    from zoo.safety import load_model as load_model

_PUBLIC = {
    "build": "zoo.pretrained.from_weights",
    "describe": "zoo.catalogue.registry",
    "list_models": "zoo.catalogue.registry",
    "register": "zoo.catalogue.registry",
    "list_datasets": "zoo.recipe",
    "list_weights": "zoo.pretrained.index",
    "load_recipe": "zoo.recipe",
    "load": "zoo.pretrained.published",
    "load_model": "zoo.safety",
    "run": "zoo.runs.job",
    "ModelRecord": "zoo.catalogue.registry",
    "Outcome": "zoo.runs.finishing",
    "Recipe": "zoo.recipe",
    "Resolved": "zoo.recipe",
    "Run": "zoo.runs.directory",
    "ZooError": "zoo.errors",
}

__all__ = ["__version__", "data", *_PUBLIC]


if not TYPE_CHECKING:  # else a type checker would take any name

    def __getattr__(name: str) -> Any:
        if name == "data":
            return _import_module("zoo.data")
        if name not in _PUBLIC:
            raise AttributeError(f"module 'zoo' has no attribute {name!r}")
        return getattr(_import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
