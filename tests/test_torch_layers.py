"""The PyTorch layers of all families: equal to the engine's, and layers as PyTorch has them."""

import copy
import pickle

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from cdbench.engine.layers import EVALUATION  # noqa: E402
from cdbench.torch import StructuredLinear  # noqa: E402
from cdbench.torch.by_family import LAYERS, layer_class  # noqa: E402
from tests import torch_cases  # noqa: E402

N = 5
each_family = pytest.mark.parametrize("family", torch_cases.families())


def engine_result(layer, x, dy):
    """Output, gradients of the parameters and of x, by the engine, as the layer acts."""
    own, params = layer.to_engine()
    padded = np.zeros((len(x), layer.padded_in))
    padded[:, : layer.in_features] = x
    d_padded = np.zeros((len(x), layer.padded_out))
    d_padded[:, : layer.out_features] = dy
    y, pullback = own.forward(params, padded, EVALUATION)
    grads = {name: np.zeros_like(value) for name, value in params.items()}
    dx = pullback(d_padded, grads)
    return y[:, : layer.out_features], grads, dx[:, : layer.in_features]


def gradient(parameter):
    """That of a parameter, or zeros if it moves nothing, like LDR-SD's operators for one output."""
    return torch.zeros_like(parameter) if parameter.grad is None else parameter.grad


def assert_equal_to_rounding(found, expected, what):
    scale = max(np.abs(expected).max(initial=0.0), 1.0)
    error = np.abs(found - expected).max(initial=0.0) / scale
    assert error < 1e-12, f"{what}: {error}"


@each_family
@pytest.mark.parametrize("n_rows", [1, 5, 250])
def test_layers_equal_the_engines_and_so_do_their_gradients(family, n_rows):
    rng = np.random.default_rng(0)
    for layer in torch_cases.layers(family, dtype=torch.float64):
        x, dy = (
            rng.normal(size=(n_rows, width)) for width in (layer.in_features, layer.out_features)
        )
        leaf = torch.tensor(x, requires_grad=True)
        y = layer(leaf)
        y.backward(torch.tensor(dy))
        expected, grads, dx = engine_result(layer, x, dy)
        assert_equal_to_rounding(y.detach().numpy(), expected, f"{layer}")
        assert_equal_to_rounding(leaf.grad.numpy(), dx, f"dx of {layer}")
        for name, own in layer.named_parameters():
            wanted = grads[name][: layer.out_features] if name == "bias" else grads[name]
            assert_equal_to_rounding(gradient(own).numpy(), wanted, f"d{name} of {layer}")


@each_family
def test_the_matrix_is_the_engines_as_it_acts(family):
    for layer in torch_cases.layers(family, dtype=torch.float64):
        own, params = layer.to_engine()
        expected = own.matrix(params)[: layer.out_features, : layer.in_features]
        assert_equal_to_rounding(layer.matrix().detach().numpy(), expected, f"{layer}")


@each_family
def test_first_and_second_derivatives_are_those_of_the_function(family):
    layer = torch_cases.small(family, dtype=torch.float64)
    names = [name for name, _ in layer.named_parameters()]
    x = torch.randn(2, layer.in_features, dtype=torch.float64, requires_grad=True)

    def run(x, *values):
        return torch.func.functional_call(layer, dict(zip(names, values, strict=True)), (x,))

    inputs = (x, *layer.parameters())
    assert torch.autograd.gradcheck(run, inputs)
    assert torch.autograd.gradgradcheck(run, inputs)


@each_family
def test_any_leading_dimensions_are_kept(family):
    for layer in torch_cases.layers(family, dtype=torch.float64):
        for shape in ((), (1,), (0,), (3,), (2, 3), (2, 1, 3)):
            x = torch.randn(*shape, layer.in_features, dtype=torch.float64)
            y = layer(x)
            assert y.shape == (*shape, layer.out_features)
            expected = x @ layer.matrix().T + layer.get_parameter("bias")
            torch.testing.assert_close(y, expected, rtol=1e-11, atol=1e-11)
            strided = layer(x.mT.contiguous().mT if x.dim() > 1 else x)
            torch.testing.assert_close(strided, y, rtol=1e-11, atol=1e-11)


TOLERANCES = {torch.float32: 2e-5, torch.bfloat16: 0.1, torch.float16: 0.02}
"""Of outputs whose largest is about 5, against float64 with the same rounded parameters."""


@pytest.mark.long
@each_family
@pytest.mark.parametrize("dtype", TOLERANCES, ids=str)
def test_lower_precisions_are_near_float64(family, dtype):
    for layer in torch_cases.layers(family, dtype=dtype):
        x = torch.randn(N, layer.in_features, dtype=dtype)
        y = layer(x)
        assert y.dtype == dtype
        y.float().square().mean().backward()
        assert all(gradient(own).dtype == dtype for own in layer.parameters())
        exact = layer.double()
        torch.testing.assert_close(
            y.double(), exact(x.double()), rtol=0, atol=TOLERANCES[dtype] * scale_of(exact)
        )


def scale_of(layer):
    """How large an output of standard normal inputs is, and no less than 1."""
    return max(1.0, float(layer.matrix().detach().square().sum(1).max().sqrt()))


@each_family
def test_autocast_gives_what_nn_linear_does(family):
    for layer in torch_cases.layers(family):
        x = torch.randn(N, layer.in_features)
        with torch.autocast("cpu", torch.bfloat16):
            y = layer(x)
        assert y.dtype == torch.bfloat16
        torch.testing.assert_close(y.float(), layer(x), rtol=0, atol=0.1 * scale_of(layer))
        y.float().sum().backward()
        assert all(gradient(own).dtype == torch.float32 for own in layer.parameters())


@pytest.mark.long
@each_family
def test_autocast_leaves_float64_alone_as_nn_linear_does(family):
    for layer in torch_cases.layers(family, dtype=torch.float64):
        x = torch.randn(N, layer.in_features, dtype=torch.float64)
        with torch.autocast("cpu", torch.bfloat16):
            y = layer(x)
        assert torch.equal(y, layer(x))


@each_family
def test_a_layer_on_meta_says_the_shape_of_its_output(family):
    for layer in torch_cases.layers(family, device="meta"):
        x = torch.empty(2, 3, layer.in_features, device="meta")
        assert layer(x).shape == (2, 3, layer.out_features)


@each_family
def test_initial_values_are_the_engines_and_of_pytorchs_generator(family):
    own = layer_class(family)
    structure = torch_cases.STRUCTURES[family][0]
    torch.manual_seed(3)
    first = own.build(64, 48, structure)
    torch.manual_seed(3)
    again, other = own.build(64, 48, structure), own.build(64, 48, structure)
    for name, value in first.named_parameters():
        assert torch.equal(value, again.get_parameter(name))
        if name not in {"bias", "a", "c"} or family in {"cdlinear", "circulant", "acdc"}:
            assert torch.equal(value, other.get_parameter(name)) == (name == "bias")
    gains = [own.build(64, 48, structure).matrix().square().mean() * 64 for _ in range(40)]
    assert torch.stack(gains).mean().item() == pytest.approx(2, rel=0.25)


@each_family
def test_a_layer_made_on_meta_is_filled_by_reset_parameters(family):
    for layer in torch_cases.layers(family, device="meta"):
        layer.to_empty(device="cpu")
        for own in (*layer.parameters(), *layer.buffers()):
            own.data.fill_(torch.nan)
        layer.reset_parameters()
        assert torch.isfinite(layer(torch.ones(layer.in_features))).all()


@each_family
def test_a_layer_made_on_meta_takes_the_tensors_of_a_state_dict(family):
    for layer in torch_cases.layers(family, dtype=torch.float64):
        widths = layer.in_features, layer.out_features
        made = type(layer).build(*widths, layer.structure, device="meta")
        made.load_state_dict(layer.state_dict(), assign=True)
        x = torch.randn(N, layer.in_features, dtype=torch.float64)
        assert torch.equal(made(x), layer(x))


@each_family
def test_constants_are_as_exact_as_the_precision_that_a_layer_comes_to(family):
    for layer in torch_cases.layers(family):
        there_and_back = copy.deepcopy(layer).bfloat16().double()
        exact = copy.deepcopy(layer).double()
        for name, buffer in exact.named_buffers():
            assert torch.equal(there_and_back.get_buffer(name), buffer)
            wanted = layer.constants(layer.engine_layer())[name]
            assert np.array_equal(buffer.numpy(), wanted)


@each_family
def test_state_dicts_hold_the_engines_parameters_only(family, tmp_path):
    safetensors = pytest.importorskip("safetensors.torch")
    for layer in torch_cases.layers(family):
        engine, params = layer.to_engine()
        shapes = {name: tuple(own.shape) for name, own in layer.state_dict().items()}
        assert shapes == engine.weight_shapes | {"bias": (layer.out_features,)}
        safetensors.save_file(layer.state_dict(), tmp_path / "layer.safetensors")
        other = layer.build(layer.in_features, layer.out_features, layer.structure)
        other.load_state_dict(safetensors.load_file(tmp_path / "layer.safetensors"))
        x = torch.randn(3, layer.in_features)
        assert torch.equal(other(x), layer(x))
        back = layer.build(layer.in_features, layer.out_features, layer.structure)
        assert torch.equal(back.load_engine(params)(x), layer(x))


@each_family
def test_pickled_and_copied_layers_compute_the_same(family):
    for layer in torch_cases.layers(family):
        x = torch.randn(N, layer.in_features)
        for other in (pickle.loads(pickle.dumps(layer)), copy.deepcopy(layer)):  # noqa: S301
            assert torch.equal(other(x), layer(x))


def test_every_family_of_the_engine_but_dense_has_its_layer():
    from cdbench.config import families

    assert {*LAYERS, families.BASELINE} == {*families.FAMILIES}
    for family in torch_cases.families():
        own = layer_class(family)
        assert issubclass(own, StructuredLinear)
        assert own.family == family
