"""Activation functions."""

import numpy as np

from cdbench.layers.base import Context, Layer, Params, Pullback
from cdbench.products.base import Array


class ReLU(Layer):
    """``y = max(x, 0)``, with derivative 0 at 0; it keeps the width n."""

    def __init__(self, n: int) -> None:
        super().__init__(n, n)

    def forward(self, params: Params, x: Array, context: Context) -> tuple[Array, Pullback]:
        """Return ``max(x, 0)`` and the pullback, which lets pass where ``x > 0``."""
        y = np.maximum(x, 0)

        def pullback(dy: Array, grads: Params) -> Array:
            return dy * (y > 0)

        return y, pullback
