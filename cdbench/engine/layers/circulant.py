"""The circulant matrix with random signs (Cheng et al. 2015)."""

from functools import partial

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import DTypeLike

from cdbench.engine.layers.base import BoundLayer, BoundMatrix, Context, Params
from cdbench.engine.layers.nearest.circulants import nearest_circulants
from cdbench.engine.layers.nearest.targets import Target
from cdbench.engine.layers.weight_layer import WeightLayer
from cdbench.engine.products.base import Allocate, Array

SEED = 2015
"""Of the signs, which belong to the layer and not to a run."""

SHORTEST_FFT = 192
"""From this n on, a fast Fourier transform takes less time than a product with W."""
LARGEST_PRIME_FACTOR = 13
"""Of an n whose Fourier transforms are fast."""

# Slots of scratch arrays.
FULL, SPECTRUM = range(2)


class SignedCirculant(WeightLayer):
    """Linear map by one circulant matrix after fixed random signs (Cheng et al. 2015).

    ``W[k, l] = c[(k − l) mod n] signs[l]`` with n = max(n_in, n_out): inputs are padded with zeros,
    surplus outputs are cut.

    Parameters, as views of the network's flat vector: ``c`` (n,) and ``bias`` (n_out,). Activations
    are rows (N, n).

    Initially c is drawn from N(0, 2 / n_in), which gives every entry of W the variance of a dense
    layer's.

    Departures from the paper: it leaves out the bias, draws other signs for every layer, and pads
    only inputs. Here the signs are the same in all layers of a width: the first bits of PCG64,
    which NumPy promises never to change.

    Parameters
    ----------
    n_in, n_out : int
        Widths.

    Attributes
    ----------
    signs : (n_in,) float
        1 or −1 for each input.
    """

    family = "circulant"

    def __init__(self, n_in: int, n_out: int) -> None:
        self.n = max(n_in, n_out)
        super().__init__(n_in, n_out, {"c": (self.n,)})
        bits = np.random.PCG64(SEED).random_raw(n_in) >> np.uint64(63)
        self.signs: Array = 1.0 - 2.0 * bits

    def matrix(self, params: Params) -> Array:
        """Return the acting part of W, (n_out, n_in)."""
        c = params["c"]
        lags = (np.arange(self.n_out)[:, None] - np.arange(self.n_in)) % self.n
        W: Array = c[lags] * self.signs.astype(c.dtype)
        return W

    def _nearest(self, target: Target) -> Params:
        """Return the means along the diagonals of W without its signs, or least squares."""
        signs, M = self.signs[: target.W.shape[1]], target.moment
        turned = Target(target.W * signs, None if M is None else np.outer(signs, signs) * M)
        return {"c": nearest_circulants(turned, 1, 1, self.n)[0, 0]}

    def multiply_adds(self) -> int:
        """Return those of the frequencies: one for each real one, four for each complex one."""
        n_real = 1 if self.n % 2 else 2
        return n_real + 2 * max(self.n - n_real, 0) if self.n > 1 else 1

    def weight_gain(self) -> dict[str, float]:
        """Return min(n_in, n_out) for c, each entry of which stands at so many places of W."""
        return {"c": float(min(self.n_in, self.n_out))}

    def bind(self, params: Params, x: Array, context: Context) -> BoundLayer:
        """Return the layer that computes ``x @ W.T + bias``."""
        self.check_input(x)
        # A complex step needs what is linear over the complex numbers, which rfft is not.
        fft = x.dtype.kind == "f" and self.n >= SHORTEST_FFT and _is_smooth(self.n)
        return self._bind_fft(params, x, context) if fft else super().bind(params, x, context)

    def bind_matrix(self, params: Params, dtype: DTypeLike, allocate: Allocate) -> BoundMatrix:
        """Return W and its gradient; both are stored transposed."""
        c, n, signs = params["c"], self.n, self.signs.astype(dtype)
        W_T, twice = allocate.kept((self.n_in, self.n_out), dtype), np.empty((2, n), dtype)
        circulant = _lags(twice, W_T.shape, 0)
        # dL/dW times the signs is written so that what belongs to an entry of c is one column. The
        # rest of the array, which no product writes, stays zero.
        by_lag, sums = np.zeros((self.n_in, 2 * n), dtype), np.empty((2, n), dtype)
        dW_T, all_sums = _lags(by_lag, W_T.shape, 2 * n), sums.reshape(-1)
        sign_column = signs[:, None]

        def form() -> None:
            np.copyto(twice, c)
            np.multiply(circulant, sign_column, out=W_T)

        def pull(grads: Params) -> None:
            np.dot(signs, by_lag, out=all_sums)
            np.add(sums[0], sums[1], out=grads["c"])

        return BoundMatrix(W_T.T, form, dW_T.T, pull)

    def _bind_fft(self, params: Params, x: Array, context: Context) -> BoundLayer:
        """Return the bound layer that multiplies spectra."""
        c, bias, n, n_in, n_out = params["c"], params["bias"], self.n, self.n_in, self.n_out
        N, allocate, dtype = len(x), context.allocate, x.dtype
        of_rfft = np.result_type(dtype, np.complex64)
        signs, ones = self.signs.astype(dtype), np.ones(N, dtype)
        y, dx = allocate.kept((N, n_out), dtype), allocate.kept(x.shape, dtype)
        x_hat = allocate.kept((N, n // 2 + 1), of_rfft)
        spectrum = allocate.scratch(SPECTRUM, x_hat.shape, of_rfft)
        full = allocate.scratch(FULL, (N, n), dtype)
        c_hat, dc_hat = np.empty((2, n // 2 + 1), of_rfft)
        # With another norm than ortho NumPy 2.4 transforms float32 by way of copies in float64.
        rfft = partial(np.fft.rfft, norm="ortho")
        irfft, root = partial(np.fft.irfft, n=n, norm="ortho"), dtype.type(np.sqrt(n))
        x_hat_T, spectrum_T = x_hat.T, spectrum.T
        inputs, outputs = full[:, :n_in], full[:, :n_out]

        def run() -> None:
            np.multiply(x, signs, out=inputs)
            full[:, n_in:] = 0
            rfft(full, out=x_hat)
            rfft(c, out=c_hat)
            np.multiply(c_hat, root, out=c_hat)
            np.multiply(x_hat, c_hat, out=spectrum)
            irfft(spectrum, out=full)
            np.add(outputs, bias, out=y)

        def pullback(dy: Array, grads: Params, wanted: bool = True) -> Array | None:
            if n_out < n:
                np.copyto(outputs, dy)
                full[:, n_out:] = 0
            rfft(full if n_out < n else dy, out=spectrum)
            np.vecdot(x_hat_T, spectrum_T, out=dc_hat)  # conjugates the first
            np.multiply(dc_hat, root, out=dc_hat)
            irfft(dc_hat, out=grads["c"])
            np.dot(ones, dy, out=grads["bias"])
            if not wanted:
                return None
            np.conjugate(c_hat, out=dc_hat)
            np.multiply(spectrum, dc_hat, out=spectrum)
            irfft(spectrum, out=full)
            np.multiply(inputs, signs, out=dx)
            return dx

        return BoundLayer(y, run, pullback)


def _lags(array: Array, shape: tuple[int, int], row: int) -> Array:
    """Return the view whose entry [l, k] is entry n + k − l + l · row of ``array`` (…, 2 n), flat.

    With ``row`` = 0 it reads a circulant matrix off two copies of its first column; with 2 n it
    has a row of the array for each l, and a column for each lag.
    """
    size, n = array.itemsize, array.shape[-1] // (2 if row else 1)
    view: Array = as_strided(array.reshape(-1)[n:], shape, ((row - 1) * size, size))
    return view


def _is_smooth(n: int) -> bool:
    """Return whether n has small prime factors only; a transform of another length is slow."""
    for prime in range(2, LARGEST_PRIME_FACTOR + 1):
        while n % prime == 0:
            n //= prime
    return n == 1
