"""Blocks of attention and a feed-forward network, over the tokens of an image or a text."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cdbench.engine.architectures.assembly import Assembly
from cdbench.engine.architectures.parts import Between, Weights
from cdbench.engine.layers import Add, Layer, LayerNorm
from cdbench.engine.layers.attend import Attend
from cdbench.engine.layers.tokens import Embedding, MeanOfTokens, Patches, Positions
from cdbench.engine.network import Network

FEED_FORWARD = 4
"""Width of a feed-forward network's hidden layer over that of a block (Vaswani et al. 2017)."""


@dataclass(frozen=True)
class Blocks:
    """What the blocks of an attention network are made with.

    Attributes
    ----------
    width : int
        Of a token between blocks; it is rounded up to the family's multiple.
    depth : int
        Number of blocks.
    heads, head_width : int
        Of attention. Their product need not be the width.
    activation : (n) -> Layer
        Of the feed-forward networks.
    dropout : float
        Probability of dropping one of their activations.
    """

    width: int
    depth: int
    heads: int
    head_width: int
    activation: Callable[[int], Layer]
    dropout: float = 0.0


def image_network(
    weights: Weights,
    blocks: Blocks,
    image: tuple[int, int, int],
    patch: tuple[int, int],
    n_outputs: int,
) -> Network:
    """Return the network from images, as ``Patches`` takes them, to outputs (N, n_outputs).

    A weight layer embeds the patches; the head reads the mean of a sample's tokens.
    """
    patches, width = Patches(image, patch), weights.rounded(blocks.width)
    entry = [patches, *weights.between(patches.n_out, width), Positions(patches.tokens, width)]
    head = [MeanOfTokens(patches.tokens, width), *weights.head(width, n_outputs)]
    return _network(weights, blocks, entry, head, patches.tokens, causal=False)


def text_network(weights: Weights, blocks: Blocks, context: int, n_symbols: int) -> Network:
    """Return the network from symbols (N, context) to logits (N · context, n_symbols).

    A token attends to itself and those before it, so the head foretells its next symbol.
    """
    width = weights.rounded(blocks.width)
    entry = [Embedding(context, n_symbols, width), Positions(context, width)]
    head = weights.head(width, n_symbols)
    return _network(weights, blocks, entry, head, context, causal=True)


def _network(
    weights: Weights,
    blocks: Blocks,
    entry: Sequence[Layer],
    head: Sequence[Layer],
    tokens: int,
    *,
    causal: bool,
) -> Network:
    """Return blocks x + O(attention(n)), x + W₂(activation(W₁(n))), n = LayerNorm(x).

    Normalisation before each branch and at the end leaves the sum itself alone (Xiong et al. 2020).
    """
    made, width = Assembly(), weights.rounded(blocks.width)
    inner, hidden = blocks.heads * blocks.head_width, FEED_FORWARD * width
    x = made.chain(entry)
    for _ in range(blocks.depth):
        n = made.chain([LayerNorm(width)], x)
        q, k, v = (made.chain(weights.between(width, inner), n) for _ in range(3))
        attend = Attend(blocks.heads, blocks.head_width, tokens, causal=causal)
        attended = made.add(attend, q, k, v)
        x = made.add(Add(width), x, made.chain(weights.between(inner, width), attended))
        up, down = weights.between(width, hidden), weights.between(hidden, width)
        activated = Between(blocks.activation, blocks.dropout).activated(hidden)
        branch = [LayerNorm(width), *up, *activated, *down]
        x = made.add(Add(width), x, made.chain(branch, x))
    made.chain([LayerNorm(width), *head], x)
    return made.network()
