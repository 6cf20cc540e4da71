"""The card of a published folder: README.md with the head that Hugging Face reads, in plain words below."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from textwrap import fill
from typing import Any

from zoo import tasks
from zoo.catalogue.registry import ModelRecord, describe
from zoo.recipe import Resolved
from zoo.runs.directory import Run

WIDTH = 100
PLACE = "PATH/OF/THIS/FOLDER"


def card(run: Run, name: str, commands: Sequence[str] = ()) -> str:
    """README.md of a published folder called `name`; `commands` are what to do with it in a shell."""
    record = describe(run.recipe.model)
    return f"---\n{_head(run, name)}---\n\n{_words(run, name, record, commands)}"


def _takes(recipe: Resolved) -> str:
    if recipe.data.inputs:
        shapes = [f"`{name}` of shape {'x'.join(map(str, i.input_shape))}" for name, i in recipe.data.inputs.items()]
        return f"It takes a dict of raw inputs, {', '.join(shapes)}; preprocessing is part of the model."
    shape = "x".join(map(str, recipe.data.input_shape))
    if recipe.data.text:
        said = f"It takes ids of tokens, at most {shape}, 0 as padding on the right"
        return f"{said}; `vocabulary.json` says which token is which."
    return f"It takes raw examples of shape {shape}; preprocessing is part of the model."


def _predicts(recipe: Resolved) -> str:
    """A line of Python that applies the model to what is raw."""
    task = tasks.of(recipe.data)
    if task.writes:
        return '# its texts: zoo generate PATH/OF/THIS/FOLDER --prompt "..."'
    given = '"..."' if recipe.data.text else 'pathlib.Path("FILE")'
    return f"run.predict({given})  # what it says, in words"


def _head(run: Run, name: str) -> str:
    """YAML, each value as JSON, which YAML includes."""
    recipe, info, metrics = run.recipe, run.info, run.metrics
    task = tasks.of(recipe.data).pipeline(recipe.data.kind)
    numbers = {key: value for key, value in metrics["test"].items() if _is_number(value)}
    results = [
        {
            "task": {"type": task},
            "dataset": {"type": recipe.dataset, "name": recipe.dataset, "split": "test"},
            "metrics": [{"type": key, "value": value, "name": f"test {key}"} for key, value in numbers.items()],
        }
    ]
    facts: dict[str, Any] = {
        "license": info["licence"],
        "library_name": "keras",
        "pipeline_tag": task,
        "tags": list(dict.fromkeys(["zoo", recipe.model, describe(recipe.model).family])),
        "datasets": [recipe.dataset],
        "metrics": list(numbers),
        "model-index": [{"name": name, "results": results}],
    }
    return "".join(f"{key}: {json.dumps(value)}\n" for key, value in facts.items())


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _words(run: Run, name: str, record: ModelRecord, commands: Sequence[str]) -> str:
    recipe, info, metrics = run.recipe, run.info, run.metrics
    scored = f"{metrics['examples_scored']:,} of {metrics['examples_in_split']:,} test examples"
    lines = [f"- {key}: {value:.4f}" for key, value in metrics["test"].items() if _is_number(value)]
    versions = ", ".join(f"{package} {number}" for package, number in info["versions"].items())
    knobs = ", ".join(f"{key} = {value!r}" for key, value in recipe.knobs.items()) or "the defaults"
    made = (
        f"{info['params']:,} parameters, knobs: {knobs}. Trained on {recipe.dataset} for {info['epochs']} epochs, "
        f"seed {info['seed']}, by the recipe in `recipe.toml`; weights are {info['dtype']}. Scored on {scored}:"
    )
    shell = "\n".join(["\n```sh", *commands, "```\n"]) if commands else ""
    return f"""# {name}

{fill(f"{record.name}: {record.idea} {record.paper}.", WIDTH)}

{fill(made, WIDTH)}

{chr(10).join(lines)}

{fill(_takes(recipe), WIDTH)}

```python
import zoo

run = zoo.load("PATH/OF/THIS/FOLDER")
run.model  # a Keras model
{_predicts(recipe)}
```
{shell}
Licence of the weights: {info["licence"]}; of the data: {info["data_licence"]}.

{fill(f"Versions: {versions}; {info['date'][:10]}.", WIDTH)}
"""
