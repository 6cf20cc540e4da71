"""The recipe sections that describe data: what it is, how it is prepared, how it is varied in training."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Share = Annotated[float, Field(ge=0, lt=1)]
MOST = 2**31 - 1  # what TensorFlow counts with
Positive = Annotated[int, Field(gt=0, le=MOST)]
Grey = Annotated[int, Field(ge=0, le=255)]
Seed = Annotated[int, Field(ge=0, le=MOST)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]  # of one of several inputs or targets


class Section(BaseModel):
    """A table of a recipe: strict keys, never changed after it is read."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True)


class Text(Section):
    """How text becomes token ids. Ids 0 to 3 are padding, unknown, start and end in every vocabulary."""

    tokens: Literal["word", "character", "subword"]
    """Words, characters or sub-words (of the tokenizers package)."""
    vocab_size: Annotated[int, Field(ge=5, le=MOST)]
    """The most frequent tokens that are kept, the four special ones included."""
    target_vocab_size: Annotated[int, Field(ge=5, le=MOST)] | None = None
    """Of pairs: the same of the targets; `vocab_size` when absent."""
    target_length: Annotated[int, Field(ge=2, le=MOST)] | None = None
    """Of pairs: most tokens of a target, its end included."""
    standardize: Literal["none", "lower", "lower_and_strip_punctuation"] = "none"
    """What is done to a text before it is split, by Keras' names."""
    keep: Literal["start", "end"] = "start"
    """Which end of a text is kept that is too long."""
    metric: Literal["exact_match", "bleu"] = "exact_match"
    """Of pairs: what decoded targets are measured by."""


class Series(Section):
    """What is forecast from a window of a series."""

    horizon: Positive = 1
    """Steps ahead, all forecast at once."""
    period: Positive | None = None
    """Steps of a season, for the seasonal-naive forecast."""
    calendar: tuple[Literal["month", "weekday", "hour", "day-of-year"], ...] = ()
    """Columns that are made of the dates, each a sine and a cosine."""


class Masks(Section):
    """How images that have a class for each pixel are cut into tiles, and how their masks are read."""

    image_size: tuple[Positive, Positive] | None = None
    """Most height and width of an image, smaller ones are filled up; absent: one tile, `input_shape`."""
    margin: Annotated[int, Field(ge=0, le=MOST)] = 0
    """Pixels on each side of a tile that are seen, not answered for."""
    values: tuple[Grey, ...] = ()
    """Grey values of the classes in mask files; empty: 0, 1, 2 ..."""
    weights: tuple[Annotated[float, Field(gt=0)], ...] = ()
    """What a pixel of each class counts in the loss; empty: 1."""

    @model_validator(mode="after")
    def _differ(self) -> Masks:
        if len(set(self.values)) != len(self.values):
            raise ValueError("masks.values: each class has a grey value of its own")
        return self


class Boxes(Section):
    """Of images with boxes around what is to be found in them."""

    most: Positive = 100
    """Most boxes that an image of the dataset has."""


class Input(Section):
    """One of several inputs of an example: `[data.inputs.NAME]`."""

    kind: Literal["tabular", "image"]
    """What the input is."""
    input_shape: Annotated[tuple[Positive, ...], Field(min_length=1)]
    """One raw example, as (218, 178, 3) or (4,)."""
    input_dtype: Literal["uint8", "int32", "float32"] = "float32"
    """Of the raw numbers."""
    feature_names: tuple[str, ...] = ()
    """Of a table: the columns that make it up, text columns as NAME=VALUE."""
    categories: dict[str, tuple[str, ...]] = {}
    """Of a table: text columns and their values, one-hot encoded."""
    column: str | None = None
    """Of a table's images: the column of their paths, which start at the table's folder."""
    files: str | None = None
    """Or what the images are called, by the number of the row, as in {row}_frontal.jpg."""


class Target(Section):
    """One of several targets of an example: `[data.targets.NAME]`."""

    task: str
    """What is learnt of it."""
    weight: Annotated[float, Field(gt=0)] = 1.0
    """Of its loss in the sum that is minimised."""
    loss: str | None = None
    """One of its task's; the first when absent."""
    scale: Annotated[float, Field(gt=0)] = 1.0
    """Values are divided by this for the network and the loss; metrics stay in their own units."""
    num_classes: Annotated[int, Field(ge=2, le=MOST)] | None = None
    """Number of classes; absent: two classes by one probability, or no classes."""
    class_names: tuple[str, ...] = ()
    """One name a class, in order."""
    label: str | None = None
    """The column to predict, if its name is not that of the target."""

    @model_validator(mode="after")
    def _agree(self) -> Target:
        if self.class_names and len(self.class_names) != (self.num_classes or 2):
            raise ValueError(f"{len(self.class_names)} class_names for {self.num_classes or 2} classes")
        return self


class Data(Section):
    """Where examples come from and what one of them looks like.

    One input and one target are described here; several in tables of their own, which `kind`, `input_shape` and `task`
    are then left away for.
    """

    # memory:arrays and memory:dataset were given in Python and are not kept; relative paths are looked up in the
    # working folder, then in that of raw files (see zoo.data.rawfiles)
    source: str
    """Where examples come from, as tfds:mnist, sklearn:iris, generated:xor, folder:PATH, csv:PATH."""
    test_source: str = ""
    """Of own data whose test part lies elsewhere: where, a source of the same scheme."""
    validation_source: str = ""
    """Of own data whose validation part lies elsewhere."""
    origin: str = ""
    """Of files that no library fetches: where to get them, licence, size."""
    kind: Literal["tabular", "image", "text", "series", "text-pair", "mixed"]
    """What an example is; mixed: several inputs."""
    task: str
    """What is learnt from it, by the name of a task."""
    input_shape: tuple[Positive, ...]
    """One raw example: (28, 28, 1), (4,); most tokens: (200,); window and columns of a series: (24, 1)."""
    input_dtype: Literal["uint8", "int32", "float32"] = "float32"
    """Of the raw numbers."""
    inputs: dict[Name, Input] = {}
    """Several inputs: a table each, called by its name."""
    targets: dict[Name, Target] = {}
    """Several targets: a table each, called by its name."""
    num_classes: Positive | None = None
    """Number of classes, two or more, or one to find in boxes; absent: two by one probability, or no classes."""
    class_names: tuple[str, ...] = ()
    """One name a class, in order."""
    feature_names: tuple[str, ...] = ()
    """One name a column of a table, in order."""
    label: str | None = None
    """The column or feature to predict; the source's own choice when absent."""
    several_labels: bool = False
    """Whether an example may have any number of the classes: columns of 0 and 1, or the parts of `label`."""
    label_separator: str = ""
    """What parts the classes in the column `label`."""
    group: str | None = None
    """The column of a table whose equal values keep rows in one part."""
    weight: str | None = None
    """The column of a table that says what each row counts in the loss."""
    missing: Literal["", "drop", "median", "mode", "flag", "forward", "interpolate"] = ""
    """What is done about missing cells of a table or a series; nothing: they are refused."""
    fills: dict[str, str] = {}
    """By column, what its missing cells are filled with: statistics of the training part."""
    categories: dict[str, tuple[str, ...]] = {}
    """Text columns of a CSV and their values, one-hot encoded."""
    train: Positive
    """Examples in the source's training split, or in all where there is one split only."""
    test: Annotated[int, Field(ge=0, le=MOST)] = 0
    """Examples in its test split; 0: `test_share` of `train` is held out."""
    validation: Annotated[int, Field(ge=0, le=MOST)] = 0
    """Examples in its validation split; 0: `validation_share` of the rest is held out."""
    test_split: str = "test"
    """What the source calls its test split."""
    validation_split: str = "validation"
    """What the source calls its validation split."""
    test_share: Share = 0.0
    """Share held out for testing, of a source without a test split."""
    validation_share: Share = 0.1
    """Share of the training examples held out for validation; never taken from the test split."""
    split_seed: Seed = 0
    """Of the split, which is the same in every run, whatever the run's seed."""
    stratify: Literal["auto", "on"] = "auto"
    """Whether classes keep their shares in what is held out: auto: of fewer than 10,000 rows and no rare class; on."""
    classes: tuple[int, ...] = ()
    """Of the source's classes these alone; `train` and `test` then count their examples."""
    examples_a_class: Annotated[int, Field(ge=0, le=MOST)] = 0
    """So many of each class to train and validate on; 0: all."""
    stream: Literal["auto", "on", "off"] = "auto"
    """Whether examples stay on disk and are read batch by batch; auto: where they would fill the memory."""
    download_mb: Annotated[float, Field(ge=0)] = 0.0
    """Size of the download; 0: nothing to download."""
    options: dict[str, float | int | str | bool] = {}
    """Of a generated source: noise, turns ...; of pairs: languages."""
    text: Text | None = None
    """How texts become token ids; a table."""
    series: Series | None = None
    """What is forecast; a table."""
    masks: Masks | None = None
    """How images with a class for each pixel are cut; a table. `input_shape` is then that of a tile."""
    boxes: Boxes | None = None
    """Of images with boxes around what is to be found; a table."""

    @model_validator(mode="before")
    @classmethod
    def _tables_stand_for(cls, given: Any) -> Any:
        """What tables of inputs and of targets say already."""
        if isinstance(given, dict) and given.get("inputs"):
            given = {"kind": "mixed", "input_shape": (), **given}
        return {"task": "", **given} if isinstance(given, dict) and given.get("targets") else given

    @model_validator(mode="after")
    def _several(self) -> Data:
        if bool(self.inputs) != (self.kind == "mixed") or (self.inputs and (self.input_shape or not self.targets)):
            raise ValueError("inputs stand in tables data.inputs.NAME, targets then too, without kind and input_shape")
        if not self.inputs and not self.input_shape:
            raise ValueError("data.input_shape needs at least 1 item, such as [28, 28, 1]")
        if shared := set(self.inputs) & set(self.targets):
            raise ValueError(f"{min(shared)!r} is an input and a target; names differ")
        classes = (self.num_classes, self.class_names, self.label, self.several_labels)
        if self.targets and any((*classes, self.text, self.series, self.masks, self.boxes)):
            raise ValueError("targets stand in tables data.targets.NAME, and so do their classes and labels")
        return self

    @model_validator(mode="after")
    def _agree(self) -> Data:
        if self.num_classes == 1 and self.boxes is None:
            raise ValueError(
                "num_classes = 1: one class alone goes with the table data.boxes; else there are two or more"
            )
        if self.class_names and len(self.class_names) != (self.num_classes or 2):
            raise ValueError(f"{len(self.class_names)} class_names for {self.num_classes or 2} classes")
        for section, kinds in (("text", ("text", "text-pair")), ("series", ("series",))):
            if (getattr(self, section) is not None) != (self.kind in kinds):
                raise ValueError(f"the table data.{section} goes with kind = {' or '.join(map(repr, kinds))}")
        if self.classes and len(set(self.classes)) != (self.num_classes or 2):
            raise ValueError(f"{len(set(self.classes))} different classes for {self.num_classes or 2}")
        if self.several_labels and self.num_classes is None:
            raise ValueError("several_labels needs num_classes, the number of labels")
        if self.label_separator and not (self.several_labels and self.label):
            raise ValueError("label_separator goes with several_labels = true and a label, the column that is parted")
        if self.test and self.test_share:
            raise ValueError("test_share is for a source without a test split of its own")
        return self

    def of_input(self, name: str) -> Data:
        """The data as it is with this one of several inputs alone."""
        one = self.inputs[name].model_dump(exclude={"column", "files"})
        return self.model_copy(update={**one, "inputs": {}})

    def of_target(self, name: str) -> Data:
        """The data as it is with this one of several targets alone."""
        one = self.targets[name]
        update = {"task": one.task, "num_classes": one.num_classes, "class_names": one.class_names}
        return self.model_copy(update={**update, "label": one.label or name, "targets": {}})

    def each_target(self) -> dict[str, Data]:
        """The data as it is with each of its targets alone; the only one is called y."""
        return {name: self.of_target(name) for name in self.targets} or {"y": self}

    def part_sources(self) -> dict[str, str]:
        """Sources of the parts that lie elsewhere than the training part, by the part's name."""
        found = {"validation": self.validation_source, "test": self.test_source}
        return {name: source for name, source in found.items() if source}

    def of_part(self, source: str) -> Data:
        """The data as it is with this one of its parts alone."""
        none = {"test_source": "", "validation_source": "", "test": 0, "validation": 0}
        return self.model_copy(update={"source": source, **none})

    def parts(self) -> dict[str, int]:
        """Rows of the source that go to `train`, `validation` and `test`."""
        test = self.test or round(self.train * self.test_share)
        rest = self.train if self.test else self.train - test
        rest = self.examples_a_class * (self.num_classes or 2) or rest
        validation = self.validation or round(rest * self.validation_share)
        return {"train": rest if self.validation else rest - validation, "validation": validation, "test": test}


class Steps(Section):
    """Fixed steps between a raw input and the network, saved inside the model, in this order."""

    pad: Annotated[int, Field(ge=0, le=MOST)] = 0
    """Pixels of zeros on each side."""
    resize: tuple[Positive, Positive] | None = None
    """Height and width to resize to (bilinear)."""
    rescale: Annotated[float, Field(gt=0)] | None = None
    """Divide by this: 255 takes pixels to [0, 1]."""
    standardize: Literal["none", "global", "feature", "window"] = "none"
    """To zero mean and unit variance: of the training split, or (series) of each window by itself."""

    def output_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Shape of an example after these steps, from its raw shape."""
        if len(shape) != 3:
            return shape
        height, width, channels = shape[0] + 2 * self.pad, shape[1] + 2 * self.pad, shape[2]
        return (*(self.resize or (height, width)), channels)


class Preprocessing(Steps):
    """The steps of the only input; of several inputs each has its own, `[preprocessing.inputs.NAME]`."""

    inputs: dict[Name, Steps] = {}
    """Of several inputs: a table each, called by its name."""
    targets: Literal["none", "standardize"] = "none"
    """Values to predict: for the network they have the training split's mean 0 and variance 1, and what it gives is
    brought back to their own units; a series' follow its inputs."""

    def of(self, name: str) -> Steps:
        """The steps of the input of this name; the only one is called x."""
        return self.inputs.get(name, self)


class Augmentation(Section):
    """Random changes to training images, drawn anew each epoch from (seed, step)."""

    shift: Annotated[float, Field(ge=0)] = 0.0
    """Pixels, each way."""
    rotate: Annotated[float, Field(ge=0, le=180)] = 0.0
    """Degrees, each way."""
    zoom: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share, in or out."""
    flip: Literal[True, False, "alternate"] = False
    """Left to right: half of the time, or alternate: each image in every second epoch, half of them in the first."""
    quarter_turns: bool = False
    """By none to three right angles; of square images."""
    mosaic: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Share of images with boxes that are put together from four of the batch."""

    @property
    def active(self) -> bool:
        return bool(self.shift or self.rotate or self.zoom or self.flip or self.quarter_turns or self.mosaic)
