"""The low-rank layer, a product of two thin matrices."""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from cdbench.config.structure import StructureParameter
from cdbench.engine.layers.base import BoundLayer, Context, Params
from cdbench.engine.layers.hessian import Eigenvalues, root_of_moment
from cdbench.engine.layers.nearest.targets import Target, truncated_svd, zero_padded
from cdbench.engine.layers.weight_layer import GAIN, WeightLayer
from cdbench.engine.products.base import Array

DEFAULT_RANK = 8

H_GRADIENT = 0
"""Slot of the scratch array for the gradient of x @ V.T."""


class LowRank(WeightLayer):
    """Linear map W = U V of rank r, as in Sainath et al. 2013 and Denil et al. 2013.

    Parameters, as views of the network's flat vector: ``U`` (n_out, r), ``V`` (r, n_in) and
    ``bias`` (n_out,). Activations are rows (N, n).

    V is drawn from N(0, 1 / n_in) and U from N(0, 2 / r), so that h = V x has the variance of x,
    and n_in · Var W = 2 as in a dense layer.

    Departures: Sainath et al. factor the last layer only, and Denil et al. learn one factor only.
    Here both are learned in every layer, without a bias or ReLU in between.

    Parameters
    ----------
    n_in, n_out : int
        Widths.
    rank : int
        r. Of more than min(n_in, n_out) only that many are used: W is then any matrix, and a
        larger r would add weights but no further W. A narrow last layer of a network with larger
        r is an example.

    Attributes
    ----------
    rank : int
        The r that is used.
    """

    family = "low-rank"
    structure = (StructureParameter("rank", "Rank, at most the smaller width's.", DEFAULT_RANK),)

    # Both stored transposed, like the dense layer's weight.
    memory_order: ClassVar[Mapping[str, tuple[int, ...]]] = {"U": (1, 0), "V": (1, 0)}

    def __init__(self, n_in: int, n_out: int, rank: int = DEFAULT_RANK) -> None:
        self.rank = min(rank, n_in, n_out)
        super().__init__(n_in, n_out, {"U": (n_out, self.rank), "V": (self.rank, n_in)})

    def initialize(self, params: Params, rng: np.random.Generator) -> None:
        """Draw U from N(0, 2 / r), then V from N(0, 1 / n_in); set the bias to zero."""
        shapes = self.weight_shapes
        params["U"][...] = rng.normal(0.0, np.sqrt(GAIN / self.rank), shapes["U"])
        params["V"][...] = rng.normal(0.0, np.sqrt(1.0 / self.n_in), shapes["V"])
        params["bias"][...] = 0.0

    def matrix(self, params: Params) -> Array:
        """Return U V, (n_out, n_in)."""
        product: Array = params["U"] @ params["V"]
        return product

    def _nearest(self, target: Target) -> Params:
        """Return the truncated singular value decomposition (Eckart and Young 1936).

        With a moment, that of W M^½, whose left singular vectors P give P Pᵀ W: with P Pᵀ W M^½ it
        is what Eckart and Young say of W M^½, whether or not M is invertible.
        """
        W = target.W
        if target.moment is not None:
            values, vectors = np.linalg.eigh(target.moment)
            root = vectors * np.sqrt(np.maximum(values, 0.0))
            P = np.linalg.svd(W @ root, full_matrices=False)[0][:, : self.rank]
            W = P @ (P.T @ W)
        U, V = truncated_svd(W, self.rank)
        return {
            "U": zero_padded(U, self.n_out, self.rank),
            "V": zero_padded(V, self.rank, self.n_in),
        }

    def multiply_adds(self) -> int:
        """Return r (n_in + n_out)."""
        return self.rank * (self.n_in + self.n_out)

    def expected_rank(self) -> int:
        """Return r."""
        return self.rank

    def n_null_directions(self) -> int:
        """Return r²: U M and M⁻¹ V give the same W for every invertible r × r matrix M."""
        return self.rank**2

    def weight_gain(self) -> dict[str, float]:
        """Return 2 n_out / r for V, the squared length of U's columns; that of V's rows is 1."""
        return {"V": GAIN * self.n_out / self.rank}

    def hessian_spectrum(self, params: Params, x: Array) -> Eigenvalues:
        """Return those of row i of D Qᵀ dV + Pᵀ dU V for each i, and of dU V beside U's columns.

        With U = P D Qᵀ these move outputs that are orthogonal to each other. V is followed by a
        square root of the inputs' second moment.
        """
        root, D = root_of_moment(x), np.linalg.svd(params["U"], compute_uv=False)
        hidden = params["V"] @ root.T
        of_rows = np.array([np.concatenate([hidden, d * root.T]) for d in D])
        values = np.linalg.svd(of_rows, compute_uv=False) ** 2
        beside = np.linalg.svd(hidden, compute_uv=False) ** 2
        found = np.zeros(self.rank * (self.n_in + self.n_out))
        found[: values.size] = values.ravel()
        others = np.tile(beside, self.n_out - self.rank)
        found[values.size : values.size + others.size] = others
        return Eigenvalues(found, max(len(x), self.n_in + self.rank))

    def bind(self, params: Params, x: Array, context: Context) -> BoundLayer:
        """Return the layer that computes ``(x @ V.T) @ U.T + bias``."""
        self.check_input(x)
        U, V, bias = params["U"], params["V"], params["bias"]
        allocate, N = context.allocate, len(x)
        h = allocate.kept((N, self.rank), x.dtype)
        y = allocate.kept((N, self.n_out), x.dtype)
        dx = allocate.kept(x.shape, x.dtype)
        dh = allocate.scratch(H_GRADIENT, h.shape, x.dtype)
        x_T, h_T, U_T, V_T, ones = x.T, h.T, U.T, V.T, np.ones(N, x.dtype)

        def run() -> None:
            np.matmul(x, V_T, out=h)
            np.matmul(h, U_T, out=y)
            np.add(y, bias, out=y)

        def pullback(dy: Array, grads: Params, wanted: bool = True) -> Array | None:
            np.matmul(h_T, dy, out=grads["U"].T)
            np.matmul(dy, U, out=dh)
            np.matmul(x_T, dh, out=grads["V"].T)
            np.dot(ones, dy, out=grads["bias"])
            return np.matmul(dh, V, out=dx) if wanted else None

        return BoundLayer(y, run, pullback)
