"""What a script takes along of the zoo's own functions, and the expressions that call them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from zoo import tasks
from zoo.data.splitting import STRATIFY_BELOW, at_random, by_class, by_text, in_shares, way_to_hold_out
from zoo.data.subset import rows_of_classes, some_of_each_class
from zoo.eject.lifting import Lifted, lift
from zoo.eject.literal import Code, call, literal
from zoo.recipe import Resolved

SPLITS: dict[Callable[..., Any], str] = {
    at_random: "len(y)",
    by_class: "y",
    by_text: "x",
    in_shares: "y",
}  # and what each goes by


def lifted_parts(recipe: Resolved, lifted: Lifted, holds_out: bool, augments: bool) -> dict[str, Any]:
    """The code of functions for data and for training, which are taken into `lifted`, and what calls them."""
    data, training, task = recipe.data, recipe.training, tasks.of(recipe.data)
    objective = task.objective(data, str(training.loss))
    (metric,) = objective.metrics
    way = _way(recipe) if holds_out and not data.series and not task.writes else None
    how = "BATCH_SIZE, SEED, epoch"
    form = task.target_form(data, str(training.loss))
    return {
        "data_code": _taken(lifted, *_data_functions(recipe), *([way] if way else []), *([form.func] if form else [])),
        "training_code": _taken(lifted, *_training_functions(recipe, objective.values, augments)),
        "hold_out": f"{way.__name__}({SPLITS[way]}, count, SPLIT_SEED)" if way else "",
        "targets": call(form.func.__name__, {"y": Code("y"), **form.keywords}).replace("y=y", "y") if form else "",
        "constants": _constants(recipe, way is not None or bool(data.examples_a_class)),
        "loss": _loss(objective.values),
        "metric": call(f"keras.metrics.{type(metric).__name__}", _settings(metric.get_config())),
        "measured": metric.name,
        "evaluator": _evaluator(recipe).__name__,
        "batches": f"batches_by_length(token_counts(x), {how})" if data.text else f"shuffled_batches(len(x), {how})[0]",
        "batch": _batch(recipe, augments),
        "optimizer": _optimizer(recipe),
        "at_once": _evaluation_batch(recipe),
    }


def _taken(lifted: Lifted, *functions: Callable[..., Any]) -> str:
    """The code of functions and of what they lean on that is not there yet."""
    before = len(lifted.parts)
    for function in functions:
        lift(function, lifted)
    return Lifted(parts=dict(list(lifted.parts.items())[before:])).code


def _way(recipe: Resolved) -> Callable[..., Any]:
    """The function that holds examples out; classes keep their shares in small sets alone."""
    data, parts = recipe.data, recipe.data.parts()
    way = way_to_hold_out(data, tasks.of(data).has_classes)
    return at_random if way is by_class and parts["train"] + parts["validation"] >= STRATIFY_BELOW else way


def _data_functions(recipe: Resolved) -> list[Callable[..., Any]]:
    from zoo.data.series import cut_windows
    from zoo.data.text.encoding import next_tokens, source_ids, target_ids
    from zoo.eject import plain
    from zoo.training.model import moments

    data, task = recipe.data, tasks.of(recipe.data)
    found: list[Callable[..., Any]] = [cut_windows] if data.series else []
    found += [rows_of_classes] if data.classes else []
    found += [some_of_each_class] if data.examples_a_class else []
    found += [moments] if recipe.preprocessing.standardize in ("global", "feature") else []
    if data.text:
        found += [plain.learn, plain.encode, next_tokens if task.writes else source_ids]
        found += [target_ids] if task.answers_in_text else []
    return found


def _training_functions(recipe: Resolved, values: Any, augments: bool) -> list[Callable[..., Any]]:
    from zoo.eject import plain
    from zoo.tasks.decoding.plain import joined, translate, write_on
    from zoo.training.augment import draw, warped
    from zoo.training.batches import batches_by_length, shuffled_batches
    from zoo.training.optimizers import Schedule

    task = tasks.of(recipe.data)
    found: list[Callable[..., Any]] = [type(values)] if type(values).__module__.startswith("zoo.") else []
    found += [draw, warped] if augments else []
    found += [Schedule] if _rate(recipe) else []
    found += [batches_by_length if recipe.data.text else shuffled_batches]
    found += [plain.token_counts, plain.take] if recipe.data.text else []
    found += [plain.make_train_step, _evaluator(recipe), plain.told]
    if recipe.transfer and (recipe.transfer.freeze == "all" or recipe.transfer.head_epochs):
        found += [plain.features, plain.copy_of]
    if recipe.data.parts()["test"]:
        found += [translate, joined] if task.answers_in_text else [write_on, joined] if task.writes else []
    return found


def _evaluator(recipe: Resolved) -> Callable[..., Any]:
    from zoo.eject import plain

    if recipe.data.text:
        return plain.token_evaluator if tasks.of(recipe.data).over_tokens else plain.text_evaluator
    return plain.array_evaluator


def _batch(recipe: Resolved, augments: bool) -> str:
    """What a step of training is given."""
    if recipe.data.text:
        return f"take(x, rows), {'take(y, rows)' if tasks.of(recipe.data).over_tokens else 'y[rows]'}"
    images = "augment(x[rows], tf.constant(step))" if augments else "x[rows]"
    return f"{images + ' if augments else x[rows]' if augments and recipe.transfer else images}, y[rows]"


def _constants(recipe: Resolved, splits: bool) -> list[str]:
    """Lines that name what the recipe says, beside what every script has."""
    data, training, task = recipe.data, recipe.training, tasks.of(recipe.data)
    lines = []
    if training.warmup_epochs:
        rises = "in which the learning rate rises from near 0"
        lines.append(f"WARMUP_EPOCHS = {training.warmup_epochs}  # {rises}")
    if training.decay_epochs:
        lines.append(f"DECAY_EPOCHS, DECAY_RATE = {training.decay_epochs}, {training.decay_rate}")
    if splits:
        lines.append(f"SPLIT_SEED = {data.split_seed}  # of the rows that are held out: the same ones whatever SEED is")
    if data.series:
        lines.append(
            f"WINDOW, HORIZON = {data.input_shape[0]}, {data.series.horizon}  # steps that are seen, and forecast"
        )
    if data.text:
        what = "tokens of a window" if task.writes else "most tokens of a text"
        lines.append(f"LENGTH = {data.input_shape[0]}  # {what}{', its end included' if task.answers_in_text else ''}")
        lines.append(f"VOCAB_SIZE = {data.text.vocab_size}  # with padding, unknown, start and end: 0 to 3")
        how = f"{literal(data.text.tokens)}, {literal(data.text.standardize)}"
        lines.append(f"SPLITTING = {how}  # what texts are taken apart into, and what is done to them before")
    if data.text and task.answers_in_text:
        sizes = f"{data.text.target_length}, {data.text.target_vocab_size}"
        lines.append(f"TARGET_LENGTH, TARGET_VOCAB_SIZE = {sizes}")
    return lines


def _loss(values: Any) -> str:
    kind = type(values)
    return f"{'' if kind.__module__.startswith('zoo.') else 'keras.losses.'}{kind.__name__}()"


def _settings(config: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in config.items() if name != "dtype"}


def _rate(recipe: Resolved) -> str:
    """The schedule of the learning rate; "" for a rate that stays."""
    training, alone = recipe.training, recipe.transfer is None  # or one phase of two
    if training.schedule == "constant" and not training.warmup_epochs:
        return ""
    arguments: dict[str, Any] = {
        "kind": training.schedule,
        "learning_rate": Code("LEARNING_RATE" if alone else "rate"),
        "total_steps": Code("arguments.epochs * steps" if alone else "epochs * steps"),
    }
    if training.warmup_epochs:
        arguments["warmup_steps"] = Code(f"round({'WARMUP_EPOCHS' if alone else 'warmup_epochs'} * steps)")
    if training.decay_epochs:
        arguments |= {"decay_steps": Code("DECAY_EPOCHS * steps"), "decay_rate": Code("DECAY_RATE")}
    if training.final_share:
        arguments["final_share"] = training.final_share
    return call("Schedule", arguments)


def _optimizer(recipe: Resolved) -> list[str]:
    """Lines that make the optimiser; those of a function that returns it, where there are two phases."""
    from zoo.training.optimizers import UNDECAYED, rule

    (name, arguments), schedule = rule(recipe.training), _rate(recipe)
    rate = Code("rate" if schedule or recipe.transfer else "LEARNING_RATE")
    lines = [f"rate = {schedule}"] if schedule else []
    lines.append(f"optimizer = {call(f'keras.optimizers.{name}', {'learning_rate': rate, **arguments})}")
    if "weight_decay" in arguments:
        lines.append(f"optimizer.exclude_from_weight_decay(var_names={literal(UNDECAYED)})")
    if recipe.training.precision == "mixed_float16":
        lines.append("optimizer = keras.optimizers.LossScaleOptimizer(optimizer)")
    if not recipe.transfer:
        return lines
    *before, last = lines
    made = last.removeprefix("optimizer = ")
    return [*before, f"return {made}"] if made != last else [*lines, "return optimizer"]


def _evaluation_batch(recipe: Resolved) -> int:
    """How many examples `zoo run` scores at once."""
    from zoo.training.evaluation import EVALUATION_BATCH, MOST_NUMBERS, TOKEN_BATCH

    if recipe.data.text:
        return TOKEN_BATCH if tasks.of(recipe.data).over_tokens else EVALUATION_BATCH
    return min(EVALUATION_BATCH, max(1, MOST_NUMBERS // math.prod(recipe.data.input_shape)))
