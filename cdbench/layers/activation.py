"""Activation functions."""

import numpy as np

from cdbench.layers.base import Context, Layer, Params, Pullback
from cdbench.products.base import Array


class ReLU(Layer):
    """``y = max(x, 0)``, with derivative 0 at 0, in either layout; it keeps the width n."""

    def __init__(self, n: int) -> None:
        super().__init__(n, n)

    def forward(self, params: Params, x: Array, context: Context) -> tuple[Array, Pullback]:
        """Return ``max(x, 0)`` and the pullback, which lets pass where ``x > 0``."""
        allocate = context.allocate
        y = x if allocate.overwriting else allocate.kept(x.shape, x.dtype)
        if x.dtype.kind == "c":
            # The real part decides, as curvature's complex steps need: a step never crosses the
            # kink. NumPy's own maximum would compare imaginary parts too.
            np.multiply(x, x.real > 0, out=y)
        else:
            np.maximum(x, 0, out=y)

        def pullback(dy: Array, grads: Params) -> Array:
            positive = allocate.scratch(0, y.shape, np.bool)
            np.greater(y.real, 0, out=positive)
            dx = dy if allocate.overwriting else allocate.kept(dy.shape, dy.dtype)
            return np.multiply(dy, positive, out=dx)

        return y, pullback
