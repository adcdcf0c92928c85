"""From a configuration to its network: what its architecture is made with."""

from collections.abc import Callable
from dataclasses import fields
from itertools import pairwise
from typing import Any

from cdbench.config import families
from cdbench.config.run_config import RunConfig
from cdbench.config.structure import Structure
from cdbench.config.text_sets import is_text
from cdbench.engine.architectures import attention
from cdbench.engine.architectures.conv import Stages, conv_network
from cdbench.engine.architectures.mlp import mlp_network
from cdbench.engine.architectures.parts import Between, Weights
from cdbench.engine.architectures.residual_mlp import residual_network
from cdbench.engine.layers import ACTIVATIONS, NORMALIZATIONS, WeightLayer
from cdbench.engine.network import Network
from cdbench.engine.products import plan
from cdbench.errors import ConfigurationError

Image = tuple[int, int, int]
"""(height, width, channels) of samples that are images; features are (channel, row, column)."""

READS_IMAGES = ("conv", "attention")
"""Architectures that need to know which feature is where; attention reads texts as well."""


def build_network(
    config: RunConfig, n_features: int, n_outputs: int, image: Image | None = None
) -> Network:
    """Build the network of a configuration.

    Parameters
    ----------
    config : RunConfig
        Its architecture, layer family and their knobs.
    n_features, n_outputs : int
        Of the data set. Of a text, the characters of a sample, and the symbols.
    image : Image, optional
        What the features are the pixels of.

    Raises
    ------
    ConfigurationError
        If the architecture reads images, and the samples are none.
    ShapeError
        If the family has no layer between two of the widths, or the image does not suit.
    """
    if config.architecture in READS_IMAGES and image is None and not is_text(config.dataset):
        raise ConfigurationError(
            f"architecture = {config.architecture} was given with dataset {config.dataset}, whose "
            f"{n_features} features are no image; expected digits, mnist, fashion-mnist, cifar-10, "
            "or a .npz file with X of shape (N, height, width) or (N, height, width, channels)"
        )
    return BUILDERS[config.architecture](config, n_features, n_outputs, image)


def build_mlp(config: RunConfig, n_features: int, n_outputs: int, image: Image | None) -> Network:
    """Build the network of Sec. VI.1."""
    del image
    weights = build_weight_layers(config, n_features, n_outputs)
    return mlp_network(weights, between_of(config), n_features, n_outputs)


def build_residual_mlp(
    config: RunConfig, n_features: int, n_outputs: int, image: Image | None
) -> Network:
    """Build weight layers of one width with a sum around each."""
    del image
    assert config.width is not None
    assert config.depth is not None
    weights, between = weights_of(config), between_of(config)
    return residual_network(weights, between, config.width, config.depth, n_features, n_outputs)


def build_conv(config: RunConfig, n_features: int, n_outputs: int, image: Image | None) -> Network:
    """Build convolutions of images."""
    del n_features
    assert image is not None
    stages = Stages(**{knob.name: getattr(config, knob.name) for knob in fields(Stages)})
    return conv_network(weights_of(config), stages, between_of(config), image, n_outputs)


def build_attention(
    config: RunConfig, n_features: int, n_outputs: int, image: Image | None
) -> Network:
    """Build blocks of attention over the rows or patches of images, or the characters of a text."""
    assert config.width is not None
    assert config.depth is not None
    assert config.heads is not None
    blocks = attention.Blocks(
        config.width,
        config.depth,
        config.heads,
        config.head_width or config.width // config.heads,
        ACTIVATIONS[config.activation],
        config.dropout,
    )
    if image is None:
        return attention.text_network(weights_of(config), blocks, n_features, n_outputs)
    patch = (1, image[1]) if config.patch is None else (config.patch, config.patch)
    return attention.image_network(weights_of(config), blocks, image, patch, n_outputs)


BUILDERS: dict[str, Callable[[RunConfig, int, int, Image | None], Network]] = {
    "mlp": build_mlp,
    "residual-mlp": build_residual_mlp,
    "conv": build_conv,
    "attention": build_attention,
}
"""By architecture."""


def weights_of(config: RunConfig) -> Weights:
    """Return the configuration's layer family, for architectures whose layers see rows."""
    own: Any = families.family(config.layer)
    return Weights(own, structure_of(config), dense_head=config.head == "dense")


def between_of(config: RunConfig) -> Between:
    """Return what comes between the configuration's weight layers."""
    return Between(
        ACTIVATIONS[config.activation],
        config.dropout,
        NORMALIZATIONS.get(config.normalization),
    )


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
