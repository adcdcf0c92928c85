"""Zeros in front of the first block-circulant layer, and the cut after the last."""

import numpy as np

from cdbench.layers.base import Context, Layer, Params, Pullback
from cdbench.products.base import Array


class Pad(Layer):
    """Append zeros on the right: (N, n_in) to (N, n_out), n_out > n_in."""

    def forward(self, params: Params, x: Array, context: Context) -> tuple[Array, Pullback]:
        """Return ``x`` with zeros appended, and the pullback, which cuts them off."""
        y = np.zeros((len(x), self.n_out), x.dtype)
        y[:, : self.n_in] = x
        return y, lambda dy, grads: dy[:, : self.n_in]


class Slice(Layer):
    """Cut off surplus columns on the right: (N, n_in) to (N, n_out), n_out < n_in."""

    def forward(self, params: Params, x: Array, context: Context) -> tuple[Array, Pullback]:
        """Return the first n_out columns, and the pullback, which appends zeros."""

        def pullback(dy: Array, grads: Params) -> Array:
            dx = np.zeros((len(dy), self.n_in), dy.dtype)
            dx[:, : self.n_out] = dy
            return dx

        return x[:, : self.n_out], pullback
