"""What a weight layer is: a layer that multiplies by a matrix of its parameters."""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import DTypeLike, NDArray

from cdbench.config.structure import Structure, StructureParameter
from cdbench.engine.layers.base import (
    D_WEIGHT,
    EVALUATION,
    BoundLayer,
    BoundMatrix,
    Context,
    Layer,
    Params,
)
from cdbench.engine.layers.hessian import Eigenvalues, gauss_newton_values, matrix_jacobian
from cdbench.engine.layers.nearest.targets import Target, checked_target
from cdbench.engine.layers.weight_gain import estimated_gain
from cdbench.engine.products.base import Allocate, Array
from cdbench.errors import NotDefinedError, ShapeError

GAIN = 2.0
"""Of every weight layer: n_in · Var W at initialisation, which preserves the activations' variance
through a ReLU (He et al. 2015). The recipe uses it for the last layer too."""


class WeightLayer(Layer):
    """A layer that acts as ``y = x @ W.T + bias`` for some matrix W of its parameters.

    A family owns what is special about it: everything else asks these attributes and methods. One
    that says its ``matrix`` and ``matrix_pullback`` forms W in each run and multiplies by it; one
    that can do without W has a ``bind`` of its own.

    Parameters
    ----------
    n_in, n_out : int
        Widths.
    weight_shapes : mapping of str to tuple of int
        The shape of each parameter but the bias.

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
    relative_cost: ClassVar[float] = 1.0  # a training's time as a multiple of dense's, roughly

    def __init__(
        self, n_in: int, n_out: int, weight_shapes: Mapping[str, tuple[int, ...]] | None = None
    ) -> None:
        super().__init__(n_in, n_out)
        self.weight_shapes = dict(weight_shapes or {})

    @classmethod
    def build(
        cls, n_in: int, n_out: int, structure: Structure, product: str | None = None
    ) -> "WeightLayer":
        """Return the layer between two (rounded) widths; most families have one product only."""
        del product
        family: Callable[..., WeightLayer] = cls  # its own parameters stand for the shapes
        return family(n_in, n_out, **structure)

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

    def parameter_shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shapes of the weights and of ``bias``."""
        return {**self.weight_shapes, "bias": (self.n_out,)}

    def initialize(self, params: Params, rng: np.random.Generator) -> None:
        """Draw all weights from N(0, 2 / n_in) (He et al. 2015); set the bias to zero.

        n_in · Var W is then 2 where each entry of W is one weight, whichever.
        """
        for name, shape in self.weight_shapes.items():
            params[name][...] = rng.normal(0.0, np.sqrt(GAIN / self.n_in), shape)
        params["bias"][...] = 0.0

    @abstractmethod
    def matrix(self, params: Params) -> Array:
        """Return the effective W as a dense (n_out, n_in) matrix."""

    def matrix_pullback(self, params: Params, dW: Array, grads: Params) -> None:
        """Add the weights' gradients, from W's (n_out, n_in), to ``grads``, which hold zeros."""
        raise NotImplementedError("expected a matrix_pullback, or a bind that needs none")

    def bind_matrix(self, params: Params, dtype: DTypeLike, allocate: Allocate) -> BoundMatrix:
        """Return W and its gradient, bound to the parameters."""
        W = allocate.kept((self.n_out, self.n_in), dtype)
        dW = allocate.scratch(D_WEIGHT, W.shape, dtype)

        def pull(grads: Params) -> None:
            for name in self.weight_shapes:
                grads[name][...] = 0.0
            self.matrix_pullback(params, dW, grads)

        return BoundMatrix(W, lambda: np.copyto(W, self.matrix(params)), dW, pull)

    def bind(self, params: Params, x: Array, context: Context) -> BoundLayer:
        """Return the layer that forms W in each run and computes ``x @ W.T + bias``."""
        self.check_input(x)
        W, form, dW, pull = self.bind_matrix(params, x.dtype, context.allocate)
        y = context.allocate.kept((len(x), self.n_out), x.dtype)
        dx = context.allocate.kept(x.shape, x.dtype)
        bias, x_T, W_T, dW_T = params["bias"], x.T, W.T, dW.T
        ones = np.ones(len(x), x.dtype)

        def run() -> None:
            form()
            np.matmul(x, W_T, out=y)
            np.add(y, bias, out=y)

        def pullback(dy: Array, grads: Params, wanted: bool = True) -> Array | None:
            np.matmul(x_T, dy, out=dW_T)
            pull(grads)
            np.dot(ones, dy, out=grads["bias"])
            return np.matmul(dy, W, out=dx) if wanted else None

        return BoundLayer(y, run, pullback)

    def multiply_adds(self) -> int:
        """Return the real multiply-adds of a row's forward pass with the weights.

        Neither the bias nor transforms by fixed matrices, such as a DFT, are counted. By default
        n_in · n_out, those of a formed W.
        """
        return self.n_in * self.n_out

    def expected_rank(self) -> int:
        """Return the rank of W for almost all parameters."""
        return min(self.n_in, self.n_out)

    def n_null_directions(self) -> int:
        """Return how many directions of the weights change W in no way, by reparametrisation."""
        return 0

    def weight_gain(self) -> dict[str, float]:
        """Return how far a unit step of one entry of each parameter moves W, squared, if not by 1.

        The mean of ‖∂W/∂θ‖² over the entries of a parameter and over draws of the initial values.
        Where W is linear in the parameters it is the same for all values. By default it is
        estimated from random steps.
        """
        return estimated_gain(self)

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

    @property
    def inner(self) -> "WeightLayer":
        """The layer whose matrix multiplies the rows that ``unfolded`` gives: by default itself."""
        return self

    def unfolded(self, x: Array) -> Array:
        """Return the rows (n, inner.n_in) that W multiplies, of inputs (N, n_in): by default x."""
        return x

    def copies(self) -> NDArray[np.intp] | None:
        """Return the places of each weight in W's transpose, (copies, weights), if W is copies.

        None for a layer whose W is not made of copies of its weights, or is its weights.
        """
        return None

    def nearest(self, matrix: Array, moment: Array | None = None) -> Params:
        """Return the weights, without a bias, whose W is nearest to a matrix.

        Parameters
        ----------
        matrix : (a, c) float
            With a ≤ n_out, c ≤ n_in: the leading part of W, whose other entries may be anything.
        moment : (c, c) float, optional
            Mean x xᵀ of the inputs x: what is least is then the mean ‖(matrix − W) x‖².

        Raises
        ------
        NotDefinedError
            If the family has no way to find it.
        ShapeError
            If a shape does not fit, or an entry is not finite.
        """
        return self._nearest(checked_target(self, matrix, moment))

    def _nearest(self, target: Target) -> Params:
        raise NotDefinedError("the nearest member", self.family)

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

        def bind(moved: Params, identity: Array) -> tuple[Array, Callable[[], object]]:
            return self.bind(moved, identity, EVALUATION)[:2]

        values = gauss_newton_values(matrix_jacobian(bind, params, self.n_in), x)
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
