"""Convolutions of images, each followed by an activation and pooling, and a last layer."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cdbench.engine.architectures.parts import Between, Weights
from cdbench.engine.layers import Layer
from cdbench.engine.layers.convolution import Convolution
from cdbench.engine.layers.pooling import AveragePooling, Flatten, MaxPooling, Pooling
from cdbench.engine.layers.tokens import MeanOfTokens, Patches
from cdbench.engine.network import Network

POOLING: Mapping[str, type[Pooling]] = {"max": MaxPooling, "average": AveragePooling}
"""By name; "none" is none of these."""

READOUT: Mapping[str, Callable[[int, int], Layer]] = {
    "average": lambda channels, pixels: MeanOfTokens(pixels, channels),
    "flatten": Flatten,
}


@dataclass(frozen=True)
class Stages:
    """What the stages of a convolutional network are made with.

    Attributes
    ----------
    channels : tuple of int
        Of each stage's output; they are rounded up to the family's multiple.
    kernel, stride : int
        Height and width of the kernels, and their step, in pixels.
    padding : str
        ``same`` or ``valid``.
    pooling : str
        ``max``, ``average`` or ``none``.
    readout : str
        ``average``, over the pixels that are left, or ``flatten``, all of them.
    """

    channels: tuple[int, ...]
    kernel: int = 3
    stride: int = 1
    padding: str = "same"
    pooling: str = "max"
    readout: str = "average"


def conv_network(
    weights: Weights,
    stages: Stages,
    between: Between,
    image: tuple[int, int, int],
    n_outputs: int,
) -> Network:
    """Return the network from images (N, channels · height · width) to outputs (N, n_outputs).

    The first kernel is dense, whatever the family. A normalisation, over the channels of a pixel or
    over all pixels of a batch, comes before each weight layer but the first: of pixels of one
    channel LayerNorm would leave nothing.

    Raises
    ------
    ShapeError
        If a kernel or pooling does not fit what is left of the image.
    """
    height, width, channels = image
    layers: list[Layer] = [Patches(image, (1, 1))]
    size = (height, width)
    for place, n_out in enumerate(stages.channels):
        kernel = weights.kernel if place else weights.first_kernel
        if place:
            layers += between.normalized(channels)
        inner = kernel(channels, n_out, stages.kernel**2)
        own = Convolution(inner, size, stages.kernel, stages.stride, stages.padding)
        channels, size = own.n_out, own.image_out
        layers += [own, *between.activated(channels)]
        if stages.pooling in POOLING:
            pooling = POOLING[stages.pooling](channels, size)
            layers.append(pooling)
            size = pooling.image_out
    read = READOUT[stages.readout](channels, size[0] * size[1])
    head = weights.head(read.n_out, n_outputs)
    return Network([*layers, read, *between.normalized(read.n_out), *head])
