"""Multi-head attention for PyTorch whose four projections are CDLinear layers."""

import torch
from torch import nn
from torch.nn import functional

from cdbench.errors import ShapeError
from cdbench.torch.cdlinear import CDLinear


class CDMultiheadAttention(nn.Module):
    """``softmax(q kᵀ / √d + mask) v`` of each head, by ``CDLinear`` projections.

    Parameters are those of ``q_proj``, ``k_proj``, ``v_proj`` and ``out_proj``, each a CDLinear of
    embed_dim by embed_dim. Sequences come batch first, (N, tokens, embed_dim), or without a batch.

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
    >>> attention = CDMultiheadAttention(16, 2, B=4)
    >>> x = torch.zeros(3, 5, 16)
    >>> attention(x, x, x, is_causal=True).shape
    torch.Size([3, 5, 16])
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        B: int,
        dropout: float = 0.0,
        bias: bool = True,
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
        for name in ("q_proj", "k_proj", "v_proj", "out_proj"):
            self.add_module(name, CDLinear(embed_dim, embed_dim, B, bias, path, device, dtype))

    def forward(
        self,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        attn_mask: torch.Tensor | None = None,
        is_causal: bool = False,
    ) -> torch.Tensor:
        """Return (..., tokens, embed_dim) of a query; keys and values may be other tokens.

        Parameters
        ----------
        query : (..., T, embed_dim)
            What attends.
        key, value : (..., S, embed_dim)
            What is attended to.
        attn_mask : tensor, optional
            That of ``scaled_dot_product_attention``: broadcast to (..., num_heads, T, S), True
            where a token may attend, or numbers that are added. It is not
            ``nn.MultiheadAttention``'s, whose True means the opposite.
        is_causal : bool
            Whether a token attends only to itself and those before it.
        """
        q, k, v = (
            self._by_heads(self.get_submodule(name)(x))
            for name, x in (("q_proj", query), ("k_proj", key), ("v_proj", value))
        )
        dropped = self.dropout if self.training else 0.0
        attended = functional.scaled_dot_product_attention(
            q, k, v, attn_mask=attn_mask, dropout_p=dropped, is_causal=is_causal
        )
        y: torch.Tensor = self.get_submodule("out_proj")(attended.transpose(-3, -2).flatten(-2))
        return y

    def _by_heads(self, x: torch.Tensor) -> torch.Tensor:
        """Return (..., tokens, embed_dim) as (..., num_heads, tokens, width of a head)."""
        return x.reshape(*x.shape[:-1], self.num_heads, self.embed_dim // self.num_heads).transpose(
            -3, -2
        )
