"""What a recipe may not say although each key is valid: contradictions, dead settings, choosing on the test split."""

from __future__ import annotations

from zoo import tasks
from zoo.catalogue.registry import describe
from zoo.data.config import Data, Preprocessing, Steps
from zoo.data.fields import Field
from zoo.recipe.schema import DECAYING, Resolved
from zoo.tasks.smoothing import SMOOTHED


def default_loss(data: Data) -> str | None:
    """The loss when neither recipe nor model says one; None for a task that has no single one."""
    return next(iter(tasks.of(data).losses), None)


def metric_names(recipe: Resolved) -> list[str]:
    """Every name that an epoch's log will hold, so that a callback may monitor it."""
    own = ["loss", *tasks.of(recipe.data).logged(recipe.data, str(recipe.training.loss))]
    validation = [f"val_{name}" for name in own] if tasks.sizes(recipe.data)["validation"] else []
    return own + validation


def contradictions(recipe: Resolved) -> list[str]:
    """Mistakes that hold whatever the number of epochs."""
    rules = (_sizes, _loss, _schedule, _monitors, _kind, _targets, _weights, _smoothing, _test_flips, _xla)
    found = [mistake for rule in rules for mistake in rule(recipe)]
    return found + tasks.of(recipe.data).contradictions(recipe)


def _sizes(recipe: Resolved) -> list[str]:
    sizes, batch = tasks.sizes(recipe.data), recipe.training.batch_size
    train = sizes["train"]
    if train <= 0:
        return ["data: nothing is left for training after test_share and validation_share"]
    if sizes["test"] <= 0:
        return ["data: nothing is left for testing; it takes more rows, a larger test_share or a shorter horizon"]
    return (
        [f"training.batch_size: {batch} is larger than the training split ({train} examples)"] if batch > train else []
    )


def _loss(recipe: Resolved) -> list[str]:
    loss, allowed = recipe.training.loss, tasks.of(recipe.data).losses
    if loss and allowed and loss not in allowed:
        return [f"training.loss: {loss} does not fit a {recipe.data.task} task; one of {', '.join(allowed)}"]
    return []


def _targets(recipe: Resolved) -> list[str]:
    if recipe.preprocessing.targets == "none" or tasks.of(recipe.data).can_scale_targets:
        return []
    return [f"preprocessing.targets: is for single values to predict, {recipe.dataset} is for {recipe.data.task}"]


def _weights(recipe: Resolved) -> list[str]:
    task = tasks.of(recipe.data)
    by_class = task.has_classes and task.takes_weights and not task.has_several_labels
    if recipe.training.class_weights == "none" or by_class:
        return []
    return [f"training.class_weights: is for one of several classes, {recipe.dataset} is for {recipe.data.task}"]


def _smoothing(recipe: Resolved) -> list[str]:
    loss, has_classes = recipe.training.loss, tasks.of(recipe.data).has_classes
    if not recipe.training.label_smoothing or (has_classes and loss in SMOOTHED):
        return []
    learnt = f"learnt by {loss}" if has_classes else f"for {recipe.data.task or 'several targets'}"
    return [f"training.label_smoothing: is for a cross-entropy of classes, {recipe.dataset} is {learnt}"]


def _test_flips(recipe: Resolved) -> list[str]:
    task, data = tasks.of(recipe.data), recipe.data
    accuracy = "accuracy" in task.logged(data, str(recipe.training.loss))
    if not recipe.training.test_flips or (tasks.classifies_images(data) and accuracy):
        return []
    return [f"training.test_flips: is for images of one class each, {recipe.dataset} is {data.kind} for {data.task}"]


def _xla(recipe: Resolved) -> list[str]:
    reason = describe(recipe.model).no_xla
    if recipe.training.jit == "on" and reason:
        return [f"training.jit: XLA cannot compile {recipe.model}: {reason}; leave --jit away"]
    return []


def _schedule(recipe: Resolved) -> list[str]:
    training, found = recipe.training, []
    decays = training.schedule in ("step", "exponential")
    for key in ("decay_epochs", "decay_rate"):
        given = getattr(training, key) is not None
        if decays and not given:
            found.append(f"training.{key}: missing, schedule = {training.schedule!r} needs it")
        if given and not decays:
            found.append(f"training.{key}: has no effect with schedule = {training.schedule!r}")
    if training.final_share and training.schedule != "cosine":
        found.append(f"training.final_share: has no effect with schedule = {training.schedule!r}")
    if training.momentum is not None and training.optimizer not in ("momentum", "nesterov"):
        found.append(f"training.momentum: has no effect with optimizer = {training.optimizer!r}")
    if training.weight_decay and training.optimizer not in DECAYING:
        found.append(f"training.weight_decay: no effect with optimizer = {training.optimizer!r}; use adamw or momentum")
    if recipe.callbacks.reduce_on_plateau and (training.schedule != "constant" or training.warmup_epochs):
        found.append(
            "callbacks.reduce_on_plateau: two hands on one learning rate; it needs schedule = 'constant' and no warm-up"
        )
    return found


def _monitors(recipe: Resolved) -> list[str]:
    found, produced = [], metric_names(recipe)
    for name in ("early_stopping", "checkpoint", "reduce_on_plateau"):
        callback = getattr(recipe.callbacks, name)
        if callback is None or callback.monitor in produced:
            continue
        if "test" in callback.monitor:
            found.append(f"callbacks.{name}.monitor: {callback.monitor!r} would choose on the test split; use val_loss")
        else:
            found.append(
                f"callbacks.{name}.monitor: {callback.monitor!r} is not produced; one of {', '.join(produced)}"
            )
    return found


def _kind(recipe: Resolved) -> list[str]:
    """What is for images, for numbers or for series only."""
    steps, (fields, targets) = recipe.preprocessing, tasks.of(recipe.data).fields(recipe.data)
    is_a = f"{recipe.dataset} is {recipe.data.kind}"
    found = []
    if recipe.augmentation.active and not any(field.has_pixels for field in fields):
        found.append(f"augmentation: is for images, {is_a}")
    if recipe.augmentation.mosaic and not any(field.has_boxes for field in targets):
        found.append(f"augmentation.mosaic: is for images with boxes, {recipe.dataset} is for {recipe.data.task}")
    for field in fields:
        if recipe.augmentation.quarter_turns and field.has_pixels and field.shape[0] != field.shape[1]:
            sides = f"{field.shape[0]}x{field.shape[1]}"
            found.append(f"augmentation.quarter_turns: is for square images, these are {sides}")
    if not recipe.data.inputs:
        found += [f"preprocessing.inputs.{name}: there is one input only" for name in steps.inputs]
        return [*_steps(steps, fields[0], "preprocessing", is_a), *found]
    if steps.model_copy(update={"inputs": {}}) != Preprocessing():
        found.append("preprocessing: each of several inputs has its own steps; set preprocessing.inputs.NAME")
    found += [f"preprocessing.inputs.{name}: no such input" for name in set(steps.inputs) - set(recipe.data.inputs)]
    for field in fields:
        is_a = f"{field.name} is {recipe.data.inputs[field.name].kind}"
        found += _steps(steps.of(field.name), field, f"preprocessing.inputs.{field.name}", is_a)
    return found


def _steps(steps: Steps, field: Field, where: str, is_a: str) -> list[str]:
    """What the steps of one input may not be."""
    if not field.is_numeric:
        nothing = Preprocessing(targets=steps.targets) if isinstance(steps, Preprocessing) else Steps()
        return [f"preprocessing: is for numbers, {is_a}; see data.text"] if steps != nothing else []
    used = [f"{where}.{key}" for key in ("pad", "resize") if getattr(steps, key)]
    found = [] if field.has_pixels else [f"{key}: is for images, {is_a}" for key in used]
    if steps.standardize == "window" and not field.in_time:
        found.append(f"{where}.standardize: 'window' is for series, {is_a}")
    return found


def never_fires(recipe: Resolved) -> list[str]:
    """Settings that cannot take effect within the epochs: an error in a recipe, a note when --epochs shortened it."""
    training, epochs, found = recipe.training, recipe.training.epochs, []
    if training.schedule == "step" and training.decay_epochs is not None and training.decay_epochs >= epochs:
        found.append(f"training.decay_epochs: {training.decay_epochs:g} never comes within {epochs} epochs")
    if training.warmup_epochs and training.warmup_epochs >= epochs:
        found.append(f"training.warmup_epochs: {training.warmup_epochs:g} is the whole of {epochs} epochs")
    for name in ("early_stopping", "reduce_on_plateau"):
        callback = getattr(recipe.callbacks, name)
        if callback and callback.patience >= epochs:
            found.append(f"callbacks.{name}.patience: {callback.patience} never runs out within {epochs} epochs")
    return found
