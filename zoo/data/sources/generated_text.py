"""Sequence tasks made by a rule and a seed: labels are exact, nothing comes twice, what is tested is not trained on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from zoo.data.examples import Examples, Source
from zoo.data.options import checked
from zoo.errors import UsageError

if TYPE_CHECKING:
    import numpy as np

    from zoo.data.config import Data

LETTERS = "abcdefghijklmnopqrstuvwxyz"
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
FORMATS = (
    "{day} {month} {year}",  # 5 March 1987
    "{month} {day}, {year}",
    "{short} {day}, {year}",  # Mar 5, 1987
    "{day}. {short} {year}",
    "{day}-{short}-{year}",
    "{year} {month} {day}",
    "{dd}.{mm}.{year}",  # 05.03.1987: day before month, as dots say
    "{weekday}, {day} {month} {year}",
    "{weekday}, {month} {day}, {year}",
    "the {ordinal} of {month} {year}",  # the 5th of March 1987
)
FIRST, LAST = date(1900, 1, 1), date(2099, 12, 31)
Options = dict[str, Any]


class Task(NamedTuple):
    """A generated task: the kind of its data, its options, how many examples there are, and how they are drawn."""

    kind: str
    options: Options
    space: Callable[[Options], int]
    draw: Callable[[Options, np.random.Generator], Iterator[tuple[str, Any]]]  # without end, none twice


def read(name: str, data: Data) -> Source:
    """`data.train` and `data.test` examples of a task, x an array of strings, y one of strings or class ids.

    Raises:
        UsageError: another kind of data, no such option, an option outside its range, more examples than there are.
    """
    import numpy as np

    task, options, count = TASKS[name], options_of(name, data), data.train + data.test
    drawn = task.draw(options, np.random.default_rng(int(options["seed"])))
    x, y = zip(*(next(drawn) for _ in range(count)), strict=True)
    texts, targets = np.array(x, object), np.array(y, object if task.kind == "text-pair" else "int32")
    train = Examples(texts[: data.train], targets[: data.train])
    return Source(train, Examples(texts[data.train :], targets[data.train :]) if data.test else None)


def options_of(name: str, data: Data) -> Options:
    """All options of a task, after a look that it has as many examples as the recipe asks for.

    Raises:
        UsageError: as `read`.
    """
    task = TASKS[name]
    if data.kind != task.kind:
        raise UsageError(f"generated:{name} is {task.kind}; the recipe says data.kind = {data.kind!r}")
    options = _checked(name, data, task)
    count, space = data.train + data.test, task.space(options)
    if count > space:
        raise UsageError(
            f"generated:{name} has {space:,} different examples to give with these options, data.train and data.test "
            f"ask for {count:,}\ntake fewer, or widen the options: {', '.join(task.options)}"
        )
    return options


def _checked(name: str, data: Data, task: Task) -> Options:
    options = checked(f"generated:{name}", data.options, task.options)
    for key, (least, most) in RANGES.items():
        value = options.get(key, least)
        if value != int(value) or not least <= value <= most:
            raise UsageError(f"data.options.{key} = {value} is not a whole number from {least} to {most}")
    options |= {key: int(options[key]) for key in RANGES if key in options}
    if options.get("shortest", 0) > options.get("longest", 0):
        raise UsageError(f"data.options.shortest = {options['shortest']} is above longest = {options['longest']}")
    return options


def _once(draw: Callable[[], tuple[Any, tuple[str, Any]]]) -> Iterator[tuple[str, Any]]:
    """Examples as they are drawn, those whose key came before left out."""
    seen = set()
    while True:
        key, example = draw()
        if key not in seen:
            seen.add(key)
            yield example


def _addition(options: Options, random: np.random.Generator) -> Iterator[tuple[str, str]]:
    """`123+45` -> `168`; with `reversed` the question is read backwards, `54+321`, so that units come first in time.

    Each number has 1 to `digits` digits, as often as any other number of them. 45+123 counts as the same as 123+45.
    """

    def draw() -> tuple[tuple[int, int], tuple[str, str]]:
        a, b = random.integers(0, 10 ** random.integers(1, options["digits"] + 1, 2)).tolist()
        question = f"{a}+{b}"
        return (min(a, b), max(a, b)), (question[::-1] if options["reversed"] else question, str(a + b))

    return _once(draw)


def _reverse(options: Options, random: np.random.Generator) -> Iterator[tuple[str, str]]:
    """`fbac` -> `cabf`, of `shortest` to `longest` letters, the first `letters` of the alphabet."""

    def draw() -> tuple[str, tuple[str, str]]:
        length = random.integers(options["shortest"], options["longest"] + 1)
        text = "".join(LETTERS[i] for i in random.integers(0, options["letters"], length))
        return text, (text, text[::-1])

    return _once(draw)


def _parity(options: Options, random: np.random.Generator) -> Iterator[tuple[str, int]]:
    """`10110` -> 1: whether the number of ones is odd."""

    def draw() -> tuple[str, tuple[str, int]]:
        length = random.integers(options["shortest"], options["longest"] + 1)
        text = "".join("01"[i] for i in random.integers(0, 2, length))
        return text, (text, text.count("1") % 2)

    return _once(draw)


def _dates(options: Options, random: np.random.Generator) -> Iterator[tuple[str, str]]:
    """`Thursday, 5 March 1987` -> `1987-03-05`: each day of 1900 to 2099 once, written in one of FORMATS."""
    for number in random.permutation(_days(options)).tolist():
        day = FIRST + timedelta(days=number)
        yield _written(day, FORMATS[random.integers(len(FORMATS))]), day.isoformat()


def _written(day: date, form: str) -> str:
    month = MONTHS[day.month - 1]
    return form.format(
        day=day.day, month=month, short=month[:3], year=day.year, dd=f"{day.day:02}", mm=f"{day.month:02}",
        weekday=WEEKDAYS[day.weekday()], ordinal=f"{day.day}{_ending(day.day)}",
    )  # fmt: skip


def _ending(number: int) -> str:
    """The ending of an ordinal up to 31: 1st, 2nd, 3rd, 4th, 11th ..."""
    return "th" if 11 <= number <= 13 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")


def _days(_: Options) -> int:
    return (LAST - FIRST).days + 1


def _half(symbols: Callable[[Options], int]) -> Callable[[Options], int]:
    """Half of all texts of `shortest` to `longest` symbols: drawing at random finds so many soon."""

    def space(options: Options) -> int:
        return sum(symbols(options) ** length for length in range(options["shortest"], options["longest"] + 1)) // 2

    return space


def _sums(options: Options) -> int:
    numbers = 10 ** options["digits"]
    return int(numbers * (numbers + 1) // 4)  # half of the pairs, whichever comes first


RANGES = {"digits": (1, 9), "letters": (2, len(LETTERS)), "shortest": (1, 1000), "longest": (1, 1000)}
TASKS = {
    "addition": Task("text-pair", {"digits": 3, "reversed": True, "seed": 0}, _sums, _addition),
    "reverse": Task(
        "text-pair",
        {"shortest": 4, "longest": 16, "letters": len(LETTERS), "seed": 0},
        _half(lambda options: options["letters"]),
        _reverse,
    ),
    "dates": Task("text-pair", {"seed": 0}, _days, _dates),
    "parity": Task("text", {"shortest": 1, "longest": 20, "seed": 0}, _half(lambda options: 2), _parity),
}
