"""Shannon dropout (Sec. IV.1)."""

from cdbench.errors import ConfigurationError
from cdbench.layers.base import Context, Layer, Params, Pullback
from cdbench.products.base import Array


class Dropout(Layer):
    """Drop each entry with probability ``rate`` while training (Eq. 7); it keeps the width n.

    Kept entries are divided by ``1 - rate``. The paper does not say where in the network it acts;
    here it acts on the hidden activations, after each ReLU.
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
        # Drawn in float64 for every dtype, so that the mask does not depend on it.
        kept = (context.rng.random(x.shape) >= self.rate).astype(x.dtype)
        kept /= 1.0 - self.rate
        return x * kept, lambda dy, grads: dy * kept
