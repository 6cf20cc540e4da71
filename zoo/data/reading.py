"""What a user says of own data: how it is to be read, where that is not found out from the files, or not rightly."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

TEST, VALIDATION = 0.2, 0.1  # shares that are held out: of all, and of what then remains


@dataclass(frozen=True)
class Reading:
    """How own data is to be read; what is left away follows from the files.

    Attributes:
        label: the column to predict; several are separated by commas.
        kind: what the data is, one of `zoo.data.sources.own.READ_AS`.
        test: the path of the test part, which is then not held out.
        validation: the path of the validation part.
    """

    label: str | None = None
    kind: str | None = None
    test: str | None = None
    validation: str | None = None

    def of(self, label: str | None, kind: str | None) -> Reading:
        """The same with this label and kind, where they are given."""
        return replace(self, label=label or self.label, kind=kind or self.kind)

    @property
    def labels(self) -> tuple[str, ...]:
        """Names that a header with the label, or labels, has."""
        return tuple(self.label.split(",")) if self.label else ()

    def shares(self, test: float = TEST, validation: float = VALIDATION) -> dict[str, Any]:
        """What is held out of the training part: of parts that have a path of their own nothing."""
        return {
            "test_share": 0.0 if self.test else test,
            "validation_share": 0.0 if self.validation else validation,
        }


AS_FOUND = Reading()
