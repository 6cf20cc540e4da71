"""What tf2onnx lacks: the complementary error function, as which TensorFlow computes the exact GELU."""

from __future__ import annotations

from functools import cache
from typing import Any


@cache
def teach() -> None:
    """Tell tf2onnx, once a process, that erfc(x) = 1 - erf(x)."""
    import numpy as np
    from tf2onnx import utils
    from tf2onnx.handler import tf_op

    class Erfc:
        @classmethod
        def version_9(cls, ctx: Any, node: Any, **_: Any) -> None:
            (x,), (result,), shapes, dtypes = node.input, node.output, node.output_shapes, node.output_dtypes
            one = ctx.make_const(utils.make_name("one"), np.ones((), utils.map_onnx_to_numpy_type(dtypes[0])))
            erf = ctx.make_node("Erf", [x], shapes=shapes, dtypes=dtypes)
            ctx.remove_node(node.name)
            ctx.make_node("Sub", [one.output[0], erf.output[0]], outputs=[result], shapes=shapes, dtypes=dtypes)

    tf_op("Erfc")(Erfc)
