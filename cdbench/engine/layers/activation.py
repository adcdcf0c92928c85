"""Activation functions."""

import numpy as np

from cdbench.engine.layers.base import BoundLayer, Context, Layer, Params
from cdbench.engine.products.base import Array


class ReLU(Layer):
    """``y = max(x, 0)``, with derivative 0 at 0, in either layout; it keeps the width n."""

    def __init__(self, n: int) -> None:
        super().__init__(n, n)

    def bind(self, params: Params, x: Array, context: Context) -> BoundLayer:
        """Return the layer that computes ``max(x, 0)``; gradients pass where ``x > 0``."""
        allocate = context.allocate
        y = x if allocate.overwriting else allocate.kept(x.shape, x.dtype)
        positive = allocate.scratch(0, x.shape, np.bool)
        real_y = y.real
        zero = np.zeros((), real_y.dtype)  # a Python 0 would be converted each time

        def run() -> None:
            np.maximum(x, zero, out=y)

        def run_complex() -> None:
            # The real part decides: curvature's complex steps must never cross the kink. NumPy's
            # own maximum would compare imaginary parts too.
            np.multiply(x, x.real > 0, out=y)

        def pullback(dy: Array, grads: Params) -> Array:
            np.greater(real_y, zero, out=positive)
            dx = dy if allocate.overwriting else np.empty_like(dy)
            return np.multiply(dy, positive, out=dx)

        return BoundLayer(y, run_complex if x.dtype.kind == "c" else run, pullback)
