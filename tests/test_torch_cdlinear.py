"""The block-circulant layer for PyTorch: its three paths are one function, and which is taken."""

import re
import warnings

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch.utils._python_dispatch import TorchDispatchMode  # noqa: E402

from cdbench.engine.products import PRODUCTS  # noqa: E402
from cdbench.errors import ConfigurationError  # noqa: E402
from cdbench.torch import CDLinear  # noqa: E402
from cdbench.torch.products import PATHS, chosen  # noqa: E402

WAYS = PATHS[1:]
SHAPES = [(3, 2, 1), (2, 3, 2), (1, 2, 3), (3, 1, 4), (2, 2, 5), (1, 1, 6), (2, 3, 9), (2, 1, 16)]
"""K_o, K_i and B: even and odd, prime, and rows of 16."""
each_way = pytest.mark.parametrize("path", WAYS)


def layer_of(K_o, K_i, B, path, dtype=torch.float64):
    return CDLinear(K_i * B, K_o * B, B, path=path, dtype=dtype)


@each_way
def test_every_path_has_the_engines_values_and_gradients(path):
    rng = np.random.default_rng(0)
    for K_o, K_i, B in SHAPES:
        for N in (1, 6):
            layer = layer_of(K_o, K_i, B, path)
            x, dy = rng.normal(size=(N, K_i * B)), rng.normal(size=(N, K_o * B))
            leaf = torch.tensor(x, requires_grad=True)
            y = layer(leaf)
            y.backward(torch.tensor(dy))
            c = layer.c.detach().numpy()
            wanted, run, pullback = PRODUCTS["gather"](K_o, K_i, B).bind(c, x)
            run()
            dc = np.empty_like(c)
            dx = pullback(dy, dc)
            found = (y.detach(), leaf.grad, layer.c.grad)
            for own, exact in zip(found, (wanted, dx, dc), strict=True):
                torch.testing.assert_close(own, torch.from_numpy(exact), rtol=1e-12, atol=1e-12)


@pytest.mark.long
@each_way
def test_every_path_can_be_differentiated_twice_and_batched(path):
    for shape in ((2, 1, 3), (1, 2, 4), (1, 1, 5)):
        layer = layer_of(*shape, path)
        x = torch.randn(2, layer.in_features, dtype=torch.float64, requires_grad=True)

        def run(x, c, layer=layer):
            return torch.func.functional_call(layer, {"c": c}, (x,))

        assert torch.autograd.gradcheck(run, (x, layer.c))
        assert torch.autograd.gradgradcheck(run, (x, layer.c))
        one_by_one = torch.func.vmap(
            torch.func.grad(lambda c, row, run=run: run(row[None], c).square().sum()), (None, 0)
        )(layer.c.detach(), x.detach())
        whole = torch.autograd.grad(run(x, layer.c).square().sum(), layer.c)[0]
        torch.testing.assert_close(one_by_one.sum(0), whole, rtol=1e-11, atol=1e-11)


def test_no_rows_give_no_rows():
    for path in WAYS:
        x = torch.zeros(0, 10, requires_grad=True)
        layer = CDLinear(10, 6, B=3, path=path)
        y = layer(x)
        y.sum().backward()
        assert y.shape == (0, 6)
        assert torch.equal(layer.c.grad, torch.zeros_like(layer.c))


def test_blocks_are_circulant_as_the_paper_has_them():
    layer = CDLinear(8, 12, B=4, dtype=torch.float64)
    W, c = layer.matrix(), layer.c
    for k in range(12):
        for m in range(8):
            assert W[k, m] == c[k // 4, m // 4, (k - m) % 4]


class Types(TorchDispatchMode):
    """Notes the types of all tensors that operations give."""

    def __init__(self):
        super().__init__()
        self.seen = set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        for one in out if isinstance(out, tuple | list) else [out]:
            if isinstance(one, torch.Tensor):
                self.seen.add(one.dtype)
        return out


def test_the_real_path_has_no_complex_number():
    for path, is_complex in (("real", False), ("rfft", True)):
        layer = CDLinear(40, 40, B=5, path=path)
        with Types() as types:
            layer(torch.randn(3, 40)).square().sum().backward()
        assert any(dtype.is_complex for dtype in types.seen) == is_complex


TOLERANCES = {torch.float32: 1e-6, torch.bfloat16: 2e-2, torch.float16: 2.5e-3}
"""Error of outputs and gradients, relative to the norm, against float64 of the same numbers."""


@pytest.mark.long
@each_way
def test_lower_precisions_keep_their_tolerances(path):
    torch.manual_seed(0)
    for dtype, tolerance in TOLERANCES.items():
        if path == "rfft" and dtype.itemsize < 4:
            continue
        for B in (4, 16, 31):
            layer = CDLinear(120, 130, B, path=path).to(dtype)
            exact = CDLinear(120, 130, B, path="materialised", dtype=torch.float64)
            exact.load_state_dict(layer.state_dict())
            x = torch.randn(32, 120).to(dtype)
            dy = torch.randn(32, 130).to(dtype)
            results = []
            for own in (layer, exact):
                leaf = x.detach().to(own.c.dtype, copy=True).requires_grad_()
                grads = torch.autograd.grad(own(leaf), (leaf, own.c), dy.to(leaf.dtype))
                results.append([value.detach().double() for value in (own(leaf), *grads)])
            for found, wanted in zip(*results, strict=True):
                assert (found - wanted).norm() < tolerance * wanted.norm(), (dtype, B)


def test_half_precision_by_fft_is_refused():
    layer = CDLinear(16, 16, B=4, path="rfft").bfloat16()
    message = (
        "CDLinear with path = 'rfft' got bfloat16, of which PyTorch has no FFT everywhere; "
        "expected float32 or float64, or path = 'real'"
    )
    with pytest.raises(ConfigurationError, match=f"^{re.escape(message)}$"):
        layer(torch.zeros(1, 16, dtype=torch.bfloat16))


def test_autocast_leaves_the_fft_in_float32():
    x = torch.randn(4, 100)
    for path in PATHS:
        layer = CDLinear(100, 100, B=10, path=path)
        with torch.autocast("cpu", torch.bfloat16):
            y = layer(x)
        assert y.dtype == (torch.float32 if path == "rfft" else torch.bfloat16)
        assert (y.float() - layer(x)).norm() < 2e-2 * layer(x).norm()
        (dc,) = torch.autograd.grad(y.float().sum(), layer.c)
        assert dc.dtype == torch.float32


def test_a_converted_layer_is_as_exact_as_one_made_in_its_type():
    for path in WAYS:
        made = CDLinear(35, 49, B=7, path=path, dtype=torch.float64)
        converted = CDLinear(35, 49, B=7, path=path).half().double()
        converted.load_state_dict(made.state_dict())
        x = torch.randn(3, 35, dtype=torch.float64)
        assert torch.equal(converted(x), made(x))


def test_the_path_is_chosen_by_the_rule_that_the_page_has():
    for n, B, dtype, expected in (
        (32, 8, torch.float32, "materialised"),
        (64, 64, torch.float32, "rfft"),
        (1024, 1, torch.float32, "materialised"),
        (1024, 4, torch.float32, "real"),
        (1024, 32, torch.float32, "real"),
        (1024, 64, torch.float32, "rfft"),
        (1024, 16, torch.float64, "real"),
        (1024, 32, torch.float64, "rfft"),
        (1024, 64, torch.bfloat16, "real"),
        (1024, 128, torch.float16, "materialised"),
    ):
        assert chosen(n, n, B, dtype) == expected


def test_an_unknown_path_is_refused():
    message = "CDLinear got path = 'fft', expected one of auto, materialised, real, rfft"
    with pytest.raises(ConfigurationError, match=f"^{re.escape(message)}$"):
        CDLinear(8, 8, B=4, path="fft")


@pytest.mark.long
@each_way
def test_every_path_compiles_as_one_graph(path):
    torch.compiler.reset()
    layer = CDLinear(90, 75, B=6, path=path)
    compiled = torch.compile(layer, fullgraph=True)
    x = torch.randn(5, 90, requires_grad=True)
    leaves = [x, *layer.parameters()]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Inductor's, of complex numbers
        found = torch.autograd.grad(compiled(x).square().sum(), leaves)
    wanted = torch.autograd.grad(layer(x).square().sum(), leaves)
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)


@pytest.mark.long
def test_large_blocks_run_in_onnxruntime(tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    layer, path = CDLinear(150, 200, B=70), tmp_path / "layer.onnx"
    assert chosen(210, 210, 70, torch.float32) == "rfft"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own
        torch.onnx.export(layer, (torch.randn(3, 150),), path, dynamo=True, verbose=False)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    x = torch.randn(3, 150)
    (y,) = session.run(None, {session.get_inputs()[0].name: x.numpy()})
    np.testing.assert_allclose(y, layer(x).detach().numpy(), rtol=1e-4, atol=1e-4)
