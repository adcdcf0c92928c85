"""PyTorch layers compiled without a break, and exported to ONNX, equal to what they are eagerly."""

import warnings

import numpy as np
import pytest

pytest.importorskip("torch")

import torch
from torch import nn

from cdbench.torch import CDLinear, CDMultiheadAttention
from tests import torch_cases

pytestmark = [
    pytest.mark.long,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # of PyTorch itself, when it compiles
]


class Side(nn.Module):
    """A narrowing layer of each structure of all families, and the large ones, side by side."""

    def __init__(self):
        super().__init__()
        kept = [
            layer
            for family in torch_cases.families()
            for layer in torch_cases.layers(family)
            if (layer.in_features, layer.out_features) == (13, 7) or layer.in_features > 13
        ]
        self.layers = nn.ModuleList(kept)
        self.in_features = max(layer.in_features for layer in kept)

    def forward(self, x):
        return torch.cat([layer(x[..., : layer.in_features]) for layer in self.layers], -1)


def test_layers_compile_as_one_graph_forward_and_backward():
    side = Side()
    torch.compiler.reset()
    compiled = torch.compile(side, fullgraph=True, backend="aot_eager")
    x = torch.randn(4, side.in_features, requires_grad=True)
    y, found = side(x), compiled(x)
    torch.testing.assert_close(found, y, rtol=1e-5, atol=1e-5)
    leaves = [x, *side.parameters()]
    wanted = torch.autograd.grad(y.square().sum(), leaves)
    grads = torch.autograd.grad(found.square().sum(), leaves)
    for one, other in zip(grads, wanted, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)


def test_layers_compile_as_one_graph_under_autocast():
    side = Side()
    torch.compiler.reset()
    compiled = torch.compile(side, fullgraph=True, backend="aot_eager")
    x = torch.randn(4, side.in_features)
    for rows in (x, x.bfloat16()):
        with torch.autocast("cpu", torch.bfloat16):
            found = compiled(rows)
            assert found.dtype == torch.bfloat16
            # Eagerly some are computed by FFT or of a formed W: of another rounding.
            torch.testing.assert_close(found, side(rows), rtol=0.1, atol=0.3)


def test_inductor_makes_code_of_every_layer():
    """It warns of complex numbers, which it makes no code of."""
    side = Side()
    torch.compiler.reset()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of PyTorch's own modules
        warnings.simplefilter("error", UserWarning)
        compiled = torch.compile(side, fullgraph=True)
        x = torch.randn(4, side.in_features)
        torch.testing.assert_close(compiled(x), side(x), rtol=1e-5, atol=1e-5)


def test_layers_run_in_onnxruntime_with_any_number_of_rows(tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    side, path = Side().eval(), tmp_path / "layers.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own
        torch.onnx.export(
            side,
            (torch.randn(3, 2, side.in_features),),
            path,
            dynamic_shapes=({0: torch.export.Dim("batch")},),
            dynamo=True,
            verbose=False,
        )
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    for n in (1, 3, 300):
        x = torch.randn(n, 2, side.in_features)
        (y,) = session.run(None, {session.get_inputs()[0].name: x.numpy()})
        np.testing.assert_allclose(y, side(x).detach().numpy(), rtol=1e-4, atol=1e-4)


def test_the_older_exporter_takes_them_too_from_an_example_of_a_single_row(tmp_path):
    """By tracing, where no number of rows becomes a constant."""
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnx")
    side, path = Side().eval(), tmp_path / "layers.onnx"
    side.layers.extend([CDLinear(256, 200, B=64), CDLinear(65, 20, B=5, path="materialised")])
    tokens = CDMultiheadAttention(24, 2, B=4, batch_first=True).eval()

    class Both(nn.Module):
        def __init__(self):
            super().__init__()
            self.side, self.tokens = side, tokens

        def forward(self, x):
            own = x[:, :72].reshape(-1, 3, 24)
            return torch.cat([self.side(x), self.tokens(own, own, own)[0].flatten(1)], 1)

    both, side.in_features = Both(), 256
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of PyTorch, which would rather take the newer one
        torch.onnx.export(
            both,
            (torch.randn(1, 256),),
            path,
            input_names=["x"],
            dynamic_axes={"x": {0: "batch"}},
            dynamo=False,
        )
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    for n in (1, 3, 300):
        x = torch.randn(n, 256)
        (y,) = session.run(None, {"x": x.numpy()})
        np.testing.assert_allclose(y, both(x).detach().numpy(), rtol=1e-4, atol=1e-4)


class OfFirst(nn.Module):
    """A layer of the first token's entries, a strided view, as of a vision transformer's head."""

    def __init__(self, layer):
        super().__init__()
        self.layer, self.norm = layer, nn.LayerNorm(layer.in_features)

    def forward(self, x):
        return self.layer(self.norm(x)[:, 0])


@pytest.mark.parametrize("n_rows", [1, 2])
def test_exported_layers_of_a_strided_view_take_any_number_of_rows(n_rows):
    """A named dimension that code makes constant is fixed by the exporter without a word."""
    model = OfFirst(CDLinear(13, 7, B=4)).eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own
        program = torch.onnx.export(
            model,
            (torch.zeros(n_rows, 5, 13),),
            dynamic_shapes=({0: torch.export.Dim("batch")},),
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    assert str(program.model.graph.inputs[0].shape) == "[batch,5,13]"
