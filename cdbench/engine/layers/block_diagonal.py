"""The block-diagonal layer with a shuffle, or in a fixed orthonormal basis."""

from collections.abc import Callable, Mapping
from typing import ClassVar

import numpy as np

from cdbench.config.structure import Structure, StructureParameter
from cdbench.engine.layers.base import BoundLayer, Context, Params
from cdbench.engine.layers.hessian import Eigenvalues
from cdbench.engine.layers.input_spectrum import powers
from cdbench.engine.layers.nearest.groups import nearest_groups, nearest_in_basis
from cdbench.engine.layers.nearest.targets import Target
from cdbench.engine.layers.weight_layer import GAIN, WeightLayer
from cdbench.engine.products.base import Array
from cdbench.errors import UnknownNameError

DEFAULT_BLOCKS = 4
NO_BASIS = "none"

RANDOM_BASIS_SEED = 20_251_126
"""Of the random basis, which is part of the layer and not of a run: the same whatever its seed."""

# Slots of scratch arrays.
OUTPUTS, INPUTS = range(2)


def dct_matrix(b: int) -> Array:
    """Return the orthonormal DCT-II (Ahmed, Natarajan and Rao 1974), (b, b), frequency by place."""
    k, t = np.arange(b)[:, None], np.arange(b)
    T: Array = np.sqrt(2.0 / b) * np.cos(np.pi * k * (2 * t + 1) / (2 * b))
    T[0] = np.sqrt(1.0 / b)
    return T


def hartley_matrix(b: int) -> Array:
    """Return the orthonormal discrete Hartley transform (Bracewell 1983), (b, b)."""
    angle = 2 * np.pi * (np.arange(b)[:, None] * np.arange(b) % b) / b
    T: Array = (np.cos(angle) + np.sin(angle)) / np.sqrt(b)
    return T


def random_matrix(b: int) -> Array:
    """Return a uniformly distributed orthonormal (b, b) matrix, always the same one for a b."""
    Q, R = np.linalg.qr(np.random.default_rng(RANDOM_BASIS_SEED).normal(size=(b, b)))
    T: Array = Q * np.sign(np.diag(R))
    return T


BASES: dict[str, Callable[[int], Array]] = {
    "dct": dct_matrix,
    "hartley": hartley_matrix,
    "random": random_matrix,
}


class BlockDiagonal(WeightLayer):
    """Linear map of b independent groups of inputs: a block-diagonal matrix, with an arrangement.

    Without a basis, group k is the k-th run of p = n_in / b inputs, and output r of group k comes
    at r b + k, so that the next layer mixes the groups: a grouped convolution of size 1 with a
    channel shuffle (Zhang et al. 2018).

    In a basis, an orthonormal b × b matrix T, entry i b + t of a sample is place t of its block i,
    as in CDLinear. Every block is transformed; group k is coefficient k of all blocks, and the
    outputs are transformed back by Tᵀ, without a shuffle. CDLinear is this with B = b and the DFT,
    whose groups are complex. These layers have as many real weights in another basis.

    Parameters, as views of the network's flat vector: ``W`` (b, q, p) with q = n_out / b, and
    ``bias`` (n_out,). Activations are rows (N, n).

    W is drawn from N(0, 2 / p). In every basis n_in · Var W = 2 for the (n_out, n_in) matrix, as
    in a dense layer.

    Departures: Zhang et al. shuffle after the first of two grouped convolutions; here every layer
    shuffles, the last one as well.

    Parameters
    ----------
    n_in, n_out : int
        Widths.
    blocks : int
        b.
    basis : str
        ``"none"``, or a key of BASES.

    Attributes
    ----------
    b, q, p : int
        Shape of W.
    T : (b, b) float or None
        The basis, a vector a row.

    Raises
    ------
    ShapeError
        If b does not divide both widths.
    UnknownNameError
        If there is no such basis.
    """

    family = "block-diagonal"
    structure = (
        StructureParameter("blocks", "Number of blocks; widths are its multiples.", DEFAULT_BLOCKS),
        StructureParameter(
            "basis",
            "In which the matrix is block-diagonal; none: as it is, with a shuffle.",
            NO_BASIS,
            choices=(NO_BASIS, *BASES),
        ),
    )

    # Memory order is (b, p, q): each block is stored transposed, like the dense layer's weight.
    memory_order: ClassVar[Mapping[str, tuple[int, ...]]] = {"W": (0, 2, 1)}

    def __init__(
        self, n_in: int, n_out: int, blocks: int = DEFAULT_BLOCKS, basis: str = NO_BASIS
    ) -> None:
        super().__init__(n_in, n_out)
        self.check_widths(blocks)
        if basis != NO_BASIS and basis not in BASES:
            raise UnknownNameError("basis", basis, (NO_BASIS, *BASES))
        self.b, self.q, self.p = blocks, n_out // blocks, n_in // blocks
        self.weight_shapes = {"W": (self.b, self.q, self.p)}
        self.basis = basis
        self.T = None if basis == NO_BASIS else BASES[basis](blocks)

    @classmethod
    def width_multiple(cls, structure: Structure) -> int:
        """Return b, to a multiple of which widths are rounded up."""
        return int(structure["blocks"])

    def initialize(self, params: Params, rng: np.random.Generator) -> None:
        """Draw W from N(0, 2 / p), which gives n_in · Var = 2 over the whole matrix; bias zero."""
        shape = self.weight_shapes["W"]
        params["W"][...] = rng.normal(0.0, np.sqrt(GAIN / self.p), shape)
        params["bias"][...] = 0.0

    def matrix(self, params: Params) -> Array:
        """Return the acting matrix with its zeros, or in the basis of the inputs, (n_out, n_in)."""
        W = params["W"]
        if self.T is None:
            k = np.arange(self.b)
            whole = np.zeros((self.q, self.b, self.b, self.p), W.dtype)
            whole[:, k, k] = W.swapaxes(0, 1)
        else:
            # The four axes are block and place of the output, then of the input.
            places = (self.T[:, :, None] * self.T[:, None, :]).reshape(self.b, -1)
            flat = W.reshape(self.b, -1).T @ places
            whole = flat.reshape(self.q, self.p, self.b, self.b).transpose(0, 2, 1, 3)
        return whole.reshape(self.n_out, self.n_in)

    def _nearest(self, target: Target) -> Params:
        """Return the entries in the groups, or least squares."""
        if self.T is None:
            return {"W": nearest_groups(target, self.b, self.q, self.p)}
        return {"W": nearest_in_basis(target, self.T, self.q, self.p)}

    def multiply_adds(self) -> int:
        """Return n_in · n_out / b."""
        return self.b * self.q * self.p

    def weight_gain(self) -> dict[str, float]:
        """Return nothing: a weight is one entry of W, or of W in an orthonormal basis."""
        return {}

    def hessian_spectrum(self, params: Params, x: Array) -> Eigenvalues:
        """Return those of the second moment of each group of inputs, in the basis, each q times."""
        del params
        N, b = len(x), self.b
        groups = _groups(x, b) if self.T is None else self.T @ x.reshape(N * self.p, b).T
        return Eigenvalues(powers(groups.reshape(b, N, self.p)).ravel(), max(N, self.p), self.q)

    def bind(self, params: Params, x: Array, context: Context) -> BoundLayer:
        """Return the layer that computes ``x @ matrix.T + bias``."""
        self.check_input(x)
        if self.T is None:
            return self._bind_shuffled(params, x, context)
        return self._bind_in_basis(self.T.astype(x.dtype), params, x, context)

    def _bind_shuffled(self, params: Params, x: Array, context: Context) -> BoundLayer:
        """Return the layer without a basis."""
        allocate, N, b, q = context.allocate, len(x), self.b, self.q
        W, bias, ones = params["W"], params["bias"], np.ones(N, x.dtype)
        y, dx = allocate.kept((N, self.n_out), x.dtype), allocate.kept(x.shape, x.dtype)
        grouped = allocate.scratch(OUTPUTS, y.shape, x.dtype)  # y before its shuffle
        d_groups = allocate.scratch(INPUTS, (b, N, q), x.dtype)
        x_groups, y_groups = _groups(x, b), _groups(grouped, b)
        dx_groups, W_T, x_T = _groups(dx, b), W.swapaxes(1, 2), x_groups.swapaxes(1, 2)
        shuffle = np.arange(self.n_out).reshape(b, q).T.ravel()

        def run() -> None:
            np.matmul(x_groups, W_T, out=y_groups)
            # "wrap" writes straight into ``out``; copying between strided views takes longer.
            grouped.take(shuffle, 1, y, "wrap")
            np.add(y, bias, out=y)

        def pullback(dy: Array, grads: Params, wanted: bool = True) -> Array | None:
            np.copyto(d_groups, dy.reshape(N, q, b).transpose(2, 0, 1))
            np.matmul(x_T, d_groups, out=grads["W"].swapaxes(1, 2))
            np.dot(ones, dy, out=grads["bias"])
            if not wanted:
                return None
            np.matmul(d_groups, W, out=dx_groups)
            return dx

        return BoundLayer(y, run, pullback)

    def _bind_in_basis(self, T: Array, params: Params, x: Array, context: Context) -> BoundLayer:
        """Return the layer in the basis T.

        A transform is one product with all blocks of all samples. It also takes them from rows to
        groups (b, N, n / b), or back, so that nothing has to be copied.
        """
        allocate, N, b, q, p = context.allocate, len(x), self.b, self.q, self.p
        W, bias, ones = params["W"], params["bias"], np.ones(N, x.dtype)
        x_hat = allocate.kept((b, N, p), x.dtype)
        y, dx = allocate.kept((N, self.n_out), x.dtype), allocate.kept(x.shape, x.dtype)
        y_hat = allocate.scratch(OUTPUTS, (b, N, q), x.dtype)  # later its gradient
        dx_hat = allocate.scratch(INPUTS, x_hat.shape, x.dtype)
        W_T, x_hat_T = W.swapaxes(1, 2), x_hat.swapaxes(1, 2)
        flat_y_hat, flat_x_hat = y_hat.reshape(b, N * q), x_hat.reshape(b, N * p)
        back_y, back_x = flat_y_hat.T, dx_hat.reshape(b, N * p).T
        blocks_of_y, blocks_of_dx = y.reshape(N * q, b), dx.reshape(N * p, b)

        def run() -> None:
            np.matmul(T, x.reshape(N * p, b).T, out=flat_x_hat)
            np.matmul(x_hat, W_T, out=y_hat)
            np.matmul(back_y, T, out=blocks_of_y)
            np.add(y, bias, out=y)

        def pullback(dy: Array, grads: Params, wanted: bool = True) -> Array | None:
            np.matmul(T, dy.reshape(N * q, b).T, out=flat_y_hat)
            np.matmul(x_hat_T, y_hat, out=grads["W"].swapaxes(1, 2))
            np.dot(ones, dy, out=grads["bias"])
            if not wanted:
                return None
            np.matmul(y_hat, W, out=dx_hat)
            np.matmul(back_x, T, out=blocks_of_dx)
            return dx

        return BoundLayer(y, run, pullback)


def _groups(rows: Array, b: int) -> Array:
    """Return rows (N, n) as b runs of n / b columns, (b, N, n / b), a view."""
    return rows.reshape(len(rows), b, -1).swapaxes(0, 1)
