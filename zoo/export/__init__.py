"""Export: a finished run's network as a file of its own, which is loaded in its runtime and compared before it is kept.

    from zoo.export.exporting import export
    outcome = export(runs.load("runs/lenet-mnist"), "onnx")
    outcome.path, outcome.comparison.difference

Listing what goes into which format imports no framework.
"""

from zoo.export.table import FORMATS, TABLE, Form, forms

__all__ = ["FORMATS", "TABLE", "Form", "forms"]
