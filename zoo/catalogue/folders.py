"""Where the recipes and the recorded results lie: inside an installed package, or beside the package in a checkout.

And where the zoo keeps what it can make again.
"""

from __future__ import annotations

import os
from pathlib import Path


def own_folder() -> Path:
    """$ZOO_HOME, else $XDG_CACHE_HOME/zoo, else ~/.cache/zoo."""
    if home := os.environ.get("ZOO_HOME"):
        return Path(home).expanduser()
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "zoo"


def recipes_folder() -> Path:
    """The folder of the zoo's own recipes."""
    package = Path(__file__).resolve().parents[1]
    inside = package / "recipes"
    return inside if inside.is_dir() else package.parent / "recipes"


def results_folder() -> Path:
    """Where recorded results are."""
    return recipes_folder() / "results"
