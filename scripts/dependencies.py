"""What zoo needs, all the way down: the installed distributions that setup.cfg asks for, directly or through others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from configparser import ConfigParser
from dataclasses import dataclass, field
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent


@dataclass
class Needed:
    """An installed distribution, the extras that are asked of it, and the names of those that it needs itself."""

    installed: Distribution
    extras: set[str] = field(default_factory=set)
    needs: set[str] = field(default_factory=set)


def setup_cfg() -> ConfigParser:
    """setup.cfg, read."""
    parser = ConfigParser()
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    return parser


def declared(extras: Iterable[str] = ()) -> list[Requirement]:
    """The requirements in setup.cfg, with those of these extras."""
    found = setup_cfg()
    sections = [found["options"]["install_requires"], *(found["options.extras_require"][extra] for extra in extras)]
    return [Requirement(line) for section in sections for line in section.split("\n") if line.strip()]


def needed(extras: Iterable[str] = (), pythons: Sequence[str] = ()) -> dict[str, Needed]:
    """Everything that an install with these extras brings, by normalised name, in alphabetical order.

    `pythons` names the versions under which it may be installed, such as "3.12"; empty: the one that runs.

    Raises:
        LookupError: something that is needed is not installed here.
    """
    here = default_environment()
    places = [here | {"python_version": p, "python_full_version": f"{p}.0"} for p in pythons] or [here]
    found: dict[str, Needed] = {}
    to_see = declared(extras)
    while to_see:
        requirement = to_see.pop()
        name = canonicalize_name(requirement.name)
        if name not in found:
            found[name] = Needed(_installed(name))
        elif requirement.extras <= found[name].extras:
            continue
        found[name].extras |= requirement.extras
        asked = {"", *found[name].extras}
        children = [Requirement(line) for line in found[name].installed.requires or []]
        children = [child for child in children if _applies(child, asked, places)]
        found[name].needs |= {canonicalize_name(child.name) for child in children}
        to_see += children
    return dict(sorted(found.items()))


def _applies(requirement: Requirement, extras: Iterable[str], places: Sequence[dict]) -> bool:
    marker = requirement.marker
    return marker is None or any(marker.evaluate(place | {"extra": extra}) for place in places for extra in extras)


def _installed(name: str) -> Distribution:
    try:
        return distribution(name)
    except PackageNotFoundError:
        raise LookupError(f"{name} is needed and not installed here; ./scripts/test installs everything") from None
