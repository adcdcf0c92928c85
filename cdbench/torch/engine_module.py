"""A module that holds the parameters of an engine's weight layer, under the same names."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Self

import numpy as np
import torch
from torch import nn

from cdbench.config import families
from cdbench.config.structure import Structure, Value
from cdbench.engine.layers import Params, WeightLayer
from cdbench.engine.products.base import Array
from cdbench.errors import ShapeError
from cdbench.torch.arrays import listed, to_numpy


class EngineModule(nn.Module):
    """The parameters of a family's layer, drawn by the engine and exchanged with it.

    Parameters and attributes as of ``StructuredLinear``.
    """

    family: ClassVar[str]
    bias: nn.Parameter | None

    def __init__(
        self,
        in_features: int,
        out_features: int,
        structure: Mapping[str, Value | None],
        bias: bool = True,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        if min(in_features, out_features) < 1:
            raise ShapeError(
                f"{type(self).__name__} got widths {in_features} and {out_features}, "
                "expected 1 or more"
            )
        given = {name: value for name, value in structure.items() if value is not None}
        self.structure: Structure = families.checked(self.family, given)
        self.in_features, self.out_features = in_features, out_features
        multiple = families.family(self.family).width_multiple(self.structure)
        self.padded_in = -(-in_features // multiple) * multiple
        self.padded_out = -(-out_features // multiple) * multiple
        layer = self.engine_layer()
        for name, shape in (layer.weight_shapes | {"bias": (out_features,)}).items():
            kept = nn.Parameter(torch.empty(shape, device=device, dtype=dtype))
            self.register_parameter(name, kept if bias or name != "bias" else None)
        for name, constant in self.constants(layer).items():
            self.register_buffer(
                name, torch.empty(constant.shape, device=device, dtype=dtype), persistent=False
            )
        self.reset_parameters()

    def constants(self, layer: WeightLayer) -> dict[str, Array]:
        """Return the fixed arrays that ``multiply`` needs, kept as buffers beside the parameters.

        They are no part of the state_dict: ``reset_parameters`` writes them.
        """
        del layer
        return {}

    def engine_layer(self) -> WeightLayer:
        """Return the engine's layer of the padded widths, whose parameters have the same names."""
        own = families.family(self.family)
        layer: WeightLayer = own.build(self.padded_in, self.padded_out, self.structure)
        return layer

    def weight_gain(self) -> dict[str, float]:
        """Return the mean ‖∂W/∂θ‖² of each parameter where it is not 1, as the engine has it."""
        return self.engine_layer().weight_gain()

    def reset_parameters(self) -> None:
        """Draw initial values as the engine does, by PyTorch's generator, and write constants.

        On the device ``meta`` nothing is drawn.
        """
        if next(self.parameters()).is_meta:
            return
        layer = self.engine_layer()
        shapes = layer.parameter_shapes()
        params = {name: np.empty(shape) for name, shape in shapes.items()}
        seed = int(torch.randint(2**62, ()).item())
        layer.initialize(params, np.random.default_rng(seed))
        self.load_engine(params)
        self.write_constants()

    @torch.no_grad()
    def write_constants(self) -> None:
        """Write the fixed arrays into their buffers."""
        for name, constant in self.constants(self.engine_layer()).items():
            self.get_buffer(name).copy_(torch.tensor(constant))

    def _apply(self, fn: Callable[[torch.Tensor], torch.Tensor], recurse: bool = True) -> Self:
        """Convert or move the module; constants are written anew, in the precision that it has."""
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        self.write_constants()
        return self

    def _load_from_state_dict(self, *args: Any) -> None:
        """Take a state_dict; constants go where its tensors brought the parameters."""
        super()._load_from_state_dict(*args)
        some, brought = next(self.parameters()), False
        for name, constant in list(self.named_buffers()):
            if (constant.device, constant.dtype) != (some.device, some.dtype):
                own = torch.empty_like(constant, device=some.device, dtype=some.dtype)
                self.register_buffer(name, own, persistent=False)
                brought = True
        if brought:
            self.write_constants()

    def to_engine(self) -> tuple[WeightLayer, Params]:
        """Return the engine's layer and copies of the parameters; the bias followed by zeros.

        bfloat16 and float16, which the engine doesn't compute in, become float32.
        """
        params = {name: to_numpy(own) for name, own in self.named_parameters()}
        padded = np.zeros(self.padded_out, next(iter(params.values())).dtype)
        if self.bias is not None:
            padded[: self.out_features] = params["bias"]
        return self.engine_layer(), {**params, "bias": padded}

    @torch.no_grad()
    def load_engine(self, params: Mapping[str, Array]) -> Self:
        """Copy parameters of the engine's layer into this one's, and return it.

        Of the bias, what belongs to outputs that are cut off is left out.

        Raises
        ------
        ShapeError
            If a parameter is missing or of another shape, or there is a bias that isn't zero for a
            layer without one.
        """
        expected = self.engine_layer().parameter_shapes()
        found = {name: np.shape(value) for name, value in params.items()}
        if found != expected:
            raise ShapeError(
                f"{type(self).__name__} got parameters {listed(found)}; expected {listed(expected)}"
            )
        if self.bias is None and np.any(params["bias"]):
            raise ShapeError(
                f"{type(self).__name__} got a bias, but was made with bias=False; expected zeros"
            )
        for name, own in self.named_parameters():
            value = params[name][: self.out_features] if name == "bias" else params[name]
            own.copy_(torch.from_numpy(np.array(value, order="C")))
        return self

    def n_weights(self) -> int:
        """Return the number of weights, without the bias."""
        return sum(own.numel() for name, own in self.named_parameters() if name != "bias")
