"""LDR-SD: a matrix of low displacement rank whose subdiagonal operators are learned."""

from collections.abc import Callable
from typing import ClassVar

import numpy as np
from numpy.typing import DTypeLike

from cdbench.config.structure import StructureParameter
from cdbench.engine.layers.base import BoundMatrix, Params
from cdbench.engine.layers.weight_layer import GAIN, WeightLayer
from cdbench.engine.products.base import FRESH, Allocate, Array

Call = Callable[[], object]

# Slots of scratch arrays.
STEP, D_WEIGHT, D_COEFFICIENTS = range(3)


class LDRSD(WeightLayer):
    """Linear map of low displacement rank under learned operators (Thomas et al. 2018).

    W = Σ_i K(A, g_i) K(C, h_i)ᵀ with the Krylov matrices K(A, v) = [v, A v, A² v, …]. A and C are
    zero but for their subdiagonals a and c. The displacement W − A W Cᵀ is Σ_i g_i h_iᵀ, of rank r,
    which is to say W[j, l] = Σ_i g_i[j] h_i[l] + a[j − 1] c[l − 1] W[j − 1, l − 1]: W is formed
    column by column in O(r n_in n_out) and multiplied. Its gradient obeys the same recurrence
    backwards, and the Krylov matrices themselves are never needed.

    Parameters, as views of the network's flat vector: ``g`` (r, n_out), ``h`` (r, n_in), ``a``
    (n_out − 1,), ``c`` (n_in − 1,) and ``bias`` (n_out,). Activations are rows.

    Initial values are a = c = 1, which gives a sum of products of Toeplitz matrices, and
    g, h ~ N(0, σ²). W[j, l] sums r (min(j, l) + 1) products, on average r q, where q is the sum of
    (n_out − t) (n_in − t) / (n_out n_in) over t < min(n_in, n_out): about n / 3 for square layers.
    σ⁴ = 2 / (r q n_in) makes n_in Var W = 2 on average over the entries.

    Departures from the paper: W may be rectangular, which is what remains of the square one if
    inputs are padded with zeros and surplus outputs dropped, since no other entries of the
    parameters reach it; and the variance is the gain's.

    Parameters
    ----------
    n_in, n_out : int
        Widths.
    rank : int
        Displacement rank r, or the number of terms where it is more than the widths.
    """

    family = "ldr-sd"
    relative_cost = 3.4
    structure: ClassVar[tuple[StructureParameter, ...]] = (
        StructureParameter("rank", "Displacement rank.", 7),
    )

    def __init__(self, n_in: int, n_out: int, rank: int = 7) -> None:
        m, n, r = n_out, n_in, rank
        super().__init__(n_in, n_out, {"g": (r, m), "h": (r, n), "a": (m - 1,), "c": (n - 1,)})
        self.rank = rank

    def initialize(self, params: Params, rng: np.random.Generator) -> None:
        """Draw g and h from N(0, σ²), σ⁴ = 2 / (r q n_in); set a and c to one, the bias to zero."""
        for name in ("g", "h"):
            params[name][...] = rng.normal(0.0, self._sigma, self.weight_shapes[name])
        for name, value in (("a", 1.0), ("c", 1.0), ("bias", 0.0)):
            params[name][...] = value

    def matrix(self, params: Params) -> Array:
        """Return W, (n_out, n_in)."""
        bound = self.bind_matrix(params, params["g"].dtype, FRESH)
        bound.form()
        return bound.W

    def n_null_directions(self) -> int:
        """Return r² + 1, if that leaves no more directions than W has entries.

        The displacement gᵀ h has r² reparametrisations, and the operators one: s a and c / s.
        """
        m, n, r = self.n_out, self.n_in, self.rank
        n_weights = r * (m + n) + m + n - 2
        n_moving = n_weights - r**2 - 1 if r < min(m, n) else m * n
        return n_weights - min(n_moving, m * n)

    def weight_gain(self) -> dict[str, float]:
        """Return those at a = c = 1: σ² q n for g and h, n being the width of the other one.

        Entry p of a scales W[j, l] in the terms t with j − t ≤ p < j, each of which is a sum of r
        products; in all Σ_t t (n_out − t) (n_in − t) times for all entries of a, and of c. Between
        widths of which one is 1, neither moves W.
        """
        m, n = self.n_out, self.n_in
        gain = {
            "g": self._sigma**2 * self._mean_terms * n,
            "h": self._sigma**2 * self._mean_terms * m,
        }
        of_terms = self.rank * self._sigma**4 * float(np.sum(np.arange(min(m, n)) * self._terms))
        if of_terms:
            gain |= {"a": of_terms / (m - 1), "c": of_terms / (n - 1)}
        return gain

    def bytes_needed(self, N: int, itemsize: int) -> int:
        """Return those of W, its gradient and what the recurrence keeps."""
        return 4 * self.n_in * self.n_out * itemsize

    @property
    def _terms(self) -> Array:
        """How many entries of W have a term A^t g hᵀ (Cᵀ)^t, for each t."""
        t = np.arange(min(self.n_in, self.n_out))
        return (self.n_out - t) * (self.n_in - t)

    @property
    def _mean_terms(self) -> float:
        """The mean number of these terms of an entry, q."""
        return float(np.sum(self._terms)) / (self.n_in * self.n_out)

    @property
    def _sigma(self) -> float:
        return float((GAIN / (self.rank * self._mean_terms * self.n_in)) ** 0.25)

    def bind_matrix(self, params: Params, dtype: DTypeLike, allocate: Allocate) -> BoundMatrix:
        """Return W and its gradient; both are stored transposed."""
        g, h, a, c = (params[name] for name in ("g", "h", "a", "c"))
        W_T = allocate.kept((self.n_in, self.n_out), dtype)
        products = allocate.kept((c.size, a.size), dtype)
        dW_T = allocate.scratch(D_WEIGHT, W_T.shape, dtype)
        d_products = allocate.scratch(D_COEFFICIENTS, products.shape, dtype)
        step = allocate.scratch(STEP, (max(a.size, c.size),), dtype)
        forwards = _recurrence(W_T[:-1, :-1], products, W_T[1:, 1:], step)
        reverse = (slice(None, None, -1),) * 2
        last, factors, first = dW_T[1:, 1:][reverse], products[reverse], dW_T[:-1, :-1][reverse]
        backwards = _recurrence(last, factors, first, step)
        h_T, dW, earlier, moved = h.T, dW_T.T, W_T[:-1, :-1], dW_T[1:, 1:]

        def form() -> None:
            np.matmul(h_T, g, out=W_T)
            np.multiply.outer(c, a, out=products)
            forwards()

        def pull(grads: Params) -> None:
            backwards()
            np.matmul(h, dW_T, out=grads["g"])
            np.matmul(g, dW, out=grads["h"])
            np.multiply(earlier, moved, out=d_products)
            np.matmul(c, d_products, out=grads["a"])
            np.matmul(d_products, a, out=grads["c"])

        return BoundMatrix(W_T.T, form, dW, pull)


def _recurrence(sources: Array, factors: Array, targets: Array, step: Array) -> Call:
    """Return a call that adds, row by row, ``sources`` times ``factors`` to ``targets``.

    Each row has its source in the last target, and finds it in the cache. Steps of doubling length
    instead, log₂ n of them on the whole matrix, take longer already for n = 64.
    """
    n_rows, n_columns = factors.shape
    arrays = (sources, factors, targets)
    if n_columns < n_rows:  # column by column, then, which are fewer
        arrays, n_columns = (sources.T, factors.T, targets.T), n_rows
    rows, step = list(zip(*arrays, strict=True)), step[:n_columns]

    def add_up() -> None:
        multiply, add = np.multiply, np.add
        for source, factor, target in rows:
            multiply(source, factor, step)
            add(target, step, target)

    return add_up
