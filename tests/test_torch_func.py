"""PyTorch's layers under ``torch.func``: forward mode, batches of functions, and their mixtures."""

import pytest

torch = pytest.importorskip("torch")

from torch.autograd import forward_ad  # noqa: E402
from torch.func import functional_call, grad, hessian, jacfwd, jacrev, jvp, vmap  # noqa: E402

from cdbench.torch import CDLinear, StructuredLinear  # noqa: E402
from tests import torch_cases  # noqa: E402

PATHS = ("materialised", "real", "rfft")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of PyTorch's own modules
each_case = pytest.mark.parametrize("case", [*torch_cases.families(), *PATHS])


def made(case):
    """Return a layer's function of parameters and rows, and these."""
    torch.manual_seed(0)
    if case in PATHS:
        layer: StructuredLinear = CDLinear(7, 5, B=3, path=case, dtype=torch.float64)
    else:
        layer = torch_cases.small(case, dtype=torch.float64)
    params = {name: own.detach().clone() for name, own in layer.named_parameters()}
    x = torch.randn(3, layer.in_features, dtype=torch.float64)
    return (lambda params, x: functional_call(layer, params, (x,))), params, x


def assert_equal(found, expected):
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-10)


def cubic(y):
    """A loss whose second derivatives need the output."""
    return y.pow(3).sum()


@each_case
def test_forward_mode_gives_the_jacobian_of_reverse_mode(case):
    run, params, x = made(case)
    for argument in (0, 1):
        assert_equal(jacfwd(run, argument)(params, x), jacrev(run, argument)(params, x))


@each_case
def test_hessians_by_forward_over_reverse_mode_are_those_of_reverse_mode_alone(case):
    run, params, x = made(case)

    def loss(params, x):
        return cubic(run(params, x))

    both = (0, 1)
    assert_equal(hessian(loss, both)(params, x), jacrev(jacrev(loss, both), both)(params, x))


@each_case
def test_dual_numbers_reach_the_gradients(case):
    """Also where no graph of these is made, so that what the way there kept is used again."""
    run, params, x = made(case)

    def loss(params, x):
        return cubic(run(params, x))

    moved = {name: torch.randn_like(own) for name, own in params.items()}, torch.randn_like(x)
    expected = jvp(grad(loss, (0, 1)), (params, x), moved)[1]
    with forward_ad.dual_level():
        duals = {
            name: forward_ad.make_dual(own.requires_grad_(), moved[0][name])
            for name, own in params.items()
        }
        rows = forward_ad.make_dual(x.requires_grad_(), moved[1])
        found = torch.autograd.grad(loss(duals, rows), [*duals.values(), rows])
        tangents = [forward_ad.unpack_dual(own).tangent for own in found]
    assert_equal(tangents, [*expected[0].values(), expected[1]])


@each_case
def test_functions_of_rows_and_of_several_layers_are_batched(case):
    run, params, x = made(case)
    assert_equal(vmap(run, (None, 0))(params, x), run(params, x))
    several = {name: torch.stack([own, own + 1]) for name, own in params.items()}
    expected = [run({name: own[i] for name, own in several.items()}, x) for i in (0, 1)]
    assert_equal(vmap(run, (0, None))(several, x), torch.stack(expected))

    def gradient(params, row):
        return grad(lambda params: cubic(run(params, row)))(params)

    each = [gradient(params, row) for row in x]
    stacked = {name: torch.stack([own[name] for own in each]) for name in params}
    assert_equal(vmap(gradient, (None, 0))(params, x), stacked)
