"""Recipe + model + command line -> one frozen `Resolved`, or every reason why not."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_type_hints

from pydantic import ConfigDict, create_model

from zoo import tasks
from zoo.catalogue import registry
from zoo.data.config import MOST, Data
from zoo.errors import UsageError
from zoo.recipe import chosen
from zoo.recipe.overrides import SECTIONS, command_line, last_epoch_kept, lay_over
from zoo.recipe.own import tables_for
from zoo.recipe.problems import refusal, validate
from zoo.recipe.rules import contradictions, default_loss, never_fires
from zoo.recipe.schema import Recipe, Resolved
from zoo.recipe.store import parse, read_tables

FROM_DATA = (
    "input_shape", "num_classes", "vocab_size", "target_vocab_size", "return_sequences", "input_shapes", "heads",
)  # fmt: skip

MOST_SHOWN = 8  # models that would fit, in a message


def resolve(
    model: str,
    dataset: str,
    sets: Sequence[str] = (),
    options: Mapping[str, Any] | None = None,
    data: Data | Recipe | None = None,
    start: Mapping[str, Any] | None = None,
) -> tuple[Resolved, list[str]]:
    """What `zoo run MODEL DATASET` will do, and notes: what was chosen for own data, settings without effect.

    Args:
        model: a name of the registry.
        dataset: a recipe's name or path, or any name for `data`.
        sets: `KEY=VALUE` with dotted keys, as after `--set`: `training.clip_norm=1`, `knobs.dropout=0.5`.
        options: training options said on the command line, by their key in `[training]`; None: not said.
        data: an own dataset's description, when there is no recipe, or a recipe in place of one with this name.
        start: tables that a trained network to start from decides; stronger than the recipe, weaker than what is said.

    Raises:
        UsageError: unknown names, keys or values, contradictions, or a model that cannot take the data.
    """
    record = registry.describe(model)
    said = command_line(sets, options or {})
    where, tables = (dataset, _tables_for(data, record, said)) if data else read_tables(dataset)
    recipe = parse(tables, where)
    merged: dict[str, Any] = {"training": {key: value for key, value in record.defaults.items() if key != "loss"}}
    own = recipe.models[model].model_dump() if model in recipe.models else {}
    for layer in (tables, own, start or {}, said):
        for section in SECTIONS:
            merged[section] = lay_over(merged.get(section, {}), layer.get(section, {}))
    merged |= {key: value for key, value in said.items() if key not in SECTIONS}  # refused below, with its name
    if not merged["transfer"]:
        del merged["transfer"]
    merged |= {"model": model, "dataset": Path(dataset).stem if dataset.endswith(".toml") else dataset}
    place = where if not said else f"{where} with the command line"
    resolved, late = _checked(merged, place, "epochs" in said.get("training", {}))
    return resolved, late + (chosen.notes(resolved) if isinstance(data, Data) and not start else [])


def described(dataset: str, sets: Sequence[str] = (), data: Data | None = None) -> Data:
    """The data that `resolve` will see.

    Raises:
        UsageError: as `resolve`, for what concerns the data.
    """
    where, tables = (dataset, _tables_for(data)) if data else read_tables(dataset)
    own = parse(tables, where).data.model_dump(exclude_unset=True)
    return validate(Data, lay_over(own, command_line(sets, {}).get("data", {})), where)


def rerun(path: Path, sets: Sequence[str] = (), options: Mapping[str, Any] | None = None) -> tuple[Resolved, list[str]]:
    """The run that a run directory's `recipe.toml` describes, with what the command line changes, and notes.

    A run may have been shortened: settings that cannot take effect within its epochs are notes here too.
    """
    return _said_over(read_tables(str(path))[1], str(path), sets, options or {}, shortened=True)


def recorded(path: Path) -> Resolved:
    """The recipe of a run that was made, as it is: what was trained is a fact, and no rule judges it again.

    Raises:
        UsageError: it is no recipe: unknown keys, wrong types, knobs that the model does not have.
    """
    resolved = validate(Resolved, read_tables(str(path))[1], str(path))
    knobs, mistakes = _knobs(registry.describe(resolved.model), resolved.knobs)
    if mistakes:
        raise refusal(str(path), mistakes)
    _refuse_misfit(resolved)
    return resolved.model_copy(update={"knobs": knobs})


def changed(
    resolved: Resolved, sets: Sequence[str] = (), options: Mapping[str, Any] | None = None
) -> tuple[Resolved, list[str]]:
    """The same run with what `sets` and `options` change (see `resolve`), checked again, and notes.

    Raises:
        UsageError: as `resolve`.
    """
    return _said_over(resolved.model_dump(exclude_none=True), resolved.dataset, sets, options or {})


def _said_over(
    merged: dict[str, Any], where: str, sets: Sequence[str], options: Mapping[str, Any], shortened: bool = False
) -> tuple[Resolved, list[str]]:
    said = command_line(sets, options)
    for section in said:
        merged[section] = lay_over(merged.get(section, {}), said[section])
    return _checked(merged, where, shortened or "epochs" in said.get("training", {}))


def _checked(merged: dict[str, Any], where: str, shortened: bool) -> tuple[Resolved, list[str]]:
    if isinstance(merged.get("callbacks"), Mapping):
        merged["callbacks"] = last_epoch_kept(merged["callbacks"])
    resolved = validate(Resolved, merged, where)
    record = registry.describe(resolved.model)
    knobs, mistakes = _knobs(record, resolved.knobs)
    training = resolved.training
    loss = training.loss or _loss_of(record, resolved.data) or default_loss(resolved.data)
    resolved = resolved.model_copy(update={"knobs": knobs, "training": training.model_copy(update={"loss": loss})})
    mistakes += contradictions(resolved)
    late = never_fires(resolved)
    if mistakes or (late and not shortened):
        raise refusal(where, mistakes + ([] if shortened else late))
    _refuse_misfit(resolved)
    return resolved, late


def _loss_of(record: registry.ModelRecord, data: Data) -> str | None:
    """The model's own loss, for data whose task takes it: of other data it is the model that does not fit."""
    loss = record.defaults.get("loss")
    return loss if loss in tasks.of(data).losses else None


def _refuse_misfit(resolved: Resolved) -> None:
    spec = model_spec(resolved)
    reason = registry.misfit(registry.describe(resolved.model), spec)
    if reason:
        raise UsageError(f"{reason}\nmodels that fit {resolved.dataset}: {_few(registry.fitting(spec), spec.kind)}")


def _few(names: Sequence[str], kind: str) -> str:
    """The names, the oldest first; of many the smallest model of each family, and where to see the others."""
    records = sorted(map(registry.glance, names), key=lambda record: record.year)
    if len(records) <= MOST_SHOWN:
        return ", ".join(record.name for record in records) or "none"
    smallest: dict[str, registry.ModelRecord] = {}
    for record in records:
        known = smallest.setdefault(record.family, record)
        smallest[record.family] = min(known, record, key=lambda record: record.params)
    shown = ", ".join(record.name for record in smallest.values())
    return f"{shown} and {len(records) - len(smallest)} more (zoo ls --inputs {kind})"


def model_spec(resolved: Resolved) -> registry.DataSpec:
    """The data as the network sees it: after preprocessing."""
    steps, data = resolved.preprocessing, resolved.data
    several = {
        name: one.model_copy(update={"input_shape": steps.of(name).output_shape(one.input_shape)})
        for name, one in data.inputs.items()
    }
    seen = {"input_shape": steps.output_shape(data.input_shape), "inputs": several}
    return tasks.spec(data.model_copy(update=seen), resolved.dataset)


def offers(resolved: Resolved) -> dict[str, Any]:
    """What the data decides of a builder's knobs."""
    spec = model_spec(resolved)
    return tasks.of(spec).offers(spec)


def _tables_for(
    data: Data | Recipe, record: registry.ModelRecord | None = None, said: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """A recipe as tables: of own data one that is made for it, its model and what is said of both."""
    if isinstance(data, Recipe):
        return data.model_dump(exclude_unset=True, exclude_none=True)
    said = said or {}
    known = validate(Data, lay_over(data.model_dump(exclude_none=True), said.get("data", {})), data.source)
    defaults, least = (record.defaults, record.min_size) if record else ({}, None)
    return tables_for(known, defaults, said.get("training", {}), least)


def _knobs(record: registry.ModelRecord, given: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The given knobs checked against the builder's signature, and what is wrong with them."""
    mistakes = [f"knobs.{name}: comes from the data, it cannot be set" for name in given if name in FROM_DATA]
    schema = _knob_schema(record)
    try:
        filled = validate(schema, {k: v for k, v in given.items() if k not in FROM_DATA}, record.name)
    except UsageError as error:
        lines = str(error).splitlines()[1:]
        return {}, mistakes + [f"knobs.{line.strip()}" for line in lines]
    values = filled.model_dump(include=set(given))
    mistakes += [f"knobs.{mistake}" for mistake in registry.beyond_reason(values)]
    return values, mistakes + [f"knobs.{name}: a number beyond {MOST:,}" for name, v in values.items() if _beyond(v)]


def _beyond(value: Any) -> bool:
    """Whether a whole number in it is larger than any size of a network."""
    if isinstance(value, Mapping | list | tuple):
        return any(map(_beyond, value.values() if isinstance(value, Mapping) else value))
    return isinstance(value, int) and abs(value) > MOST


def _knob_schema(record: registry.ModelRecord) -> Any:
    """A strict schema made of the builder's own annotations and defaults."""
    builder = inspect.unwrap(record.builder)
    annotations = {k: v for k, v in getattr(builder, "__annotations__", {}).items() if k != "return"}
    holder = type("Holder", (), {"__annotations__": annotations})
    hints = get_type_hints(holder, globalns=getattr(builder, "__globals__", {}))
    fields: Any = {k: (hints.get(k, Any), v) for k, v in record.knobs.items() if k not in FROM_DATA}
    return create_model(f"{record.name} knobs", __config__=ConfigDict(extra="forbid", allow_inf_nan=False), **fields)
