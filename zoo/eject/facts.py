"""Everything that the templates of a script ask for, out of a resolved recipe."""

from __future__ import annotations

from textwrap import fill
from typing import Any

from zoo import __version__, tasks
from zoo.catalogue import metrics, registry
from zoo.data import sources
from zoo.eject import literal
from zoo.eject.lifting import Imports, Lifted, import_lines, lift_name
from zoo.eject.parts import lifted_parts
from zoo.eject.reading_parts import Reading
from zoo.eject.transfer import transfer_facts
from zoo.recipe import Resolved, list_recipes, load_recipe, offers

WIDTH = 118  # of comments
NEVER = 1_000_000  # epochs of patience


def facts(recipe: Resolved, source: Reading, network: Lifted, dataset: str, said: str) -> dict[str, Any]:
    """All facts; `dataset` is its name or the path of its recipe, `said` the command behind `zoo run`."""
    data, training, task = recipe.data, recipe.training, tasks.of(recipe.data)
    record, sizes = registry.describe(recipe.model), tasks.sizes(data)
    from zoo.training.environment import prepare

    prepare()
    known = {
        "title": f"{recipe.model} on {recipe.dataset}",
        "head": _head(recipe, said),
        "data_title": _title(recipe, dataset),
        "idea": fill(f"The network: {record.idea}", WIDTH, initial_indent="# ", subsequent_indent="# "),
        "data": data,
        "task": task,
        "pairs": len(task.fields(data).inputs) > 1,
        "training": training,
        "augmentation": recipe.augmentation if recipe.augmentation.active else None,
        "sizes": sizes,
        "parts": data.parts(),
        "reading": source,
        "holds_out": any(sizes[name] and not getattr(data, name) for name in ("validation", "test")),
        "call": literal.call(record.builder.__name__, _knobs(recipe)),
        "preprocessing": preprocessing(recipe),
        "forecast": _forecast(recipe, network),
        "takes": _takes(recipe),
        "precision": "" if training.precision == "float32" else training.precision,
        "nan_stop": recipe.callbacks.nan_stop,
        "callbacks": _callbacks(recipe),
        "plateau": recipe.callbacks.reduce_on_plateau is not None,
        "stops": recipe.callbacks.early_stopping is not None,
        "jit": _jit(recipe),
        "both": False,
        "transfer": None,
        "contends": None,
    }  # fmt: skip
    own = network.code  # before more is taken into it
    known |= transfer_facts(recipe) if recipe.transfer else {}
    known |= lifted_parts(recipe, network, bool(known["holds_out"]), known["augmentation"] is not None)
    known["network"] = own
    imports = _imports(source.imports, network.imports, {"json": {""}} if data.text else {})
    return known | {"imports": imports, "packages": _packages(data.source, imports)}


def _forecast(recipe: Resolved, network: Lifted) -> str:
    """The code that brings a forecast, or a value, back to its own units; "" where it is in them."""
    follow = tasks.of(recipe.data).scales_targets
    how = recipe.preprocessing.standardize if follow else recipe.preprocessing.targets
    if how == "window":
        for layer in ("WindowScaling", "WindowUnscaling"):
            lift_name("zoo.layers.window", layer, network)
        return "WindowUnscaling()([forecast, raw])"
    scale = "max(y_train.std(), 1e-6)"
    return "" if how == "none" else f'keras.layers.Rescaling({scale}, y_train.mean(), dtype="float32")(forecast)'


def _takes(recipe: Resolved) -> list[str]:
    """Of the training examples what the network's preprocessing is made from."""
    moments = recipe.preprocessing.standardize not in ("none", "window")
    scales = recipe.preprocessing.targets != "none" or (moments and tasks.of(recipe.data).scales_targets)
    return ["x_train"] * moments + ["y_train"] * scales


def _head(recipe: Resolved, said: str) -> str:
    """What the script is, in a few lines."""
    origin = f"`zoo run {said}` as one script, out of zoo {__version__}"
    text = f"{origin}: it imports nothing of zoo and gives the same numbers"
    paper = registry.describe(recipe.model).paper
    source = paper if paper.endswith(("?", ".")) else f"{paper}."
    whole = "\n".join([fill(f"{text} up to rounding.", WIDTH), fill(f"Source: {source}", WIDTH)])
    return whole.replace("\\", "\\\\").replace('"""', '\\"""')


def _title(recipe: Resolved, dataset: str) -> str:
    known = dataset in list_recipes() or dataset.endswith(".toml")
    return (load_recipe(dataset).title if known else recipe.data.source).replace("\\", "\\\\").replace('"', "'")


def _knobs(recipe: Resolved) -> dict[str, Any]:
    """What the builder is called with: what the data decides, and the recipe's own knobs."""
    known = registry.describe(recipe.model).knobs
    offered = {name: value for name, value in offers(recipe).items() if name in known}
    return {name: value for name, value in {**offered, **recipe.knobs}.items() if value != known[name]}


def preprocessing(recipe: Resolved) -> list[str]:
    """Lines that take `raw` to `x`, the network's input; none if it is that already."""
    steps, described = recipe.preprocessing, recipe.data
    if described.text:
        return []
    if steps.standardize == "window":
        return ["x = WindowScaling()(raw)  # (batch, WINDOW, columns)"]
    layers: list[str] = []
    if steps.pad:
        layers.append(f"ZeroPadding2D({steps.pad})")
    if steps.resize:
        layers.append(f"Resizing({steps.resize[0]}, {steps.resize[1]})")
    if steps.rescale:
        layers.append(f"Rescaling(1.0 / {literal.literal(steps.rescale)})")
    lines = []
    if steps.standardize != "none":
        each = steps.standardize == "feature"
        divisor = literal.literal(steps.rescale or 1.0)
        lines += [
            f"# zero mean and unit variance{' of each feature' if each else ''}, by the training split",
            f"mean, variance = moments(x_train, {divisor}, per_feature={each})",
        ]
        layers.append(f"Normalization(axis={-1 if each else None}, mean=mean, variance=variance)")
    if described.input_dtype != "float32" and not (steps.rescale or steps.resize or steps.standardize != "none"):
        layers.append("Rescaling(1.0)")  # to float32
    sources = ["raw", *["x"] * len(layers)]
    return lines + [f"x = keras.layers.{layer}({x})" for layer, x in zip(layers, sources, strict=False)]


def _callbacks(recipe: Resolved) -> list[dict[str, Any]]:
    """Keras' own callbacks; the one that keeps the best weights is early stopping that never stops."""
    told = recipe.callbacks
    made: list[tuple[str, str, dict[str, Any]]] = []
    if stop := told.early_stopping:
        arguments = {"min_delta": stop.min_delta, "patience": stop.patience, "restore_best_weights": stop.restore_best}
        made.append(("EarlyStopping", stop.monitor, arguments))
    if told.checkpoint:
        best = {"patience": NEVER, "restore_best_weights": True}
        made.append(("EarlyStopping", told.checkpoint.monitor, best))
    if plateau := told.reduce_on_plateau:
        arguments = {"factor": plateau.factor, "patience": plateau.patience, "min_lr": plateau.min_learning_rate}
        made.append(("ReduceLROnPlateau", plateau.monitor, arguments))
    modes = [{"mode": "max" if metrics.find(monitor).higher_is_better else "min"} for _, monitor, _ in made]
    return [
        {
            "code": literal.call(f"keras.callbacks.{name}", {"monitor": monitor, **mode, **arguments}, indent=8),
            "keeps": arguments.get("patience") == NEVER,
        }
        for (name, monitor, arguments), mode in zip(made, modes, strict=True)
    ]


def _jit(recipe: Resolved) -> bool:
    """What `zoo run` would decide here."""
    import numpy as np
    import tensorflow as tf

    from zoo.training.loop import use_jit
    from zoo.training.model import assemble, build_core

    moments = {name: np.ones(()) for name in ("mean", "variance", "target_mean", "target_deviation")}
    if recipe.preprocessing.standardize == "feature":
        moments |= {name: np.resize(moments[name], recipe.data.input_shape[-1]) for name in ("mean", "variance")}
    model = assemble(recipe, build_core(recipe), moments)
    return use_jit(recipe.training.jit, model, tf.distribute.get_strategy())


def _packages(source: str, imports: str) -> str:
    """What pip installs; the versions are those of this environment."""
    import keras
    import tensorflow as tf

    packages = [f"keras=={keras.__version__}", f"tensorflow=={tf.__version__}"]
    packages += sources.of(source)[0].packages
    if "sklearn" in imports:
        packages.append("scikit-learn")
    if "PIL" in imports:
        packages.append("pillow")
    return " ".join(packages)


def _imports(*more: Imports) -> str:
    """The script's import lines."""
    wanted: Imports = {name: {""} for name in ("argparse", "keras", "numpy as np", "tensorflow as tf")}
    for imports in more:
        for module, names in imports.items():
            wanted[module] = wanted.get(module, set()) | names
    return import_lines(wanted)
