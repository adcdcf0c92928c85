"""CDLinear, the paper's block-circulant layer (Sec. III)."""

from collections.abc import Mapping
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from cdbench.config.structure import Structure, StructureParameter
from cdbench.engine.layers.base import BoundLayer, Context, Params
from cdbench.engine.layers.hessian import Eigenvalues
from cdbench.engine.layers.input_spectrum import both_halves, power_spectrum
from cdbench.engine.layers.nearest.circulants import nearest_circulants
from cdbench.engine.layers.nearest.targets import Target
from cdbench.engine.layers.weight_layer import WeightLayer
from cdbench.engine.products import PRODUCTS
from cdbench.engine.products.base import ROWS, Array, InTwoParts
from cdbench.engine.products.gather import diagonals
from cdbench.errors import ShapeError


class CDLinear(WeightLayer):
    """Linear map whose matrix is an array of K_o × K_i circulant blocks of size B (Eq. 2).

    Parameters, as views of the network's flat vector: ``c`` (K_o, K_i, B) with K_o = n_out / B
    and K_i = n_in / B, and ``bias`` (n_out,).

    c is drawn from N(0, 2 / n_in), which gives the rows of W the variance of a dense layer.

    Activations are in the layout of the product: rows (N, n), or vertices (B, K, N), where entry
    i B + k of a sample is at [k, i].

    Parameters
    ----------
    n_in, n_out : int
        Widths.
    B : int
        Block size.
    product : str
        A key of PRODUCTS.

    Raises
    ------
    ShapeError
        If B does not divide both widths.
    """

    family = "cdlinear"
    fisher_parameter = "c"
    structure = (StructureParameter("B", "Block size.", None),)

    # Memory order is (B, K_i, K_o): products process all blocks of one lag at once, and these are
    # stored like a dense layer's weight.
    memory_order: ClassVar[Mapping[str, tuple[int, ...]]] = {"c": (2, 1, 0)}

    def __init__(self, n_in: int, n_out: int, B: int, product: str = "gather") -> None:
        super().__init__(n_in, n_out)
        self.check_widths(B)
        self.B, self.K_o, self.K_i = B, n_out // B, n_in // B
        self.weight_shapes = {"c": (self.K_o, self.K_i, B)}
        self.product = PRODUCTS[product](self.K_o, self.K_i, B)

    @classmethod
    def build(cls, n_in: int, n_out: int, structure: Structure, product: str | None = None) -> Self:
        """Return the layer with this block size and product."""
        return cls(n_in, n_out, int(structure["B"]), product or "gather")

    @classmethod
    def width_multiple(cls, structure: Structure) -> int:
        """Return B, to a multiple of which widths are rounded up."""
        return int(structure["B"])

    def matrix(self, params: Params) -> Array:
        """Return the block-circulant matrix W, (n_out, n_in)."""
        return self.product.matrix(params["c"])

    def _nearest(self, target: Target) -> Params:
        """Return the means along the blocks' diagonals, or least squares."""
        return {"c": nearest_circulants(target, self.K_o, self.K_i, self.B)}

    def multiply_adds(self) -> int:
        """Return those of the frequencies' matrices: one real or four for each, times K_o · K_i."""
        n_real = 1 if self.B % 2 else min(self.B, 2)
        return self.K_o * self.K_i * (n_real + 2 * (self.B - n_real))

    def weight_gain(self) -> dict[str, float]:
        """Return B for c, each entry of which stands at B places of W."""
        return {"c": float(self.B)}

    def bytes_needed(self, N: int, itemsize: int) -> int:
        """Return the product's."""
        return self.product.bytes_needed(N, self.K_o, self.K_i, self.B, itemsize)

    @property
    def product_name(self) -> str:
        """The product's name."""
        return self.product.name

    @property
    def vertices(self) -> int | None:
        """B, if the product works on vertices."""
        return None if self.product.layout == ROWS else self.B

    def copies(self) -> NDArray[np.intp]:
        """Return the B places of each entry of c, in memory's order, in W's transpose."""
        return diagonals(self.K_o, self.K_i, self.B)

    def singular_values(self, params: Params) -> Array:
        """Return those of blockdiag_k Ĉ(k), to which W is unitarily similar.

        Ĉ(k) is the K_o × K_i matrix of F[c_ij](k), for each of the B frequencies.
        """
        c_hat = np.moveaxis(np.fft.rfft(params["c"]), 2, 0)
        return both_halves(np.linalg.svd(c_hat, compute_uv=False).T, self.B).ravel()

    def hessian_spectrum(self, params: Params, x: Array) -> Eigenvalues:
        """Return those of S_k = mean x̂(k) x̂(k)ᴴ for each of the B frequencies, each K_o times.

        The Hessian in c is unitarily similar to K_o copies of blockdiag_k S_k, K_i × K_i matrices
        whose diagonals are Theorem 1's η_j(k). In the coordinates √B · c, in which a step is as
        long as W's, all eigenvalues are B times smaller; κ is the same.
        """
        del params
        return power_spectrum(x, self.B, self.K_o)

    def input_power(self, x: Array) -> tuple[Array, int]:
        """Return η_j(k), the mean over samples of |F[X_j](k)|² (Eq. 5), K_i · B of them."""
        blocks = x.reshape(len(x), -1, self.B)
        return both_halves(
            np.mean(np.abs(np.fft.rfft(blocks)) ** 2, axis=0), self.B
        ).ravel(), self.B

    def published_numbers(self, params: Params) -> Array:
        """Return the unsquared |F[c_ij](k)| of all blocks, pooled, padded ones included."""
        return self.block_magnitudes(params).ravel()

    def block_magnitudes(self, params: Params) -> Array:
        """Return |F[c_ij](k)|, (K_o, K_i, B)."""
        return np.abs(np.fft.fft(params["c"]))

    def bind(self, params: Params, x: Array, context: Context) -> BoundLayer:
        """Return the layer that computes Eq. 2 plus the bias; its pullback is Eqs. 3 and 4."""
        self.check_input(x)
        rows = self.vertices is None
        y, multiply, product_pullback = self.product.bind(params["c"], x, context.allocate)
        bias = params["bias"] if rows else self._bias_of_vertices(params)[:, :, None]
        ones = np.ones(x.shape[0 if rows else 2], x.dtype)

        def of_inputs() -> None:
            multiply.of_inputs()
            np.add(y, bias, out=y)

        def pullback(dy: Array, grads: Params, wanted: bool = True) -> Array | None:
            if rows:
                np.dot(ones, dy, out=grads["bias"])
            else:
                np.matmul(dy, ones, out=self._bias_of_vertices(grads))
            return product_pullback(dy, grads["c"], wanted)

        return BoundLayer(y, InTwoParts(multiply.of_parameters, of_inputs), pullback)

    def check_input(self, x: Array) -> None:
        """Raise ShapeError unless ``x`` has the shape that the product expects."""
        if self.product.layout == ROWS:
            super().check_input(x)
        elif x.ndim != 3 or x.shape[:2] != (self.B, self.K_i):
            raise ShapeError(f"CDLinear got {x.shape}, expected ({self.B}, {self.K_i}, N)")

    def _bias_of_vertices(self, params: Params) -> Array:
        """Return the bias as a (B, K_o) view."""
        return params["bias"].reshape(self.K_o, self.B).T
