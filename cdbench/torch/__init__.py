"""The layers for PyTorch, which come with cdbench's extra ``torch``."""

try:
    import torch as _torch  # noqa: F401
except ModuleNotFoundError as error:
    if error.name != "torch":
        raise
    raise ModuleNotFoundError(
        "cdbench.torch needs PyTorch, which is not installed; type pip install 'cdbench[torch]'",
        name="torch",
    ) from None

from cdbench.torch.acdc import ACDC
from cdbench.torch.attention import CDMultiheadAttention
from cdbench.torch.base import StructuredLinear
from cdbench.torch.blast import BLAST
from cdbench.torch.block_diagonal import BlockDiagonal
from cdbench.torch.c3a import from_c3a, to_c3a
from cdbench.torch.cdlinear import CDLinear
from cdbench.torch.circulant import Circulant
from cdbench.torch.conv import CDConv2d
from cdbench.torch.kronecker import Kronecker
from cdbench.torch.ldr_sd import LDRSD
from cdbench.torch.low_rank import LowRank
from cdbench.torch.moments import input_moments
from cdbench.torch.monarch import Monarch
from cdbench.torch.rates import param_groups
from cdbench.torch.replace import replace_linear
from cdbench.torch.spectra import condition, layer_hessian, spectrum
from cdbench.torch.spectral import Spectral
from cdbench.torch.toeplitz_like import ToeplitzLike

__all__ = [
    "ACDC",
    "BLAST",
    "LDRSD",
    "BlockDiagonal",
    "CDConv2d",
    "CDLinear",
    "CDMultiheadAttention",
    "Circulant",
    "Kronecker",
    "LowRank",
    "Monarch",
    "Spectral",
    "StructuredLinear",
    "ToeplitzLike",
    "condition",
    "from_c3a",
    "input_moments",
    "layer_hessian",
    "param_groups",
    "replace_linear",
    "spectrum",
    "to_c3a",
]
