"""The Kronecker-sum layer, a sum of Kronecker products of small matrices."""

from math import isqrt

import numpy as np
from numpy.typing import DTypeLike

from cdbench.config.structure import Structure, StructureParameter
from cdbench.engine.layers.base import BoundLayer, BoundMatrix, Context, Params
from cdbench.engine.layers.nearest.alternating import alternated
from cdbench.engine.layers.nearest.targets import Target, truncated_svd
from cdbench.engine.layers.weight_layer import GAIN, WeightLayer
from cdbench.engine.products.base import Allocate, Array

DEFAULT_TERMS = 8

WIDTH_MULTIPLE = 4
"""Of which a network makes its widths multiples: they are then no primes, whose factors 1 and n
would make one of the small matrices as large as W."""

FEWEST_ENTRIES = 2**14
"""Of W, to compute with its small matrices: below that their products are mostly overhead."""

# Slots of scratch arrays.
REARRANGED, MATRIX_GRADIENT, T_GRADIENT, A_GRADIENTS, A_GRADIENT = range(5)


class KroneckerSum(WeightLayer):
    """Linear map W = Σ_t A_t ⊗ B_t of s terms (Zhou and Wu 2015; Zhang et al. 2021).

    Widths are factored as n_in = m_i p_i and n_out = m_o p_o, with m the largest divisor up to √n:
    64 = 8 · 8, 12 = 3 · 4, 10 = 2 · 5. Entry j p_i + l of a sample is at [j, l] of its matrix X,
    and Y = Σ_t A_t X B_tᵀ.

    Parameters, as views of the network's flat vector: ``A`` (s, m_o, m_i), ``B`` (s, p_o, p_i) and
    ``bias`` (n_out,). Activations are rows (N, n).

    A is drawn from N(0, 2 / (s m_i)) and B from N(0, 1 / p_i), so that n_in · Var W = 2 as in a
    dense layer.

    Departures: in Zhang et al. A_t is (s, s). Here m and p are as near to each other as possible,
    so that a term has few weights, and s is free. The initialisation is our own.

    Parameters
    ----------
    n_in, n_out : int
        Any widths. A prime n is 1 · n, which saves little; networks therefore have multiples of 4.
    terms : int
        s. Of more than min(m_o m_i, p_o p_i) only that many are used: W is then any matrix, and a
        larger s would add weights but no further W.

    Attributes
    ----------
    m_i, p_i, m_o, p_o : int
        The factors of the widths.
    s : int
        The number of terms that is used.
    direct : bool
        Whether Y is computed by its formula. If not, W is formed, as is faster where the formula
        takes more than half of the dense layer's multiply-adds, or W is small.
    """

    family = "kronecker"
    relative_cost = 1.4
    structure = (
        StructureParameter("terms", "Number of Kronecker products in the sum.", DEFAULT_TERMS),
    )

    def __init__(self, n_in: int, n_out: int, terms: int = DEFAULT_TERMS) -> None:
        super().__init__(n_in, n_out)
        (self.m_i, self.p_i), (self.m_o, self.p_o) = nearest_factors(n_in), nearest_factors(n_out)
        self.s = min(terms, self.m_o * self.m_i, self.p_o * self.p_i)
        self.weight_shapes = {
            "A": (self.s, self.m_o, self.m_i),
            "B": (self.s, self.p_o, self.p_i),
        }
        few = 2 * self.multiply_adds() <= n_in * n_out
        self.direct = few and n_in * n_out >= FEWEST_ENTRIES

    @classmethod
    def width_multiple(cls, structure: Structure) -> int:
        """Return 4: the factors of such a width are at least 2."""
        del structure
        return WIDTH_MULTIPLE

    def initialize(self, params: Params, rng: np.random.Generator) -> None:
        """Draw A from N(0, 2 / (s m_i)), then B from N(0, 1 / p_i); set the bias to zero."""
        shapes = self.weight_shapes
        params["A"][...] = rng.normal(0.0, np.sqrt(GAIN / (self.s * self.m_i)), shapes["A"])
        params["B"][...] = rng.normal(0.0, np.sqrt(1.0 / self.p_i), shapes["B"])
        params["bias"][...] = 0.0

    def matrix(self, params: Params) -> Array:
        """Return Σ_t A_t ⊗ B_t, (n_out, n_in)."""
        A, B = params["A"].reshape(self.s, -1), params["B"].reshape(self.s, -1)
        blocks = (A.T @ B).reshape(self.m_o, self.m_i, self.p_o, self.p_i)
        return blocks.transpose(0, 2, 1, 3).reshape(self.n_out, self.n_in)

    def _nearest(self, target: Target) -> Params:
        """Return the truncated singular values of W's rearrangement (Van Loan and Pitsianis 1993).

        With a moment, or a part of W that does not act, alternating least squares go on from there.
        """
        shape = (self.m_o, self.p_o, self.m_i, self.p_i)
        blocks = target.padded(self.n_out, self.n_in).reshape(shape)
        R = blocks.transpose(0, 2, 1, 3).reshape(self.m_o * self.m_i, self.p_o * self.p_i)
        A, B = truncated_svd(R, self.s)
        shapes = self.weight_shapes
        found = {"A": A.T.reshape(shapes["A"]), "B": B.reshape(shapes["B"])}
        is_whole = target.moment is None and target.W.shape == (self.n_out, self.n_in)
        return found if is_whole else alternated(self, found, ("A", "B"), target)

    def multiply_adds(self) -> int:
        """Return those of X B_tᵀ, s m_i p_i p_o, and of A_t times that, s m_o m_i p_o."""
        return self.s * self.m_i * self.p_o * (self.p_i + self.m_o)

    def expected_rank(self) -> int:
        """Return the full rank, unless s terms of the rank of one product do not reach it."""
        rank_of_one = min(self.m_o, self.m_i) * min(self.p_o, self.p_i)
        return min(self.n_in, self.n_out, self.s * rank_of_one)

    def n_null_directions(self) -> int:
        """Return s²: the terms of A and, inversely, those of B can be mixed by any matrix."""
        return self.s**2

    def weight_gain(self) -> dict[str, float]:
        """Return p_o for A and 2 m_o / s for B, the squared norms of a B_t and of an A_t."""
        return {"A": float(self.p_o), "B": GAIN * self.m_o / self.s}

    def bind(self, params: Params, x: Array, context: Context) -> BoundLayer:
        """Return the layer that computes ``x @ W.T + bias``, by its formula or by forming W."""
        self.check_input(x)
        bind = self._bind_direct if self.direct else super().bind
        return bind(params, x, context)

    def bind_matrix(self, params: Params, dtype: DTypeLike, allocate: Allocate) -> BoundMatrix:
        """Return W and its gradient.

        With rows (i, j) and columns (o, l), the entries W[(i, o), (j, l)] are a matrix R of rank s:
        that of A, one term a row, transposed, times that of B.
        """
        A, B = (params[name].reshape(self.s, -1) for name in ("A", "B"))
        W = allocate.kept((self.n_out, self.n_in), dtype)
        R = allocate.scratch(REARRANGED, (self.m_o * self.m_i, self.p_o * self.p_i), dtype)
        dW = allocate.scratch(MATRIX_GRADIENT, W.shape, dtype)
        in_R = R.reshape(self.m_o, self.m_i, self.p_o, self.p_i).transpose(0, 2, 1, 3)
        in_W, in_dW = W.reshape(in_R.shape), dW.reshape(in_R.shape)

        def form() -> None:
            np.matmul(A.T, B, out=R)
            np.copyto(in_W, in_R)

        def pull(grads: Params) -> None:
            np.copyto(in_R, in_dW)
            np.matmul(B, R.T, out=grads["A"].reshape(A.shape, copy=False))
            np.matmul(A, R, out=grads["B"].reshape(B.shape, copy=False))

        return BoundMatrix(W, form, dW, pull)

    def _bind_direct(self, params: Params, x: Array, context: Context) -> BoundLayer:
        """Return the layer that computes T_t = X B_tᵀ for all terms at once, then Σ_t A_t T_t."""
        allocate, N, s, m_i, p_o = context.allocate, len(x), self.s, self.m_i, self.p_o
        A, bias = params["A"].transpose(1, 2, 0), params["bias"]
        B = params["B"].reshape(s * p_o, self.p_i)
        # Of each sample, T is (m_i, s, p_o), which A times as (m_o, m_i, s) takes as a matrix.
        T, own_A = allocate.kept((N, m_i, s, p_o), x.dtype), allocate.kept(A.shape, x.dtype)
        y, dx = allocate.kept((N, self.n_out), x.dtype), allocate.kept(x.shape, x.dtype)
        dT = allocate.scratch(T_GRADIENT, T.shape, x.dtype)
        dA_of_each = allocate.scratch(A_GRADIENTS, (N, *A.shape), x.dtype)
        dA = allocate.scratch(A_GRADIENT, A.shape, x.dtype)
        rows_of_T, rows_of_dT = T.reshape(N * m_i, s * p_o), dT.reshape(N * m_i, s * p_o)
        T_of_each, dT_of_each = T.reshape(N, m_i * s, p_o), dT.reshape(N, m_i * s, p_o)
        flat_A, ones = own_A.reshape(self.m_o, m_i * s), np.ones(N, x.dtype)

        def run() -> None:
            np.copyto(own_A, A)
            np.matmul(x.reshape(N * m_i, -1), B.T, out=rows_of_T)
            np.matmul(flat_A, T_of_each, out=y.reshape(N, self.m_o, p_o))
            np.add(y, bias, out=y)

        def pullback(dy: Array, grads: Params, wanted: bool = True) -> Array | None:
            D = dy.reshape(N, self.m_o, p_o)
            np.matmul(D, T_of_each.swapaxes(1, 2), out=dA_of_each.reshape(N, *flat_A.shape))
            np.dot(ones, dA_of_each.reshape(N, -1), out=dA.reshape(-1))
            np.copyto(grads["A"], dA.transpose(2, 0, 1))
            np.matmul(flat_A.T, D, out=dT_of_each)
            dB = grads["B"].reshape(B.shape, copy=False)
            np.matmul(rows_of_dT.T, x.reshape(N * m_i, -1), out=dB)
            np.dot(ones, dy, out=grads["bias"])
            if not wanted:
                return None
            np.matmul(rows_of_dT, B, out=dx.reshape(N * m_i, -1))
            return dx

        return BoundLayer(y, run, pullback)


def nearest_factors(n: int) -> tuple[int, int]:
    """Return factors (m, p) of n with m <= p and as near to each other as possible."""
    m = next(m for m in range(isqrt(n), 0, -1) if n % m == 0)
    return m, n // m
