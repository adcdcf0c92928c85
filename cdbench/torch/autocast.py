"""What autocast computes a product in."""

import torch


def autocast_dtype(x: torch.Tensor) -> torch.dtype | None:
    """Return the type in which autocast has ``nn.Linear`` multiply ``x``; None if it has no say.

    It leaves float64 alone, and some devices, such as ``meta``, have none.
    """
    kind = x.device.type
    if x.dtype == torch.float64 or not torch.amp.is_autocast_available(kind):
        return None
    return torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else None
