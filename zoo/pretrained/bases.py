"""Trained networks to start from, and the recipe of a run that does.

A base is a run directory, a published folder, weights of the zoo (`lenet:mnist`), or a network of `keras.applications`
(`VGG16`). It decides the network and its preprocessing; the dataset's recipe decides the rest.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo import recipe, tasks
from zoo.catalogue import registry
from zoo.data.config import Data
from zoo.errors import UsageError
from zoo.files import sha256
from zoo.models.vgg_transfer import APPLICATIONS
from zoo.pretrained.from_weights import trained_knobs
from zoo.pretrained.published import Published, constants, core_weights, load
from zoo.recipe import Resolved, model_spec, offers
from zoo.recipe.chosen import resized
from zoo.recipe.resolve import FROM_DATA

if TYPE_CHECKING:
    import numpy as np

    from zoo.data.text.encoding import Vocabularies
    from zoo.runs.directory import Run

TRANSFER = "vgg_transfer"
LOWER = 10  # the rate of fine-tuning beside a frozen part is the recipe's by this
SMALLEST = {"InceptionV3": 75, "InceptionResNetV2": 75, "Xception": 71}  # images; 32 for the others of Keras
BLOCKS = ("image", "tabular")  # kinds of data whose networks are counted in blocks
OF_TEXT = (
    "tokens",
    "standardize",
    "vocab_size",
    "target_vocab_size",
    "target_length",
    "keep",
)  # what a vocabulary fixes
OWN = ("training.epochs", "training.learning_rate")  # what each phase has for itself


@dataclass(frozen=True)
class Base:
    """A network to start from: `network` of keras.applications or of the catalogue, or a finished run."""

    weights: str  # imagenet, none, or what `load` takes; paths are absolute
    network: str = ""  # of keras.applications, or of the catalogue with new weights
    unseen: bool = False  # the file of weights need not be there

    @cached_property
    def run(self) -> Run | None:
        """The run or published folder that the weights are of."""
        return None if self.network else load(self.weights)

    @cached_property
    def sha256(self) -> str:
        """Of the file that holds the weights; empty where there is none."""
        if self.run is not None:
            return sha256(self.run.folder / ("weights.npz" if isinstance(self.run, Published) else "model.keras"))
        path = self._file()
        return sha256(path) if path else ""

    def arrays(self) -> dict[str, np.ndarray]:
        """The network's weights by name; empty: it starts from new ones.

        Raises:
            UsageError: damaged, or not what it should be; MissingError: ImageNet weights that are not to be had.
        """
        if self.run is not None:
            return core_weights(self.run)
        if self.weights == "none":
            return {}
        from zoo.pretrained import imagenet
        from zoo.training.environment import prepare

        prepare()
        return imagenet.arrays(self.network, given=self._given())

    def constants(self) -> dict[str, np.ndarray]:
        """What the base's preprocessing took from its own training data."""
        if self.run is None:
            return {}
        return constants(self.run)

    def _given(self) -> Path | None:
        return None if self.weights == "imagenet" else Path(self.weights)

    def _file(self) -> Path | None:
        if self.weights == "none" or self.unseen:
            return None
        from zoo.pretrained import imagenet

        return imagenet.file(self.network, given=self._given())


def find(base: str, weights: str | None = None) -> Base:
    """The base that `--base` and `--weights` name.

    Raises:
        UsageError: nothing of that name, or weights given for a run, which has its own.
    """
    if base in APPLICATIONS:
        chosen = weights or "imagenet"
        return Base(chosen if chosen in ("imagenet", "none") else str(Path(chosen).absolute()), base)
    if base in registry.list_models() and not Path(base).exists():
        if weights == "none":
            return Base("none", base)
        raise UsageError(f"{base} alone has no weights: say {base}:DATASET, or a run of it, or --weights none")
    if weights is not None:
        raise UsageError(f"--weights goes with a network of keras.applications; {base} brings its own")
    path = Path(base)
    found = Base(str(path.absolute()) if path.exists() else base)
    if found.run is not None and (why := no_base(found.run.recipe.data)):
        raise UsageError(f"{base} cannot be fine-tuned: {why}")
    return found


def no_base(data: Data) -> str:
    """Why networks that were trained on this cannot be started from; "": they can."""
    return tasks.of(data).no_transfer


def known_vocabularies(resolved: Resolved) -> Vocabularies | None:
    """Those of the trained network that a run on texts starts from; None: it learns its own."""
    if resolved.transfer is None or not resolved.data.text:
        return None
    base = again(resolved)
    return base.run.vocabularies if base.run else None


def again(resolved: Resolved) -> Base:
    """The base of a recipe that starts from one.

    Raises:
        UsageError: it is not there any more, or its weights are others than they were.
    """
    transfer = resolved.transfer
    assert transfer is not None
    of_network = transfer.weights in ("imagenet", "none") or transfer.weights.endswith(".h5")
    found = Base(transfer.weights, resolved.knobs["base"] if of_network else "")
    if transfer.sha256 and found.sha256 != transfer.sha256:
        raise UsageError(
            f"the weights in {transfer.weights} are others than they were (SHA-256 {found.sha256[:12]}..., "
            f"recorded {transfer.sha256[:12]}...)\nresolve it anew: zoo finetune {transfer.weights} {resolved.dataset}"
        )
    return found


def resolve_start(
    base: Base,
    dataset: str,
    *,
    new_network: bool,
    head: str = "auto",
    freeze: str | int | None = None,
    head_epochs: int | None = None,
    head_learning_rate: float | None = None,
    sets: Sequence[str] = (),
    options: Mapping[str, Any] | None = None,
    data: Data | None = None,
) -> tuple[Resolved, list[str]]:
    """The recipe of a run that starts from a base.

    Args:
        new_network: put the base's convolutional part under a new head (`vgg_transfer`); else its own network goes on,
            with a new output layer where the classes are others.
        head: `auto`, `keep` or `new`.
        freeze: `all`, `none`, or how many last blocks learn; None: one, or where the base has none the head alone.
        head_epochs, head_learning_rate: of the first phase; by default the recipe's, and one epoch where nothing is
            frozen. The second phase's rate is the recipe's too where a network of the zoo goes on with nothing frozen,
            else a tenth of it (what each is worth: recipes/results/transfer).

    Raises:
        UsageError: names, keys, values; a base that cannot take the data; classes to keep that are others; too few
            blocks.
    """
    described = recipe.described(dataset, sets, data)
    _refuse_other_kind(base, described, dataset)
    new_network = new_network or base.run is None
    freeze = (freeze or 1) if new_network else _freeze(_run(base).recipe, freeze)
    chosen = _head(base, described, dataset, head, new_network)
    start: dict[str, Any] = _network(base, described) if new_network else _same_network(base)
    start["data"], notes = _data(base, described, dataset)
    start["preprocessing"] = _preprocessing(base, described)
    model = TRANSFER if new_network else _run(base).recipe.model
    others = [item for item in sets if not item.startswith((*OWN, "transfer."))]
    rest = {key: value for key, value in (options or {}).items() if f"training.{key}" not in OWN}
    usual = recipe.resolve(model, dataset, others, rest, data, start)[0].training  # the recipe's epochs and rate
    alone = new_network or not _head_only_with_the_rest(_run(base).recipe)
    phases = freeze != "all" and chosen == "new" and alone
    whole = freeze == "none" and not new_network
    if freeze != "all" and not whole:
        start["training"] = {"learning_rate": usual.learning_rate / LOWER}
    if tasks.sizes(described)["validation"]:
        start["callbacks"] = {"checkpoint": {}}
    start["transfer"] = {
        "weights": base.weights,
        "sha256": base.sha256,
        "head": chosen,
        "freeze": freeze,
        "head_epochs": ((1 if whole else usual.epochs) if head_epochs is None else head_epochs) if phases else 0,
        "head_learning_rate": head_learning_rate or usual.learning_rate,
    }
    resolved, told = recipe.resolve(model, dataset, sets, options, data, start)
    if resolved.data.kind == "image" and resolved.preprocessing.resize:
        why = f", the size that {base.network or base.weights} {'takes' if base.run is None else 'was trained on'}"
        told = [*told, resized(resolved.data, resolved.preprocessing.resize, why)]
    return resolved, [*notes, *told]


def same_run(path: Path, base: Base, sets: Sequence[str], options: Mapping[str, Any]) -> tuple[Resolved, list[str]]:
    """The run of a recipe.toml, from the weights of a run of this very network, all of which learn on.

    Raises:
        UsageError: as `resolve_start`; weights of another model.
    """
    model = recipe.recorded(path).model
    if base.run is None or base.run.recipe.model != model:
        raise UsageError(f"{path} is a run of {model}, and {base.weights} holds no weights of it")
    start = {"weights": base.weights, "sha256": base.sha256, "head": "keep", "freeze": "none", "head_epochs": 0}
    said = [f"transfer.{key}={json.dumps(value)}" for key, value in start.items()]
    return recipe.rerun(path, [*said, *sets], options)


def _run(base: Base) -> Run:
    assert base.run is not None
    return base.run


def _freeze(trained: Resolved, freeze: str | int | None) -> str | int:
    """What is asked for, if a network whose output layer is kept or replaced has so many blocks before it."""
    from zoo.catalogue.inspect import skeleton
    from zoo.training.environment import prepare

    together = _head_only_with_the_rest(trained)
    if freeze == "all" and together:
        raise UsageError(f"--freeze all: {together}\nsay --freeze none, or leave it away")
    if trained.data.kind not in BLOCKS:
        if isinstance(freeze, int):
            raise UsageError(f"--freeze {freeze}: networks of {trained.data.kind} have no blocks\nsay none or all")
        return freeze or "none"
    if isinstance(freeze, str):
        return freeze
    prepare()
    from zoo.models.freezing import blocks
    from zoo.training.model import body_and_head, build_core

    there = len(blocks(body_and_head(skeleton(partial(build_core, trained)), same=True)[0]))
    if freeze is None:
        return min(1, there) or ("none" if together else "all")
    if freeze > there:
        raise UsageError(f"{freeze} last blocks are to learn, {trained.model} has {there} (--freeze none frees all)")
    return freeze


def _head_only_with_the_rest(trained: Resolved) -> str:
    """Why a network's output layer cannot learn by itself, on what the rest of it gives for an example; "": it can."""
    task, steps = tasks.of(trained.data), trained.preprocessing
    if task.writes or task.answers_in_text:
        return "its output layer answers for each token, and learns with the rest"
    if steps.targets != "none" or (task.scales_targets and steps.standardize != "none"):
        return "its values are brought back to their units behind the output layer, which learns with the rest"
    return ""


def _data(base: Base, data: Data, dataset: str) -> tuple[dict[str, Any], list[str]]:
    """What the base decides of the data: of texts the vocabulary, of a series how far it looks back and ahead."""
    if base.run is None:
        return {}, []
    trained = base.run.recipe.data
    if data.text and trained.text:
        own = trained.text.model_dump(include=set(OF_TEXT), exclude_none=True)
        told = f"the vocabulary is that of {base.weights}; words that it does not have are unknown"
        return {"text": own, "input_shape": list(trained.input_shape)} | _tokens(data, own), [told]
    if data.kind == "series":
        horizon = trained.series.horizon if trained.series else 1
        window = list(trained.input_shape)
        told = f"window and horizon are those of {base.weights}: {window[0]} steps back, {horizon} ahead"
        fixed: dict[str, Any] = {"horizon": horizon}
        if data.series and (data.series.period or 0) > window[0]:  # a season that the window does not reach back to
            fixed["period"] = None
        return {"input_shape": window, "series": fixed}, [told, *_other_columns(base, data, dataset)]
    return {}, _other_columns(base, data, dataset)


def _tokens(data: Data, text: Mapping[str, Any]) -> dict[str, int]:
    """How many tokens running text has when it is taken apart as the base does, where that is another way."""
    same = data.text and all(getattr(data.text, key) == text[key] for key in ("tokens", "standardize"))
    if same or not tasks.of(data).writes:
        return {}
    assert data.text is not None
    other = data.model_copy(update={"text": data.text.model_copy(update=text)})
    return {"train": tasks.counted(other).train}


def _other_columns(base: Base, data: Data, dataset: str) -> list[str]:
    there, here = _run(base).recipe.data.feature_names, data.feature_names
    if not there or not here or there == here:
        return []
    return [f"columns are taken by their order: {', '.join(there)} there, {', '.join(here)} in {dataset}"]


def _refuse_other_kind(base: Base, data: Data, dataset: str) -> None:
    own = "image" if base.run is None else base.run.recipe.data.kind
    if own != data.kind:
        raise UsageError(f"{base.network or base.weights} takes {own}, {dataset} is {data.kind}")
    if own in ("tabular", "series"):
        theirs, ours = _run(base).recipe.data.input_shape[-1], data.input_shape[-1]
        what = "features" if own == "tabular" else "columns"
        if theirs != ours:
            raise UsageError(f"{base.weights} takes {theirs} {what}, {dataset} has {ours}")
    if base.run and own == "text" and tasks.of(base.run.recipe.data).writes != tasks.of(data).writes:
        trained = base.run.recipe.data.task
        raise UsageError(f"{base.weights} was trained for {trained}, {dataset} is for {data.task}")


def _head(base: Base, data: Data, dataset: str, head: str, new_network: bool) -> str:
    """`keep` if the classes agree by name and order, `new` if not.

    Raises:
        UsageError: classes that cannot be kept.
    """
    if new_network:
        if head == "keep":
            raise UsageError("a new network has a new head; --head keep goes with zoo finetune RUN")
        return "new"
    own = _run(base).recipe.data
    agree = (own.task, own.num_classes, own.class_names) == (data.task, data.num_classes, data.class_names)
    if head != "keep" or agree:
        return head if head != "auto" else ("keep" if agree else "new")
    if (own.task, own.num_classes) != (data.task, data.num_classes):
        raise UsageError(
            f"--head keep: {base.weights} tells {_classes(own)}, {dataset} has {_classes(data)}\n"
            "say --head new, or leave it away"
        )
    return "keep"


def _classes(data: Data) -> str:
    if not tasks.of(data).has_classes:
        return "values, not classes,"
    names = f" ({', '.join(data.class_names[:3])}, ...)" if data.class_names else ""
    return f"{data.num_classes or 2} classes{names}"


def _same_network(base: Base) -> dict[str, Any]:
    """The base's own network: every knob that the data does not decide, so that no table of the dataset changes it."""
    trained = _run(base).recipe
    fixed = {*FROM_DATA, *offers(trained)}
    knobs = trained_knobs(trained).items()  # what is None is so by default, and TOML has no word for it
    return {"knobs": {key: value for key, value in knobs if key not in fixed and value is not None}}


def _network(base: Base, data: Data) -> dict[str, Any]:
    if base.run is None:
        return {"knobs": {"base": base.network}}
    trained = base.run.recipe
    return {"knobs": {"base": trained.model, "base_knobs": _same_network(base)["knobs"]}}


def _preprocessing(base: Base, data: Data) -> dict[str, Any]:
    """What the base was trained on: its own steps; images of another size are brought to that which it saw."""
    steps: dict[str, Any] = {"pad": 0, "resize": None, "rescale": None, "standardize": "none"}
    if base.run is None:
        least = SMALLEST.get(base.network, 32)
        too_small = base.network in APPLICATIONS and min(data.input_shape[:2]) < least
        steps |= {"resize": [least, least]} if too_small else {}
        return steps | ({} if base.network in APPLICATIONS else {"rescale": 255.0})
    trained = base.run.recipe
    own = trained.preprocessing.model_dump(mode="json")
    any_size = tasks.of(data).target(data).is_map  # what answers for each pixel sees images as they are
    if data.kind == "image" and not any_size and data.input_shape[:2] != trained.data.input_shape[:2]:
        own |= {"pad": 0, "resize": list(model_spec(trained).input_shape[:2])}
    return own
