"""zoo: classic neural networks, from the perceptron to small transformers, behind one interface.

    import zoo
    zoo.list_models("lenet*")
    model = zoo.build("lenet", num_classes=10)          # a plain keras.Model
    model = zoo.build("lenet", weights="mnist")         # the same, trained
    outcome = zoo.run("lenet", "mnist")                 # trained, evaluated, drawn

Everything loads on first use: `import zoo` imports no framework.
"""

from importlib import import_module as _import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from zoo.errors import ZooError as ZooError
    from zoo.job import Outcome as Outcome
    from zoo.job import run as run
    from zoo.pretrained.published import load as load
    from zoo.pretrained.starting import build as build
    from zoo.recipe import Recipe as Recipe
    from zoo.recipe import load_recipe as load_recipe
    from zoo.registry import ModelRecord as ModelRecord
    from zoo.registry import describe as describe
    from zoo.registry import list_models as list_models
    from zoo.registry import register as register
    from zoo.runs import Run as Run
    from zoo.safety import load_model as load_model

_PUBLIC = {
    "build": "zoo.pretrained.starting",
    "describe": "zoo.registry",
    "list_models": "zoo.registry",
    "register": "zoo.registry",
    "load_recipe": "zoo.recipe",
    "load": "zoo.pretrained.published",
    "load_model": "zoo.safety",
    "run": "zoo.job",
    "ModelRecord": "zoo.registry",
    "Outcome": "zoo.job",
    "Recipe": "zoo.recipe",
    "Run": "zoo.runs",
    "ZooError": "zoo.errors",
}

__all__ = ["__version__", *_PUBLIC]


if not TYPE_CHECKING:  # else a type checker would take any name

    def __getattr__(name: str) -> Any:
        if name not in _PUBLIC:
            raise AttributeError(f"module 'zoo' has no attribute {name!r}")
        return getattr(_import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
