"""report.html: one self-contained page a run; pictures are embedded, nothing is fetched."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.catalogue import baselines, metrics
from zoo.drawing.style import number, of

if TYPE_CHECKING:
    from jinja2 import Template

MOST_CLASSES = 100  # that get a row
SCALE = 1.4  # pixels of a picture for one on the page


@dataclass(frozen=True)
class Picture:
    """A picture that was written, with its bytes."""

    path: Path
    title: str
    content: bytes

    @property
    def width(self) -> int | None:
        """Width on the page in CSS pixels, so that letters are of one size in all pictures; None for SVG."""
        return None if self.path.suffix == ".svg" else round(int.from_bytes(self.content[16:20]) / SCALE)

    @property
    def uri(self) -> str:
        """The picture as a data URI."""
        kind = "svg+xml" if self.path.suffix == ".svg" else "png"
        return f"data:image/{kind};base64,{b64encode(self.content).decode()}"


def page(
    facts: Mapping[str, Any],
    pictures: Sequence[Picture],
    layers: Sequence[Mapping[str, Any]],
    mistake_rows: Sequence[Mapping[str, Any]],
    failed: Sequence[str] = (),
    said: Sequence[tuple[str, str, str]] = (),
    samples: str = "",
) -> str:
    """The whole page as HTML text.

    Of `facts` it shows, where present: model, dataset, metrics (test, examples_scored, examples_in_split), params,
    epochs, fit_seconds, seconds, seed, strategy, devices, machine, versions, date, command, smoke.
    """
    return template("report.html").render(
        title=f"{facts.get('model', 'model')} on {facts.get('dataset', 'data')}",
        headline=headline(facts),
        facts=fact_rows(facts),
        command=facts.get("command", ""),
        smoke=bool(facts.get("smoke")),
        pictures=pictures,
        layers=layers,
        sees=any(row["field"] for row in layers),
        total=sum(row["params"] for row in layers),
        classes=class_rows(facts.get("metrics", {}).get("details", {})),
        mistakes=mistake_rows,
        failed=failed,
        said=said,
        samples=samples,
    )


def template(name: str) -> Template:
    """A page that lies beside this module; words that are put into it stay words."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template(name)


def headline(facts: Mapping[str, Any]) -> str:
    """The test metric that the run is known by: `accuracy 9,905 of 10,000 (99.05 %)`; empty without metrics."""
    measured = facts.get("metrics", {})
    test = measured.get("test", {})
    if not test:
        return ""
    name = metrics.headline(test)
    return f"{_words(name)} {_test_value(name, test, measured.get('examples_scored'))}"


def _loss_last(values: Mapping[str, float]) -> list[tuple[str, float]]:
    return sorted(values.items(), key=lambda pair: pair[0] == "loss")


def metric(name: str, value: float) -> str:
    """A metric with sensible digits: shares in per cent, others with four."""
    return f"{100 * value:.2f} %" if metrics.find(name).is_share else number(value)


def fact_rows(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What the table of facts says: pairs of label and text, only those that are known."""
    measured = facts.get("metrics", {})
    scored, total = measured.get("examples_scored"), measured.get("examples_in_split")
    test = measured.get("test", {})
    rows = [(f"test {_words(name)}", _test_value(name, test, scored)) for name, _ in _loss_last(test)]
    numbers = measured.get("details", {}).get("numbers", {})
    rows += [(f"test {_words(name)}", metric(name, value)) for name, value in numbers.items()]
    if others := measured.get("details", {}).get("baselines", []):
        rows += [("baselines", baselines.line(others)), ("worth it?", baselines.verdict(others, test))]
    if scored is not None:
        rows.append(("test examples scored", f"{scored:,} of {total or scored:,}"))
    rows += [(f"validation {_words(n)}", metric(n, v)) for n, v in _loss_last(measured.get("validation", {}))]
    known: dict[str, Any] = {
        "parameters": _with(facts.get("params"), "{:,}"),
        "epochs": facts.get("epochs"),
        "training": _with(facts.get("fit_seconds"), "{:,.1f} s"),
        "whole run": _with(facts.get("seconds"), "{:,.1f} s"),
        "seed": facts.get("seed"),
        "precision": ": ".join(facts[key] for key in ("precision", "precision_reason") if facts.get(key)),
        "strategy": facts.get("strategy"),
        "devices": ", ".join(str(d) for d in facts.get("devices", ())),
        "machine": ", ".join(f"{k} {v}" for k, v in facts.get("machine", {}).items()),
        "versions": ", ".join(f"{k} {v}" for k, v in facts.get("versions", {}).items()),
        "date": facts.get("date"),
    }
    return rows + [(label, str(value)) for label, value in known.items() if value not in (None, "")]


def class_rows(details: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """How well each class is found; of very many those that are found worst."""
    rows = details.get("by_class", [])
    return rows if len(rows) <= MOST_CLASSES else sorted(rows, key=lambda row: row["f1"])[:MOST_CLASSES]


def _test_value(name: str, test: Mapping[str, Any], scored: int | None) -> str:
    """A metric of the test split; a share of examples (and not of tokens) as so many of so many."""
    value, counts_tokens = test[name], name == "accuracy" and metrics.are_over_tokens(test)
    if isinstance(value, str):
        return value
    if scored and metrics.find(name).counts_examples and not counts_tokens:
        return of(round(value * scored), scored)
    return metric(name, value)


def _with(value: Any, form: str) -> str | None:
    return None if value is None else form.format(value)


def _words(name: str) -> str:
    return name.replace("_", " ")
