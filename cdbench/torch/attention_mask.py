"""The masks of attention, as PyTorch has them, as numbers that are added to scores."""

import math

import torch

from cdbench.errors import ShapeError


def attention_mask(
    query: torch.Tensor,
    key: torch.Tensor,
    num_heads: int,
    key_padding_mask: torch.Tensor | None,
    attn_mask: torch.Tensor | None,
) -> torch.Tensor | None:
    """Return what is added to scores (..., num_heads, T, S), if anything is.

    Parameters
    ----------
    query, key : (..., T, width), (..., S, width)
        Without a batch, or with a batch that comes first.
    num_heads : int
        Heads.
    key_padding_mask, attn_mask : tensor, optional
        As ``nn.MultiheadAttention`` takes them.

    Raises
    ------
    ShapeError
        If a mask has another shape, or holds whole numbers.
    """
    batch, T, S = query.shape[:-2], query.shape[-2], key.shape[-2]
    masks = []
    if attn_mask is not None:
        several = math.prod(batch) * num_heads, T, S
        _check("attn_mask", attn_mask, (T, S), several)
        by_heads = attn_mask.dim() == 3
        masks.append(attn_mask.reshape(*batch, num_heads, T, S) if by_heads else attn_mask)
    if key_padding_mask is not None:
        _check("key_padding_mask", key_padding_mask, (*batch, S))
        masks.append(key_padding_mask[..., None, None, :])
    added = [_added(mask, query.dtype) for mask in masks]
    return sum(added[1:], added[0]) if added else None


def _check(name: str, mask: torch.Tensor, *shapes: tuple[int, ...]) -> None:
    known = mask.dtype == torch.bool or mask.is_floating_point()
    if not known or tuple(mask.shape) not in shapes:
        raise ShapeError(
            f"CDMultiheadAttention got {name} of {mask.dtype} {tuple(mask.shape)}, expected "
            f"truth values or floating-point numbers {' or '.join(map(str, shapes))}"
        )


def _added(mask: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """Return a mask as numbers that are added: −∞ where it is True."""
    if mask.dtype != torch.bool:
        return mask.to(dtype)
    return torch.zeros_like(mask, dtype=dtype).masked_fill(mask, -math.inf)
