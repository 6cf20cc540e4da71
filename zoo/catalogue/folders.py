"""Where the recipes and the recorded results lie: inside an installed package, or beside the package in a checkout."""

from __future__ import annotations

from pathlib import Path


def recipes_folder() -> Path:
    """The folder of the zoo's own recipes."""
    package = Path(__file__).resolve().parents[1]
    inside = package / "recipes"
    return inside if inside.is_dir() else package.parent / "recipes"


def results_folder() -> Path:
    """Where recorded results are."""
    return recipes_folder() / "results"
