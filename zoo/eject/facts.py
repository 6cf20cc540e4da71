"""Everything that the templates of a script ask for, out of a resolved recipe."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from textwrap import fill
from typing import Any

from zoo import __version__, tasks
from zoo.catalogue import metrics, registry
from zoo.data.config import Data
from zoo.data.splitting import STRATIFY_BELOW
from zoo.eject import literal
from zoo.eject.lifting import Imports, Lifted, lift_name
from zoo.eject.reading_parts import Reading
from zoo.eject.transfer import transfer_facts
from zoo.recipe import Resolved, list_recipes, load_recipe, offers

WIDTH = 118  # of comments
NEVER = 1_000_000  # epochs of patience
LOSSES = {
    "mse": "keras.losses.MeanSquaredError()",
    "mae": "keras.losses.MeanAbsoluteError()",
    "huber": "keras.losses.Huber()",
    "binary_crossentropy": "keras.losses.BinaryCrossentropy()",
    "categorical_crossentropy": "keras.losses.CategoricalCrossentropy()",
    "sparse_categorical_crossentropy": "keras.losses.SparseCategoricalCrossentropy()",
    "hinge": "keras.losses.Hinge()",
    "perceptron": "PerceptronLoss()",
    "token_crossentropy": "TokenCrossentropy()",
}
METRICS = {
    "classification": {"name": "accuracy", "code": "outputs.argmax(axis=-1) == y"},
    "binary": {"name": "accuracy", "code": "(outputs[:, 0] > 0.5) == y"},
    "score": {"name": "accuracy", "code": "(outputs[:, 0] > 0.0) == y"},
    "regression": {"name": "mae", "code": "np.abs(outputs[:, 0] - y)"},
    "series": {"name": "mae", "code": "np.abs(outputs - y)"},
    "": {},  # of tokens, which are counted as they come
}
SCHEDULES = {
    "constant": "constant",
    "step": "multiplied by DECAY_RATE every DECAY_EPOCHS",
    "exponential": "falling by DECAY_RATE over DECAY_EPOCHS, bit by bit",
    "cosine": "half a cosine, from LEARNING_RATE down to {final}",
}


def facts(recipe: Resolved, source: Reading, network: Lifted, dataset: str, said: str) -> dict[str, Any]:
    """All facts; `dataset` is its name or the path of its recipe, `said` the command behind `zoo run`."""
    described, training, sizes = recipe.data, recipe.training, tasks.sizes(recipe.data)
    record, transfer = registry.describe(recipe.model), recipe.transfer
    call = literal.call(record.builder.__name__, _knobs(recipe))
    told = {
        "title": f"{recipe.model} on {recipe.dataset}",
        "head": _head(recipe, said),
        "data_title": _title(recipe, dataset),
        "nan_stop": recipe.callbacks.nan_stop,
        "both": False,
        "idea": fill(f"The network: {record.idea}", WIDTH, initial_indent="# ", subsequent_indent="# "),
        "data": described,
        "training": training,
        "augmentation": recipe.augmentation if recipe.augmentation.active else None,
        "sizes": sizes,
        "parts": described.parts(),
        "reading": source,
        "holds_out": any(sizes[name] and not getattr(described, name) for name in ("validation", "test")),
        "call": call,
        "preprocessing": preprocessing(recipe),
        "forecast": _forecast(recipe, network),
        "moments": recipe.preprocessing.standardize not in ("none", "window"),
        "loss": LOSSES[_loss(recipe)],
        "loss_code": _loss_code(recipe, network),
        "targets": _targets(recipe),
        "metric": METRICS[_metric(recipe)],
        "standardize": "None" if not described.text or described.text.standardize == "none"
        else literal.literal(described.text.standardize),
        "schedule": _schedule(recipe),
        "optimizer": _optimizer(recipe),
        "precision": "" if training.precision == "float32" else training.precision,
        "callbacks": _callbacks(recipe),
        "plateau": recipe.callbacks.reduce_on_plateau is not None,
        "stops": recipe.callbacks.early_stopping is not None,
        "jit": _jit(recipe),
        "evaluation_batch": _evaluation_batch(described),
        "transfer": None,
        "contends": None,
    }  # fmt: skip
    told |= transfer_facts(recipe) if transfer else {}
    told["network"] = network.code
    told |= _stratifies(described, bool(told["holds_out"]))
    return told | {"imports": _imports(told, source.imports, network.imports), "packages": _packages(told)}


def _stratifies(data: Data, holds_out: bool) -> dict[str, bool]:
    """Whether classes keep their shares in what is held out, and whether that depends on what is left by then."""
    sizes = tasks.sizes(data)
    left = data.train if data.test else data.train - sizes["test"]
    left = data.examples_a_class * (data.num_classes or 2) or left
    stratifies = holds_out and tasks.of(data).has_classes and left < STRATIFY_BELOW
    return {"stratifies": stratifies, "straddles": stratifies and data.train >= STRATIFY_BELOW}


def _loss(recipe: Resolved) -> str:
    return "token_crossentropy" if tasks.of(recipe.data).over_tokens else str(recipe.training.loss)


def _loss_code(recipe: Resolved, network: Lifted) -> str:
    """The source of a loss that is the zoo's own."""
    name = LOSSES[_loss(recipe)].removesuffix("()")
    if name.startswith("keras."):
        return ""
    before = set(network.parts)
    parts = lift_name("zoo.layers.losses", name, Lifted(network.imports, dict(network.parts))).parts
    return "\n\n\n".join(code for key, code in parts.items() if key not in before)


def _forecast(recipe: Resolved, network: Lifted) -> str:
    """The code that brings a forecast back to the series' own units; "" where it is in them."""
    how = recipe.preprocessing.standardize if tasks.of(recipe.data).scales_targets else "none"
    if how == "window":
        for layer in ("WindowScaling", "WindowUnscaling"):
            lift_name("zoo.layers.window", layer, network)
        return "WindowUnscaling()([forecast, raw])"
    scale = "max(y_train.std(), 1e-6)"
    return "" if how == "none" else f'keras.layers.Rescaling({scale}, y_train.mean(), dtype="float32")(forecast)'


def _metric(recipe: Resolved) -> str:
    if recipe.training.loss in ("hinge", "perceptron"):
        return "score"
    task = tasks.of(recipe.data)
    return "series" if task.scales_targets else "" if task.over_tokens else task.name


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
        axes = tuple(range(len(described.input_shape))) if steps.standardize == "feature" else None
        divisor = f" / {literal.literal(steps.rescale)}" if steps.rescale else ""
        lines += [
            "# zero mean and unit variance"
            + (" of each feature" if axes is not None else "")
            + ", by the training split",
            f'mean = x_train.mean({axes}, dtype="float64"){divisor}',
            f'deviation = np.maximum(x_train.std({axes}, dtype="float64"){divisor}, 1e-6).astype("float32")',
        ]
        axis = -1 if axes is not None else None
        layers.append(f'Normalization(axis={axis}, mean=mean.astype("float32"), variance=deviation**2)')
    if described.input_dtype != "float32" and not (steps.rescale or steps.resize or steps.standardize != "none"):
        layers.append("Rescaling(1.0)")  # to float32
    sources = ["raw", *["x"] * len(layers)]
    return lines + [f"x = keras.layers.{layer}({x})" for layer, x in zip(layers, sources, strict=False)]


def _targets(recipe: Resolved) -> dict[str, str]:
    described, loss = recipe.data, recipe.training.loss
    if tasks.of(described).scales_targets or tasks.of(described).over_tokens:
        return {}
    if described.task != "classification":
        return {"words": "one number a row, (n, 1)", "code": 'y.astype("float32").reshape(-1, 1)'}
    if loss == "sparse_categorical_crossentropy":
        return {}
    words = "a one at the class, else zeros, (n, classes)"
    return {"words": words, "code": f'np.eye({described.num_classes}, dtype="float32")[y]'}


def _schedule(recipe: Resolved) -> str:
    """The schedule in words; "" for a rate that stays."""
    training = recipe.training
    if training.schedule == "constant" and not training.warmup_epochs:
        return ""
    words = SCHEDULES[training.schedule].format(final=f"{training.final_share:g} of it" if training.final_share else 0)
    return ("rising at first, then " if training.warmup_epochs else "") + words


def _optimizer(recipe: Resolved) -> str:
    training = recipe.training
    names = {
        "sgd": "SGD", "momentum": "SGD", "nesterov": "SGD", "adagrad": "Adagrad", "rmsprop": "RMSprop",
        "adam": "Adam", "adamw": "AdamW",
    }  # fmt: skip
    if recipe.transfer:
        warms = ", warmup_epochs" if training.warmup_epochs else ""
        arguments = [f"LearningRate(rate, steps, epochs{warms})" if _schedule(recipe) else "rate"]
    else:
        arguments = ["LearningRate(steps, arguments.epochs)" if _schedule(recipe) else "LEARNING_RATE"]
    if training.optimizer in ("momentum", "nesterov"):
        arguments.append(f"momentum={0.9 if training.momentum is None else training.momentum}")
    if training.optimizer == "nesterov":
        arguments.append("nesterov=True")
    if training.optimizer == "adamw":
        arguments.append(f"weight_decay={training.weight_decay}")
    if training.clip_norm is not None:
        arguments.append(f"global_clipnorm={training.clip_norm}")
    return f"keras.optimizers.{names[training.optimizer]}({', '.join(arguments)})"


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


def _evaluation_batch(data: Data) -> int:
    """How many examples `zoo run` scores at once."""
    from zoo.training.environment import prepare

    prepare()
    from zoo.training.evaluation import EVALUATION_BATCH, MOST_NUMBERS

    return min(EVALUATION_BATCH, max(1, MOST_NUMBERS // math.prod(data.input_shape)))


def _jit(recipe: Resolved) -> bool:
    """What `zoo run` would decide here."""
    from zoo.training.environment import prepare

    prepare()
    import numpy as np
    import tensorflow as tf

    from zoo.training.loop import use_jit
    from zoo.training.model import assemble, build_core

    moments = {name: np.ones(()) for name in ("mean", "variance", "target_mean", "target_deviation")}
    if recipe.preprocessing.standardize == "feature":
        moments |= {name: np.resize(moments[name], recipe.data.input_shape[-1]) for name in ("mean", "variance")}
    model = assemble(recipe, build_core(recipe), moments)
    return use_jit(recipe.training.jit, model, tf.distribute.get_strategy())


def _packages(told: Mapping[str, Any]) -> str:
    """What pip installs; the versions are those of this environment."""
    import keras
    import tensorflow as tf

    packages = [f"keras=={keras.__version__}", f"tensorflow=={tf.__version__}"]
    source = told["data"].source
    if source.startswith("tfds:"):
        packages += ["tensorflow-datasets", "importlib_resources"]  # which tensorflow-datasets needs and does not name
    if source.startswith("sklearn:") or told["stratifies"]:
        packages.append("scikit-learn")
    return " ".join(packages)


def _imports(facts: Mapping[str, Any], *more: Imports) -> str:
    """The script's import lines: the standard library's, then the others'."""
    wanted: Imports = {name: {""} for name in ("argparse", "keras", "numpy as np", "tensorflow as tf")}
    if facts["training"].schedule == "cosine" or facts["augmentation"]:
        wanted["math"] = {""}
    if facts["data"].text:
        wanted["json"] = {""}
    if facts["data"].kind == "text-pair" and facts["holds_out"]:
        wanted["collections"] = {"Counter"}
    if facts["stratifies"]:
        wanted["sklearn.model_selection"] = {"train_test_split"}
    for imports in more:
        for module, names in imports.items():
            wanted[module] = wanted.get(module, set()) | names
    lines: dict[bool, list[str]] = {True: [], False: []}
    for module, names in sorted(wanted.items()):
        group = lines[module.split(".")[0].split(" ")[0] in sys.stdlib_module_names]
        group += [f"import {module}"] if "" in names else []
        listed = ", ".join(sorted(names - {""}))
        group += [f"from {module} import {listed}"] if listed else []
    blocks = [sorted(group, key=lambda line: (line.startswith("from"), line)) for group in lines.values()]
    return "\n\n".join("\n".join(block) for block in blocks if block)
