"""The claim that CDLinear extends to attention, which the paper defers."""

from cdbench.claims.evidence.equal_weights import HOW, EqualWeights
from cdbench.claims.evidence.systems import (
    DENSE,
    FASHION,
    LOW_RATES,
    NARROWER,
    WIDE_RATES,
    Arms,
    Knobs,
    System,
)

NETWORK: Knobs = {
    "architecture": "attention",
    "width": 64,
    "depth": 1,
    "heads": 4,
    "dtype": "float32",
}
ARMS: Arms = {
    DENSE: {"layer": "dense"},
    NARROWER: {"layer": "dense", "width": 32},
    **{f"cdlinear B={B}": {"layer": "cdlinear", "B": B} for B in (2, 4, 8)},
}


class AttentionExtends(EqualWeights):
    """CD-attention against dense and narrower networks, over rows and patches of images."""

    name = "attention"
    title = "CDLinear in attention"
    statement = (
        "The extension to attention mechanisms is more interesting than that to convolutions; it "
        "is deferred to follow-on work. What would be extended: about as accurate with a quarter "
        "of the weights, and a better conditioned Hessian."
    )
    where = "Sec. VII; Outlook"
    published = "deferred; not tested"
    method = (
        "Networks of one pre-norm block of attention, 64 wide with 4 heads, and a feed-forward "
        "network of 256, whose every weight layer is of one family. Tokens are the rows of the "
        "digits (25 epochs; rates 0.003, 0.01, 0.03, 0.1) and the patches of 7 × 7 pixels of "
        "Fashion-MNIST (one epoch; 0.001, 0.003, 0.01, 0.03); "
        "characters of a text are in the claim on language. The narrower dense network is 32 wide. "
        f"{HOW}"
    )
    systems = (
        System("digits", NETWORK | {"dataset": "digits"}, ARMS, WIDE_RATES),
        System("Fashion-MNIST", NETWORK | FASHION | {"epochs": 1, "patch": 7}, ARMS, LOW_RATES),
    )
