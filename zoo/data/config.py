"""The recipe sections that describe data: what it is, how it is prepared, how it is varied in training."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from zoo.spec import DataSpec

Share = Annotated[float, Field(ge=0, lt=1)]
Positive = Annotated[int, Field(gt=0)]


class Section(BaseModel):
    """A table of a recipe: strict keys, never changed after it is read."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Data(Section):
    """Where examples come from and what one of them looks like."""

    source: str  # tfds:NAME[/CONFIG], sklearn:NAME, generated:NAME, folder:PATH, csv:PATH
    kind: Literal["tabular", "image"]
    task: Literal["classification", "binary", "regression"]
    input_shape: tuple[Positive, ...]  # one raw example: (28, 28, 1), (4,)
    input_dtype: Literal["uint8", "float32"] = "float32"
    num_classes: Annotated[int, Field(ge=2)] | None = None
    class_names: tuple[str, ...] = ()
    feature_names: tuple[str, ...] = ()
    label: str | None = None  # the column or feature to predict; the source's own choice when absent
    categories: dict[str, tuple[str, ...]] = {}  # text columns of a CSV and their values, one-hot encoded
    train: Positive  # examples in the source's training split, or in all where there is one split only
    test: Annotated[int, Field(ge=0)] = 0  # examples in its test split; 0: `test_share` of `train` is held out
    test_share: Share = 0.0
    validation_share: Share = 0.1  # of what remains for training; never taken from the test split
    split_seed: int = 0  # the same split in every run, whatever the run's seed
    download_mb: Annotated[float, Field(ge=0)] = 0.0  # 0: nothing to download
    options: dict[str, float | int | str | bool] = {}  # of a generated source: noise, turns ...

    @model_validator(mode="after")
    def _agree(self) -> Data:
        if self.task == "regression" and self.num_classes is not None:
            raise ValueError("num_classes has no meaning for regression")
        if self.task == "classification" and self.num_classes is None:
            raise ValueError("num_classes is missing")
        if self.task == "binary" and self.num_classes not in (None, 2):
            raise ValueError(f"a binary task has 2 classes, not {self.num_classes}")
        if self.class_names and len(self.class_names) != (self.num_classes or 2):
            raise ValueError(f"{len(self.class_names)} class_names for {self.num_classes or 2} classes")
        if self.test and self.test_share:
            raise ValueError("test_share is for a source without a test split of its own")
        return self

    def sizes(self) -> dict[str, int]:
        """Examples in `train`, `validation` and `test` after splitting."""
        test = self.test or round(self.train * self.test_share)
        rest = self.train if self.test else self.train - test
        validation = round(rest * self.validation_share)
        return {"train": rest - validation, "validation": validation, "test": test}

    def spec(self, name: str) -> DataSpec:
        """The same facts as the registry sees them."""
        return DataSpec(
            name=name,
            kind=self.kind,
            task=self.task,
            input_shape=self.input_shape,
            input_dtype=self.input_dtype,
            num_classes=self.num_classes if self.task == "classification" else None,
            class_names=self.class_names,
            feature_names=self.feature_names,
            splits=self.sizes(),
        )


class Preprocessing(Section):
    """Fixed steps between a raw example and the network, saved inside the model, in this order."""

    pad: Annotated[int, Field(ge=0)] = 0  # pixels of zeros on each side
    resize: tuple[Positive, Positive] | None = None  # height, width (bilinear)
    rescale: Annotated[float, Field(gt=0)] | None = None  # divide by this: 255 takes pixels to [0, 1]
    standardize: Literal["none", "global", "feature"] = "none"  # zero mean, unit variance of the training split

    def output_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Shape of an example after these steps, from its raw shape."""
        if len(shape) != 3:
            return shape
        height, width, channels = shape[0] + 2 * self.pad, shape[1] + 2 * self.pad, shape[2]
        return (*(self.resize or (height, width)), channels)


class Augmentation(Section):
    """Random changes to training images, drawn anew each epoch from (seed, step)."""

    shift: Annotated[float, Field(ge=0)] = 0.0  # pixels, each way
    rotate: Annotated[float, Field(ge=0, le=180)] = 0.0  # degrees, each way
    zoom: Annotated[float, Field(ge=0, lt=1)] = 0.0  # share, in or out
    flip: bool = False  # left to right, half of the time

    @property
    def active(self) -> bool:
        return bool(self.shift or self.rotate or self.zoom or self.flip)
