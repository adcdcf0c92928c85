"""Linear layers replaced by their nearest members: from one, to one, and in whole models."""

import copy
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from cdbench.engine.layers import WeightLayer  # noqa: E402
from cdbench.errors import (  # noqa: E402
    ConfigurationError,
    NotDefinedError,
    ShapeError,
    UnknownNameError,
)
from cdbench.torch import (  # noqa: E402
    BlockDiagonal,
    LowRank,
    Monarch,
    input_moments,
    replace_linear,
)
from cdbench.torch.by_family import layer_class  # noqa: E402
from tests import torch_cases  # noqa: E402


def families_with_nearest():
    """Those whose engine layer finds nearest members."""
    return [
        family
        for family in torch_cases.families()
        if type(torch_cases.small(family).engine_layer())._nearest is not WeightLayer._nearest
    ]


def linear(n_in=13, n_out=7, **options):
    torch.manual_seed(0)
    return nn.Linear(n_in, n_out, **options)


CLOSED = ("cdlinear", "low-rank", "block-diagonal", "monarch", "circulant", "spectral")
"""Families whose nearest members are found in closed form, whatever the widths."""


@pytest.mark.parametrize("family", CLOSED)
def test_a_member_comes_back_from_its_linear_layer(family):
    for layer in torch_cases.layers(family, dtype=torch.float64):
        with torch.no_grad():
            layer.get_parameter("bias").normal_()
        structure: Any = layer.structure
        back = layer.from_linear(layer.to_linear(), **structure)
        x = torch.randn(5, layer.in_features, dtype=torch.float64)
        torch.testing.assert_close(back(x), layer(x), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("family", families_with_nearest())
def test_what_a_linear_layer_is_besides_its_weight_is_kept(family):
    structure = torch_cases.STRUCTURES[family][0]
    for dtype in (torch.float32, torch.bfloat16):
        for bias in (True, False):
            source = linear(bias=bias, dtype=dtype).eval().requires_grad_(requires_grad=False)
            if bias:
                source.bias.requires_grad_()
            before = copy.deepcopy(source.state_dict())
            state = torch.get_rng_state()
            made = layer_class(family).from_linear(source, **structure)
            assert torch.equal(torch.get_rng_state(), state)
            assert not made.training
            for name, parameter in made.named_parameters():
                assert parameter.dtype == dtype
                assert parameter.requires_grad == (name == "bias")
            assert (made.bias is None) != bias
            if bias:
                assert torch.equal(made.bias, source.bias)
            for name, value in before.items():
                assert torch.equal(value, source.state_dict()[name])
            there = made.to_linear()
            assert there.weight.dtype == dtype
            assert not there.training
            assert not there.weight.requires_grad
            assert made(torch.ones(3, 13, dtype=dtype)).isfinite().all()


def test_the_main_structure_parameter_may_come_without_its_name():
    assert LowRank.from_linear(linear(), 3).structure == {"rank": 3}
    assert Monarch.from_linear(linear(16, 16), 4, inner=2).structure == {"blocks": 4, "inner": 2}


def test_with_moments_the_outputs_are_nearer():
    source = linear(24, 16, bias=False, dtype=torch.float64)
    x = torch.randn(400, 24, dtype=torch.float64) * torch.linspace(0.01, 3, 24)
    moment = input_moments(nn.Sequential(source), [x])["0"]
    torch.testing.assert_close(moment, x.T @ x / len(x))
    for own, main in ((LowRank, 3), (BlockDiagonal, 4)):
        members = own.from_linear(source, main), own.from_linear(source, main, moment=moment)
        plain, weighted = ((made(x) - source(x)).square().mean().item() for made in members)
        assert weighted < plain


class Small(nn.Module):
    """A model with what whole models have: nesting, sharing, tying, attention."""

    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(10, 16)
        self.blocks = nn.ModuleList([nn.Sequential(nn.Linear(16, 24), nn.ReLU())])
        self.shared = nn.Linear(24, 16)
        self.again = self.shared
        self.attention = nn.MultiheadAttention(16, 2, batch_first=True)
        self.head = nn.Linear(16, 10, bias=False)
        self.head.weight = self.table.weight
        self.one = nn.Linear(16, 1)

    def forward(self, tokens):
        x = self.shared(self.blocks[0](self.table(tokens)))
        x, _ = self.attention(x, x, x)
        return self.head(self.again(self.blocks[0](x))), self.one(x)


def test_a_whole_model_is_replaced_and_the_report_says_what_was_not():
    torch.manual_seed(0)
    model = Small()
    report = replace_linear(model, "block-diagonal:4")
    assert [own.name for own in report.replaced] == ["blocks.0.0", "shared"]
    assert report.skipped == {
        "attention.in_proj_weight": "not an nn.Linear, but a part of its module",
        "attention.out_proj": "a NonDynamicallyQuantizableLinear, whose owner may read its weight",
        "head": "shares its weight with table",
        "one": "BlockDiagonal would have 16 weights, no fewer",
    }
    assert model.shared is model.again
    assert isinstance(model.shared, BlockDiagonal)
    logits, _ = model(torch.arange(6).reshape(2, 3))
    assert logits.shape == (2, 3, 10)
    first = report.replaced[0]
    assert (first.parameters_before, first.parameters_after) == (16 * 24 + 24, 16 * 24 // 4 + 24)
    assert (first.multiply_adds_before, first.multiply_adds_after) == (16 * 24, 16 * 24 // 4)
    # Of a random matrix a quarter of the squares is in the blocks.
    assert first.relative_error == pytest.approx(np.sqrt(3 / 4), abs=0.08)
    assert [row["name"] for row in report.rows()] == ["blocks.0.0", "shared"]


def test_reports_print_as_tables():
    torch.manual_seed(0)
    model: Any = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 4))
    with torch.no_grad():
        model[0].weight.copy_(torch.eye(8))
    report = replace_linear(model, "block-diagonal:2,basis=dct", lambda name, _: name == "0")
    assert str(report).splitlines() == [
        "layer  widths  to                                 error  parameters  multiply-adds",
        "0      8 → 8   block-diagonal blocks=2 basis=dct  0.000  72 → 40     64 → 32",
        "all                                                      72 → 40     64 → 32",
        "kept 2: not chosen",
    ]


def test_the_reported_error_is_that_of_the_outputs_where_moments_are_given():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(24, 16, bias=False).double())
    source = copy.deepcopy(model[0])
    x = torch.randn(400, 24, dtype=torch.float64) * torch.linspace(0.01, 3, 24)
    report = replace_linear(model, LowRank, rank=3, moments=input_moments(model, [x]))
    lost = (model(x) - source(x)).square().mean() / source(x).square().mean()
    assert report.replaced[0].relative_error == pytest.approx(lost.sqrt().item(), rel=1e-6)


def test_fresh_layers_are_drawn_for_training_from_scratch():
    torch.manual_seed(0)
    model: Any = nn.Sequential(nn.Linear(64, 64))
    report = replace_linear(model, "ldr-sd:2", init="fresh")
    assert report.replaced[0].relative_error is None
    assert model[0].matrix().square().mean().item() * 64 == pytest.approx(2, rel=0.7)
    assert not model[0].bias.any()


def test_encoders_of_pytorch_run_with_replaced_layers_on_their_fast_path():
    torch.manual_seed(0)
    model = nn.TransformerEncoder(
        nn.TransformerEncoderLayer(16, 2, 30, batch_first=True, dropout=0.0),
        2,
        enable_nested_tensor=False,
    )
    replace_linear(model, "block-diagonal:4")
    x = torch.randn(2, 5, 16)
    slow = model(x)
    model.eval()
    with torch.no_grad():
        torch.testing.assert_close(model(x), slow, rtol=1e-4, atol=1e-5)


def refused(error, message, *args, **options):
    model = args[0]
    before = [(name, id(module)) for name, module in model.named_modules()]
    with pytest.raises(error) as caught:
        replace_linear(*args, **options)
    assert str(caught.value) == message
    assert [(name, id(module)) for name, module in model.named_modules()] == before


def test_refusals_leave_the_model_as_it_was():
    torch.manual_seed(0)
    model: Any = nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 4))
    refused(
        ConfigurationError,
        "the model is a single Linear, which cannot be replaced in place; expected a model that "
        "has it as a part, or from_linear of the class",
        nn.Linear(8, 8),
    )
    refused(
        ConfigurationError,
        "no layer was replaced (0: not chosen; 1: not chosen); expected at least one, see where",
        model,
        "low-rank:1",
        where=lambda name, module: False,
    )
    refused(
        ConfigurationError,
        "no layer was replaced (the model has no nn.Linear); expected at least one, see where",
        nn.ReLU(),
        "low-rank:1",
    )
    refused(
        UnknownNameError,
        "unknown init 'random' (known: fresh, nearest)",
        model,
        "low-rank:1",
        init="random",
    )
    refused(
        ConfigurationError,
        "layer dense has no class in cdbench.torch; expected one of cdlinear, low-rank, "
        "block-diagonal, kronecker, monarch, circulant, acdc, toeplitz-like, ldr-sd, blast, "
        "spectral",
        model,
        "dense",
    )
    refused(
        ConfigurationError,
        "layer 1: there is no moment of its inputs (known: 0); expected one for each layer, as "
        "input_moments gives",
        model,
        "low-rank:1",
        moments={"0": torch.eye(8)},
    )
    refused(
        NotDefinedError,
        "layer 0: the nearest member is not defined for ldr-sd layers; expected another family, or "
        'init="fresh"',
        model,
        "ldr-sd:1",
    )
    with torch.no_grad():
        model[1].weight[0, 0] = torch.nan
    refused(
        ShapeError,
        "layer 1: LowRank got a matrix with nan or inf, expected finite entries",
        model,
        "low-rank:1",
    )


@pytest.mark.parametrize(
    ("reparametrized", "why"),
    [
        (
            nn.utils.parametrizations.weight_norm,
            "a ParametrizedLinear, whose owner may read its weight",
        ),
        (nn.utils.spectral_norm, "has hooks"),
    ],
)
def test_layers_whose_weight_is_computed_stay(reparametrized, why):
    model = nn.Sequential(reparametrized(nn.Linear(16, 16)), nn.Linear(16, 16))
    report = replace_linear(model, "cdlinear:4")
    assert [own.name for own in report.replaced] == ["1"]
    assert report.skipped == {"0": why}
