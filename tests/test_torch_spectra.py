"""Spectra of PyTorch's layers against those of their matrices and of Hessians by autograd."""

import re

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from cdbench.errors import ShapeError  # noqa: E402
from cdbench.torch import CDLinear, condition, layer_hessian, spectrum  # noqa: E402
from cdbench.torch.spectra import hessian_condition  # noqa: E402
from tests import torch_cases  # noqa: E402


def all_layers():
    for family in torch_cases.families():
        yield torch_cases.small(family, dtype=torch.float64)
    yield CDLinear(12, 8, B=4, dtype=torch.float64)
    yield nn.Linear(6, 5, dtype=torch.float64)


def test_spectra_are_the_singular_values_of_the_matrix_as_it_acts():
    for layer in all_layers():
        W = layer.weight.detach()
        exact = torch.linalg.svdvals(W)
        torch.testing.assert_close(spectrum(layer), exact, rtol=1e-9, atol=1e-9)
        found = condition(layer)
        assert found.rank == torch.linalg.matrix_rank(W)
        if found.rank == len(exact):
            assert found.kappa == pytest.approx((exact[0] / exact[-1]).item() ** 2, rel=1e-6)


def test_hessians_are_those_of_the_mean_squared_error():
    """By autograd, of the Jacobian of the outputs, which is J of mean JᵀJ."""
    x = torch.randn(3, 4, 12, dtype=torch.float64)
    for layer in all_layers():
        if getattr(layer, "padded_out", layer.out_features) != layer.out_features:
            continue  # the engine's layer has outputs that are cut off here
        rows = x.flatten(0, 1)[:, : layer.in_features]
        names = [name for name, _ in layer.named_parameters() if name != "bias"]
        weights = tuple(layer.get_parameter(name).detach() for name in names)

        def run(*values, layer=layer, names=names, rows=rows):
            params = dict(zip(names, values, strict=True))
            return torch.func.functional_call(layer, params, (rows,)).flatten()

        whole = torch.autograd.functional.jacobian(run, weights)
        J = torch.cat([part.flatten(1) for part in whole], 1)
        exact = torch.linalg.eigvalsh(J.T @ J / len(rows)).flip(0)
        found = layer_hessian(layer, x[..., : layer.in_features])
        assert len(found) == len(exact)
        torch.testing.assert_close(found, exact, rtol=1e-8, atol=1e-8)


def test_no_inputs_are_better_for_dense_weights_than_for_circulant_ones():
    """Interlacing: the Hessian of CDLinear is a compression of dense's."""
    x = torch.randn(50, 12, dtype=torch.float64) @ torch.randn(12, 12, dtype=torch.float64)
    dense = hessian_condition(nn.Linear(12, 8, dtype=torch.float64), x).kappa
    for B in (2, 4):
        own = hessian_condition(CDLinear(12, 8, B, dtype=torch.float64), x).kappa
        assert own <= dense * (1 + 1e-9)


def test_what_has_no_spectrum_is_refused_in_a_line():
    message = "a spectrum was asked of ReLU, expected a layer of cdbench.torch or nn.Linear"
    with pytest.raises(ShapeError, match=f"^{re.escape(message)}$"):
        spectrum(nn.ReLU())  # type: ignore[arg-type]
    message = "layer_hessian got inputs (2, 5), expected (..., 8) with one row or more"
    with pytest.raises(ShapeError, match=f"^{re.escape(message)}$"):
        layer_hessian(CDLinear(8, 8, B=4), torch.zeros(2, 5))
    layer = CDLinear(8, 8, B=4)
    nn.init.constant_(layer.c, torch.nan)
    message = "CDLinear got numbers that are not finite, expected finite"
    with pytest.raises(ShapeError, match=f"^{re.escape(message)}$"):
        condition(layer)
