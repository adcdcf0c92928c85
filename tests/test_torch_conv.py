"""Block-circulant convolution and attention for PyTorch, against the engine's and PyTorch's own."""

import re

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from cdbench.engine.layers import EVALUATION  # noqa: E402
from cdbench.engine.layers.attend import Attend  # noqa: E402
from cdbench.engine.layers.cdlinear import CDLinear as EngineLayer  # noqa: E402
from cdbench.engine.layers.convolution import Convolution  # noqa: E402
from cdbench.errors import ConfigurationError, ShapeError  # noqa: E402
from cdbench.torch import CDConv2d, CDMultiheadAttention  # noqa: E402


def as_pixels(images):
    return images.detach().permute(0, 2, 3, 1).flatten(0, 2).numpy()


def test_convolutions_equal_the_engines_and_so_do_their_gradients():
    for B, kernel, stride in ((2, 3, 1), (3, 1, 1), (6, 3, 2), (1, 3, 1)):
        layer = CDConv2d(6, 12, kernel, B, stride, padding=kernel // 2, dtype=torch.float64)
        nn.init.normal_(layer.get_parameter("bias"))
        x = torch.randn(2, 6, 5, 7, dtype=torch.float64, requires_grad=True)
        y = layer(x)
        dy = torch.randn_like(y)
        inputs = {"x": x, **dict(layer.named_parameters())}
        found = dict(zip(inputs, torch.autograd.grad(y, [*inputs.values()], dy), strict=True))
        engine = Convolution(EngineLayer(kernel**2 * 6, 12, B), (5, 7), kernel, stride)
        params = {name: own.detach().numpy() for name, own in layer.named_parameters()}
        exact, pullback = engine.forward(params, as_pixels(x), EVALUATION)
        grads = {name: np.zeros_like(own) for name, own in params.items()}
        dx = pullback(as_pixels(dy), grads)
        np.testing.assert_allclose(as_pixels(y), exact, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(as_pixels(found["x"]), dx, rtol=1e-12, atol=1e-12)
        for name, exact in grads.items():
            np.testing.assert_allclose(found[name].numpy(), exact, rtol=1e-11, atol=1e-11)


def test_channels_that_no_block_divides_are_padded():
    layer = CDConv2d(5, 7, (3, 2), B=4, stride=(2, 1), padding="valid", dtype=torch.float64)
    assert "padded to 8 and 8, weights=96 (2.19 times fewer)" in repr(layer)
    x = torch.randn(2, 5, 9, 8, dtype=torch.float64)
    own = nn.Conv2d(5, 7, (3, 2), (2, 1), dtype=torch.float64)
    own.load_state_dict({"weight": layer.weight, "bias": layer.bias})
    torch.testing.assert_close(layer(x), own(x), rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(layer(x[0]), own(x[0]), rtol=1e-12, atol=1e-12)
    wide = torch.nn.functional.pad(layer.kernel_matrix(), (0, 0, 0, 1))
    blocks = wide.view(2, 4, -1, 4)[0, :, 0]
    assert torch.equal(blocks, torch.stack([layer.c[0, 0].roll(k) for k in range(4)], 1))


def test_convolutions_start_with_a_dense_ones_variance():
    torch.manual_seed(0)
    W = CDConv2d(32, 64, 3, B=4).weight
    assert W.square().mean().item() * 32 * 9 == pytest.approx(2, rel=0.1)


@pytest.mark.long
def test_second_derivatives_of_convolution_and_attention():
    conv = CDConv2d(3, 2, 2, B=2, dtype=torch.float64)
    x = torch.randn(1, 3, 3, 3, dtype=torch.float64, requires_grad=True)

    def run(x, c):
        return torch.func.functional_call(conv, {"c": c}, (x,))

    assert torch.autograd.gradgradcheck(run, (x, conv.c))


def test_attention_equals_the_engines():
    attention = CDMultiheadAttention(12, 3, B=4, batch_first=True, dtype=torch.float64)
    x = torch.randn(2, 5, 12, dtype=torch.float64)
    for causal in (False, True):
        q, k, v = (
            attention.get_submodule(name)(x).detach().flatten(0, 1).numpy()
            for name in ("q_proj", "k_proj", "v_proj")
        )
        y, _ = Attend(3, 4, 5, causal=causal).forward({}, (q, k, v), EVALUATION)  # type: ignore[arg-type]
        exact = attention.get_submodule("out_proj")(torch.from_numpy(y.copy())).view(2, 5, 12)
        found = attention(x, x, x, is_causal=causal)[0]
        torch.testing.assert_close(found, exact, rtol=1e-12, atol=1e-12)
        one = attention(x[0], x[0], x[0], is_causal=causal)[0]
        torch.testing.assert_close(one, exact[0], rtol=1e-12, atol=1e-12)


def test_bad_input_is_refused_in_a_line():
    for error, message, make in (
        (
            ConfigurationError,
            "CDConv2d got kernel_size = 0, expected 1 or more pixels",
            lambda: CDConv2d(3, 4, 0, B=2),
        ),
        (
            ShapeError,
            "CDMultiheadAttention got embed_dim = 10 and num_heads = 3, expected heads that divide "
            "it",
            lambda: CDMultiheadAttention(10, 3, B=2),
        ),
    ):
        with pytest.raises(error, match=f"^{re.escape(message)}$"):
            make()


@pytest.mark.long
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of PyTorch itself, when it compiles
def test_convolution_and_attention_compile_as_one_graph():
    torch.compiler.reset()
    conv, attention = (
        CDConv2d(3, 8, 3, B=4, padding=1),
        CDMultiheadAttention(24, 2, B=4, batch_first=True),
    )

    def run(x):
        tokens = conv(x).flatten(1).unflatten(1, (-1, 24))
        return attention(tokens, tokens, tokens, is_causal=True)[0]

    x = torch.randn(2, 3, 6, 6)
    compiled = torch.compile(run, fullgraph=True)
    torch.testing.assert_close(compiled(x), run(x), rtol=1e-4, atol=1e-5)
    compiled(x).square().sum().backward()
    assert all(own.grad is not None for own in (*conv.parameters(), *attention.parameters()))
