"""CDMultiheadAttention is what ``nn.MultiheadAttention`` with the same matrices is."""

import copy
import re
import warnings
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from cdbench.errors import ConfigurationError, ShapeError  # noqa: E402
from cdbench.torch import CDLinear, CDMultiheadAttention, replace_linear  # noqa: E402

D, HEADS, N, T, S = 12, 2, 3, 4, 6
EXACT = {"rtol": 1e-10, "atol": 1e-10, "equal_nan": True}


def pair(B: int = 4, **options: Any) -> tuple[Any, Any]:
    """Return ours and PyTorch's own with the same matrices and biases, batch first."""
    torch.manual_seed(0)
    options = {"batch_first": True, "dtype": torch.float64} | options
    ours: Any = CDMultiheadAttention(D, HEADS, B, **options)
    own: Any = nn.MultiheadAttention(D, HEADS, **options)
    projections = [ours.q_proj, ours.k_proj, ours.v_proj]
    with torch.no_grad():
        for one in (*projections, ours.out_proj):
            if one.bias is not None:
                nn.init.normal_(one.bias)
        if own.in_proj_weight is None:
            for name in ("q_proj", "k_proj", "v_proj"):
                own.get_parameter(f"{name}_weight").copy_(ours.get_submodule(name).weight)
        else:
            own.in_proj_weight.copy_(ours.in_proj_weight)
        own.out_proj.weight.copy_(ours.out_proj.weight)
        if own.in_proj_bias is not None:
            own.in_proj_bias.copy_(ours.in_proj_bias)
            own.out_proj.bias.copy_(ours.out_proj.bias)
    return ours, own


def inputs(*batch, kdim=D, vdim=D):
    sizes = ((T, D), (S, kdim), (S, vdim))
    return [torch.randn(*batch, *size, dtype=torch.float64) for size in sizes]


def masks():
    """Each kind of mask, alone and with another: truth values and numbers."""
    torch.manual_seed(1)
    two, three = torch.rand(T, S) < 0.3, torch.rand(N * HEADS, T, S) < 0.3
    padding = torch.arange(S) >= torch.tensor([[6], [4], [3]])
    for mask in (two, three, padding):
        mask[..., 0] = False
    numbers = [torch.randn(mask.shape, dtype=torch.float64) for mask in (two, three, padding)]
    for own in ((two, three, padding), numbers):
        for attn_mask in (None, *own[:2]):
            for key_padding_mask in (None, own[2]):
                yield {"attn_mask": attn_mask, "key_padding_mask": key_padding_mask}


def assert_same(ours, own, *args, **options):
    (y, weights), (expected, expected_weights) = (
        module(*args, **options) for module in (ours, own)
    )
    torch.testing.assert_close(y, expected, **EXACT)
    assert (weights is None) == (expected_weights is None)
    if weights is not None:
        torch.testing.assert_close(weights, expected_weights, **EXACT)


WAYS = (
    {"need_weights": False},
    {"need_weights": True},
    {"need_weights": True, "average_attn_weights": False},
)


def test_outputs_and_weights_under_every_mask():
    ours, own = pair()
    args = inputs(N)
    for mask in masks():
        for way in WAYS:
            for training in (False, True):
                assert_same(ours.train(training), own.train(training), *args, **mask, **way)


@pytest.mark.parametrize(
    "options",
    [{"bias": False}, {"kdim": 5, "vdim": 7}, {"batch_first": False}, {"B": 5}],
    ids=str,
)
def test_other_options(options):
    ours, own = pair(**options)
    widths = {name: width for name, width in options.items() if name in {"kdim", "vdim"}}
    args = inputs(N, **widths)
    if not ours.batch_first:
        args = [x.transpose(0, 1) for x in args]
    padding = torch.zeros(N, S, dtype=torch.bool)
    padding[1, 3:] = True
    for way in WAYS:
        assert_same(ours, own, *args, key_padding_mask=padding, **way)


def test_inputs_without_a_batch():
    ours, own = pair()
    padding = torch.arange(S) >= 4
    for mask in (torch.rand(T, S) < 0.3, torch.rand(HEADS, T, S) < 0.3):
        mask[..., 0] = False
        for way in WAYS:
            assert_same(ours, own, *inputs(), attn_mask=mask, key_padding_mask=padding, **way)


def test_dropped_weights_are_those_that_pytorch_drops():
    ours, own = pair(dropout=0.4)
    args = inputs(N)
    for way in WAYS:
        found = []
        for module in (ours, own):
            torch.manual_seed(5)
            found.append(module(*args, **way))
        torch.testing.assert_close(*found, **EXACT)
        assert_same(ours.eval(), own.eval(), *args, **way)
        ours.train(), own.train()


def test_tokens_that_may_attend_to_none():
    """PyTorch gives no numbers where it returns weights, and the output's bias where it doesn't."""
    ours, own = pair()
    mask = torch.zeros(T, S, dtype=torch.bool)
    mask[2] = True
    for way in WAYS:
        assert_same(ours, own, *inputs(N), attn_mask=mask, **way)
    y, _ = ours(*inputs(N), attn_mask=mask, need_weights=False)
    torch.testing.assert_close(y[:, 2], ours.out_proj.bias.expand(N, D), **EXACT)


def test_causal_attention_needs_no_mask():
    """PyTorch's own asks for one beside the hint."""
    ours, own = pair()
    x = torch.randn(N, T, D, dtype=torch.float64)
    mask = torch.ones(T, T, dtype=torch.bool).triu(1)
    padding = torch.arange(T).expand(N, T) >= 3
    for way in WAYS:
        for padded in ({}, {"key_padding_mask": padding}):
            expected = own(x, x, x, attn_mask=mask, is_causal=True, **padded, **way)
            for more in ({}, {"attn_mask": mask}):
                found = ours(x, x, x, is_causal=True, **more, **padded, **way)
                torch.testing.assert_close(found, expected, **EXACT)


def test_gradients_are_pytorchs():
    ours, own = pair()
    grads = []
    for module in (ours, own):
        torch.manual_seed(3)
        args = [x.requires_grad_() for x in inputs(N)]
        y, weights = module(*args)
        grads.append(torch.autograd.grad(y.square().sum() + weights.square().sum(), args))
    torch.testing.assert_close(*grads, **EXACT)


@pytest.mark.parametrize("norm_first", [False, True])
def test_encoders_take_it_in_every_mode(norm_first):
    """Also by PyTorch's fast path, which reads matrices, and cuts padding out."""
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(
        D, HEADS, 16, 0.0, batch_first=True, norm_first=norm_first, dtype=torch.float64
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of nested tensors, and norm_first
        model = nn.TransformerEncoder(layer, 2)
        swapped = copy.deepcopy(model)
        for own in swapped.layers:
            assert isinstance(own, nn.TransformerEncoderLayer)
            own.self_attn = CDMultiheadAttention.from_attention(own.self_attn, B=1)  # type: ignore[assignment]
        x = torch.randn(N, T, D, dtype=torch.float64)
        padding = torch.arange(T) >= torch.tensor([[4], [3], [2]])
        causal = torch.ones(T, T, dtype=torch.bool).triu(1)
        for options in ({}, {"src_key_padding_mask": padding}, {"mask": causal}):
            for training in (True, False):
                for grad in (True, False):
                    found = []
                    for one in (swapped, model):
                        with torch.set_grad_enabled(grad):
                            found.append(one.train(training)(x, **options))
                    torch.testing.assert_close(*found, **EXACT)


def test_it_is_made_of_the_nearest_projections():
    for options in ({}, {"bias": False}, {"kdim": 8, "vdim": 20}, {"dtype": torch.float64}):
        own = nn.MultiheadAttention(D, HEADS, dropout=0.1, batch_first=True, **options).eval()
        own.out_proj.requires_grad_(requires_grad=False)
        ours = CDMultiheadAttention.from_attention(own, B=4, path="real")
        assert not ours.training
        assert (ours.dropout, ours.batch_first) == (0.1, True)
        assert {p.path for p in ours.children() if isinstance(p, CDLinear)} == {"real"}
        assert {p.dtype for p in ours.parameters()} == {own.out_proj.weight.dtype}
        assert [p.requires_grad for p in ours.out_proj.parameters()] == (
            [False] * (2 - ("bias" in options))
        )
        assert all(p.requires_grad for p in ours.q_proj.parameters())
        torch.testing.assert_close(
            ours.out_proj.weight, CDLinear.from_linear(own.out_proj, 4).weight
        )
        exact = CDMultiheadAttention.from_attention(own, B=1)
        kinds = {"dtype": own.out_proj.weight.dtype}
        args = [torch.randn(N, S, width, **kinds) for width in (D, own.kdim, own.vdim)]
        torch.testing.assert_close(exact(*args), own(*args), rtol=1e-4, atol=1e-5)


def test_replace_linear_takes_the_layers_around_it():
    layer = nn.TransformerEncoderLayer(D, HEADS, 16, batch_first=True)
    layer.self_attn = CDMultiheadAttention.from_attention(layer.self_attn, B=4)  # type: ignore[assignment]
    report = replace_linear(layer, "cdlinear:4")
    assert [own.name for own in report.replaced] == ["linear1", "linear2"]
    assert not report.skipped
    assert layer(torch.randn(N, T, D)).shape == (N, T, D)


def test_bad_input_is_refused_in_a_line():
    attention = CDMultiheadAttention(8, 2, B=4, batch_first=True)
    x = torch.zeros(3, 5, 8)
    own = nn.MultiheadAttention(8, 2, add_bias_kv=True)
    for error, message, run in (
        (
            ShapeError,
            "CDMultiheadAttention got attn_mask of torch.bool (4, 5), expected truth values or "
            "floating-point numbers (5, 5) or (6, 5, 5)",
            lambda: attention(x, x, x, attn_mask=torch.zeros(4, 5, dtype=torch.bool)),
        ),
        (
            ShapeError,
            "CDMultiheadAttention got key_padding_mask of torch.int64 (3, 5), expected truth "
            "values or floating-point numbers (3, 5)",
            lambda: attention(x, x, x, torch.zeros(3, 5, dtype=torch.int64)),
        ),
        (
            ShapeError,
            "CDMultiheadAttention got inputs (8,), (8,) and (8,), expected all with two "
            "dimensions, or with three",
            lambda: attention(x[0, 0], x[0, 0], x[0, 0]),
        ),
        (
            ShapeError,
            "CDMultiheadAttention got queries (3, 5, 8), keys (1, 5, 8) and values (3, 5, 8), "
            "expected one batch, and a value for each key",
            lambda: attention(x, x[:1], x),
        ),
        (
            ConfigurationError,
            "from_attention got Linear, expected nn.MultiheadAttention",
            lambda: CDMultiheadAttention.from_attention(nn.Linear(8, 8), B=4),  # type: ignore[arg-type]
        ),
        (
            ConfigurationError,
            "from_attention got a module with add_bias_kv or add_zero_attn, which "
            "CDMultiheadAttention does not have; expected one without",
            lambda: CDMultiheadAttention.from_attention(own, B=4),
        ),
    ):
        with pytest.raises(error, match=f"^{re.escape(message)}$"):
            run()
