"""Shannon dropout (Sec. IV.1)."""

import numpy as np

from cdbench.errors import ConfigurationError
from cdbench.layers.base import Context, Layer, Params, Pullback
from cdbench.products.base import Array
from cdbench.products.layout import to_vertices


class Dropout(Layer):
    """Drop each entry with probability ``rate`` while training (Eq. 7), in either layout.

    It keeps the width n. Kept entries are divided by ``1 - rate``. The paper does not say where in
    the network it acts; here it acts on the hidden activations, after each ReLU.
    """

    def __init__(self, n: int, rate: float) -> None:
        super().__init__(n, n)
        self.rate = rate

    def forward(self, params: Params, x: Array, context: Context) -> tuple[Array, Pullback]:
        """Return the thinned ``x``, or in evaluation ``x`` itself, and the pullback.

        Raises
        ------
        ConfigurationError
            If ``context`` is for training and has no random stream.
        """
        if not context.training:
            return x, lambda dy, grads: dy
        if context.rng is None:
            raise ConfigurationError("dropout in training needs a random stream in its context")
        allocate = context.allocate
        # Drawn in float64 and by rows whatever dtype and layout, so that the mask depends on
        # neither.
        n_samples = len(x) if x.ndim == 2 else x.shape[-1]
        drawn = allocate.scratch(0, (n_samples, self.n_in), np.float64)
        context.rng.random(out=drawn)
        if x.ndim == 3:
            drawn = to_vertices(drawn, len(x))
        kept = np.greater_equal(drawn, self.rate, out=allocate.kept(x.shape, np.bool))
        scale = x.real.dtype.type(1.0 / (1.0 - self.rate))

        def thin(values: Array) -> Array:
            fresh = not allocate.overwriting
            thinned = allocate.kept(values.shape, values.dtype) if fresh else values
            np.multiply(values, kept, out=thinned)
            thinned *= scale
            return thinned

        return thin(x), lambda dy, grads: thin(dy)
