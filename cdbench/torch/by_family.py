"""Which class is the PyTorch layer of a family, and what a specification asks for."""

from collections.abc import Mapping
from importlib import import_module

from cdbench.config import families
from cdbench.config.structure import Value
from cdbench.errors import ConfigurationError
from cdbench.torch.base import StructuredLinear

LAYERS = {
    "cdlinear": "cdbench.torch.cdlinear:CDLinear",
    "low-rank": "cdbench.torch.low_rank:LowRank",
    "block-diagonal": "cdbench.torch.block_diagonal:BlockDiagonal",
    "kronecker": "cdbench.torch.kronecker:Kronecker",
    "monarch": "cdbench.torch.monarch:Monarch",
    "circulant": "cdbench.torch.circulant:Circulant",
    "acdc": "cdbench.torch.acdc:ACDC",
    "toeplitz-like": "cdbench.torch.toeplitz_like:ToeplitzLike",
    "ldr-sd": "cdbench.torch.ldr_sd:LDRSD",
    "blast": "cdbench.torch.blast:BLAST",
    "spectral": "cdbench.torch.spectral:Spectral",
}
"""All families of the engine but dense, which is ``nn.Linear``."""


def layer_class(family: str) -> type[StructuredLinear]:
    """Return the class of a family's layers for PyTorch.

    Raises
    ------
    UnknownNameError
        If there is no such family.
    ConfigurationError
        If the family is dense, or a plug-in's, which has no layer for PyTorch.
    """
    families.check_name(family)
    if family not in LAYERS:
        raise ConfigurationError(
            f"layer {family} has no class in cdbench.torch; expected one of {', '.join(LAYERS)}"
        )
    module, _, name = LAYERS[family].partition(":")
    found: type[StructuredLinear] = getattr(import_module(module), name)
    return found


def parsed(specification: str) -> tuple[type[StructuredLinear], Mapping[str, Value]]:
    """Return the class and the structure of a specification, such as ``cdlinear:4``.

    Raises
    ------
    ConfigurationError
        If it cannot be read, or as ``layer_class`` does.
    """
    family, structure = families.parse(specification)
    if family in families.WITH_B:
        structure = {"B": families.DEFAULT_B, **structure}
    return layer_class(family), structure
