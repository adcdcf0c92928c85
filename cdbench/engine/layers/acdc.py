"""ACDC, a product of diagonal matrices and cosine transforms (Moczulski et al. 2016)."""

from typing import ClassVar

import numpy as np
from numpy.typing import DTypeLike

from cdbench.config.structure import StructureParameter
from cdbench.engine.layers.acdc_stages import Stages
from cdbench.engine.layers.acdc_transforms import Transforms
from cdbench.engine.layers.base import BoundLayer, BoundMatrix, Context, Params
from cdbench.engine.layers.weight_layer import GAIN, WeightLayer
from cdbench.engine.products.base import Allocate, Array
from cdbench.engine.products.real_dct import dct_matrix, staged_dct
from cdbench.errors import ShapeError

DEFAULT_DEPTH = 8
VARIANCE = 0.061
"""σ², of the entries of a and d about their mean of 1, in the paper."""
SAMPLES_PER_INPUT = 2
"""With so many samples for each input it takes less time to form W than to pass all through."""

LONG = 1024
"""From this n on every vector has a fast transform of its own, which takes about half the time of
the stages. It would not take more from about 512 on; published runs have stages up to 784."""

D_WEIGHT = 4
"""Slot of a scratch array; the factors have those before."""


class ACDC(WeightLayer):
    """Linear map by K factors Cᵀ diag(d_k) C diag(a_k), C the DCT-II (Moczulski et al. 2016).

    W is the acting part of their product, n × n with n = max(n_in, n_out): inputs are padded with
    zeros, surplus outputs are cut.

    Parameters, as views of the network's flat vector: ``a`` (K, n), ``d`` (K, n) and ``bias``
    (n_out,). Row 0 acts first. Activations are rows (N, n).

    Initially all entries of a and d are drawn from N(μ, μ² σ²) with σ² = 0.061 and
    μ² (1 + σ²) = (2 n / n_in)^(1 / 2K). A factor diag(v) multiplies the expected square of every
    column by E v², and C keeps it, so that n_in · ‖W‖² / (n_in n_out) = 2 in expectation. W is then
    near a multiple of the identity: its entries are not alike, unlike those of other families.

    Departures from the paper: it draws about a mean of 1, for which that gain is 1.061^(2K), and
    has a bias β in every factor, random permutations and ReLUs between factors, and rates that are
    24 times as high for a and 12 times for d.

    Parameters
    ----------
    n_in, n_out : int
        Widths.
    depth : int
        K.

    Raises
    ------
    ShapeError
        If there is no factor.
    """

    family = "acdc"
    relative_cost = 8.0
    structure: ClassVar[tuple[StructureParameter, ...]] = (
        StructureParameter("depth", "Factors, each of two diagonals.", DEFAULT_DEPTH),
    )

    def __init__(self, n_in: int, n_out: int, depth: int = DEFAULT_DEPTH) -> None:
        super().__init__(n_in, n_out)
        if depth < 1:
            raise ShapeError(f"ACDC got a depth of {depth}, expected 1 or more")
        self.n, self.K = max(n_in, n_out), depth
        self.weight_shapes = {"a": (depth, self.n), "d": (depth, self.n)}

    def initialize(self, params: Params, rng: np.random.Generator) -> None:
        """Draw a and d from N(μ, μ² σ²), as the class says; set the bias to zero."""
        mean = np.sqrt(self._gain_of_diagonal() / (1 + VARIANCE))
        for name in ("a", "d"):
            shape = (self.K, self.n)
            params[name][...] = rng.normal(mean, mean * np.sqrt(VARIANCE), shape)
        params["bias"][...] = 0.0

    def matrix(self, params: Params) -> Array:
        """Return the acting part of W, (n_out, n_in)."""
        a, d = params["a"], params["d"]
        C = dct_matrix(self.n).astype(np.finfo(a.dtype).dtype)
        W = np.eye(self.n, self.n_in, dtype=a.dtype)
        for k in range(self.K):
            W = C.T @ (d[k][:, None] * (C @ (a[k][:, None] * W)))
        return W[: self.n_out]

    def multiply_adds(self) -> int:
        """Return 2 K n, those of the diagonals."""
        return 2 * self.K * self.n

    def n_null_directions(self) -> int:
        """Return 2K − 1 for numbers that the diagonals pass on to each other, and what has no part.

        The latter are the entries of the first a that meet padding; and no more directions than
        there are entries of W can change it.
        """
        by_scaling = 2 * self.K - 1 + self.n - self.n_in
        return max(by_scaling, 2 * self.K * self.n - self.n_in * self.n_out)

    def weight_gain(self) -> dict[str, float]:
        """Return the mean product of a column's and a row's squared length.

        ∂W / ∂v_i is column i of what comes after the diagonal times row i of what comes before.
        """
        if self.n_in == self.n_out:
            gain = float(self._gain_of_diagonal() ** (2 * self.K - 1))
            return {"a": gain, "d": gain}
        rows = self._squares(self.n_in, after_transform=False)
        columns = self._squares(self.n_out, after_transform=True)[::-1]
        squares = (rows * columns).reshape(self.K, 2, self.n).mean(axis=(0, 2))
        return {"a": float(squares[0]), "d": float(squares[1])}

    def _gain_of_diagonal(self) -> float:
        """Return E v² of the initial entries."""
        return float((GAIN * self.n / self.n_in) ** (1 / (2 * self.K)))

    def _squares(self, width: int, after_transform: bool) -> Array:
        """Return the expected squared lengths of what each of the 2K diagonals meets.

        From E[R Rᵀ], which a diagonal of independent entries multiplies by their second moments.
        Begun with the first ``width`` entries, on the input's side, or, after a transform, on the
        output's.
        """
        C = dct_matrix(self.n)
        moments = np.diag((np.arange(self.n) < width).astype(np.float64))
        if after_transform:
            moments, C = C @ moments @ C.T, C.T
        mean_square = self._gain_of_diagonal() / (1 + VARIANCE)
        squares = []
        for _ in range(2 * self.K):
            squares.append(np.diag(moments))
            moments = mean_square * (moments + VARIANCE * np.diag(np.diag(moments)))
            moments, C = C @ moments @ C.T, C.T
        return np.array(squares)

    def bind(self, params: Params, x: Array, context: Context) -> BoundLayer:
        """Return the layer that computes ``x @ W.T + bias``."""
        self.check_input(x)
        if len(x) >= SAMPLES_PER_INPUT * self.n_in:
            return super().bind(params, x, context)
        return self._bind_samples(params, x, context.allocate)

    def _factors(
        self, params: Params, n_vectors: int, dtype: np.dtype, allocate: Allocate
    ) -> Stages | Transforms:
        """Return the product of the factors, bound to its parameters."""
        if self.n >= LONG:
            return Transforms(params, n_vectors, dtype, allocate)
        return Stages(staged_dct(self.n), params, n_vectors, dtype, allocate)

    def _bind_samples(self, params: Params, x: Array, allocate: Allocate) -> BoundLayer:
        """Return the bound layer that passes every sample through the factors."""
        bias, ones = params["bias"], np.ones(len(x), x.dtype)
        y = allocate.kept((len(x), self.n_out), x.dtype)
        dx = allocate.kept(x.shape, x.dtype)
        factors = self._factors(params, len(x), x.dtype, allocate)
        spread_x = factors.spreading(factors.start, self.n_in)
        gather_y = factors.gathering(factors.end, y)
        spread_dy = factors.spreading(factors.end, self.n_out)
        gather_dx = factors.gathering(factors.start, dx)

        def run() -> None:
            spread_x(x)
            factors.run()
            gather_y()
            np.add(y, bias, out=y)

        def pullback(dy: Array, grads: Params, wanted: bool = True) -> Array | None:
            spread_dy(dy)
            np.dot(ones, dy, out=grads["bias"])
            factors.pullback(grads, wanted)
            if not wanted:
                return None
            gather_dx()
            return dx

        return BoundLayer(y, run, pullback)

    def bind_matrix(self, params: Params, dtype: DTypeLike, allocate: Allocate) -> BoundMatrix:
        """Return W, whose columns are what the identity's become, and its gradient."""
        W = allocate.kept((self.n_out, self.n_in), dtype)
        dW = allocate.scratch(D_WEIGHT, W.shape, dtype)
        factors = self._factors(params, self.n_in, np.dtype(dtype), allocate)
        identity = np.eye(self.n_in, dtype=dtype)
        spread = factors.spreading(factors.start, self.n_in)
        spread_dW = factors.spreading(factors.end, self.n_out)
        gather_W = factors.gathering(factors.end, W.T)

        def form() -> None:
            spread(identity)
            factors.run()
            gather_W()

        def pull(grads: Params) -> None:
            spread_dW(dW.T)
            factors.pullback(grads, wanted=False)

        return BoundMatrix(W, form, dW, pull)
