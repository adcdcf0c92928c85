"""What a structured layer for PyTorch is: ``nn.Linear`` with the parameters of a family's layer."""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Self

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from cdbench.config.structure import Value
from cdbench.torch.arrays import to_numpy
from cdbench.torch.autocast import autocast_dtype
from cdbench.torch.engine_module import EngineModule


class StructuredLinear(EngineModule):
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

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the output (..., out_features) for ``x`` (..., in_features).

        Raises
        ------
        RuntimeError
            If the last dimension of ``x`` is another, or its dtype is, in the words of
            ``nn.Linear``.
        """
        if x.shape[-1] != self.in_features:
            raise RuntimeError(
                f"mat1 and mat2 shapes cannot be multiplied ({x[..., 0].numel()}x{x.shape[-1]} "
                f"and {self.in_features}x{self.out_features})"
            )
        own = next(self.parameters()).dtype
        if x.dtype != own and autocast_dtype(x) is None:
            raise RuntimeError(
                f"mat1 and mat2 must have the same dtype, but got {x.dtype} and {own}"
            )
        # A strided view is no further reshaped, which in exports would fix the number of rows.
        rows = x if x.dim() == 2 else x.reshape(-1, self.in_features)
        if self.padded_in > self.in_features:
            rows = functional.pad(rows, (0, self.padded_in - self.in_features))
        y = self.multiply(rows)[:, : self.out_features]
        if self.bias is not None:
            y = y + self.bias.to(y.dtype)  # under autocast products are in a lower precision
        return y if x.dim() == 2 else y.reshape(*x.shape[:-1], self.out_features)

    def matrix(self) -> torch.Tensor:
        """Return W as it acts, (out_features, in_features), differentiable in the parameters."""
        some = next(self.parameters())
        identity = torch.eye(self.padded_in, device=some.device, dtype=some.dtype)
        return self.multiply(identity).mT[: self.out_features, : self.in_features]

    @property
    def weight(self) -> torch.Tensor:
        """W as it acts, (out_features, in_features), computed from the parameters."""
        return self.matrix()

    @classmethod
    def from_linear(
        cls, linear: nn.Linear, *main: Value, moment: torch.Tensor | None = None, **structure: Value
    ) -> Self:
        """Return the layer of this structure whose W is nearest to a linear layer's weight.

        Nearest in the Frobenius norm or, given the inputs' second moment, in the mean square of
        the outputs' error. Widths, the bias, dtype, device, ``requires_grad`` and mode are kept.

        Parameters
        ----------
        linear : nn.Linear
            Is left as it is.
        *main, **structure
            As after the widths in the constructor.
        moment : (in_features, in_features) tensor, optional
            Mean x xᵀ of the inputs x (``cdbench.torch.input_moments``).

        Raises
        ------
        NotDefinedError
            If the family has no way to find it.
        ShapeError
            If a weight is not finite, or a shape does not fit.
        """
        own: Callable[..., Self] = cls
        weight, bias = linear.weight, linear.bias
        widths, kept = (linear.in_features, linear.out_features), bias is not None
        made = own(*widths, *main, **structure, bias=kept, device="meta", dtype=weight.dtype)
        M = None if moment is None else to_numpy(moment, np.float64)
        params = made.engine_layer().nearest(to_numpy(weight, np.float64), M)
        made.to_empty(device=weight.device)
        padded = np.zeros(made.padded_out)
        if kept:
            padded[: made.out_features] = to_numpy(bias, np.float64)
        made.load_engine({**params, "bias": padded})
        for name, parameter in made.named_parameters():
            parameter.requires_grad_((bias if name == "bias" else weight).requires_grad)
        return made.train(linear.training)

    @torch.no_grad()
    def to_linear(self) -> nn.Linear:
        """Return ``nn.Linear`` with this W, the bias, dtype, device, and mode."""
        some, kept = next(self.parameters()), self.bias is not None
        linear = nn.Linear(
            self.in_features, self.out_features, kept, device="meta", dtype=some.dtype
        ).to_empty(device=some.device)
        layer, params = self.to_engine()
        W = layer.matrix({name: value.astype(np.float64) for name, value in params.items()})
        linear.weight.copy_(torch.tensor(W[: self.out_features, : self.in_features]))
        linear.weight.requires_grad_(some.requires_grad)
        if self.bias is not None:
            linear.bias.copy_(self.bias)
            linear.bias.requires_grad_(self.bias.requires_grad)
        return linear.train(self.training)

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
