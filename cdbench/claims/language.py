"""The claim on language modelling, a benchmark that the paper calls for and does not run."""

from cdbench.claims.attention import ARMS, NETWORK
from cdbench.claims.evidence.equal_weights import HOW, EqualWeights
from cdbench.claims.evidence.systems import NARROWER, TEXT, System

CONTEXT, BATCH_SIZE = 64, 16

FAMILIES = {
    "low-rank": "low-rank:10",
    "block-diagonal": "block-diagonal:4",
    "monarch": "monarch:8",
}
"""Other families, with about as many weights as B=4."""


class Language(EqualWeights):
    """Structured layers in a model of characters, by bits per character at equal weights."""

    name = "language"
    title = "CDLinear in a language model"
    statement = (
        "The most important next step is empirical: benchmarking against dense and structured "
        "baselines on CIFAR-10, ImageNet and language modeling. What would be shown: nearly the "
        "dense network's loss with a quarter of the weights, and a better conditioned Hessian."
    )
    where = "Sec. VII; Outlook"
    published = "not tested"
    method = (
        "The next character of the tiny Shakespeare text (char-rnn's input.txt, here "
        "tinyshakespeare.txt where the command is typed), its last fifth the test part, from "
        f"windows of {CONTEXT}: networks of one causal pre-norm block of attention, 64 wide with "
        "4 heads, and a feed-forward network of 256, whose every weight layer is of one family "
        "(the table of symbols and the positions are weights of their own in all). Cross-entropy "
        f"in bits per character after one epoch, batches of {BATCH_SIZE}; rates 0.003, 0.01 and "
        "0.03. The narrower dense network is 36 wide; low rank, block-diagonal and Monarch layers "
        f"have about as many weights as B=4. {HOW}"
    )
    systems = (
        System(
            "tiny Shakespeare",
            NETWORK | TEXT | {"epochs": 1, "batch_size": BATCH_SIZE, "context": CONTEXT},
            {name: own for name, own in ARMS.items() if name != "cdlinear B=2"}
            | {NARROWER: {"layer": "dense", "width": 36}}
            | {name: {"layer": layer} for name, layer in FAMILIES.items()},
        ),
    )
