"""Shannon dropout (Sec. IV.1)."""

import numpy as np

from cdbench.engine.layers.base import BoundLayer, Context, Layer, Params
from cdbench.engine.products.base import Array
from cdbench.engine.products.layout import to_vertices
from cdbench.errors import ConfigurationError


class Dropout(Layer):
    """Drop each entry with probability ``rate`` while training (Eq. 7), in either layout.

    It keeps the width n. Kept entries are divided by ``1 - rate``. The paper does not say where
    dropout acts; here it acts on the hidden activations, after each ReLU.
    """

    def __init__(self, n: int, rate: float) -> None:
        super().__init__(n, n)
        self.rate = rate

    def bind(self, params: Params, x: Array, context: Context) -> BoundLayer:
        """Return the layer that thins ``x``, or passes it on unchanged in evaluation.

        Raises
        ------
        ConfigurationError
            If ``context`` is for training and has no random stream.
        """
        if not context.training:
            return BoundLayer(x, lambda: None, lambda dy, grads: dy)
        if context.rng is None:
            raise ConfigurationError("dropout in training needs a random stream in its context")
        allocate, rng = context.allocate, context.rng
        n_samples = len(x) if x.ndim == 2 else x.shape[-1]
        # Always drawn in float64 and by rows, so that the mask does not depend on dtype or layout.
        drawn = allocate.scratch(1, (n_samples, self.n_in), np.float64)
        in_layout = drawn if x.ndim == 2 else to_vertices(drawn, len(x))
        kept = allocate.kept(x.shape, np.bool)
        # Overwriting ReLU's output is harmless: dropped entries pass no gradient back.
        y = x if allocate.overwriting else allocate.kept(x.shape, x.dtype)
        scale = x.real.dtype.type(1.0 / (1.0 - self.rate))

        def thin(values: Array, out: Array) -> Array:
            np.multiply(values, kept, out=out)
            out *= scale
            return out

        def run() -> None:
            rng.random(out=drawn)
            np.greater_equal(in_layout, self.rate, out=kept)
            thin(x, y)

        def pullback(dy: Array, grads: Params) -> Array:
            return thin(dy, dy if allocate.overwriting else np.empty_like(dy))

        return BoundLayer(y, run, pullback)
