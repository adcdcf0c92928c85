"""The Toeplitz-like layer: a sum of products of circulant and skew-circulant matrices."""

from collections.abc import Callable
from functools import partial
from typing import ClassVar

import numpy as np
from numpy.typing import DTypeLike

from cdbench.config.structure import StructureParameter
from cdbench.engine.layers.base import BoundMatrix, Params
from cdbench.engine.layers.nearest.alternating import alternated
from cdbench.engine.layers.nearest.targets import Target, truncated_svd
from cdbench.engine.layers.weight_layer import GAIN, WeightLayer
from cdbench.engine.products.base import FRESH, Allocate, Array
from cdbench.engine.products.workspace import aligned

Call = Callable[[], object]
GradientCall = Callable[[Params], object]

# Slots of scratch arrays.
DISPLACEMENT, PERIOD, FOLDED, DIAGONALS, D_REVERSED = range(5)

ONE_PRODUCT = 80
"""Up to this many rows their sums are one matrix product."""


class ToeplitzLike(WeightLayer):
    """Linear map of low displacement rank under cyclic shifts (Sindhwani, Sainath and Kumar 2015).

    W = Σ_i Z_1(g_i) Z_-1(h_i), where Z_1(g) is the circulant matrix with first column g and Z_-1(h)
    the skew-circulant one with first column h, which changes its sign where it wraps around. For
    shift matrices Z_1 = Z_1(e_1) and Z_-1 = Z_-1(e_1), the displacement Z_1 W − W Z_-1 is
    2 Σ_i g_i (reversed h_i)ᵀ, of rank r. Along a diagonal of W, it is the difference of neighbours:
    W is formed by a product of rank r and sums along diagonals, in O(r n²) without a Fourier
    transform, and multiplied. That is faster than 2 r + 2 transforms of every sample, and analytic.

    Parameters, as views of the network's flat vector: ``g`` and ``h`` (r, n), n = max(n_in, n_out),
    and ``bias`` (n_out,). Activations are rows.

    Initial values are g, h ~ N(0, σ²) with σ⁴ = 2 / (r n n_in), so that n_in Var W = 2.

    Departures from the paper: W is cut to (n_out, n_in), as if inputs were padded with zeros and
    surplus outputs dropped, instead of cut into square blocks; and the variance is the gain's.

    Parameters
    ----------
    n_in, n_out : int
        Widths.
    rank : int
        Displacement rank r, or the number of terms where it is more than n.
    """

    family = "toeplitz-like"
    relative_cost = 2.3
    structure: ClassVar[tuple[StructureParameter, ...]] = (
        StructureParameter("rank", "Displacement rank.", 8),
    )

    def __init__(self, n_in: int, n_out: int, rank: int = 8) -> None:
        self.rank, self.n = rank, max(n_in, n_out)
        super().__init__(n_in, n_out, {"g": (rank, self.n), "h": (rank, self.n)})

    def initialize(self, params: Params, rng: np.random.Generator) -> None:
        """Draw g and h from N(0, σ²), σ⁴ = 2 / (r n n_in); set the bias to zero."""
        for name in ("g", "h"):
            params[name][...] = rng.normal(0.0, self._sigma, (self.rank, self.n))
        params["bias"][...] = 0.0

    def matrix(self, params: Params) -> Array:
        """Return W as it acts, (n_out, n_in)."""
        bound = self.bind_matrix(params, params["g"].dtype, FRESH)
        bound.form()
        return bound.W

    def _nearest(self, target: Target) -> Params:
        """Alternating least squares, from the displacement of least error.

        Of W with zeros below and to its right. A square W of the family is thereby found exactly.
        """
        W = target.padded(self.n, self.n)
        by_signs = np.roll(W, -1, axis=1)  # W Z_-1, whose last column is the first, negated
        by_signs[:, -1] *= -1
        g, h_reversed = truncated_svd((np.roll(W, 1, axis=0) - by_signs) / 2, self.rank)
        found = {"g": g.T, "h": h_reversed[:, ::-1]}
        return alternated(self, found, ("g", "h"), target)

    def multiply_adds(self) -> int:
        """Return r (4 n − 2), those of the frequencies in r pairs of FFT products, or n_in · n_out.

        The latter are those of the formed W, where they are fewer.
        """
        return min(self.rank * (4 * self.n - 2), self.n_in * self.n_out)

    def n_null_directions(self) -> int:
        """Return r² for square layers: the displacement g hᵀ has r² reparametrisations.

        With s the smaller width, the W that acts is given by s − 1 rows or columns of its
        displacement, of rank min(r, s − 1), and one row or column of W itself.
        """
        n, r, s = self.n, self.rank, min(self.n_in, self.n_out)
        inner = min(r, s - 1)
        of_displacement = inner * (s - 1 + n - inner)
        return 2 * n * r - of_displacement - min(n, r * (n - s + 1))

    def weight_gain(self) -> dict[str, float]:
        """Return σ² n_in n_out: a step of g_i moves rows of Z_-1(h_i), and vice versa."""
        gain = float(self._sigma**2 * self.n_in * self.n_out)
        return {"g": gain, "h": gain}

    def bytes_needed(self, N: int, itemsize: int) -> int:
        """Return those of W, of its displacement and of what sums along their diagonals."""
        return 10 * self.n**2 * itemsize

    @property
    def _sigma(self) -> float:
        return float((GAIN / (self.rank * self.n * self.n_in)) ** 0.25)

    def bind_matrix(self, params: Params, dtype: DTypeLike, allocate: Allocate) -> BoundMatrix:
        """Return W and its gradient; both are stored transposed.

        Diagonal d = k − l mod n has W[(d + l) mod n, l] at l. There the displacement's entry in row
        (d + l + 1) mod n of the same column is what W loses from l to l + 1, and as a diagonal
        ends with its beginning negated, half their sum is what it begins with (_signed_sums).
        Nothing is gathered: with two periods side by side, diagonals are rows that begin one entry
        more or less than 2 n after each other, which BLAS accepts.
        """
        n, g = self.n, params["g"]
        g_periods = allocate.kept((self.rank, 2 * n), dtype)
        h_doubled = allocate.kept((self.rank, n), dtype)
        displacement = allocate.scratch(DISPLACEMENT, (n * (2 * n + 1) + 1,), dtype)
        by_diagonals = displacement[1:].reshape(n, 2 * n + 1)[:, :n]
        by_columns = displacement[: 2 * n * n].reshape(n, 2 * n)
        period = allocate.scratch(PERIOD, (n, n), dtype)
        diagonals = allocate.kept((n, 2 * n), dtype)
        add_up = _signed_sums(by_diagonals, period, adjoint=False)
        W_T = _sheared(diagonals, n)[: self.n_in, : self.n_out]
        twice_g, both_g = g[:, None, :], g_periods.reshape(self.rank, 2, n)
        twice, both = period[:, None, :], diagonals.reshape(n, 2, n)
        h_reversed, h_T = params["h"][:, ::-1], h_doubled.T

        def form() -> None:
            np.copyto(both_g, twice_g)
            np.multiply(h_reversed, 2.0, out=h_doubled)
            np.matmul(h_T, g_periods, out=by_columns)
            add_up()
            np.copyto(both, twice)

        dW_T, pull = self._bind_gradient(g, h_doubled, allocate)
        return BoundMatrix(W_T.T, form, dW_T.T, pull)

    def _bind_gradient(
        self, g: Array, h_doubled: Array, allocate: Allocate
    ) -> tuple[Array, GradientCall]:
        """Return where the gradient of W's transpose is written, and a call that takes it back."""
        n, dtype = self.n, h_doubled.dtype
        # No lent memory, because what lies outside of dW_T must stay zero.
        padded = aligned(2 * n * n, dtype).reshape(n, 2 * n)
        dW_T = _sheared(padded, n)[: self.n_in, : self.n_out]
        folded = allocate.scratch(FOLDED, (n, n), dtype)
        period = allocate.scratch(PERIOD, (n, n), dtype)
        diagonals = allocate.scratch(DIAGONALS, (n, 2 * n), dtype)
        dh_doubled = allocate.scratch(D_REVERSED, h_doubled.shape, dtype)
        add_up = _signed_sums(folded, period, adjoint=True)
        twice, both = period[:, None, :], diagonals.reshape(n, 2, n)
        by_columns = _sheared(diagonals, n - 1)
        halves, by_rows, dh_reversed = padded.reshape(n, 2, n), by_columns.T, dh_doubled[:, ::-1]

        def to_params(grads: Params) -> None:
            np.add.reduce(halves, axis=1, out=folded)  # buffers nothing, unlike a sum of slices
            add_up()
            np.copyto(both, twice)
            np.matmul(h_doubled, by_columns, out=grads["g"])
            np.matmul(g, by_rows, out=dh_doubled)
            np.multiply(dh_reversed, 2.0, out=grads["h"])

        return dW_T, to_params


def _signed_sums(rows: Array, out: Array, *, adjoint: bool) -> Call:
    """Return a call that writes half of the sum of ``rows`` from each on, less those before it.

    Or less those after it, up to each one: the adjoint. For few rows it is a product with a matrix
    of signs; for many a recurrence, each step of which finds its rows in the cache.
    """
    n = len(rows)
    if n <= ONE_PRODUCT:
        ones = np.ones((n, n))
        signs = np.triu(ones) - ones / 2
        matrix = np.ascontiguousarray(signs.T if adjoint else signs).astype(out.dtype)
        return partial(np.matmul, matrix, rows, out=out)
    order = slice(None, None, -1 if adjoint else 1)
    first, steps = out[order][0], list(zip(out[order], rows[order], out[order][1:], strict=False))

    def add_up() -> None:
        np.add.reduce(rows, axis=0, out=first)
        np.multiply(first, 0.5, out=first)
        subtract = np.subtract
        for now, row, after in steps:
            subtract(now, row, after)

    return add_up


def _sheared(diagonals: Array, start: int) -> Array:
    """Return [l, k] -> diagonals[l, start + k − l], of an (n, 2 n) array, as an (n, n) view."""
    n = len(diagonals)
    stop = start + n * (2 * n - 1)
    return diagonals.reshape(-1)[start:stop].reshape(n, 2 * n - 1)[:, :n]
