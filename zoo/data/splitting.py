"""Validation (and test, where the source has none) held out of the training part: the same rows in every run."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from zoo.data.examples import Examples, Source, Splits, conform
from zoo.data.subset import few
from zoo.errors import UsageError

if TYPE_CHECKING:
    import numpy as np

    from zoo.data.config import Data
    from zoo.data.fields import Role

STRATIFY_BELOW = (
    10_000  # rows; above, a plain permutation keeps the shares of classes well enough and needs no scikit-learn
)


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

    Classes keep their shares (stratified) in sources of fewer than `STRATIFY_BELOW` training rows in which every
    class is frequent enough; pairs of texts with one source are kept together; otherwise the split is a plain
    permutation.

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
    import numpy as np

    if not count:
        return part, part.cut(slice(0))
    has_classes = target == "label" and data.kind != "text-pair" and not data.several_labels
    if has_classes and len(part) < STRATIFY_BELOW and _can_stratify(part.y, count):
        from sklearn.model_selection import train_test_split

        rest, held = train_test_split(
            np.arange(len(part)), test_size=count, stratify=part.y, random_state=data.split_seed
        )
    elif data.kind == "text-pair":
        rest, held = _together(part.x, count, data)
    else:
        order = np.random.default_rng(data.split_seed).permutation(len(part))
        held, rest = order[:count], order[count:]
    return part.of(rest), part.of(held)


def _together(sources: np.ndarray, count: int, data: Data) -> tuple[np.ndarray, np.ndarray]:
    """Row numbers of the rest and of `count` pairs; all translations of one source text are on the same side.

    Raises:
        UsageError: texts with several translations each leave no way to hold out exactly so many.
    """
    import numpy as np

    random = np.random.default_rng(data.split_seed)
    sizes = Counter(sources.tolist())
    texts, held, left = list(sizes), set(), count
    for i in random.permutation(len(texts)).tolist():
        if sizes[texts[i]] <= left:
            held.add(texts[i])
            left -= sizes[texts[i]]
    if left:
        raise UsageError(
            f"{data.source}: {count:,} pairs cannot be held out without parting translations of one text\n"
            "keep fewer translations of the texts that have many of them, or one of each"
        )
    order = random.permutation(len(sources))
    is_held = np.array([text in held for text in sources.tolist()])[order]
    return order[~is_held], order[is_held]


def _can_stratify(y: np.ndarray, count: int) -> bool:
    """Each class needs two members, and each side room for every class."""
    import numpy as np

    members = np.unique(y, return_counts=True)[1]
    return bool(members.min() >= 2 and count >= len(members) and len(y) - count >= len(members))
