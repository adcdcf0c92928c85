"""The BLAST layer: blocks that share their factors, each with a diagonal of its own."""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from cdbench.config.structure import Structure, StructureParameter
from cdbench.engine.layers.base import BoundLayer, Context, Params
from cdbench.engine.layers.nearest.alternating import alternated
from cdbench.engine.layers.nearest.targets import Target, truncated_svd
from cdbench.engine.layers.weight_layer import GAIN, WeightLayer
from cdbench.engine.products.base import Array

DEFAULT_BLOCKS, DEFAULT_RANK = 4, 7

# Slots of scratch arrays.
T_GRADIENT, Z_GRADIENT = range(2)


class Blast(WeightLayer):
    """Linear map of b × b blocks W_ij = U_i diag(s_ij) V_j of rank r (Lee et al. 2024).

    Blocks of a row share U_i, those of a column V_j; what is a block's own are r numbers. With all
    of them 1 W is of rank r, with s_ij = 0 for i ≠ j block-diagonal.

    Parameters, as views of the network's flat vector: ``U`` (b, q, r) with q = n_out / b, ``V``
    (b, r, p) with p = n_in / b, ``s`` (b, b, r) and ``bias`` (n_out,). Activations are rows (N, n).

    V is drawn from N(0, 1 / n_in), s from U(0, 2) and U from N(0, 3 / (2 r)), so that n_in · Var W
    = 2 as in a dense layer.

    Departures: the paper's initial values are of no particular variance of W.

    Parameters
    ----------
    n_in, n_out : int
        Widths.
    blocks : int
        b.
    rank : int
        r. Of more than min(p, q) only that many are used.

    Raises
    ------
    ShapeError
        If b does not divide both widths.
    """

    family = "blast"
    structure = (
        StructureParameter("blocks", "Blocks a side; widths are its multiples.", DEFAULT_BLOCKS),
        StructureParameter("rank", "Rank of every block.", DEFAULT_RANK),
    )

    # Products of the diagonals go over blocks, one for each of the r places.
    memory_order: ClassVar[Mapping[str, tuple[int, ...]]] = {"s": (2, 0, 1)}

    def __init__(
        self, n_in: int, n_out: int, blocks: int = DEFAULT_BLOCKS, rank: int = DEFAULT_RANK
    ) -> None:
        super().__init__(n_in, n_out)
        self.check_widths(blocks)
        self.b, self.q, self.p = blocks, n_out // blocks, n_in // blocks
        self.rank = r = min(rank, self.q, self.p)
        self.weight_shapes = {
            "U": (blocks, self.q, r),
            "V": (blocks, r, self.p),
            "s": (blocks, blocks, r),
        }

    @classmethod
    def width_multiple(cls, structure: Structure) -> int:
        """Return b, to a multiple of which widths are rounded up."""
        return int(structure["blocks"])

    def initialize(self, params: Params, rng: np.random.Generator) -> None:
        """Draw U from N(0, 3 / (2 r)), V from N(0, 1 / n_in), s from U(0, 2); bias zero."""
        shapes = self.weight_shapes
        # The mean of s² is 4/3.
        params["U"][...] = rng.normal(0.0, np.sqrt(0.75 * GAIN / self.rank), shapes["U"])
        params["V"][...] = rng.normal(0.0, np.sqrt(1.0 / self.n_in), shapes["V"])
        params["s"][...] = rng.uniform(0.0, 2.0, shapes["s"])
        params["bias"][...] = 0.0

    def matrix(self, params: Params) -> Array:
        """Return the array of blocks, (n_out, n_in)."""
        scaled = params["U"][:, None] * params["s"][:, :, None, :]  # (i, j, q, r)
        blocks: Array = scaled @ params["V"][None]
        return blocks.transpose(0, 2, 1, 3).reshape(self.n_out, self.n_in)

    def _nearest(self, target: Target) -> Params:
        """Alternating least squares, from the nearest W of rank r, whose s are 1."""
        U, V = truncated_svd(target.padded(self.n_out, self.n_in), self.rank)
        found = {
            "U": U.reshape(self.weight_shapes["U"]),
            "V": V.reshape(self.rank, self.b, self.p).swapaxes(0, 1),
            "s": np.ones(self.weight_shapes["s"]),
        }
        return alternated(self, found, ("U", "s", "V"), target)

    def multiply_adds(self) -> int:
        """Return r (n_in + n_out + b²)."""
        return self.rank * (self.n_in + self.n_out + self.b**2)

    def expected_rank(self) -> int:
        """Return r b, which is at most the smaller width."""
        return self.rank * self.b

    def n_null_directions(self) -> int:
        """Return 2 b r: a column of U_i and a row of V_j can be scaled, and s scaled back.

        More where W has fewer entries than there are weights left. A single block is any matrix of
        rank r: then U and V can be mixed by any r × r matrix, and s scales in vain.
        """
        b, r = self.b, self.rank
        if b == 1:
            return r**2 + r
        n_weights = r * (self.n_in + self.n_out + b**2)
        return max(2 * b * r, n_weights - self.n_in * self.n_out)

    def weight_gain(self) -> dict[str, float]:
        """Return the squared norms of what an entry of U, V and s is multiplied with."""
        of_U = GAIN * 0.75 / self.rank
        return {
            "U": 4 / 3,
            "V": 4 / 3 * self.n_out * of_U,
            "s": self.q * of_U / self.b,
        }

    def bind(self, params: Params, x: Array, context: Context) -> BoundLayer:
        """Return the layer that computes ``x @ matrix.T + bias``."""
        self.check_input(x)
        allocate, N, b, r = context.allocate, len(x), self.b, self.rank
        U, V, bias, ones = params["U"], params["V"], params["bias"], np.ones(N, x.dtype)
        s = params["s"].transpose(2, 0, 1)  # (r, i, j)
        y, dx = allocate.kept((N, self.n_out), x.dtype), allocate.kept(x.shape, x.dtype)
        z, t = (allocate.kept((b, r, N), x.dtype) for _ in range(2))
        dt = allocate.scratch(T_GRADIENT, t.shape, x.dtype)
        dz = allocate.scratch(Z_GRADIENT, z.shape, x.dtype)
        z_of_r, t_of_r, dz_of_r, dt_of_r = (a.transpose(1, 0, 2) for a in (z, t, dz, dt))
        x_T, y_T, dx_T = _columns(x, b), _columns(y, b), _columns(dx, b)
        U_T, V_T, s_T = (a.swapaxes(1, 2) for a in (U, V, s))

        def run() -> None:
            np.matmul(V, x_T, out=z)
            np.matmul(s, z_of_r, out=t_of_r)
            np.matmul(U, t, out=y_T)
            np.add(y, bias, out=y)

        def pullback(dy: Array, grads: Params, wanted: bool = True) -> Array | None:
            D = _columns(dy, b)
            np.matmul(D, t.swapaxes(1, 2), out=grads["U"])
            np.matmul(U_T, D, out=dt)
            np.matmul(dt_of_r, z_of_r.swapaxes(1, 2), out=grads["s"].transpose(2, 0, 1))
            np.matmul(s_T, dt_of_r, out=dz_of_r)
            np.matmul(dz, x_T.swapaxes(1, 2), out=grads["V"])
            np.dot(ones, dy, out=grads["bias"])
            if not wanted:
                return None
            np.matmul(V_T, dz, out=dx_T)
            return dx

        return BoundLayer(y, run, pullback)


def _columns(rows: Array, b: int) -> Array:
    """Return rows (N, n) as b runs of n / b columns of samples, (b, n / b, N), a view."""
    return rows.reshape(len(rows), b, -1).transpose(1, 2, 0)
