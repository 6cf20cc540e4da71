"""Validation (and test, where the source has none) held out of the training part: the same rows in every run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

from zoo.data.examples import GROUP, Examples, Source, Splits, conform
from zoo.data.subset import few
from zoo.errors import UsageError

if TYPE_CHECKING:
    import numpy as np

    from zoo.data.config import Data
    from zoo.data.fields import Role

# rows; from here on a plain permutation keeps the shares of classes well enough
STRATIFY_BELOW = 10_000


def conformed(source: Source, data: Data, where: str, target: Role) -> Splits:
    """`split` of a source whose arrays are first checked and brought into the types that `data` promises.

    Raises:
        UsageError: as `split`, or a shape that is another one. ZooError: a row that is not what it should be.
    """

    def conformed_part(part: Examples | None, name: str) -> Examples | None:
        return None if part is None else conform(part, data, f"{where}, {name}", target)

    train = conform(source.train, data, f"{where}, train" if source.test is not None else where, target)
    test, validation = conformed_part(source.test, "test"), conformed_part(source.validation, "validation")
    return split(Source(train, test, validation), data, where, target)


def split(source: Source, data: Data, where: str, target: Role = "label") -> Splits:
    """Cut `source` to `data.parts()`, seeded by `data.split_seed`; `target` is the role of what is predicted.

    Classes keep their shares (stratified) where `data.stratify` is on, and else in sources of fewer than
    `STRATIFY_BELOW` training rows in which every class is frequent enough; pairs of texts with one source are kept
    together, and rows of one group; otherwise the split is a plain permutation.

    Raises:
        UsageError: the source holds another number of examples than the recipe says, or pairs that cannot be parted so.
    """
    _refuse_other_sizes(source, data, where)
    sizes = data.parts()
    if source.test is None or not data.test:
        train, test = _hold_out(source.train, sizes["test"], data, target)
    else:
        train, test = source.train, source.test
    train = few(train, data, where)
    if source.validation is not None and data.validation:
        return Splits(train, source.validation, test)
    train, validation = _hold_out(train, sizes["validation"], data, target)
    return Splits(train, validation, test)


def _refuse_other_sizes(source: Source, data: Data, where: str) -> None:
    found = {"train": len(source.train)}
    for name in ("test", "validation"):
        if getattr(data, name):
            part = getattr(source, name)
            found[name] = 0 if part is None else len(part)
    for name, count in found.items():
        if count != getattr(data, name):
            raise UsageError(
                f"{where}: the recipe says {getattr(data, name):,} examples in data.{name}, the source has {count:,}\n"
                f"mend the recipe, or: --set data.{name}={count}"
            )


def _hold_out(part: Examples, count: int, data: Data, target: Role) -> tuple[Examples, Examples]:
    """The rest, and `count` examples held out of it."""
    if not count:
        return part, part.cut(slice(0))
    choose = way_to_hold_out(data, target == "label")
    if choose in (by_class, in_shares):
        rest, held = choose(part.y, count, data.split_seed)
    elif choose is by_text:
        rest, held = by_text(part.beside[GROUP] if data.group else part.x, count, data.split_seed)
        if len(held) != count and data.group:
            raise UsageError(f"{data.source}: {count:,} rows cannot be held out without parting a {data.group!r}")
        if len(held) != count:
            raise UsageError(
                f"{data.source}: {count:,} pairs cannot be held out without parting translations of one text\n"
                "keep fewer translations of the texts that have many of them, or one of each"
            )
    else:
        rest, held = at_random(len(part), count, data.split_seed)
    return part.of(rest), part.of(held)


def way_to_hold_out(data: Data, has_classes: bool) -> Callable[..., tuple[np.ndarray, np.ndarray]]:
    """Which of the functions below holds examples out of this data."""
    if data.kind == "text-pair" or data.group:
        return by_text
    if not has_classes or data.several_labels:
        return at_random
    return in_shares if data.stratify == "on" else by_class


def fitted_to_groups(data: Data, train: Examples) -> Data:
    """The same with shares that can be held out of the training part without parting a group.

    Raises:
        UsageError: every group is too large for that.
    """
    groups = train.beside[GROUP]
    for name in ("test", "validation"):
        if count := 0 if getattr(data, name) else data.parts()[name]:
            rest, held = by_text(groups, count, data.split_seed)
            if not len(held):
                raise UsageError(
                    f"{data.source}: each group of {data.group!r} has more rows than the {count:,} of the {name} part\n"
                    "hold out more, or give the part as a file of its own: --test FILE, --validation FILE"
                )
            data = data.model_copy(update={f"{name}_share": len(held) / len(groups)})
            groups = groups[rest]
    return data


def at_random(examples: int, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Row numbers of what stays, and of `count` rows that are held out: the same ones for the same seed."""
    import numpy as np

    order = np.random.default_rng(seed).permutation(examples)
    return order[count:], order[:count]


def by_class(y: np.ndarray, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Row numbers of what stays, and of `count` rows that are held out, so that classes keep their shares.

    Each class needs two members and each side room for every class; else, and in large sets, chance decides.
    """
    import numpy as np

    members = np.unique(y, return_counts=True)[1]
    if len(y) >= STRATIFY_BELOW or members.min() < 2 or min(count, len(y) - count) < len(members):
        return at_random(len(y), count, seed)
    from sklearn.model_selection import train_test_split

    rest, held = train_test_split(np.arange(len(y)), test_size=count, stratify=y, random_state=seed)
    return rest, held


def in_shares(y: np.ndarray, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Row numbers of what stays, and of `count` rows that are held out, so that classes keep their shares.

    However large or small the classes are: one member of each stays, and rounding favours those that it cuts most.
    """
    import numpy as np

    order = np.random.default_rng(seed).permutation(len(y))
    _, y, members = np.unique(y, return_inverse=True, return_counts=True)
    wanted = members * count / len(y)
    held = np.floor(wanted).astype(int)
    rest = np.where(held < members - 1, wanted - held, -1.0)  # the last one stays
    most = np.argsort(-rest, kind="stable")[: count - held.sum()]
    held[most] += 1
    number = np.empty(len(y), int)  # of each row among those of its class, in random order
    for label in range(len(members)):
        number[order[y[order] == label]] = np.arange(members[label])
    is_held = (number < held[y])[order]
    return order[~is_held], order[is_held]


def by_text(texts: np.ndarray, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Row numbers of what stays, and of up to `count` rows that are held out; rows of one text stay together."""
    import numpy as np

    random, sizes = np.random.default_rng(seed), Counter(texts.tolist())
    each, chosen = list(sizes), set()
    for i in random.permutation(len(each)).tolist():
        if sizes[each[i]] <= count:
            chosen.add(each[i])
            count -= sizes[each[i]]
    order = random.permutation(len(texts))
    is_held = np.array([text in chosen for text in texts.tolist()])[order]
    return order[~is_held], order[is_held]
