"""The kernel of a convolution as layers beside each other, one for each of its taps."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import DTypeLike

from cdbench.config.structure import Structure
from cdbench.engine.layers.base import BoundMatrix, Context, Params
from cdbench.engine.layers.cdlinear import CDLinear
from cdbench.engine.layers.dense import Dense
from cdbench.engine.layers.nearest.targets import Target
from cdbench.engine.layers.weight_layer import WeightLayer
from cdbench.engine.products.base import Allocate, Array
from cdbench.errors import NotDefinedError, ShapeError


def kernel_layer(
    family: type[WeightLayer], n_in: int, n_out: int, n_taps: int, structure: Structure
) -> WeightLayer:
    """Return the layer of n_taps · n_in entries, channels fastest, whose W is a kernel.

    Taps of a dense layer beside each other are a dense layer, and likewise of CDLinear.
    """
    if family in (Dense, CDLinear):
        return family.build(n_taps * n_in, n_out, structure)
    return Taps(family.build(n_in, n_out, structure), n_taps)


def bound_matrix(
    layer: WeightLayer, params: Params, dtype: DTypeLike, allocate: Allocate
) -> BoundMatrix:
    """Return any layer's W: as it forms it itself, or what it makes of the unit vectors."""
    own = type(layer)
    if (own.bind_matrix, own.matrix_pullback) != (
        WeightLayer.bind_matrix,
        WeightLayer.matrix_pullback,
    ):
        return layer.bind_matrix(params, dtype, allocate)
    no_bias = {**params, "bias": np.zeros(layer.n_out, dtype)}
    unit = np.eye(layer.n_in, dtype=dtype)
    y, form, pullback = layer.bind(no_bias, unit, Context(allocate=allocate))
    gradient = allocate.kept(y.shape, dtype)
    unused = np.empty(layer.n_out, dtype)

    def pull(grads: Params) -> None:
        pullback(gradient, {**grads, "bias": unused}, wanted=False)  # type: ignore[call-arg]

    return BoundMatrix(y.T, form, gradient.T, pull)


class Taps(WeightLayer):
    """Layers of a family beside each other: W = (W_1 W_2 …), (n_out, n_taps · n_in of a tap).

    Parameters, as views of the network's flat vector: those of a tap with the tap as their first
    axis, and one ``bias`` (n_out,).

    Parameters
    ----------
    tap : WeightLayer
        One of the layers.
    n_taps : int
        How many.
    """

    memory_order: Mapping[str, tuple[int, ...]]  # type: ignore[misc]

    def __init__(self, tap: WeightLayer, n_taps: int) -> None:
        shapes = {name: (n_taps, *shape) for name, shape in tap.weight_shapes.items()}
        super().__init__(n_taps * tap.n_in, tap.n_out, shapes)
        self.tap, self.n_taps = tap, n_taps
        self.family, self.structure = tap.family, tap.structure  # type: ignore[misc]
        self.memory_order = {
            name: (0, *(axis + 1 for axis in order)) for name, order in tap.memory_order.items()
        }

    def _of_tap(self, params: Params, tap: int) -> Params:
        """Return a tap's parameters, with the bias where there is one."""
        return {name: own if name == "bias" else own[tap] for name, own in params.items()}

    def initialize(self, params: Params, rng: np.random.Generator) -> None:
        """Draw each tap as its family does, with W smaller by √n_taps: n_in · Var W stays 2.

        All parameters that W is homogeneous in, such as both factors of a product, are made smaller
        by the same factor.
        """
        for tap in range(self.n_taps):
            own = self._of_tap(params, tap)
            self.tap.initialize(own, rng)
            rescale(self.tap, own, self.n_taps**-0.5)

    def matrix(self, params: Params) -> Array:
        """Return the taps' matrices side by side, (n_out, n_in)."""
        return np.hstack([self.tap.matrix(self._of_tap(params, i)) for i in range(self.n_taps)])

    def bind_matrix(self, params: Params, dtype: DTypeLike, allocate: Allocate) -> BoundMatrix:
        """Return W and its gradient, bound to the parameters; taps form their own parts."""
        W = allocate.kept((self.n_out, self.n_in), dtype)
        dW = allocate.kept(W.shape, dtype)
        parts, d_parts = (np.hsplit(whole, self.n_taps) for whole in (W, dW))
        bound = [
            bound_matrix(self.tap, self._of_tap(params, i), dtype, allocate)
            for i in range(self.n_taps)
        ]

        def form() -> None:
            for part, own in zip(parts, bound, strict=True):
                own.form()
                np.copyto(part, own.W)

        def pull(grads: Params) -> None:
            for tap, (part, own) in enumerate(zip(d_parts, bound, strict=True)):
                np.copyto(own.gradient, part)
                own.pull(self._of_tap(grads, tap))

        return BoundMatrix(W, form, dW, pull)

    def _nearest(self, target: Target) -> Params:
        """Return each tap's; with a moment they would depend on each other."""
        if target.moment is not None or target.W.shape[1] != self.n_in:
            raise NotDefinedError("a nearest kernel with a moment, or of some taps,", self.family)
        of_taps = [self.tap.nearest(part) for part in np.hsplit(target.W, self.n_taps)]
        return {name: np.stack([own[name] for own in of_taps]) for name in self.weight_shapes}

    def multiply_adds(self) -> int:
        """Return those of all taps."""
        return self.n_taps * self.tap.multiply_adds()

    def expected_rank(self) -> int:
        """Return the sum of the taps' ranks, as far as there are outputs."""
        return min(self.n_out, self.n_taps * self.tap.expected_rank())

    def n_null_directions(self) -> int:
        """Return those of all taps."""
        return self.n_taps * self.tap.n_null_directions()


def rescale(layer: WeightLayer, params: Params, factor: float) -> None:
    """Multiply W by a factor, through all parameters that it is homogeneous in, each as much.

    Raises
    ------
    ShapeError
        If there are none.
    """
    degrees = {name: _degree(layer, params, name) for name in layer.weight_shapes}
    total = sum(degrees.values())
    if not total:
        raise ShapeError(
            f"convolutions got layer {layer.family}, whose matrix has no scale; expected another "
            "--layer"
        )
    for name, degree in degrees.items():
        if degree:
            params[name] *= factor ** (1 / total)


def _degree(layer: WeightLayer, params: Params, name: str) -> int:
    """Return d if W is multiplied by 2ᵈ with this parameter doubled; 0 if by no such factor."""
    before = layer.matrix(params).copy()
    after = layer.matrix({**params, name: 2 * params[name]})
    size = np.linalg.norm(before)
    if not size:
        return 0
    degree = max(0, round(float(np.log2(max(float(np.linalg.norm(after) / size), 1.0)))))
    close = np.linalg.norm(after - 2.0**degree * before) <= 1e-4 * np.linalg.norm(after)
    return degree if close else 0
