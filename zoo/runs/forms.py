"""The forms of the JSON files that a run, a published folder and the index of weights hold, checked before use.

They come from other people too: what has another form is damaged, and said to be so. Keys beyond those are let be.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from zoo.errors import UsageError
from zoo.files import JSON, read_json, read_text

Metric = dict[str, float | str]  # BLEU comes with its signature


MEMBERS = ("float", "str")  # of a union, which pydantic counts to the place of a mistake


class Form(BaseModel):
    """Keys and their types, as they are: no text is taken for a number."""

    model_config = ConfigDict(strict=True, defer_build=True)


class RunFacts(Form):
    """run.json of a run, begun or done."""

    exit: str
    files: dict[str, str] = {}  # SHA-256 by name
    model: str = ""
    dataset: str = ""
    seed: int = 0
    smoke: bool = False
    params: int = 0
    epochs: int = 0
    date: str = ""
    fingerprint: str = ""
    versions: dict[str, str] = {}
    input_mean: float | None = None
    loss_from: str = "outputs"  # what losses in metrics.json were computed from: outputs cut at 1e-7, or logits
    baseline: bool | None = None  # whether learners without a network were asked for; None: nobody said
    trained: bool = False  # whether the training is over, so that only what comes after it can be missing


class PublishedFacts(RunFacts):
    """run.json of a published folder."""

    model: str
    dataset: str
    seed: int
    params: int
    epochs: int
    date: str
    fingerprint: str
    versions: dict[str, str]
    dtype: str
    licence: str
    data_licence: str


class ByClass(Form):
    """How well one class is found."""

    name: str
    examples: int
    precision: float
    recall: float
    f1: float


class Reliable(Form):
    """Examples of which a network was about as sure."""

    examples: int
    confidence: float
    accuracy: float


class Baseline(Form):
    """What a learner without a network scored."""

    name: str
    metric: str
    value: float


class Details(Form):
    """What is said of the test split beside its metrics."""

    numbers: dict[str, float] = {}
    by_class: list[ByClass] = []
    reliability: list[Reliable] = []
    baselines: list[Baseline] = []


class Scored(Form):
    """metrics.json."""

    test: Metric
    validation: Metric = {}
    details: Details = Details()
    examples_scored: int
    examples_in_split: int


class IndexEntry(Form):
    """What index.json says of the weights of one network."""

    model: str
    dataset: str
    folder: str
    sha256: str
    bytes: int
    dtype: str
    seed: int
    params: int
    epochs: int
    date: str
    fingerprint: str
    licence: str
    data_licence: str
    source: str
    metrics: Scored


class KeptTexts(Form):
    """A line of predictions.jsonl."""

    row: int
    inputs: dict[str, str]
    targets: dict[str, str]
    said: str | None = None


class OneVocabulary(Form):
    """A part of vocabulary.json."""

    kind: Literal["word", "character", "subword"]
    standardize: str
    tokens: list[str]
    merges: str | None


class BothVocabularies(Form):
    """vocabulary.json."""

    source: OneVocabulary
    target: OneVocabulary | None


def read(path: Path, form: Any) -> Any:
    """A JSON document, after a look that it has this form.

    Raises:
        UsageError: it is no JSON, or has another form; the first place is named.
    """
    body = read_json(path)
    _refuse_other(path, body, form)
    return body


def read_lines(path: Path, form: Any) -> list[Any]:
    """A file of one JSON document a line, after a look that each has this form.

    Raises:
        UsageError: as `read`.
    """
    try:
        body = [json.loads(line) for line in read_text(path, JSON).split("\n") if line]
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is damaged: {error}") from error
    _refuse_other(path, body, list[form])
    return body


@cache
def _adapter(form: Any) -> TypeAdapter[Any]:
    """What looks at a form, made once: many runs are listed at a time."""
    return TypeAdapter(form)


def _refuse_other(path: Path, body: Any, form: Any) -> None:
    try:
        _adapter(form).validate_python(body)
    except ValidationError as error:
        first = error.errors()[0]
        place = [str(key) for key in first["loc"] if key not in MEMBERS]
        where, what = ".".join(place)[:100] or "all of it", first["msg"]
        raise UsageError(f"{path} is damaged: {where}: {what[0].lower()}{what[1:]}") from None
