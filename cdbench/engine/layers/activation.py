"""Activation functions."""

from abc import abstractmethod

import numpy as np

from cdbench.engine.layers.base import BoundLayer, Context, Layer, Params
from cdbench.engine.products.base import Array


class Activation(Layer):
    """A function of each entry, in either layout; it keeps the width n."""

    stacks = True

    def __init__(self, n: int) -> None:
        super().__init__(n, n)


class ReLU(Activation):
    """``y = max(x, 0)``, with derivative 0 at 0."""

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


class Smooth(Activation):
    """An activation that computes its slope together with its values."""

    @abstractmethod
    def evaluate(self, x: Array, y: Array, slope: Array, scratch: Array) -> None:
        """Write values and slopes at ``x``; ``y`` may be ``x`` itself, ``scratch`` is neither."""

    def bind(self, params: Params, x: Array, context: Context) -> BoundLayer:
        """Return the layer that computes the function and, for its pullback, the slope."""
        allocate = context.allocate
        y = x if allocate.overwriting else allocate.kept(x.shape, x.dtype)
        # In memory of its own: what follows, such as Dropout, may overwrite y.
        slope = allocate.kept(x.shape, x.dtype)
        scratch = allocate.scratch(0, x.shape, x.dtype)

        def pullback(dy: Array, grads: Params) -> Array:
            dx = dy if allocate.overwriting else np.empty_like(dy)
            return np.multiply(dy, slope, out=dx)

        return BoundLayer(y, lambda: self.evaluate(x, y, slope, scratch), pullback)


class Tanh(Smooth):
    """``y = tanh(x)``."""

    def evaluate(self, x: Array, y: Array, slope: Array, scratch: Array) -> None:
        """Write tanh x, and 1 − tanh² x."""
        np.tanh(x, out=y)
        np.multiply(y, y, out=slope)
        np.subtract(1, slope, out=slope)


class GELU(Smooth):
    """``y = x (1 + tanh u) / 2`` with ``u = √(2/π) (x + 0.044715 x³)``.

    The tanh form of Hendrycks and Gimpel (2016), within 5e-4 of x Φ(x), the exact one.
    """

    CUBIC, SCALE = 0.044715, float(np.sqrt(2 / np.pi))

    def evaluate(self, x: Array, y: Array, slope: Array, scratch: Array) -> None:
        """Write y, and (1 + tanh u + x u′ (1 − tanh² u)) / 2."""
        t = scratch
        np.multiply(x, x, out=slope)
        np.multiply(slope, self.SCALE * self.CUBIC, out=t)
        np.add(t, self.SCALE, out=t)
        np.multiply(t, x, out=t)
        np.tanh(t, out=t)
        np.multiply(slope, 3 * self.SCALE * self.CUBIC, out=slope)
        np.add(slope, self.SCALE, out=slope)
        np.multiply(slope, x, out=slope)  # x u′
        np.multiply(x, 0.5, out=y)
        np.add(t, 1, out=t)
        np.multiply(y, t, out=y)
        # 1 − tanh² u = (1 + tanh u) (2 − (1 + tanh u)).
        np.multiply(slope, t, out=slope)
        np.subtract(2, t, out=t)
        np.multiply(slope, t, out=slope)
        np.subtract(2, t, out=t)
        np.add(slope, t, out=slope)
        np.multiply(slope, 0.5, out=slope)


ACTIVATIONS: dict[str, type[Activation]] = {"relu": ReLU, "gelu": GELU, "tanh": Tanh}
