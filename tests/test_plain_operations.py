"""A layer's product with its matrix, as reshapes, transpositions and products with matrices."""

from math import prod

import numpy as np
import pytest

from cdbench.config import families
from cdbench.engine.layers.operations import (
    Reshaped,
    Times,
    TimesLeft,
    Transposed,
    plain_operations,
)

SPECIFICATIONS = [
    *families.FAMILIES,
    *(f"cdlinear:{B}" for B in (1, 2, 3, 4, 5, 8)),
    *(f"block-diagonal:3,basis={basis}" for basis in ("none", "dct", "hartley", "random")),
    "low-rank:3",
    "kronecker:1",
    "kronecker:3",
    "monarch:2,inner=5",
    "monarch:4,inner=3",
    "spectral:2,length=6",
]
WIDTHS = ((24, 24), (24, 48), (48, 24), (120, 240))
RTOL = 1e-13
"""Of the outputs' scale: rounding in float64."""


def applied(operations, x):
    """What an exporter's library computes."""
    for operation in operations:
        match operation:
            case Reshaped(shape):
                x = x.reshape(shape)
            case Transposed(axes):
                x = x.transpose(axes)
            case Times(matrix):
                x = x @ matrix
            case TimesLeft(matrix):
                x = matrix @ x
    return x


def layers():
    for specification in SPECIFICATIONS:
        name, given = families.parse(specification)
        structure = {"B": 4} if specification == "cdlinear" else given
        own = families.family(name)
        multiple = own.width_multiple({**families.structure_of(name, None), **structure})
        for widths in WIDTHS:
            n_in, n_out = (-(-n // multiple) * multiple for n in widths)
            yield specification, own.build(n_in, n_out, structure)


def test_plain_operations_are_the_product_with_the_matrix():
    rng = np.random.default_rng(0)
    for specification, layer in layers():
        params = {name: rng.normal(size=shape) for name, shape in layer.parameter_shapes().items()}
        x = rng.normal(size=(5, layer.n_in))
        expected = x @ layer.matrix(params).T
        found = applied(plain_operations(layer, params), x)
        assert found.shape == expected.shape, specification
        error = np.abs(found - expected).max() / np.abs(expected).max()
        assert error < RTOL, (specification, layer.n_in, layer.n_out, error)


EXTRA = {"cdlinear:4": 3 * 4**2, "cdlinear:8": 3 * 8**2, "monarch:8": 0, "low-rank:8": 0}
"""Numbers beside the weights: of real DFTs, B to B and back from twice as many."""


@pytest.mark.parametrize("family", EXTRA)
def test_structured_operations_hold_as_many_numbers_as_there_are_weights(family):
    name, structure = families.parse(family)
    layer = families.family(name).build(256, 256, structure)
    params = {name: np.ones(shape) for name, shape in layer.parameter_shapes().items()}
    operations = plain_operations(layer, params)
    numbers = sum(own.matrix.size for own in operations if isinstance(own, Times | TimesLeft))
    weights = sum(prod(shape) for shape in layer.weight_shapes.values())
    assert numbers == weights + EXTRA[family]
