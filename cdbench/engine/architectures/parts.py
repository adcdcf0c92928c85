"""What networks are made of: weight layers of a family, and what comes between them."""

from collections.abc import Callable
from dataclasses import dataclass, field

from cdbench.config.structure import Structure
from cdbench.engine.layers import Dense, Dropout, Layer, Normalization, Pad, Slice, WeightLayer
from cdbench.engine.layers.taps import kernel_layer


@dataclass(frozen=True)
class Weights:
    """The family of a network's weight layers.

    Attributes
    ----------
    family : type of WeightLayer
        Its class; of several products its layers use the default, in rows.
    structure : mapping
        Its structure parameters.
    dense_head : bool
        Whether the last layer is dense.
    """

    family: type[WeightLayer]
    structure: Structure = field(default_factory=dict)
    dense_head: bool = False

    def rounded(self, n: int) -> int:
        """Return the next multiple of what the family's widths are multiples of."""
        multiple = self.family.width_multiple(self.structure)
        return -(-n // multiple) * multiple

    def layer(self, n_in: int, n_out: int) -> WeightLayer:
        """Return the layer between two widths, rounded."""
        widths = self.rounded(n_in), self.rounded(n_out)
        return self.family.build(*widths, self.structure)

    def kernel(self, n_in: int, n_out: int, n_taps: int) -> WeightLayer:
        """Return the layer whose matrix is a kernel of n_taps, between two widths, rounded."""
        widths = self.rounded(n_in), self.rounded(n_out)
        return kernel_layer(self.family, *widths, n_taps, self.structure)

    def first_kernel(self, n_in: int, n_out: int, n_taps: int) -> WeightLayer:
        """Return the kernel that reads the image's channels, dense as in Zhang et al. (2018).

        There is nothing to save in it, and blocks or groups of one to three channels would read
        little but padding.
        """
        return kernel_layer(Dense, n_in, self.rounded(n_out), n_taps, {})

    def between(self, n_in: int, n_out: int) -> list[Layer]:
        """Return the layer between two widths; zeros are appended, surplus outputs cut off."""
        own = self.layer(n_in, n_out)
        layers: list[Layer] = [own]
        if own.n_in != n_in:
            layers.insert(0, Pad(n_in, own.n_in))
        if own.n_out != n_out:
            layers.append(Slice(own.n_out, n_out))
        return layers

    def head(self, n_in: int, n_out: int) -> list[Layer]:
        """Return the last layer."""
        return [Dense(n_in, n_out)] if self.dense_head else self.between(n_in, n_out)


@dataclass(frozen=True)
class Between:
    """What comes between weight layers, in the order of a network from one to the next.

    Attributes
    ----------
    activation : (n) -> Layer
        After a layer.
    dropout : float
        Probability of dropping an activation.
    normalization : (n) -> Normalization, optional
        Before the next layer.
    """

    activation: Callable[[int], Layer]
    dropout: float = 0.0
    normalization: Callable[[int], Normalization] | None = None

    def activated(self, n: int) -> list[Layer]:
        """Return the activation of n entries, and what thins it."""
        thinned = [Dropout(n, self.dropout)] if self.dropout else []
        return [self.activation(n), *thinned]

    def normalized(self, n: int) -> list[Layer]:
        """Return the normalisation of n entries, if any."""
        return [] if self.normalization is None else [self.normalization(n)]
