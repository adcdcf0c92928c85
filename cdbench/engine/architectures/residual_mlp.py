"""Weight layers of one width with a sum around each."""

from cdbench.engine.architectures.assembly import Assembly
from cdbench.engine.architectures.parts import Between, Weights
from cdbench.engine.layers import Add, Layer
from cdbench.engine.network import Network


def residual_network(
    weights: Weights, between: Between, width: int, depth: int, n_features: int, n_outputs: int
) -> Network:
    """Return W₀, then ``depth`` blocks x + W(activation(n(x))) / √depth, activation(n(·)), head.

    n is the normalisation, which the features also enter W₀ by. What comes before the activation
    leaves the sum itself alone (He et al. 2016, Identity mappings), and 1 / √depth lets its
    variance grow by a factor that does not depend on the depth.

    Parameters
    ----------
    weights : Weights
        The family.
    between : Between
        Normalisation, activation and dropout.
    width : int
        Of the sum; it is rounded up to the family's multiple.
    depth : int
        Number of blocks.
    n_features, n_outputs : int
        Of the data set.
    """
    width, made = weights.rounded(width), Assembly()
    entry = weights.between(n_features, width)
    x = made.chain([*between.normalized(n_features), *entry])
    for _ in range(depth):
        branch = [*_before(between, width), weights.layer(width, width)]
        x = made.add(Add(width, depth**-0.5), x, made.chain(branch, x))
    made.chain([*_before(between, width), *weights.head(width, n_outputs)], x)
    return made.network()


def _before(between: Between, width: int) -> list[Layer]:
    """Return what comes before a weight layer that reads the sum."""
    return [*between.normalized(width), *between.activated(width)]
