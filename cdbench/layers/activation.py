"""Activation functions."""

from cdbench.layers.base import Context, Layer, Params, Pullback
from cdbench.products.base import Array


class ReLU(Layer):
    """``y = max(x, 0)``, with derivative 0 at 0; it keeps the width n."""

    def __init__(self, n: int) -> None:
        super().__init__(n, n)

    def forward(self, params: Params, x: Array, context: Context) -> tuple[Array, Pullback]:
        """Return ``max(x, 0)`` and the pullback, which lets pass where ``x > 0``."""
        # The real part decides, as curvature's complex steps need: a step never crosses the kink.
        positive = x.real > 0
        return x * positive, lambda dy, grads: dy * positive
