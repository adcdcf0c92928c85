"""Monarch, two block-diagonal matrices with a permutation after each (Dao et al. 2022)."""

from typing import ClassVar

import numpy as np

from cdbench.config.structure import Structure, StructureParameter
from cdbench.engine.layers.base import BoundLayer, Context, Params
from cdbench.engine.layers.nearest.alternating import alternated
from cdbench.engine.layers.nearest.targets import Target, truncated_svd
from cdbench.engine.layers.weight_layer import GAIN, WeightLayer
from cdbench.engine.products.base import Array
from cdbench.errors import ShapeError

DEFAULT_BLOCKS = 8

SMALL = 32
"""Up to this many outputs of a block their gradients are copied block by block, else sample by
sample: the order in which the copy is faster."""

# Slots of scratch arrays.
OUTPUT, D_HIDDEN = range(2)


class Monarch(WeightLayer):
    """Linear map by two block-diagonal matrices of b blocks each (Dao et al. 2022, order 2).

    Block k of the first factor maps the p = n_in / b inputs of group k to q hidden entries. Hidden
    entry j, counted over all blocks, then goes to block ``j mod b`` of the second factor, which
    maps its q entries to s = n_out / b outputs; output i of block l is entry i b + l of y. W is
    therefore a b × b array of s × p blocks, in which block (l, k) is any matrix of a rank up to the
    number of hidden entries that come from k and go to l: ⌊q / b⌋ or one more.

    With q = b ρ it is the block tensor train of rank ρ (Qiu et al. 2024).

    Parameters, as views of the network's flat vector: ``W1`` (b, q, p), ``W2`` (b, s, q) and
    ``bias`` (n_out,). Activations are rows (N, n).

    Initially W1 is drawn from N(0, 1 / p) and W2 from N(0, 2 / q), so that n_in · Var W = 2 on
    average over all entries; those that are structurally zero count.

    Departures from the paper: b need not be √n, the inner width is free, and W may be rectangular.
    The paper draws both factors uniformly with variance 1 / (3 p) and 1 / (3 q), which makes W
    smaller.

    Parameters
    ----------
    n_in, n_out : int
        Widths.
    blocks : int
        b.
    inner : int, optional
        q, any number from 1. By default min(p, s), the smallest that does not limit the rank. If
        q < b, a share 1 − q / b of W is structurally zero.

    Raises
    ------
    ShapeError
        If b does not divide both widths.
    """

    family = "monarch"
    structure: ClassVar[tuple[StructureParameter, ...]] = (
        StructureParameter("blocks", "Blocks of each factor.", DEFAULT_BLOCKS),
        StructureParameter("inner", "Inner width of each block; the smaller side if None.", None),
    )

    def __init__(
        self, n_in: int, n_out: int, blocks: int = DEFAULT_BLOCKS, inner: int | None = None
    ) -> None:
        super().__init__(n_in, n_out)
        self.check_widths(blocks)
        self.b, self.p, self.s = blocks, n_in // blocks, n_out // blocks
        self.q = min(self.p, self.s) if inner is None else inner
        if self.q < 1:
            raise ShapeError(f"Monarch got an inner width of {inner}, expected 1 or more")
        self.weight_shapes = {"W1": (self.b, self.q, self.p), "W2": (self.b, self.s, self.q)}

    @classmethod
    def width_multiple(cls, structure: Structure) -> int:
        """Return b, to a multiple of which widths are rounded up."""
        return int(structure["blocks"])

    def initialize(self, params: Params, rng: np.random.Generator) -> None:
        """Draw W1 from N(0, 1 / p) and W2 from N(0, 2 / q); set the bias to zero."""
        shapes = self.weight_shapes
        params["W1"][...] = rng.normal(0.0, np.sqrt(1 / self.p), shapes["W1"])
        params["W2"][...] = rng.normal(0.0, np.sqrt(GAIN / self.q), shapes["W2"])
        params["bias"][...] = 0.0

    def matrix(self, params: Params) -> Array:
        """Return W, (n_out, n_in)."""
        W1, W2, b = params["W1"], params["W2"], self.b
        # Row j of the first factor, (q b, n_in): hidden entry j, which block j // q made.
        first = np.zeros((b, self.q, b, self.p), W1.dtype)
        first[np.arange(b), :, np.arange(b)] = W1
        lanes = first.reshape(self.q, b, self.n_in).swapaxes(0, 1)
        W: Array = np.matmul(W2, lanes).swapaxes(0, 1).reshape(self.n_out, self.n_in)
        return W

    def _nearest(self, target: Target) -> Params:
        """Return the truncated singular value decomposition of each block (l, k) of W.

        With a moment blocks depend on each other; alternating least squares go on from there.
        """
        b, q = self.b, self.q
        blocks = target.padded(self.n_out, self.n_in).reshape(self.s, b, b, self.p)
        most = -(-q // b)
        U, V = truncated_svd(blocks.transpose(1, 2, 0, 3), most)
        k, entry = np.arange(b * q) // q, np.arange(b * q)
        term = entry % q // b  # how many of the entries before it go from k to l too
        W1, W2 = np.empty((b, q, self.p)), np.empty((b, self.s, q))
        W1[k, entry % q] = V[entry % b, k, term]
        W2[entry % b, :, entry // b] = U[entry % b, k, :, term]
        found = {"W1": W1, "W2": W2}
        return found if target.moment is None else alternated(self, found, ("W1", "W2"), target)

    def multiply_adds(self) -> int:
        """Return b q (p + s)."""
        return self.b * self.q * (self.p + self.s)

    def expected_rank(self) -> int:
        """Return b · min(p, q, s).

        A maximal minor of W has a generic term for each set of hidden entries of which no group
        has more than p and no output block more than s. As each pair of them shares ⌊q / b⌋ or
        ⌈q / b⌉ entries, there is a set with min(p, q, s) in every one.
        """
        return self.b * min(self.p, self.q, self.s)

    def n_null_directions(self) -> int:
        """Return how many weights there are beyond the dimension of the matrices they reach.

        Blocks (l, k) of W share no weights. One with m hidden entries is a product of s × m and
        m × p, which reaches matrices of rank μ = min(m, s, p), a set of dimension μ (s + p − μ). If
        m ≤ min(s, p), m² directions of the weights are left: q² of the layer for b | q, b q for
        q < b.
        """
        fewer, n_more = divmod(self.q, self.b)
        counts = ((fewer, self.b - n_more), (fewer + 1, n_more))
        return self.b * sum(times * self._null_of_block(m) for m, times in counts)

    def _null_of_block(self, m: int) -> int:
        rank = min(m, self.s, self.p)
        return m * (self.s + self.p) - rank * (self.s + self.p - rank)

    def weight_gain(self) -> dict[str, float]:
        """Return 2 s / q for W1, the squared length of a column of W2; for W2 a row's is 1."""
        return {"W1": GAIN * self.s / self.q}

    def bind(self, params: Params, x: Array, context: Context) -> BoundLayer:
        """Return the layer that computes ``x @ W.T + bias``."""
        self.check_input(x)
        N, b, q, p, s, allocate = len(x), self.b, self.q, self.p, self.s, context.allocate
        W1, W2, bias = params["W1"], params["W2"], params["bias"]
        # Samples are last in the hidden entries: whichever way these are split into blocks, each
        # block is then a matrix that BLAS takes as it is. Only the outputs have to be copied.
        hidden = allocate.kept((b * q, N), x.dtype)
        d_hidden = allocate.scratch(D_HIDDEN, hidden.shape, x.dtype)
        y, dx = allocate.kept((N, self.n_out), x.dtype), allocate.kept(x.shape, x.dtype)
        own_y = allocate.scratch(OUTPUT, (N, b, s), x.dtype)
        own_dy = own_y.reshape(b, N, s) if s <= SMALL else own_y.swapaxes(0, 1)
        x_groups, dx_groups = _groups(x, b, p), _groups(dx, b, p)
        of_first, of_second = hidden.reshape(b, q, N), hidden.reshape(q, b, N).transpose(1, 2, 0)
        d_first, d_second = d_hidden.reshape(b, q, N), d_hidden.reshape(q, b, N).swapaxes(0, 1)
        W2_T, own_y_blocks, y_lanes = W2.swapaxes(1, 2), own_y.swapaxes(0, 1), y.reshape(N, s, b)
        x_T, own_y_T, own_dy_T = (
            x_groups.swapaxes(1, 2),
            own_y.swapaxes(1, 2),
            own_dy.swapaxes(1, 2),
        )
        d_first_T, ones = d_first.swapaxes(1, 2), np.ones(N, x.dtype)

        def run() -> None:
            np.matmul(W1, x_T, out=of_first)
            np.matmul(of_second, W2_T, out=own_y_blocks)
            np.copyto(y_lanes, own_y_T)
            np.add(y, bias, out=y)

        def pullback(dy: Array, grads: Params, wanted: bool = True) -> Array | None:
            np.copyto(own_dy, dy.reshape(N, s, b).transpose(2, 0, 1))
            np.matmul(own_dy_T, of_second, out=grads["W2"])
            np.dot(ones, dy, out=grads["bias"])
            np.matmul(W2_T, own_dy_T, out=d_second)
            np.matmul(d_first, x_groups, out=grads["W1"])
            if not wanted:
                return None
            np.matmul(d_first_T, W1, out=dx_groups)
            return dx

        return BoundLayer(y, run, pullback)


def _groups(x: Array, b: int, p: int) -> Array:
    """Return (N, b p) as b matrices (b, N, p), a view."""
    return x.reshape(len(x), b, p).swapaxes(0, 1)
