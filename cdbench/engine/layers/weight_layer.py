"""What a weight layer is: a layer that multiplies by a matrix of its parameters."""

from abc import abstractmethod
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from cdbench.config.structure import Structure, StructureParameter
from cdbench.engine.layers.base import EVALUATION, Layer, Params
from cdbench.engine.layers.hessian import Eigenvalues, gauss_newton_values, matrix_jacobian
from cdbench.engine.products.base import Array
from cdbench.errors import NotDefinedError, ShapeError

GAIN = 2.0
"""Of every weight layer: n_in · Var W at initialisation, which preserves the activations' variance
through a ReLU (He et al. 2015). The recipe uses it for the last layer too."""


class WeightLayer(Layer):
    """A layer that acts as ``y = x @ W.T + bias`` for some matrix W of its parameters.

    A family owns what is special about it: everything else asks these attributes and methods.

    Attributes
    ----------
    family : str
        Its name in configurations: ``low-rank``.
    structure : tuple of StructureParameter
        What its layers are built with, the main one first.
    fisher_parameter : str or None
        The parameter (K_o, K_i, B) of circulant blocks that Fisher regularisers act on, if any.
    """

    family: ClassVar[str]
    structure: ClassVar[tuple[StructureParameter, ...]] = ()
    fisher_parameter: ClassVar[str | None] = None

    @classmethod
    def build(
        cls, n_in: int, n_out: int, structure: Structure, product: str | None = None
    ) -> "WeightLayer":
        """Return the layer between two (rounded) widths; most families have one product only."""
        del product
        return cls(n_in, n_out, **structure)

    @classmethod
    def width_multiple(cls, structure: Structure) -> int:
        """Return the number of which every width of this family is made a multiple."""
        del structure
        return 1

    def check_widths(self, multiple: int) -> None:
        """Raise ShapeError unless both widths are multiples of this number."""
        if self.n_in % multiple or self.n_out % multiple:
            near = (str(-(-n // multiple) * multiple) for n in (self.n_in, self.n_out))
            raise ShapeError(
                f"{type(self).__name__} got widths {self.n_in} and {self.n_out}, expected "
                f"multiples of {multiple}, such as {' and '.join(near)}"
            )

    @abstractmethod
    def matrix(self, params: Params) -> Array:
        """Return the effective W as a dense (n_out, n_in) matrix."""

    @abstractmethod
    def multiply_adds(self) -> int:
        """Return the real multiply-adds of a sample's forward pass with the weights.

        Neither the bias nor transforms by fixed matrices, such as a DFT, are counted.
        """

    def expected_rank(self) -> int:
        """Return the rank of W for almost all parameters."""
        return min(self.n_in, self.n_out)

    def n_null_directions(self) -> int:
        """Return how many directions of the weights change W in no way, by reparametrisation."""
        return 0

    def weight_gain(self) -> dict[str, float]:
        """Return how far a unit step of one entry of each parameter moves W, squared, if not by 1.

        The mean of ‖∂W/∂θ‖² over the entries of a parameter and over draws of the initial values.
        Where W is linear in the parameters it is the same for all values.
        """
        return {}

    def bytes_needed(self, N: int, itemsize: int) -> int:
        """Return roughly the memory of its own arrays, besides parameters, x, y and gradients."""
        del N, itemsize
        return 0

    @property
    def product_name(self) -> str | None:
        """Which of several ways to compute the same product it uses; None if it has one."""
        return None

    @property
    def vertices(self) -> int | None:
        """The B of activations (B, K, N), if the layer takes and gives these and not rows."""
        return None

    def copies(self) -> NDArray[np.intp] | None:
        """Return the places of each weight in W's transpose, (copies, weights), if W is copies.

        None for a layer whose W is not made of copies of its weights, or is its weights.
        """
        return None

    # Spectra. The last three mean something for few families, and raise NotDefinedError elsewhere.

    def singular_values(self, params: Params) -> Array:
        """Return those of the whole W, min(n_out, n_in) of them."""
        return np.linalg.svd(self.matrix(params), compute_uv=False)

    def hessian_spectrum(self, params: Params, x: Array) -> Eigenvalues:
        """Return the eigenvalues of the Hessian of mean ½‖y − t‖² in the layer's own weights.

        The Gauss–Newton matrix, mean JᵀJ, by the Jacobian at these parameters; the bias, whose
        Hessian is the identity, is left out. It is the Hessian itself where W is linear in the
        parameters.

        Parameters
        ----------
        params : Params
            In float64.
        x : (N, n_in) float64
            Inputs.
        """

        def forward(moved: Params, identity: Array) -> Array:
            return self.forward(moved, identity, EVALUATION)[0]

        values = gauss_newton_values(matrix_jacobian(forward, params, self.n_in), x)
        return Eigenvalues(values, max(len(x), self.n_in * self.n_out))

    def input_power(self, x: Array) -> tuple[Array, int]:
        """Return Theorem 1's η of inputs (N, n_in), and how many terms each of them sums."""
        raise NotDefinedError("theorem1", self.family)

    def published_numbers(self, params: Params) -> Array:
        """Return what Table 1's κ is the quotient of."""
        raise NotDefinedError("published", self.family)

    def block_magnitudes(self, params: Params) -> Array:
        """Return the absolute eigenvalues of W's blocks, (..., size of a block)."""
        raise NotDefinedError("block_power", self.family)
