"""Attention of tokens to tokens (Vaswani et al. 2017, Sec. 3.2)."""

from typing import Any

import numpy as np

from cdbench.engine.layers.base import BoundLayer, Context, Params
from cdbench.engine.layers.join import Join
from cdbench.engine.products.base import Array

SCORES, SCALED, D_SCORES, D_OUTPUT = range(4)
"""Slots of scratch arrays. Exponentials are kept: the pullback needs them."""


class Attend(Join):
    """``softmax(q kᵀ / √d) v``, head by head, of the tokens of each sample.

    It takes queries, keys and values, rows (N · tokens, heads · d): the tokens of a sample one
    after the other, the entries of a head side by side. It gives rows of the same shape, which
    must not be overwritten before its pullback is called. It has no parameters.

    Parameters
    ----------
    heads : int
        Number of heads.
    head_width : int
        d, the width of each.
    tokens : int
        Number of tokens of each sample.
    causal : bool
        Whether a token attends only to itself and those before it.
    """

    def __init__(self, heads: int, head_width: int, tokens: int, *, causal: bool = False) -> None:
        super().__init__(heads * head_width, heads * head_width)
        self.heads, self.head_width = heads, head_width
        self.tokens = tokens
        self.causal = causal

    def by_heads(self, rows: Array) -> Array:
        """Return rows (N · tokens, heads · d) as a view (N, heads, tokens, d)."""
        return rows.reshape(-1, self.tokens, self.heads, self.head_width).transpose(0, 2, 1, 3)

    def multiply_adds(self) -> int:
        """Return those of a token's products with the keys, and of its weights with the values."""
        return 2 * self.tokens * self.n_in

    def bind(self, params: Params, x: Any, context: Context) -> BoundLayer:
        """Return the layer bound to queries, keys and values.

        Exponentials are not divided by their sums, but what they are multiplied by is: it has d
        entries a token, they have ``tokens``.
        """
        for rows in x:
            self.check_input(rows)
        allocate, shape, dtype = context.allocate, x[0].shape, x[0].dtype
        q, k, v = map(self.by_heads, x)
        y = allocate.kept(shape, dtype)
        y_heads = self.by_heads(y)
        scaled = allocate.scratch(SCALED, shape, dtype)
        scaled_heads, k_T, v_T = self.by_heads(scaled), k.swapaxes(2, 3), v.swapaxes(2, 3)
        exps = allocate.kept((len(q), self.heads, self.tokens, self.tokens), dtype)
        softmax = _Exponentials(exps, self.causal, allocate.kept((*exps.shape[:3], 1), dtype))
        scale = y.real.dtype.type(self.head_width**-0.5)

        def run() -> None:
            np.multiply(x[0], scale, out=scaled)
            np.matmul(scaled_heads, k_T, out=exps)
            softmax.run()
            np.matmul(exps, v, out=y_heads)
            np.multiply(y_heads, softmax.inverse_sums, out=y_heads)

        dq, dk, dv = (allocate.kept(shape, dtype) for _ in range(3))
        dq_heads, dk_heads, dv_heads = map(self.by_heads, (dq, dk, dv))
        d_scores = allocate.scratch(D_SCORES, exps.shape, dtype)
        d_output = allocate.scratch(D_OUTPUT, shape, dtype)
        d_output_heads, d_scores_T = self.by_heads(d_output), d_scores.swapaxes(2, 3)
        exps_T = exps.swapaxes(2, 3)

        def pullback(dy: Array, grads: Params) -> tuple[Array, Array, Array]:
            np.multiply(self.by_heads(dy), softmax.inverse_sums, out=d_output_heads)
            np.matmul(exps_T, d_output_heads, out=dv_heads)
            np.matmul(d_output_heads, v_T, out=d_scores)
            # A row of softmax's Jacobian, diag p − p pᵀ: Σ_j p_j ∂L/∂p_j is dy · y.
            along = np.einsum("nhtd,nhtd->nht", d_output_heads, y_heads)
            np.subtract(d_scores, along[..., None], out=d_scores)
            np.multiply(d_scores, exps, out=d_scores)
            np.matmul(d_scores, k, out=dq_heads)
            np.multiply(dq, scale, out=dq)
            np.matmul(d_scores_T, q, out=dk_heads)
            np.multiply(dk, scale, out=dk)
            return dq, dk, dv

        return BoundLayer(y, run, pullback)


class _Exponentials:
    """Exponentials of scores (N, heads, tokens, tokens), in their place, and 1 / their sums.

    The largest real part of each row is subtracted first: the softmax does not depend on it, and
    no exponential overflows.
    """

    def __init__(self, scores: Array, causal: bool, inverse_sums: Array) -> None:
        tokens = scores.shape[-1]
        self.inverse_sums = inverse_sums
        self._scores, self._real = scores, scores.real
        self._rows, self._sums = scores.reshape(-1, tokens), inverse_sums.reshape(-1)
        self._top = np.empty(inverse_sums.shape, self._real.dtype)
        self._ones = np.ones(tokens, scores.dtype)
        later = np.triu(np.full((tokens, tokens), -np.inf, self._real.dtype), 1)
        self._later = later if causal else None

    def run(self) -> None:
        """Compute both from the scores that are there."""
        if self._later is not None:
            np.add(self._real, self._later, out=self._real)
        np.maximum.reduce(self._real, axis=-1, keepdims=True, out=self._top)
        np.subtract(self._scores, self._top, out=self._scores)
        np.exp(self._scores, out=self._scores)
        np.dot(self._rows, self._ones, out=self._sums)
        np.divide(1.0, self._sums, out=self._sums)
