"""Learning rates of a model's layers are those of the engine's runs."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from cdbench.config.run_config import RunConfig  # noqa: E402
from cdbench.engine.building import build_network  # noqa: E402
from cdbench.engine.split import Split  # noqa: E402
from cdbench.engine.step_sizes import learning_rates, measured_gains  # noqa: E402
from cdbench.errors import ConfigurationError, UnknownNameError  # noqa: E402
from cdbench.torch import CDConv2d, LowRank, param_groups  # noqa: E402
from cdbench.torch.by_family import layer_class  # noqa: E402
from tests import torch_cases  # noqa: E402

LR = 0.1


def rates(model, *args, **options):
    """The rate of each parameter of a model, by name."""
    groups = param_groups(model, LR, *args, **options)
    by_parameter = {id(own): group["lr"] for group in groups for own in group["params"]}
    assert len(by_parameter) == sum(len(group["params"]) for group in groups)
    return {name: by_parameter[id(own)] for name, own in model.named_parameters()}


@pytest.mark.parametrize("scaling", ["raw", "weight-space", "mean", "sharp"])
@pytest.mark.parametrize("family", ["low-rank", "monarch", "blast", "circulant"])
def test_rates_are_those_of_the_engines_run(family, scaling):
    config = RunConfig(
        layer=family,
        hidden=(12,),
        batch_size=20,
        learning_rate=LR,
        learning_rate_scaling=scaling,
        product="gather",
    )
    network = build_network(config, 16, 8)
    start = network.initial_parameters(np.random.default_rng(0), "float64")
    rng = np.random.default_rng(1)
    X, y = rng.normal(size=(20, 16)), np.arange(20) % 8
    gains = measured_gains(network, start, Split(X, y, X, y), config)
    expected = np.broadcast_to(learning_rates(network, config, gains), start.shape)
    views, params = network.views(np.array(expected)), network.views(start)
    modules = []
    for place in network.weight_layers:
        layer = layer_class(family).build(
            place.layer.n_in, place.layer.n_out, {}, dtype=torch.float64
        )
        modules += [layer.load_engine(params[place.position]), nn.ReLU()]
    model = nn.Sequential(*modules[:-1])
    found = rates(model, scaling, inputs=torch.tensor(X))
    error = 0.02 if scaling == "mean" else 1e-6  # traces are estimated by random vectors
    for number, place in enumerate(network.weight_layers):
        for name, own in views[place.position].items():
            assert found[f"{2 * number}.{name}"] == pytest.approx(own.flat[0], rel=error)


def test_dense_layers_and_what_else_a_model_has_keep_their_rate():
    model = nn.Sequential(nn.Linear(8, 8), nn.LayerNorm(8), LowRank(8, 8, 2))
    found = rates(model, "weight-space")
    assert {name for name, rate in found.items() if rate != LR} == {"2.V"}
    torch.optim.SGD(param_groups(model, LR, "weight-space"), momentum=0.9).step()


def test_a_shared_layer_is_in_one_group():
    layer = LowRank(8, 8, 2)
    assert len(rates(nn.Sequential(layer, layer), "weight-space")) == 3


def test_convolutions_have_the_rate_of_their_blocks():
    found = rates(nn.Sequential(CDConv2d(8, 8, 3, B=4), nn.Conv2d(8, 8, 3)), "weight-space")
    assert {name: rate for name, rate in found.items() if rate != LR} == {"0.c": LR / 4}


def test_refusals():
    model = nn.Sequential(LowRank(8, 8, 2))
    for error, message, scaling, inputs in (
        (
            UnknownNameError,
            "unknown scaling 'weightspace'; did you mean weight-space? "
            "(known: mean, raw, sharp, weight-space)",
            "weightspace",
            None,
        ),
        (
            ConfigurationError,
            "scaling = mean was given without inputs; expected inputs=, a batch of the model",
            "mean",
            None,
        ),
        (
            ConfigurationError,
            "layer 0 had no finite inputs; expected a batch that reaches every layer",
            "sharp",
            torch.full((2, 8), torch.nan),
        ),
    ):
        with pytest.raises(error) as caught:
            param_groups(model, LR, scaling, inputs)
        assert str(caught.value) == message


def test_every_family_has_weight_space_rates():
    for family in torch_cases.families():
        for layer in torch_cases.layers(family):
            assert all(0 < rate < np.inf for rate in rates(layer, "weight-space").values())
