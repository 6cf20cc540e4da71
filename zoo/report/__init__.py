"""The report of a run: its pictures and one page, put together from what the run left."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zoo.report.run import draw as draw
    from zoo.report.run import draw_run as draw_run


def __getattr__(name: str) -> Any:
    if name not in ("draw", "draw_run"):
        raise AttributeError(f"module 'zoo.report' has no attribute {name!r}")
    from zoo.report import run  # brings matplotlib

    return getattr(run, name)
