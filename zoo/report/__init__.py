"""Pictures and the HTML report of a run. Small functions on plain arrays, each in a module by subject.

`curves` learning curves, `outcome` confusions, mistakes and regression, `plane` decision boundaries, `inside` filters
and feature maps, `diagram` the architecture as SVG, `run` everything for one run, `style` the look and `save`.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zoo.report.run import Texts as Texts
    from zoo.report.run import draw as draw


def __getattr__(name: str) -> Any:
    if name not in ("draw", "Texts"):
        raise AttributeError(f"module 'zoo.report' has no attribute {name!r}")
    from zoo.report import run  # brings matplotlib, which the diagram does not need

    return getattr(run, name)
