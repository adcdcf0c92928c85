"""From a configuration to its network: widths, weight layers, and what comes between them."""

from itertools import pairwise

from cdbench.config import families
from cdbench.config.run_config import RunConfig
from cdbench.config.structure import Structure
from cdbench.engine.layers import NORMALIZATIONS, Dropout, Layer, Pad, ReLU, Slice, WeightLayer
from cdbench.engine.layers.layouts import rearranged
from cdbench.engine.network import Network
from cdbench.engine.products import plan


def build_network(config: RunConfig, n_features: int, n_outputs: int) -> Network:
    """Build the network of Sec. VI.1: weight layers with ReLU in between.

    Inputs are padded with zeros and surplus logits are sliced off. Dropout, if requested, follows
    each ReLU. A normalisation comes directly before each weight layer, but never sees padded
    inputs.

    Raises
    ------
    ShapeError
        If the family has no layer between two of the widths.
    """
    layers: list[Layer] = []
    for own in build_weight_layers(config, n_features, n_outputs):
        n = own.n_in if layers else n_features  # without padding, which only the inputs have
        if layers:
            layers.append(ReLU(n))
            if config.dropout:
                layers.append(Dropout(n, config.dropout))
        if config.normalization != "none":
            layers.append(NORMALIZATIONS[config.normalization](n))
        if n != own.n_in:
            layers.append(Pad(n, own.n_in))
        layers.append(own)
    if own.n_out != n_outputs:
        layers.append(Slice(own.n_out, n_outputs))
    return Network(rearranged(layers))


def build_weight_layers(config: RunConfig, n_features: int, n_outputs: int) -> list[WeightLayer]:
    """Return the weight layers from the input on; all of a family with products use the same one.

    Every width is rounded up to the family's multiple, but a dense head's outputs.
    """
    own, structure = families.family(config.layer), structure_of(config)
    multiple = own.width_multiple(structure)
    widths = [-(-width // multiple) * multiple for width in (n_features, *config.hidden, n_outputs)]
    if config.head == "dense":
        widths.pop()
    product = None
    if config.layer in families.WITH_B:
        product = config.product
        if product == "auto":
            product = plan(config.batch_size, widths, multiple, config.dtype)
    layers = [own.build(n_in, n_out, structure, product) for n_in, n_out in pairwise(widths)]
    if config.head == "dense":
        layers.append(families.family(families.BASELINE).build(widths[-1], n_outputs, {}))
    return layers


def structure_of(config: RunConfig) -> Structure:
    """Return the values of the structure parameters of the configuration's layer family."""
    if config.B is not None:
        return {"B": config.B}
    return families.structure_of(config.layer, config.structure)
