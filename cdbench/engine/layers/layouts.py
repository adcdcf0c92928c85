"""Where a chain of layers changes between the layouts of activations."""

from collections.abc import Sequence

from cdbench.engine.layers.activation import Activation
from cdbench.engine.layers.arrangement import ToRows, ToVertices
from cdbench.engine.layers.base import Layer
from cdbench.engine.layers.dropout import Dropout
from cdbench.engine.layers.weight_layer import WeightLayer


def rearranged(layers: Sequence[Layer]) -> list[Layer]:
    """Return the layers with conversions between rows and vertices inserted where needed."""
    done: list[Layer] = []
    vertices: int | None = None
    for layer in layers:
        if isinstance(layer, Activation | Dropout):  # these accept both layouts
            done.append(layer)
            continue
        asked = layer.vertices if isinstance(layer, WeightLayer) else None
        if asked is not None and vertices is None:
            done.append(ToVertices(layer.n_in, asked))
        elif asked is None and vertices is not None:
            done.append(ToRows(layer.n_in, vertices))
        done.append(layer)
        vertices = asked
    if vertices is not None:
        done.append(ToRows(done[-1].n_out, vertices))
    return done
