"""Layers, one family per file.

``cdbench.config.families`` names the weight layers that a run can use; ``NORMALIZATIONS`` are the
layers that may precede each of them.
"""

from cdbench.config.structure import StructureParameter
from cdbench.engine.layers.activation import ACTIVATIONS, GELU, Activation, ReLU, Tanh
from cdbench.engine.layers.arrangement import Arrangement, Pad, Slice, ToRows, ToVertices
from cdbench.engine.layers.base import EVALUATION, Context, Layer, Params, Pullback
from cdbench.engine.layers.cdlinear import CDLinear
from cdbench.engine.layers.dense import Dense
from cdbench.engine.layers.dropout import Dropout
from cdbench.engine.layers.join import Add, Join
from cdbench.engine.layers.normalization import BatchNorm, LayerNorm, Normalization
from cdbench.engine.layers.weight_layer import WeightLayer

NORMALIZATIONS: dict[str, type[Normalization]] = {"layer": LayerNorm, "batch": BatchNorm}

__all__ = [
    "ACTIVATIONS",
    "EVALUATION",
    "GELU",
    "NORMALIZATIONS",
    "Activation",
    "Add",
    "Arrangement",
    "BatchNorm",
    "CDLinear",
    "Context",
    "Dense",
    "Dropout",
    "Join",
    "Layer",
    "LayerNorm",
    "Normalization",
    "Pad",
    "Params",
    "Pullback",
    "ReLU",
    "Slice",
    "StructureParameter",
    "Tanh",
    "ToRows",
    "ToVertices",
    "WeightLayer",
]
