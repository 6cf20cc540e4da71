"""The report of a run: its pictures and one page, put together from what the run left."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zoo.report.run import draw as draw


def __getattr__(name: str) -> Any:
    if name != "draw":
        raise AttributeError(f"module 'zoo.report' has no attribute {name!r}")
    from zoo.report.run import draw  # brings matplotlib

    return draw
