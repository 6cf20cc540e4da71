"""How a number was made: the facts that run.json keeps beside it."""

from __future__ import annotations

import hashlib
import inspect
import os
import platform
import shlex
import sys
from collections.abc import Mapping
from datetime import datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from zoo import __version__
from zoo.catalogue import registry
from zoo.recipe import Resolved, fingerprint
from zoo.recipe.overrides import flat
from zoo.recipe.source import builder_source

if TYPE_CHECKING:
    from zoo.training.fit import Fit, Fitted

PACKAGES = ("tensorflow", "keras", "numpy", "tensorflow-datasets", "scikit-learn")


def versions() -> dict[str, str]:
    """Of Python, the zoo and the packages that numbers hang on."""
    return {"python": platform.python_version(), "zoo": __version__} | {p: version(p) for p in PACKAGES}


def common_facts(recipe: Resolved, smoke: bool) -> dict[str, Any]:
    """What must be the same for all workers that train as one, by name: settings, versions, the network's code.

    Where the data lies may differ; what it holds is compared when it is loaded.
    """
    settings = flat(recipe.model_dump(mode="json"))
    places = ("data.source", "data.test_source", "data.validation_source", "data.origin", "training.strategy")
    found = {key: value for key, value in settings.items() if key not in places}
    found |= {f"the version of {name}": number for name, number in versions().items()}
    return found | {"--smoke": smoke, f"the code of {recipe.model}": _code(recipe.model)}


def _code(model: str) -> str:
    """A short hash of the source that builds a network."""
    builder = inspect.unwrap(registry.describe(model).builder)
    return hashlib.sha256(builder_source(builder.__module__, builder.__name__).encode()).hexdigest()[:16]


def facts_before(recipe: Resolved, smoke: bool) -> dict[str, Any]:
    """What is known before training: names, seed, command, versions, machine."""
    return {
        "model": recipe.model,
        "dataset": recipe.dataset,
        "seed": recipe.training.seed,
        "precision": recipe.training.precision,
        "smoke": smoke,
        "fingerprint": fingerprint(recipe),
        "argv": sys.argv,
        "command": shlex.join(["zoo", *sys.argv[1:]]),
        "date": datetime.now().astimezone().isoformat(timespec="seconds"),
        "versions": versions(),
        "machine": {"system": platform.system(), "cores": os.cpu_count(), "processor": platform.machine()},
    }


def facts_after(fit: Fit, fitted: Fitted) -> dict[str, Any]:
    """What is known after training: devices, strategy, steps, times."""
    import tensorflow as tf

    threading = tf.config.threading
    return {
        "strategy": fitted.strategy,
        "replicas": fit.strategy.num_replicas_in_sync,
        "devices": [device.name for device in tf.config.list_logical_devices()],
        "threads": {  # 0: as many as cores; another count changes the order of sums, and so the last digits
            "intra": threading.get_intra_op_parallelism_threads(),
            "inter": threading.get_inter_op_parallelism_threads(),
        },
        "jit": fitted.jit,
        "params": fit.params,
        "epochs": len(fitted.history["loss"]),
        "steps_an_epoch": fit.steps,
        "fit_seconds": round(fitted.seconds, 3),
        "first_step_seconds": round(fitted.first_step_seconds, 3),
    } | _input_facts(fit)


def _input_facts(fit: Fit) -> dict[str, Any]:
    """Of images and tables their mean (a photo far from it may be inverted), of texts what share is padding."""
    if fit.lengths.shape[1]:
        return {"padding": round(fit.padding, 4)}
    x = fit.splits.train.x
    return {} if isinstance(x, Mapping) else {"input_mean": round(float(x.mean(dtype="float64")), 4)}
