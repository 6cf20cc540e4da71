"""The named arrays that an example is made of: input fields and target fields, each with a role.

The role, and nothing else, decides how an array is checked, cut to length, varied in training and shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

Role = Literal["image", "vector", "tokens", "series", "audio", "mask", "boxes", "label", "value"]
ROLES: dict[str, Role] = {"tabular": "vector", "image": "image", "text": "tokens", "text-pair": "tokens", "series": "series"}  # fmt: skip  # noqa: E501
VOID = 255  # in a mask: no class is known of this pixel, and it counts nowhere


class Warp(NamedTuple):
    """How what has a role is warped: how values between pixels are found, and what stands beyond the border."""

    interpolation: str
    fill_mode: str
    beyond: float = 0.0  # where the fill mode is CONSTANT


WARPS: dict[Role, Warp] = {"image": Warp("BILINEAR", "NEAREST"), "mask": Warp("NEAREST", "CONSTANT", VOID)}


@dataclass(frozen=True)
class Field:
    """One array of an example.

    Args:
        name: unique among the fields of an example.
        role: what it is.
        shape: of one example, without the batch axis; of a ragged field the longest.
        dtype: NumPy's name.
        ragged: padded with zeros at the end of its first axis; a batch is cut to its longest example.
        as_long_as: another ragged field that it shares the length of, position by position; "": its own.
    """

    name: str
    role: Role
    shape: tuple[int, ...]
    dtype: str
    ragged: bool = False
    as_long_as: str = ""

    @property
    def is_numeric(self) -> bool:
        """Whether its numbers are quantities, which preprocessing may scale; token ids and classes are none."""
        return self.role not in ("tokens", "label", "mask", "boxes")

    @property
    def has_pixels(self) -> bool:
        """Whether it is a picture, (height, width, channels)."""
        return self.role == "image"

    @property
    def is_map(self) -> bool:
        """Whether it says something of each pixel of a picture."""
        return self.role == "mask"

    @property
    def has_boxes(self) -> bool:
        """Whether it is boxes in pixels of a picture, a row each, (most, 5)."""
        return self.role == "boxes"

    @property
    def warp(self) -> Warp | None:
        """How it is shifted, turned and scaled together with what else an example has; None: not at all."""
        return WARPS.get(self.role)

    @property
    def in_time(self) -> bool:
        """Whether its first axis is time."""
        return self.role in ("series", "audio")


class Fields(NamedTuple):
    """The inputs and the targets of an example, in their order."""

    inputs: tuple[Field, ...]
    targets: tuple[Field, ...]

    @property
    def measured(self) -> tuple[str, ...]:
        """Names of the ragged inputs that have a length of their own."""
        return tuple(field.name for field in self.inputs if field.ragged and not field.as_long_as)

    @property
    def cuts(self) -> dict[str, int]:
        """For each ragged field the number of the measured input whose length it has."""
        places = {name: i for i, name in enumerate(self.measured)}
        ragged = [field for field in (*self.inputs, *self.targets) if field.ragged]
        return {field.name: places[field.as_long_as or field.name] for field in ragged}
