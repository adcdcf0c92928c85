"""A chain of weight layers with an activation in between: the network of Sec. VI.1."""

from collections.abc import Sequence

from cdbench.engine.architectures.parts import Between
from cdbench.engine.layers import Layer, Pad, Slice, WeightLayer
from cdbench.engine.layers.layouts import rearranged
from cdbench.engine.network import Network


def mlp_network(
    weights: Sequence[WeightLayer], between: Between, n_features: int, n_outputs: int
) -> Network:
    """Return the network of these weight layers from features to outputs.

    Inputs are padded with zeros and surplus logits are sliced off. A normalisation comes directly
    before each weight layer, but never sees padded inputs.
    """
    layers: list[Layer] = []
    for own in weights:
        n = own.n_in if layers else n_features  # without padding, which only the inputs have
        if layers:
            layers += between.activated(n)
        layers += between.normalized(n)
        if n != own.n_in:
            layers.append(Pad(n, own.n_in))
        layers.append(own)
    if weights[-1].n_out != n_outputs:
        layers.append(Slice(weights[-1].n_out, n_outputs))
    return Network(rearranged(layers))
