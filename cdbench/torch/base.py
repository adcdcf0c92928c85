"""What a structured layer for PyTorch is: ``nn.Linear`` with the parameters of a family's layer."""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import ClassVar, Self

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from cdbench.config import families
from cdbench.config.structure import Structure, Value
from cdbench.engine.layers import Params, WeightLayer
from cdbench.engine.products.base import Array
from cdbench.errors import ShapeError


class StructuredLinear(nn.Module):
    """``y = x @ W.T + bias`` for a matrix W of a family; any leading dimensions of x.

    Parameters are named and shaped as those of the engine's layer, and so are drawn: with n_in
    times the variance of W's entries 2, and the bias zero. Where the family needs widths that are
    multiples of a number, they are rounded up: inputs are padded with zeros and surplus outputs
    are cut off, so any widths do. Weights are of the padded widths, the bias (out_features,).

    What reads ``weight`` and ``bias`` of an ``nn.Linear`` can read them here too; ``weight`` is
    computed each time, by ``matrix()``.

    Parameters
    ----------
    in_features, out_features : int
        Widths.
    structure : mapping
        The family's structure parameters, by name; those that are None are the family's choice.
    bias : bool
        Whether to learn a bias.
    device, dtype
        Of the parameters, as for ``nn.Linear``.

    Attributes
    ----------
    padded_in, padded_out : int
        The widths of the engine's layer.
    structure : dict
        As it was given.

    Raises
    ------
    ShapeError
        If a width is less than 1, or the family has no such layer.
    ConfigurationError
        If a structure parameter has no such value.
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

    @classmethod
    def build(
        cls,
        in_features: int,
        out_features: int,
        structure: Mapping[str, Value | None],
        bias: bool = True,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> Self:
        """Return a layer of this class; families differ in what their constructors take by name."""
        own: Callable[..., Self] = cls
        return own(in_features, out_features, **structure, bias=bias, device=device, dtype=dtype)

    @abstractmethod
    def multiply(self, rows: torch.Tensor) -> torch.Tensor:
        """Return ``rows @ W.T``, (N, padded_out), of rows (N, padded_in)."""

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

    def reset_parameters(self) -> None:
        """Draw initial values as the engine does, by PyTorch's generator, and write constants."""
        layer = self.engine_layer()
        shapes = layer.parameter_shapes()
        params = {name: np.empty(shape) for name, shape in shapes.items()}
        seed = int(torch.randint(2**62, ()).item())
        layer.initialize(params, np.random.default_rng(seed))
        self.load_engine(params)
        for name, constant in self.constants(layer).items():
            self.get_buffer(name).copy_(torch.tensor(constant))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the output (..., out_features) for ``x`` (..., in_features).

        Raises
        ------
        RuntimeError
            If the last dimension of ``x`` is another, in the words of ``nn.Linear``.
        """
        if x.shape[-1] != self.in_features:
            raise RuntimeError(
                f"mat1 and mat2 shapes cannot be multiplied ({x[..., 0].numel()}x{x.shape[-1]} "
                f"and {self.in_features}x{self.out_features})"
            )
        rows = x.reshape(-1, self.in_features)
        if self.padded_in > self.in_features:
            rows = functional.pad(rows, (0, self.padded_in - self.in_features))
        y = self.multiply(rows)[:, : self.out_features]
        if self.bias is not None:
            y = y + self.bias.to(y.dtype)  # under autocast products are in a lower precision
        return y.reshape(*x.shape[:-1], self.out_features)

    def matrix(self) -> torch.Tensor:
        """Return W as it acts, (out_features, in_features), differentiable in the parameters."""
        some = next(self.parameters())
        identity = torch.eye(self.padded_in, device=some.device, dtype=some.dtype)
        return self.multiply(identity).mT[: self.out_features, : self.in_features]

    @property
    def weight(self) -> torch.Tensor:
        """W as it acts, (out_features, in_features), computed from the parameters."""
        return self.matrix()

    # Exchange with the engine.

    def to_engine(self) -> tuple[WeightLayer, Params]:
        """Return the engine's layer and copies of the parameters; the bias followed by zeros.

        bfloat16 and float16, which the engine doesn't compute in, become float32.
        """
        params = {name: _to_numpy(own) for name, own in self.named_parameters()}
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
                f"{type(self).__name__} got parameters {_listed(found)}; "
                f"expected {_listed(expected)}"
            )
        if self.bias is None and np.any(params["bias"]):
            raise ShapeError(
                f"{type(self).__name__} got a bias, but was made with bias=False; expected zeros"
            )
        for name, own in self.named_parameters():
            value = params[name][: self.out_features] if name == "bias" else params[name]
            own.copy_(torch.from_numpy(np.array(value, order="C")))
        return self

    def extra_repr(self) -> str:
        """Return widths, structure, padding, the number of weights and how many times fewer."""
        said = [f"in_features={self.in_features}", f"out_features={self.out_features}"]
        said += [f"{name}={value}" for name, value in self.structure.items()]
        said.append(f"bias={self.bias is not None}")
        if (self.padded_in, self.padded_out) != (self.in_features, self.out_features):
            said.append(f"padded to {self.padded_in} and {self.padded_out}")
        weights = self.n_weights()
        dense = self.in_features * self.out_features
        said.append(f"weights={weights} ({dense / weights:.3g} times fewer)")
        return ", ".join(said)

    def n_weights(self) -> int:
        """Return the number of weights, without the bias."""
        return sum(own.numel() for name, own in self.named_parameters() if name != "bias")


def _to_numpy(tensor: torch.Tensor) -> Array:
    kept = tensor.detach().cpu()
    if kept.dtype not in {torch.float32, torch.float64}:
        kept = kept.float()
    return np.array(kept.numpy())


def _listed(shapes: Mapping[str, tuple[int, ...]]) -> str:
    return ", ".join(f"{name} {tuple(shape)}" for name, shape in shapes.items())
