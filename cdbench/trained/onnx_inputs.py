"""From raw features to what a network takes, as ONNX nodes."""

import numpy as np
from numpy.typing import NDArray

from cdbench.records.weights import Affine, Encoding, InputTransform
from cdbench.trained.onnx_nodes import Nodes


def add_inputs(inputs: InputTransform, x: str, nodes: Nodes) -> str:
    """Append what maps raw features (N, n_columns) to inputs (N, n_features); return its name."""
    if inputs.encoding is not None:
        x = _add_encoding(inputs.encoding, inputs.order, x, nodes)
    elif inputs.order is not None:
        x = nodes.add("Gather", x, nodes.integers(inputs.order.tolist()), axis=1)
    return _add_affine(inputs.affine, x, nodes)


def _add_encoding(encoding: Encoding, order: NDArray[np.int64] | None, x: str, nodes: Nodes) -> str:
    """Append blanks filled, and text, which comes as its place in ``texts``, as one-hot columns."""
    texts = encoding.texts
    columns = [i for i, own in enumerate(texts) for _ in own or ("",)]
    codes = [code for own in texts for code in range(max(1, len(own)))]
    places = np.array([columns, codes]).take(range(len(codes)) if order is None else order, axis=1)
    is_text = np.array([bool(texts[i]) for i in places[0]])
    seen = ~encoding.unseen if order is None else ~encoding.unseen.take(order)
    filled = nodes.add("Where", nodes.add("IsNaN", x), nodes.numbers(encoding.fills), x)
    spread = nodes.add("Gather", filled, nodes.integers(places[0].tolist()), axis=1)
    equal = nodes.add("Equal", spread, nodes.numbers(places[1]))
    one, zero = nodes.numbers(seen), nodes.numbers(0.0)
    hot = nodes.add("Where", equal, one, zero)
    return nodes.add("Where", nodes.constant(is_text), hot, spread)


def _add_affine(affine: Affine, x: str, nodes: Nodes) -> str:
    """Append ``(x − shift) / scale @ matrix``, the divisor being in both.

    What rounding loses of the shift is subtracted too. In float32 a feature that varies little
    around a large mean would otherwise lose its variation.
    """
    divisor = 1.0 if affine.divisor is None else affine.divisor
    if affine.shift is not None:
        shift = divisor * affine.shift
        x = nodes.add("Sub", x, nodes.numbers(shift))
        rest = shift - shift.astype(nodes.dtype)
        if rest.any():
            x = nodes.add("Sub", x, nodes.numbers(rest))
    if affine.scale is not None or divisor != 1:
        scale = divisor if affine.scale is None else divisor * affine.scale
        x = nodes.add("Div", x, nodes.numbers(scale))
    return x if affine.matrix is None else nodes.add("MatMul", x, nodes.numbers(affine.matrix))
