"""Layers; one family a file. ``LAYERS`` are the weight layers that a run can be made of."""

from cdbench.layers.activation import ReLU
from cdbench.layers.base import EVALUATION, Context, Layer, Params, Pullback, WeightLayer
from cdbench.layers.cdlinear import CDLinear
from cdbench.layers.dense import Dense
from cdbench.layers.dropout import Dropout
from cdbench.layers.padding import Pad, Slice

LAYERS: dict[str, type[WeightLayer]] = {"cdlinear": CDLinear, "dense": Dense}

__all__ = [
    "EVALUATION",
    "LAYERS",
    "CDLinear",
    "Context",
    "Dense",
    "Dropout",
    "Layer",
    "Pad",
    "Params",
    "Pullback",
    "ReLU",
    "Slice",
    "WeightLayer",
]
