"""What a user says of own data: how it is to be read, where that is not found out from the files, or not rightly."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Reading:
    """How own data is to be read; what is left away follows from the files.

    Attributes:
        label: the column to predict; several are separated by commas.
        kind: what the data is, one of `zoo.data.sources.own.READ_AS`.
    """

    label: str | None = None
    kind: str | None = None

    def of(self, label: str | None, kind: str | None) -> Reading:
        """The same with this label and kind, where they are given."""
        return replace(self, label=label or self.label, kind=kind or self.kind)


AS_FOUND = Reading()
