"""Where a chain of layers changes between the layouts of activations."""

from collections.abc import Sequence

from cdbench.layers.activation import ReLU
from cdbench.layers.arrangement import ToRows, ToVertices
from cdbench.layers.base import Layer
from cdbench.layers.cdlinear import CDLinear
from cdbench.layers.dropout import Dropout
from cdbench.products.base import ROWS, VERTICES


def rearranged(layers: Sequence[Layer]) -> list[Layer]:
    """Return the layers with conversions between rows and vertices inserted where needed."""
    done: list[Layer] = []
    layout, B = ROWS, 1
    for layer in layers:
        if isinstance(layer, ReLU | Dropout):  # these accept both layouts
            done.append(layer)
            continue
        asked = layer.product.layout if isinstance(layer, CDLinear) else ROWS
        if asked == VERTICES and layout == ROWS:
            assert isinstance(layer, CDLinear)
            B = layer.B
            done.append(ToVertices(layer.n_in, B))
        elif asked == ROWS and layout == VERTICES:
            done.append(ToRows(layer.n_in, B))
        done.append(layer)
        layout = asked
    if layout == VERTICES:
        done.append(ToRows(done[-1].n_out, B))
    return done
