"""What comes between weight layers, as ONNX nodes."""

from functools import singledispatch

import numpy as np

from cdbench.engine.layers import (
    GELU,
    Add,
    Arrangement,
    BatchNorm,
    Dropout,
    Layer,
    LayerNorm,
    Params,
    ReLU,
    Slice,
    Tanh,
)
from cdbench.engine.layers.attend import Attend
from cdbench.engine.layers.base import Moments
from cdbench.engine.layers.normalization import EPSILON
from cdbench.engine.layers.pooling import SIZE, AveragePooling, Flatten, MaxPooling, Pooling
from cdbench.engine.layers.tokens import Embedding, MeanOfTokens, Patches, Positions
from cdbench.errors import ModelError
from cdbench.trained.onnx_nodes import Nodes, Rows


@singledispatch
def add_layer(
    layer: Layer, x: tuple[Rows, ...], nodes: Nodes, params: Params, moments: Moments | None
) -> Rows:
    """Append a layer in evaluation, and return its rows.

    Parameters
    ----------
    layer : Layer
        Any but a weight layer.
    x : tuple of Rows
        What enters it.
    nodes : Nodes
    params : Params
        Its parameters, in float64.
    moments : Moments, optional
        Of a BatchNorm.

    Raises
    ------
    ModelError
        If there are no such nodes.
    """
    raise ModelError(f"{type(layer).__name__} layers have no ONNX nodes; expected another --format")


@add_layer.register
def _(layer: Arrangement, x: tuple[Rows, ...], *_others: object) -> Rows:
    """Rows stay rows, and zeros are appended by the layer that takes them."""
    del layer
    return x[0]


@add_layer.register
def _(layer: Slice, x: tuple[Rows, ...], nodes: Nodes, *_others: object) -> Rows:
    return Rows(nodes.widened(x[0], layer.n_out), layer.n_out)


@add_layer.register
def _(layer: Dropout, x: tuple[Rows, ...], *_others: object) -> Rows:
    del layer
    return x[0]


@add_layer.register
def _(layer: ReLU, x: tuple[Rows, ...], nodes: Nodes, *_others: object) -> Rows:
    return Rows(nodes.add("Relu", x[0].name), layer.n_out)


@add_layer.register
def _(layer: Tanh, x: tuple[Rows, ...], nodes: Nodes, *_others: object) -> Rows:
    return Rows(nodes.add("Tanh", x[0].name), layer.n_out)


@add_layer.register
def _(layer: GELU, x: tuple[Rows, ...], nodes: Nodes, *_others: object) -> Rows:
    """ONNX's own Gelu came with opset 20."""
    name = x[0].name
    square = nodes.add("Mul", name, name)
    cubic = nodes.add("Mul", square, nodes.numbers(layer.SCALE * layer.CUBIC))
    factor = nodes.add("Add", cubic, nodes.numbers(layer.SCALE))
    tanh = nodes.add("Tanh", nodes.add("Mul", factor, name))
    share = nodes.add("Mul", nodes.add("Add", tanh, nodes.numbers(1.0)), nodes.numbers(0.5))
    return Rows(nodes.add("Mul", share, name), layer.n_out)


@add_layer.register
def _(layer: Add, x: tuple[Rows, ...], nodes: Nodes, *_others: object) -> Rows:
    branch = x[1].name
    if layer.scale != 1:
        branch = nodes.add("Mul", branch, nodes.numbers(layer.scale))
    return Rows(nodes.add("Add", x[0].name, branch), layer.n_out)


@add_layer.register
def _(
    layer: BatchNorm, x: tuple[Rows, ...], nodes: Nodes, params: Params, moments: Moments | None
) -> Rows:
    """Append it with constant moments: those of the training split."""
    assert moments is not None
    mean, variance = (np.asarray(one, np.float64).ravel() for one in moments)
    scale = params["gain"] / np.sqrt(variance + EPSILON)
    scaled = nodes.add(
        "Mul", nodes.add("Sub", x[0].name, nodes.numbers(mean)), nodes.numbers(scale)
    )
    return Rows(nodes.add("Add", scaled, nodes.numbers(params["shift"])), layer.n_out)


@add_layer.register
def _(
    layer: LayerNorm, x: tuple[Rows, ...], nodes: Nodes, params: Params, *_others: object
) -> Rows:
    """Append its formula: ε of ONNX's LayerNormalization is a float32, whatever its input is."""
    mean = nodes.over("ReduceMean", x[0].name, 1, keepdims=1)
    deviation = nodes.add("Sub", x[0].name, mean)
    square = nodes.add("Pow", deviation, nodes.numbers(2.0))
    variance = nodes.over("ReduceMean", square, 1, keepdims=1)
    root = nodes.add("Sqrt", nodes.add("Add", variance, nodes.numbers(EPSILON)))
    scaled = nodes.add("Mul", nodes.add("Div", deviation, root), nodes.numbers(params["gain"]))
    return Rows(nodes.add("Add", scaled, nodes.numbers(params["shift"])), layer.n_out)


@add_layer.register
def _(layer: Patches, x: tuple[Rows, ...], nodes: Nodes, *_others: object) -> Rows:
    cut = nodes.transposed(nodes.reshaped(x[0].name, -1, *layer.parts), 0, 2, 4, 1, 3, 5)
    return Rows(nodes.reshaped(cut, -1, layer.n_out), layer.n_out)


@add_layer.register
def _(
    layer: Embedding, x: tuple[Rows, ...], nodes: Nodes, params: Params, *_others: object
) -> Rows:
    found = nodes.add("Gather", nodes.numbers(params["table"]), x[0].name, axis=0)
    return Rows(nodes.reshaped(found, -1, layer.n_out), layer.n_out)


@add_layer.register
def _(
    layer: Positions, x: tuple[Rows, ...], nodes: Nodes, params: Params, *_others: object
) -> Rows:
    samples = nodes.reshaped(x[0].name, -1, layer.tokens, layer.n_in)
    moved = nodes.add("Add", samples, nodes.numbers(params["positions"]))
    return Rows(nodes.reshaped(moved, -1, layer.n_out), layer.n_out)


@add_layer.register
def _(layer: MeanOfTokens, x: tuple[Rows, ...], nodes: Nodes, *_others: object) -> Rows:
    samples = nodes.reshaped(x[0].name, -1, layer.tokens, layer.n_in)
    return Rows(nodes.over("ReduceMean", samples, 1), layer.n_out)


@add_layer.register
def _(layer: Flatten, x: tuple[Rows, ...], nodes: Nodes, *_others: object) -> Rows:
    return Rows(nodes.reshaped(x[0].name, -1, layer.n_out), layer.n_out)


@add_layer.register
def _(layer: MaxPooling, x: tuple[Rows, ...], nodes: Nodes, *_others: object) -> Rows:
    return _pooled(layer, x[0], nodes, "ReduceMax")


@add_layer.register
def _(layer: AveragePooling, x: tuple[Rows, ...], nodes: Nodes, *_others: object) -> Rows:
    return _pooled(layer, x[0], nodes, "ReduceMean")


def _pooled(layer: Pooling, x: Rows, nodes: Nodes, reduction: str) -> Rows:
    """By reductions, which onnxruntime has in float64 too; an odd last row or column is cut off."""
    (height, width), (down, across), C = layer.image, layer.image_out, layer.n_in
    images = nodes.reshaped(x.name, -1, height, width, C)
    for axis, (n, pools) in enumerate(((height, down), (width, across)), 1):
        images = nodes.cut(images, axis, SIZE * pools) if n != SIZE * pools else images
    pools_of = nodes.reshaped(images, -1, down, SIZE, across, SIZE, C)
    return Rows(nodes.reshaped(nodes.over(reduction, pools_of, 2, 4), -1, C), C)


@add_layer.register
def _(layer: Attend, x: tuple[Rows, ...], nodes: Nodes, *_others: object) -> Rows:
    T, heads, d = layer.tokens, layer.heads, layer.head_width

    def by_heads(rows: Rows, *axes: int) -> str:
        return nodes.transposed(nodes.reshaped(rows.name, -1, T, heads, d), *axes)

    q, k, v = by_heads(x[0], 0, 2, 1, 3), by_heads(x[1], 0, 2, 3, 1), by_heads(x[2], 0, 2, 1, 3)
    scores = nodes.add("MatMul", nodes.add("Mul", q, nodes.numbers(d**-0.5)), k)
    if layer.causal:
        later = np.triu(np.full((T, T), -np.inf), 1)
        scores = nodes.add("Add", scores, nodes.numbers(later))
    attended = nodes.add("MatMul", nodes.add("Softmax", scores, axis=-1), v)
    rows = nodes.reshaped(nodes.transposed(attended, 0, 2, 1, 3), -1, layer.n_out)
    return Rows(rows, layer.n_out)
