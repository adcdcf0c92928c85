"""Multi-head attention for PyTorch whose four projections are CDLinear layers."""

import math
from collections.abc import Iterator
from typing import Self

import torch
from torch import nn
from torch.nn import functional

from cdbench.errors import ConfigurationError, ShapeError
from cdbench.torch.attention_mask import attention_mask
from cdbench.torch.cdlinear import CDLinear


class CDMultiheadAttention(nn.Module):
    """``nn.MultiheadAttention`` by ``CDLinear`` projections: ``softmax(q kᵀ / √d + mask) v``.

    It is called as ``nn.MultiheadAttention`` is, and stands in for it, in
    ``nn.TransformerEncoderLayer``, say. Parameters are those of ``q_proj``, ``k_proj``, ``v_proj``
    and ``out_proj``. What reads ``in_proj_weight`` and ``in_proj_bias`` can read them here too;
    they are computed each time. There are no ``add_bias_kv`` and ``add_zero_attn``.

    Parameters
    ----------
    embed_dim, num_heads : int
        Width of a token, and how many heads share it.
    B : int
        Block size of the projections.
    dropout : float
        Probability of dropping a token's weight, in training.
    bias : bool
        Whether the projections have one.
    kdim, vdim : int, optional
        Widths of keys and values, by default embed_dim.
    batch_first : bool
        Whether a batch is (N, tokens, embed_dim), not (tokens, N, embed_dim).
    path : str
        Of CDLinear.
    device, dtype
        Of the parameters.

    Raises
    ------
    ShapeError
        If the heads don't divide the width.

    Examples
    --------
    >>> import torch
    >>> attention = CDMultiheadAttention(16, 2, B=4, batch_first=True)
    >>> x = torch.zeros(3, 5, 16)
    >>> y, weights = attention(x, x, x)
    >>> y.shape, weights.shape
    (torch.Size([3, 5, 16]), torch.Size([3, 5, 5]))
    """

    merge_masks = nn.MultiheadAttention.merge_masks
    """What PyTorch's fast path of encoder layers asks for."""

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        B: int,
        dropout: float = 0.0,
        bias: bool = True,
        *,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        path: str = "auto",
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        if num_heads < 1 or embed_dim % num_heads:
            raise ShapeError(
                f"CDMultiheadAttention got embed_dim = {embed_dim} and num_heads = {num_heads}, "
                "expected heads that divide it"
            )
        self.embed_dim, self.num_heads, self.dropout = embed_dim, num_heads, dropout
        self.head_dim, self.batch_first = embed_dim // num_heads, batch_first
        self.kdim, self.vdim = kdim or embed_dim, vdim or embed_dim
        self._qkv_same_embed_dim = self.kdim == self.vdim == embed_dim
        self.q_proj = CDLinear(embed_dim, embed_dim, B, bias, path, device, dtype)
        self.k_proj = CDLinear(self.kdim, embed_dim, B, bias, path, device, dtype)
        self.v_proj = CDLinear(self.vdim, embed_dim, B, bias, path, device, dtype)
        self.out_proj = CDLinear(embed_dim, embed_dim, B, bias, path, device, dtype)

    @property
    def in_proj_weight(self) -> torch.Tensor | None:
        """The matrices of queries, keys and values, (3 embed_dim, embed_dim), if of one width."""
        if not self._qkv_same_embed_dim:
            return None
        return torch.cat([self.q_proj.weight, self.k_proj.weight, self.v_proj.weight])

    @property
    def in_proj_bias(self) -> torch.Tensor | None:
        """Their biases, (3 embed_dim,), if there are any."""
        own = (self.q_proj.bias, self.k_proj.bias, self.v_proj.bias)
        return torch.cat([bias for bias in own if bias is not None]) if own[0] is not None else None

    @classmethod
    def from_attention(cls, attention: nn.MultiheadAttention, B: int, path: str = "auto") -> Self:
        """Return the one whose projections are nearest to another's, in the Frobenius norm.

        Biases, dtype, device, ``requires_grad`` and mode are kept.

        Parameters
        ----------
        attention : nn.MultiheadAttention
            Is left as it is.
        B, path
            As in the constructor.

        Raises
        ------
        ConfigurationError
            If it is something else, or was made with ``add_bias_kv`` or ``add_zero_attn``.
        ShapeError
            If a weight is not finite.
        """
        if not isinstance(attention, nn.MultiheadAttention):
            raise ConfigurationError(
                f"from_attention got {type(attention).__name__}, expected nn.MultiheadAttention"
            )
        if attention.bias_k is not None or attention.add_zero_attn:
            raise ConfigurationError(
                "from_attention got a module with add_bias_kv or add_zero_attn, which "
                "CDMultiheadAttention does not have; expected one without"
            )
        made = cls(
            attention.embed_dim,
            attention.num_heads,
            B,
            attention.dropout,
            kdim=attention.kdim,
            vdim=attention.vdim,
            batch_first=attention.batch_first,
            device="meta",
        )
        for name, linear in _projections(attention):
            made.set_submodule(name, CDLinear.from_linear(linear, B, path=path))
        return made.train(attention.training)

    def forward(
        self,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        key_padding_mask: torch.Tensor | None = None,
        need_weights: bool = True,
        attn_mask: torch.Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Return the output, shaped as the query, and the heads' weights of tokens.

        Masks are True where a token may not be attended to, or numbers that are added. A token
        that may attend to none has weights that are not numbers, or 0 for an output (before
        ``out_proj``) if weights are not needed, as in PyTorch.

        Parameters
        ----------
        query : (T, N, embed_dim)
            What attends; (N, T, embed_dim) if the batch comes first, (T, embed_dim) without one.
        key, value : (S, N, kdim), (S, N, vdim)
            What is attended to.
        key_padding_mask : (N, S) tensor, optional
            Which keys to ignore; (S,) without a batch.
        need_weights : bool
            Whether to return weights, too. Without, less time and memory is taken.
        attn_mask : (T, S) or (N · num_heads, T, S) tensor, optional
            Which keys each query is to ignore.
        average_attn_weights : bool
            Whether weights are (N, T, S), means over the heads, or else (N, num_heads, T, S).
        is_causal : bool
            Whether a token attends only to itself and those before it. An ``attn_mask`` beside it
            has to say the same.

        Raises
        ------
        ShapeError
            If the inputs have neither two nor three dimensions, are of different batches or, keys
            and values, lengths, or a mask has another shape.
        """
        batched = query.dim() == 3
        if query.dim() not in {2, 3} or not query.dim() == key.dim() == value.dim():
            raise ShapeError(
                f"CDMultiheadAttention got inputs {tuple(query.shape)}, {tuple(key.shape)} and "
                f"{tuple(value.shape)}, expected all with two dimensions, or with three"
            )
        if batched and not self.batch_first:
            query, key, value = (x.transpose(0, 1) for x in (query, key, value))
        if query.shape[:-2] != key.shape[:-2] or key.shape[:-1] != value.shape[:-1]:
            raise ShapeError(
                f"CDMultiheadAttention got queries {tuple(query.shape)}, keys {tuple(key.shape)} "
                f"and values {tuple(value.shape)}, expected one batch, and a value for each key"
            )
        if is_causal and key_padding_mask is None and not need_weights:
            mask = None
        else:
            if is_causal and attn_mask is None:
                size = query.shape[-2], key.shape[-2]
                attn_mask = torch.ones(size, dtype=torch.bool, device=query.device).triu(1)
            is_causal = False
            mask = attention_mask(query, key, self.num_heads, key_padding_mask, attn_mask)
        q = self._by_heads(self.q_proj(query))
        k, v = self._by_heads(self.k_proj(key)), self._by_heads(self.v_proj(value))
        dropped, weights = self.dropout if self.training else 0.0, None
        if need_weights:
            scores = (q / math.sqrt(self.head_dim)) @ k.transpose(-2, -1)
            scores = scores if mask is None else scores + mask
            weights = functional.dropout(scores.softmax(-1), dropped)
            attended = weights @ v
            weights = weights.mean(-3) if average_attn_weights else weights
        else:
            attended = functional.scaled_dot_product_attention(q, k, v, mask, dropped, is_causal)
        y = self.out_proj(attended.transpose(-3, -2).flatten(-2))
        return y.transpose(0, 1) if batched and not self.batch_first else y, weights

    def _by_heads(self, x: torch.Tensor) -> torch.Tensor:
        """Return (..., tokens, embed_dim) as (..., num_heads, tokens, width of a head)."""
        by_heads = x.reshape(*x.shape[:-1], self.num_heads, self.head_dim)
        return by_heads.transpose(-3, -2)


def _projections(attention: nn.MultiheadAttention) -> Iterator[tuple[str, nn.Linear]]:
    """Yield the projections of PyTorch's module, by the names of ours."""
    names, own = ("q_proj", "k_proj", "v_proj"), dict(attention.named_parameters())
    packed, biases = own.get("in_proj_weight"), own.get("in_proj_bias")
    for i, name in enumerate(names):
        weight = own[f"{name}_weight"] if packed is None else packed.chunk(3)[i]
        linear = nn.Linear(weight.shape[1], weight.shape[0], biases is not None, device="meta")
        linear.weight = nn.Parameter(weight.detach(), weight.requires_grad)
        if biases is not None:
            linear.bias = nn.Parameter(biases.detach().chunk(3)[i], biases.requires_grad)
        yield name, linear.train(attention.training)
    yield "out_proj", attention.out_proj
