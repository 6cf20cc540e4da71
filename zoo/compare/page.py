"""A comparison as a page: sentences, tables, learning curves over each other, and examples on which two differ."""

from __future__ import annotations

import logging
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.catalogue import metrics
from zoo.compare import words
from zoo.compare.comparison import Comparison, facts, runs_of, seeds_of, spread_text
from zoo.compare.examples import Example, Sides, differing
from zoo.compare.groups import Group, short
from zoo.compare.pairs import Tested
from zoo.drawing import comparing
from zoo.drawing.style import png
from zoo.errors import ZooError
from zoo.files import write_text
from zoo.report.comparison import Table, page
from zoo.report.page import Picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure

log = logging.getLogger("zoo.compare")
MOST_PAIRS = 3  # whose examples are shown
MOST_IMAGES, MOST_ROWS = 16, 8  # of each side
LONGEST = 200  # characters of a setting
ONE_LINE, LONGEST_NAME = 14, 19  # characters of two classes above an image, and of one


def write(comparison: Comparison, file: Path) -> None:
    """Write the page. What cannot be drawn is logged as a warning and named on it."""
    tables, failed = [_scored(comparison), *_differing(comparison)], []
    pictures: list[Picture] = []
    try:
        if drawn := _curves(comparison):
            pictures.append(Picture(Path("curves.png"), "Learning curves", png(drawn)))
    except Exception as error:  # whatever goes wrong with a picture, the rest is worth a page
        failed.append(f"learning curves: {type(error).__name__}: {error}")
    for tested in comparison.held.tested[:MOST_PAIRS]:
        try:
            _add_examples(tested, pictures, tables)
        except Exception as error:
            failed.append(f"examples of {_pair(tested)}: {type(error).__name__}: {error}")
    for reason in failed:
        log.warning("not drawn: %s", reason)
    title = ", ".join(group.label for group in comparison.groups[:4])
    title += f" and {len(comparison.groups) - 4} more" if len(comparison.groups) > 4 else ""
    command = shlex.join(["zoo", *sys.argv[1:]])
    said = comparison.sentences, comparison.notes
    write_text(file, page(title, _headline(comparison), *said, tables, pictures, failed, command))


def _headline(comparison: Comparison) -> str:
    """The metric that they are known by, of each."""
    said = [f"{group.label} {spread_text(group, group.headline)}" for group in comparison.groups[:4]]
    return f"test {words.named(comparison.groups[0].headline)}: {', '.join(said)}"


def _scored(comparison: Comparison) -> Table:
    """A row each group."""
    names = comparison.metrics
    known = list(facts(comparison.groups[0]))
    rows = [
        [group.label, *(spread_text(group, name) for name in names), seeds_of(group), *facts(group).values(),
         ", ".join(runs_of(group))]
        for group in comparison.groups
    ]  # fmt: skip
    heads = ["", *(f"test {name.replace('_', ' ')}" for name in names), "seed", *known, "run"]
    several = any(len(group.entries) > 1 for group in comparison.groups)
    return Table("Scores", heads, rows, "Of several seeds: the mean, and the lowest to the highest." if several else "")


def _differing(comparison: Comparison) -> Iterator[Table]:
    if comparison.differing:
        rows = [[one.key, *(short(value)[:LONGEST] for value in one.values)] for one in comparison.differing]
        yield Table("What differs in their recipes", ["", *(group.label for group in comparison.groups)], rows)


def _curves(comparison: Comparison) -> Figure | None:
    """Metric and loss after each epoch, of the groups whose runs are at hand."""
    histories = {}
    for group in comparison.groups:
        if known := list(_histories(group)):
            histories[group.label] = known
    if not histories:
        return None
    recorded = {name.removeprefix("val_") for seeds in histories.values() for history in seeds for name in history}
    names = [name for name in dict.fromkeys([comparison.groups[0].headline, "accuracy", "mae"]) if name in recorded]
    return comparing.curves_together(histories, list(dict.fromkeys([*names[:1], "loss"])))


def _histories(group: Group) -> Iterator[Mapping[str, Sequence[float]]]:
    for entry in group.entries:
        if entry.is_run and entry.run is not None and (entry.run.folder / "history.csv").is_file():
            try:
                yield entry.run.history
            except ZooError as error:
                log.warning("not drawn: %s", str(error).splitlines()[0])


def _pair(tested: Tested) -> str:
    return f"{tested.first.label} and {tested.second.label}"


def _add_examples(tested: Tested, pictures: list[Picture], tables: list[Table]) -> None:
    """Examples that one does better with than the other: images as a picture, others as a table."""
    sides = differing(tested, MOST_IMAGES)
    if any(example.image is not None for side in sides.examples for example in side):
        pictures.append(Picture(Path("examples.png"), _title(tested), png(_images(tested, sides))))
    elif any(sides.counts):
        tables.append(_rows(tested, sides))


def _title(tested: Tested) -> str:
    head = "" if tested.metric in ("accuracy", "mae") else f"{words.named(tested.metric)}: ".capitalize()
    return f"{head}{'Where' if not head else 'where'} {_pair(tested)} differ"


def _words(tested: Tested, sides: Sides) -> tuple[str, str]:
    """What the examples of each side have in common."""
    first, second = (
        f"{group.label} (seed {seed})" if len(group.entries) > 1 else group.label
        for group, seed in zip((tested.first, tested.second), sides.seeds, strict=True)
    )
    right = metrics.find(tested.metric).counts_examples
    form = "{} is right and {} is wrong: {:,}" if right else "{} is closer than {}: {:,}"
    return form.format(first, second, sides.counts[0]), form.format(second, first, sides.counts[1])


def _images(tested: Tested, sides: Sides) -> Figure:
    shown = {}
    for place, (said, examples) in enumerate(zip(_words(tested, sides), sides.examples, strict=True)):
        seen = [_image(example, worse=1 - place) for example in examples if example.image is not None]
        left = f", {len(seen)} of them shown" if len(seen) < sides.counts[place] else ""
        shown[f"{said}{left}"] = seen
    what = words.examples(tested.first)
    if metrics.find(tested.metric).counts_examples:
        note = "above each: what it is → what the one says that is wrong; below: how sure it is of that"
    else:
        note = "above each: the true value → what the one says that is farther off"
    return comparing.differing_images(shown, f"{what} on which {_pair(tested)} differ", note)


def _image(example: Example, worse: int) -> comparing.Shown:
    assert example.image is not None
    wanted, said = (_cut(text) for text in (example.wanted, example.said[worse]))
    parted = "\n" if len(wanted) + len(said) > ONE_LINE else " "
    title = f"{wanted}{parted}→ {said}" if said else wanted
    return comparing.Shown(example.image, title, _share(example.sure[worse]))


def _share(sure: float) -> str:
    if not sure:
        return ""
    return "over 99.9 %" if sure > 0.9995 else f"{100 * sure:.1f} %"


def _cut(text: str) -> str:
    text = text if len(text) <= LONGEST_NAME else f"{text[: LONGEST_NAME - 1]}…"
    return text.replace("$", r"\$")


def _rows(tested: Tested, sides: Sides) -> Table:
    """A row each example, those of the first network's side on top."""
    shown = [(said, example) for said, examples in zip(_words(tested, sides), sides.examples, strict=True)
             for example in examples[:MOST_ROWS]]  # fmt: skip
    columns = list(dict.fromkeys(name for _, example in shown for name in example.values))
    heads = ["", "row", "wanted", tested.first.label, tested.second.label, *columns]
    rows, before = [], ""
    for said, example in shown:
        values = [example.values.get(name, "") for name in columns]
        rows.append([said if said != before else "", f"{example.row:,}", example.wanted, *example.said, *values])
        before = said
    return Table(_title(tested), heads, rows, "Rows are numbered from 0, in the order of the test split.")
