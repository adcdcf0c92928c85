"""From samples to tokens, a row each, and back: what knows how many tokens a sample has.

A token may be a pixel: a patch of 1 × 1.
"""

import numpy as np

from cdbench.engine.layers.base import BoundLayer, Context, Layer, Params
from cdbench.engine.products.base import Array
from cdbench.errors import ShapeError

INITIAL_DEVIATION = 0.02
"""Of embeddings of symbols and positions, as in GPT-2."""


class Patches(Layer):
    """Images (N, channels · height · width) to rows (N · tokens, channels · patch), a patch each.

    Features of an image and of a patch are in the order (channel, row, column); patches go from
    left to right, then down.

    Parameters
    ----------
    image : tuple of int
        Its (height, width, channels).
    patch : tuple of int
        (height, width) of a patch; (1, width) makes each row of the image a token.

    Attributes
    ----------
    tokens : int
        Patches of an image.
    parts : tuple of int
        What its features are reshaped to: (channels, patches, height, patches, width).

    Raises
    ------
    ShapeError
        If patches do not fill the image.
    """

    def __init__(self, image: tuple[int, int, int], patch: tuple[int, int]) -> None:
        height, width, channels = image
        super().__init__(channels * height * width, channels * patch[0] * patch[1])
        if height % patch[0] or width % patch[1]:
            raise ShapeError(
                f"Patches got an image of {height} × {width} and patches of {patch[0]} × "
                f"{patch[1]}, expected patches that fill it"
            )
        self.tokens = (height // patch[0]) * (width // patch[1])
        self.parts = (channels, height // patch[0], patch[0], width // patch[1], patch[1])

    def rows_after(self, n: int) -> int:
        """Return the tokens of n samples."""
        return n * self.tokens

    def bind(self, params: Params, x: Array, context: Context) -> BoundLayer:
        """Return the layer that cuts ``x`` into patches; the pullback puts them together."""
        self.check_input(x)
        y = context.allocate.kept((len(x) * self.tokens, self.n_out), x.dtype)
        dx = context.allocate.kept(x.shape, x.dtype)
        channels, down, height, across, width = self.parts
        ordered = (len(x), down, across, channels, height, width)
        order = (0, 2, 4, 1, 3, 5)
        image, patches = x.reshape(-1, *self.parts).transpose(order), y.reshape(ordered)
        d_image = dx.reshape(-1, *self.parts).transpose(order)

        def pullback(dy: Array, grads: Params) -> Array:
            np.copyto(d_image, dy.reshape(ordered))
            return dx

        return BoundLayer(y, lambda: np.copyto(patches, image), pullback)


class Embedding(Layer):
    """Symbols (N, tokens) to rows (N · tokens, n_out): a symbol's row of a table.

    Symbols come as numbers, 0 to n_symbols - 1, of which the real part is rounded; their gradient
    is zero. The parameter ``table`` (n_symbols, n_out) is drawn from N(0, 0.02²).

    Parameters
    ----------
    tokens, n_symbols, n_out : int
        Tokens of a sample, rows of the table, and their width.
    """

    def __init__(self, tokens: int, n_symbols: int, n_out: int) -> None:
        super().__init__(tokens, n_out)
        self.tokens = tokens
        self.n_symbols = n_symbols

    def parameter_shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the table's shape."""
        return {"table": (self.n_symbols, self.n_out)}

    def initialize(self, params: Params, rng: np.random.Generator) -> None:
        """Draw the table."""
        params["table"][...] = rng.normal(0.0, INITIAL_DEVIATION, params["table"].shape)

    def rows_after(self, n: int) -> int:
        """Return the tokens of n samples."""
        return n * self.tokens

    def bind(self, params: Params, x: Array, context: Context) -> BoundLayer:
        """Return the layer that looks up the rows of the symbols in ``x``."""
        self.check_input(x)
        table, n_rows = params["table"], x.size
        places, rounded = np.empty(n_rows, np.intp), np.empty(x.shape, x.real.dtype)
        y = context.allocate.kept((n_rows, self.n_out), table.dtype)
        dx = np.zeros(x.shape, table.dtype)

        def run() -> None:
            np.rint(x.real, out=rounded)
            np.copyto(places, rounded.reshape(-1), casting="unsafe")
            table.take(places, 0, y, "wrap")

        def pullback(dy: Array, grads: Params, wanted: bool = True) -> Array | None:
            # Rows of the same symbol beside each other are summed at once; np.add.at takes longer.
            order = np.argsort(places, kind="stable")
            found = places[order]
            starts = np.flatnonzero(np.diff(found, prepend=-1))
            grads["table"][...] = 0.0
            grads["table"][found[starts]] = np.add.reduceat(dy[order], starts, axis=0)
            return dx if wanted else None

        return BoundLayer(y, run, pullback)


class Positions(Layer):
    """Add a learned row to each token of a sample, the same for all samples.

    The parameter ``positions`` (tokens, n) is drawn from N(0, 0.02²). It keeps the width n.
    """

    def __init__(self, tokens: int, n: int) -> None:
        super().__init__(n, n)
        self.tokens = tokens

    def parameter_shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of the rows."""
        return {"positions": (self.tokens, self.n_in)}

    def initialize(self, params: Params, rng: np.random.Generator) -> None:
        """Draw the rows."""
        params["positions"][...] = rng.normal(0.0, INITIAL_DEVIATION, params["positions"].shape)

    def bind(self, params: Params, x: Array, context: Context) -> BoundLayer:
        """Return the layer that adds the rows to ``x`` (N · tokens, n)."""
        self.check_input(x)
        shape = (-1, self.tokens, self.n_in)
        y = context.allocate.kept(x.shape, x.dtype)
        samples, moved = x.reshape(shape), y.reshape(shape)
        ones = np.ones(len(samples), x.dtype)

        def pullback(dy: Array, grads: Params, wanted: bool = True) -> Array | None:
            flat = dy.reshape(len(ones), -1)
            np.dot(ones, flat, out=grads["positions"].reshape(-1))
            return dy if wanted else None

        return BoundLayer(y, lambda: np.add(samples, params["positions"], out=moved), pullback)


class MeanOfTokens(Layer):
    """Rows (N · tokens, n) to the mean of each sample's tokens, (N, n): global average pooling."""

    def __init__(self, tokens: int, n: int) -> None:
        super().__init__(n, n)
        self.tokens = tokens

    def rows_after(self, n: int) -> int:
        """Return the samples of n tokens."""
        return n // self.tokens

    def bind(self, params: Params, x: Array, context: Context) -> BoundLayer:
        """Return the layer that averages; the pullback gives each token its share."""
        self.check_input(x)
        samples = x.reshape(-1, self.tokens, self.n_in)
        y = context.allocate.kept((len(samples), self.n_in), x.dtype)
        dx = context.allocate.kept(x.shape, x.dtype)
        shares = np.full(self.tokens, 1.0 / self.tokens, x.dtype)
        d_samples = dx.reshape(samples.shape)

        def pullback(dy: Array, grads: Params) -> Array:
            np.multiply(dy[:, None], shares[:, None], out=d_samples)
            return dx

        return BoundLayer(y, lambda: np.matmul(shares, samples, out=y), pullback)
