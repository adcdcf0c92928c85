"""What PyTorch layers refuse, and in which words."""

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from cdbench.errors import ConfigurationError, ShapeError, UnknownNameError  # noqa: E402
from cdbench.torch import (  # noqa: E402
    ACDC,
    BlockDiagonal,
    CDLinear,
    LowRank,
    Monarch,
    Spectral,
    replace_linear,
)
from tests import torch_cases  # noqa: E402


def words(error: type[Exception], call: Any, *args: Any, **options: Any) -> str:
    with pytest.raises(error) as caught:
        call(*args, **options)
    return str(caught.value)


def test_inputs_of_another_width_are_refused_in_the_words_of_nn_linear():
    for family in torch_cases.families():
        for layer in torch_cases.layers(family):
            linear = nn.Linear(layer.in_features, layer.out_features)
            for shape in ((2,), (2, 3), (1, 2, 3), (0,)):
                for width in (layer.in_features + 1, layer.in_features - 1):
                    x = torch.ones(*shape, width)
                    assert words(RuntimeError, layer, x) == words(RuntimeError, linear, x)


def test_inputs_of_another_dtype_are_refused():
    for family in torch_cases.families():
        layer = torch_cases.small(family, dtype=torch.float64)
        x = torch.ones(2, layer.in_features, dtype=torch.bfloat16)
        assert words(RuntimeError, layer, x) == (
            "mat1 and mat2 must have the same dtype, but got torch.bfloat16 and torch.float64"
        )


def test_a_state_dict_that_does_not_fit_is_refused_by_name_and_shape():
    saved = BlockDiagonal(16, 8, blocks=4).state_dict()
    message = words(RuntimeError, BlockDiagonal(16, 8, blocks=2).load_state_dict, saved)
    assert message == (
        "Error(s) in loading state_dict for BlockDiagonal:\n\tsize mismatch for W: copying a param "
        "with shape torch.Size([4, 2, 4]) from checkpoint, the shape in current model is "
        "torch.Size([2, 4, 8])."
    )
    message = words(RuntimeError, LowRank(16, 8).load_state_dict, nn.Linear(16, 8).state_dict())
    assert message == (
        "Error(s) in loading state_dict for LowRank:\n\tMissing key(s) in state_dict: "
        '"U", "V". \n\tUnexpected key(s) in state_dict: "weight". '
    )


def test_the_engines_parameters_must_fit():
    layer = LowRank(4, 3, rank=1, bias=False)
    _, params = layer.to_engine()
    expected = "expected U (3, 1), V (1, 4), bias (3,)"
    other = {name: value for name, value in params.items() if name != "V"}
    assert words(ShapeError, layer.load_engine, other) == (
        f"LowRank got parameters U (3, 1), bias (3,); {expected}"
    )
    other = {**params, "V": np.zeros((2, 4))}
    assert words(ShapeError, layer.load_engine, other) == (
        f"LowRank got parameters U (3, 1), V (2, 4), bias (3,); {expected}"
    )
    other = {**params, "bias": np.ones(3)}
    assert words(ShapeError, layer.load_engine, other) == (
        "LowRank got a bias, but was made with bias=False; expected zeros"
    )


def test_structures_that_are_none_are_refused():
    assert words(ShapeError, LowRank, 0, 3) == "LowRank got widths 0 and 3, expected 1 or more"
    assert words(ConfigurationError, LowRank, 4, 3, rank=0) == (
        "layer low-rank: rank = 0: expected a whole number of at least 1"
    )
    assert words(ConfigurationError, ACDC, 4, 3, depth=2.5) == (
        "layer acdc: depth = 2.5: expected a whole number of at least 1"
    )
    assert words(UnknownNameError, BlockDiagonal, 4, 4, basis="fourier") == (
        "layer block-diagonal: unknown basis 'fourier' (known: dct, hartley, none, random)"
    )
    assert words(ConfigurationError, Monarch, 8, 8, blocks=2, inner=0) == (
        "layer monarch: inner = 0: expected a whole number of at least 1"
    )
    assert words(ShapeError, Spectral, 8, 8, modes=4, length=4) == (
        "Spectral got 4 modes of length 4, expected 1 to 3"
    )


def test_weights_that_are_not_finite_and_moments_of_other_shapes_have_no_nearest_member():
    linear = nn.Linear(4, 3)
    assert words(ShapeError, LowRank.from_linear, linear, 1, moment=torch.eye(3)) == (
        "LowRank got a moment of shape (3, 3) for 4 inputs, expected (4, 4) and finite entries, "
        "as x.T @ x / len(x) gives"
    )
    for bad in (torch.nan, torch.inf):
        with torch.no_grad():
            linear.weight[1, 2] = bad
        assert words(ShapeError, LowRank.from_linear, linear, 1) == (
            "LowRank got a matrix with nan or inf, expected finite entries"
        )


def test_replace_linear_says_what_it_was_given_and_what_it_takes():
    model = nn.Sequential(nn.Linear(8, 8), nn.ReLU())
    for given, message in (
        (
            ("model",),
            "replace_linear got model of type str, expected an nn.Module",
        ),
        (
            (model, "cdlinear:4", "0"),
            "replace_linear got where of type str, expected a function of (name, module)",
        ),
        (
            (model, 4),
            "replace_linear got layer = 4, expected a specification, such as cdlinear:4, or a "
            "class of cdbench.torch",
        ),
        (
            (model, nn.Linear),
            "replace_linear got layer = <class 'torch.nn.modules.linear.Linear'>, expected a "
            "specification, such as cdlinear:4, or a class of cdbench.torch",
        ),
        (
            (model, CDLinear),
            "CDLinear missing a required argument: 'B'; expected what its constructor takes: see "
            "help(CDLinear)",
        ),
        (
            (nn.Sequential(nn.Linear(8, 8, device="meta")),),
            "layer 0: has no values, on the device meta; expected init='fresh'",
        ),
        (
            (nn.Sequential(nn.Linear(8, 8, dtype=torch.complex64)),),
            "layer 0: holds torch.complex64; expected real numbers",
        ),
    ):
        assert words(ConfigurationError, replace_linear, *given) == message
    assert words(ConfigurationError, replace_linear, model, LowRank, B=4) == (
        "LowRank got an unexpected keyword argument 'B'; expected what its constructor takes: see "
        "help(LowRank)"
    )
    assert words(ConfigurationError, replace_linear, model, moments=[1]) == (
        "replace_linear got moments of type list, expected matrices by layers' names, as "
        "input_moments gives"
    )
    assert CDLinear(8, 8, B="4").B == 4  # type: ignore[arg-type]


@pytest.mark.long
def test_without_pytorch_the_extra_is_named():
    code = "import sys; sys.modules['torch'] = None; import cdbench.torch"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.splitlines()[-1] == (
        "ModuleNotFoundError: cdbench.torch needs PyTorch, which is not installed; "
        "type pip install 'cdbench[torch]'"
    )
