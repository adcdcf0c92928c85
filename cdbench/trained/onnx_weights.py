"""Weight layers as ONNX nodes: large ones in a structure that has fewer numbers than W."""

import numpy as np

from cdbench.engine.layers import Params, WeightLayer
from cdbench.engine.layers.convolution import Convolution
from cdbench.engine.layers.operations import (
    Operation,
    Reshaped,
    Times,
    TimesLeft,
    Transposed,
    plain_operations,
)
from cdbench.engine.layers.unfolding import Unfolding
from cdbench.engine.network import WeightPlace
from cdbench.engine.products.base import FRESH, Array
from cdbench.trained.onnx_nodes import Nodes, Rows

STRUCTURED, WHOLE, CONVOLVED = (
    "as reshapes and matrix products",
    "as a whole matrix",
    "as a convolution of whole kernels",
)
"""How a weight layer is computed, for the user."""

FEWEST_ENTRIES = 2**16
"""Of W, for its structure to be kept: below that one product takes less time in onnxruntime."""


def add_weights(place: WeightPlace, params: Params, x: Rows, nodes: Nodes) -> tuple[Rows, str]:
    """Append ``x @ W.T + bias`` and return its rows, and how it is computed.

    The family's structure is kept if its fixed matrices have fewer numbers than the part of W that
    acts, and that has FEWEST_ENTRIES.

    Parameters
    ----------
    place : WeightPlace
        The layer.
    params : Params
        Its parameters, in float64.
    x : Rows
        What enters it.
    nodes : Nodes
    """
    if isinstance(place.layer, Convolution):
        return _add_convolution(place.layer, params, x, nodes)
    return _add_product(place.layer, params, x, nodes, place.n_out_acting)


def _add_product(
    layer: WeightLayer, params: Params, x: Rows, nodes: Nodes, n_out: int
) -> tuple[Rows, str]:
    operations, bias = plain_operations(layer, params), params["bias"]
    n_numbers = sum(one.matrix.size for one in operations if isinstance(one, Times | TimesLeft))
    if max(n_numbers + 1, FEWEST_ENTRIES) <= x.width * n_out:
        y = nodes.widened(x, layer.n_in)
        for one in operations:
            y = _add_operation(one, y, nodes)
        return Rows(nodes.add("Add", y, nodes.numbers(bias)), layer.n_out), STRUCTURED
    W = layer.matrix(params)[:n_out, : x.width]
    return _add_affine(W, bias[:n_out], x.name, nodes), WHOLE


def _add_operation(operation: Operation, x: str, nodes: Nodes) -> str:
    match operation:
        case Reshaped(shape):
            return nodes.reshaped(x, *shape)
        case Transposed(axes):
            return nodes.transposed(x, *axes)
        case Times(matrix):
            return nodes.add("MatMul", x, nodes.numbers(matrix))
        case TimesLeft(matrix):
            return nodes.add("MatMul", nodes.numbers(matrix), x)


def _add_affine(W: Array, bias: Array, x: str, nodes: Nodes) -> Rows:
    y = nodes.add("Gemm", x, nodes.numbers(W), nodes.numbers(bias), transB=1)
    return Rows(y, len(W))


def _add_convolution(layer: Convolution, params: Params, x: Rows, nodes: Nodes) -> tuple[Rows, str]:
    """Append a convolution: a Conv in float32, which onnxruntime has not in float64.

    There the windows are gathered, and a window is a row of the inner layer.
    """
    geometry, k, C = layer.geometry, layer.kernel, layer.n_in
    pixels = nodes.widened(x, C)
    if nodes.dtype == np.float64:
        places = Unfolding(geometry, 1, 1, (0, 1), np.float64, FRESH)
        places.prepare()
        n_pixels = geometry.height * geometry.width
        # Pixel 0 of the padded list is the zero around the image.
        numbered = places.unfold(np.arange(1.0, 1.0 + n_pixels)).astype(np.int64)
        listed = nodes.reshaped(pixels, -1, n_pixels, C)
        padded = nodes.add("Pad", listed, nodes.integers((0, 1, 0, 0, 0, 0)))
        windows = nodes.add("Gather", padded, nodes.integers(numbered.ravel().tolist()), axis=1)
        rows = Rows(nodes.reshaped(windows, -1, k * k * C), k * k * C)
        return _add_product(layer.inner, params, rows, nodes, layer.n_out)
    kernel = layer.matrix(params).reshape(layer.n_out, k, k, C).transpose(0, 3, 1, 2)
    images = nodes.reshaped(pixels, -1, geometry.height, geometry.width, C)
    found = nodes.add(
        "Conv",
        nodes.transposed(images, 0, 3, 1, 2),
        nodes.numbers(kernel),
        nodes.numbers(params["bias"]),
        kernel_shape=[k, k],
        strides=[geometry.stride] * 2,
        pads=[*geometry.before, *geometry.after],
    )
    y = nodes.reshaped(nodes.transposed(found, 0, 2, 3, 1), -1, layer.n_out)
    return Rows(y, layer.n_out), CONVOLVED
