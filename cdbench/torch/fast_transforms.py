"""When a fast Fourier transform is used: never where PyTorch has none, or makes no code of it."""

import torch

from cdbench.torch.autocast import autocast_dtype
from cdbench.torch.graphs import making_graph

HAVE_FFT = frozenset({torch.float32, torch.float64})


def uses_fft(rows: torch.Tensor) -> bool:
    """Return whether a layer of long transforms may compute these rows by FFT.

    Only eagerly, in float32 and float64: half precisions have no FFT on every device, and neither
    ``torch.compile`` nor ONNX takes complex numbers. There the same is done by real matrices.
    """
    if making_graph() or autocast_dtype(rows) is not None:
        return False
    return rows.dtype in HAVE_FFT and len(rows) > 0  # MKL refuses to transform no rows
