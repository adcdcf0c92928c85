"""LayerNorm and BatchNorm, which Sec. VII suggests before each linear layer."""

from abc import abstractmethod
from collections.abc import Iterable

import numpy as np

from cdbench.engine.layers.base import BoundLayer, Context, Layer, Moments, Params
from cdbench.engine.products.base import Array
from cdbench.errors import ConfigurationError

EPSILON = 1e-5
"""Added to the variance. The papers of both layers name no value; this is PyTorch's default."""


def moments(x: Array, axis: int) -> Moments:
    """Return mean and variance along an axis, which keeps length 1.

    The variance divides by the number of entries. It is analytic in ``x``, as complex steps need;
    ``np.var`` takes absolute values of complex numbers.
    """
    mean = x.mean(axis=axis, keepdims=True)
    deviation = x - mean
    return mean, (deviation * deviation).mean(axis=axis, keepdims=True)


def moments_of_chunks(chunks: Iterable[Array]) -> Moments:
    """Return mean and variance along axis 0 of samples that come some at a time, (n, width).

    The chunks' own are merged by the formula of Chan, Golub and LeVeque (1983), in which nothing
    cancels.
    """
    total, mean, variance = 0, np.zeros(()), np.zeros(())
    for x in chunks:
        its_mean, its_variance = moments(x, 0)
        total += len(x)
        share = len(x) / total
        apart = its_mean - mean
        mean = mean + share * apart
        variance = (1 - share) * (variance + share * (apart * apart)) + share * its_variance
    return mean, variance


class Normalization(Layer):
    """``y = gain * x_hat + shift`` with ``x_hat = (x - mean) / sqrt(variance + EPSILON)``.

    Parameters, as views of the network's flat vector: ``gain`` (n,) and ``shift`` (n,). It keeps
    the width n.
    """

    axis: int
    """Axis of x (N, n) along which mean and variance are taken."""

    def __init__(self, n: int) -> None:
        super().__init__(n, n)

    def parameter_shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shapes of ``gain`` and ``shift``."""
        return {"gain": (self.n_in,), "shift": (self.n_in,)}

    def initialize(self, params: Params, rng: np.random.Generator) -> None:
        """Set the gain to one and the shift to zero; nothing is drawn."""
        params["gain"][...] = 1.0
        params["shift"][...] = 0.0

    @abstractmethod
    def fixed_moments(self, context: Context) -> Moments | None:
        """Return mean and variance that do not depend on ``x``, or None to use those of ``x``."""

    def bind(self, params: Params, x: Array, context: Context) -> BoundLayer:
        """Return the layer that normalises ``x`` (N, n).

        Where mean and variance are those of ``x``, the pullback goes through them too.
        """
        self.check_input(x)
        allocate, fixed = context.allocate, self.fixed_moments(context)
        gain, shift = params["gain"], params["shift"]
        x_hat, y = allocate.kept(x.shape, x.dtype), allocate.kept(x.shape, x.dtype)
        dx, product = allocate.kept(x.shape, x.dtype), allocate.scratch(0, x.shape, x.dtype)
        scale = allocate.kept((1, self.n_in) if self.axis == 0 else (len(x), 1), x.dtype)

        def run() -> None:
            mean, variance = moments(x, self.axis) if fixed is None else fixed
            np.divide(1.0, np.sqrt(variance + EPSILON), out=scale)
            np.subtract(x, mean, out=x_hat)
            np.multiply(x_hat, scale, out=x_hat)
            np.multiply(x_hat, gain, out=y)
            np.add(y, shift, out=y)

        def pullback(dy: Array, grads: Params, wanted: bool = True) -> Array | None:
            np.add.reduce(dy, axis=0, out=grads["shift"])
            np.add.reduce(np.multiply(dy, x_hat, out=product), axis=0, out=grads["gain"])
            if not wanted:
                return None
            np.multiply(dy, gain, out=dx)
            if fixed is None:
                np.multiply(dx, x_hat, out=product)
                along = product.mean(axis=self.axis, keepdims=True)
                np.subtract(dx, dx.mean(axis=self.axis, keepdims=True), out=dx)
                np.subtract(dx, np.multiply(x_hat, along, out=product), out=dx)
            return np.multiply(dx, scale, out=dx)

        return BoundLayer(y, run, pullback)


class LayerNorm(Normalization):
    """Normalise each sample over its n entries (Ba et al. 2016), in training and evaluation."""

    axis = 1

    def fixed_moments(self, context: Context) -> Moments | None:
        """Return None: each sample has its own statistics."""
        return None


class BatchNorm(Normalization):
    """Normalise each entry over the mini-batch in training (Ioffe and Szegedy 2015, Alg. 1).

    In evaluation, the context gives the mean and variance of the whole training split. That paper
    estimates them by averages over mini-batches (Alg. 2); here they are exact, so an evaluation
    depends only on parameters and training split. Evaluation treats them as constants: gradients
    do not go through them.
    """

    axis = 0

    def fixed_moments(self, context: Context) -> Moments | None:
        """Return None in training, and the moments in the context in evaluation.

        Raises
        ------
        ConfigurationError
            If the context is for evaluation and has no moments for this layer.
        """
        if context.training:
            return None
        found = (context.statistics or {}).get(self)
        if found is None:
            raise ConfigurationError(
                "BatchNorm in evaluation got a context without its statistics, expected that of "
                "Network.evaluation"
            )
        return found
