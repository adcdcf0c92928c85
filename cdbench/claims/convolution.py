"""The claim that CDLinear extends to convolutional layers, which the paper defers."""

from cdbench.claims.evidence.equal_weights import HOW, EqualWeights
from cdbench.claims.evidence.systems import (
    CIFAR,
    DENSE,
    FASHION,
    HIGH_RATES,
    NARROWER,
    Arms,
    Knobs,
    System,
)

NETWORK: Knobs = {"architecture": "conv", "channels": (16, 32), "dtype": "float32"}
ARMS: Arms = {
    DENSE: {"layer": "dense"},
    NARROWER: {"layer": "dense", "channels": (8, 16)},
    **{f"cdlinear B={B}": {"layer": "cdlinear", "B": B} for B in (2, 3, 4, 5, 8)},
    "grouped": {"layer": "block-diagonal:4"},
}


ON_COLOURS = ARMS | {NARROWER: {"layer": "dense", "channels": (8, 18)}}
"""Of three channels the first kernel, dense in all, takes more of the weights."""

ONE_EPOCH: Knobs = {"epochs": 1, "stride": 2}


class ConvolutionExtends(EqualWeights):
    """CDConv against dense, grouped and narrower convolutions on three sets of images."""

    name = "convolution"
    title = "CDLinear in convolutions"
    statement = (
        "The natural extension to convolutional layers is straightforward; it is deferred to "
        "follow-on work. What would be extended: about as accurate with a quarter of the weights, "
        "and a better conditioned Hessian."
    )
    where = "Sec. VII; Outlook"
    published = "deferred; not tested"
    method = (
        "Networks of two convolutions, 3 × 3, with 16 and 32 channels, each with ReLU and maxima "
        "over 2 × 2 pixels, then the mean over all pixels and a linear layer: on the digits, "
        "25 epochs; Fashion-MNIST and CIFAR-10, whole, the kernels with a stride of 2, one epoch. "
        "Rates 0.01, 0.03, 0.1; on Fashion-MNIST the upper two, on CIFAR-10 the lower two, to save "
        "hours. The first kernel is dense in all. Every other layer is dense, block-circulant over "
        "channels (B = 2, 3, 4, 5, 8; 3 and 5 round channels up), or grouped: block-diagonal with "
        "4 groups of channels, shuffled; the narrower dense network has 8 and 16 channels, on "
        f"CIFAR-10 8 and 18. {HOW}"
    )
    systems = (
        System("digits", NETWORK | {"dataset": "digits"}, ARMS, HIGH_RATES),
        System("Fashion-MNIST", NETWORK | FASHION | ONE_EPOCH, ARMS, (0.03, 0.1)),
        System("CIFAR-10", NETWORK | CIFAR | ONE_EPOCH, ON_COLOURS, (0.01, 0.03)),
    )
