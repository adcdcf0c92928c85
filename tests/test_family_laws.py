"""Every family by the same laws, so that one more is tested without a line here."""

from collections.abc import Iterator

import numpy as np
import pytest

from cdbench.config.families import FAMILIES
from cdbench.config.run_config import RunConfig
from cdbench.diagnostics.spectra import (
    COMPARABLE_KINDS,
    KINDS,
    LayerState,
    condition,
    measure_spectra,
)
from cdbench.engine.layers import EVALUATION
from cdbench.engine.network import Network, WeightPlace

N_SAMPLES = 7
EPS = float(np.finfo(np.float64).eps)


def places() -> Iterator[tuple[str, Network, WeightPlace]]:
    """Yield each family's weight layers, in a network that pads and slices for it."""
    for family in FAMILIES:
        network = Network.from_config(
            RunConfig(layer=family, product="gather", hidden=(8, 12)), 8, 4
        )
        for place in network.weight_layers:
            yield f"{family} {place.position}", network, place


PLACES = list(places())
every_place = pytest.mark.parametrize(
    ("network", "place"), [found[1:] for found in PLACES], ids=[found[0] for found in PLACES]
)


class Rows:
    """A weight layer with random parameters and inputs; gather's activations are rows."""

    def __init__(self, network, place, seed=0):
        rng = np.random.default_rng(seed)
        self.layer = place.layer
        flat = network.initial_parameters(rng) + 0.1 * rng.normal(size=network.n_parameters)
        self.params = {k: v.copy() for k, v in network.views(flat)[place.position].items()}
        self.x = rng.normal(size=(N_SAMPLES, self.layer.n_in)) + 0.3

    def __call__(self, x, params=None):
        return self.layer.forward(params or self.params, x, EVALUATION)

    def pulled(self, dy):
        grads = {name: np.zeros_like(value) for name, value in self.params.items()}
        return self(self.x)[1](dy, grads), grads


@every_place
def test_the_layer_is_its_matrix_and_bias(network, place):
    rows = Rows(network, place)
    W = rows.layer.matrix(rows.params)
    np.testing.assert_allclose(rows(rows.x)[0], rows.x @ W.T + rows.params["bias"], atol=1e-12)


@every_place
def test_the_pullback_is_the_adjoint(network, place):
    rows = Rows(network, place)
    dy = np.random.default_rng(1).normal(size=(N_SAMPLES, rows.layer.n_out))
    v = np.random.default_rng(2).normal(size=rows.x.shape)
    moved = rows(rows.x + v)[0] - rows(rows.x)[0]
    assert np.sum(moved * dy) == pytest.approx(np.sum(v * rows.pulled(dy)[0]), rel=1e-10)


@every_place
def test_gradients_are_those_of_central_differences(network, place):
    rows = Rows(network, place)
    dy = np.random.default_rng(1).normal(size=(N_SAMPLES, rows.layer.n_out))
    _, grads = rows.pulled(dy)
    for name, value in rows.params.items():
        for index in np.ndindex(value.shape):
            sides = []
            for h in (1e-6, -1e-6):
                moved = {k: v.copy() for k, v in rows.params.items()}
                moved[name][index] += h
                sides.append(np.sum(rows(rows.x, moved)[0] * dy))
            slope = (sides[0] - sides[1]) / 2e-6
            assert grads[name][index] == pytest.approx(slope, rel=1e-6, abs=1e-6), (name, index)


def state_of(rows, acting=None):
    layer = rows.layer
    return LayerState(layer, rows.params, acting or (layer.n_out, layer.n_in), rows.x, EPS)


@every_place
def test_the_weight_spectrum_is_that_of_the_matrix_that_acts(network, place):
    rows = Rows(network, place)
    acting = place.n_out_acting, place.n_in_acting
    found = KINDS["weight"](state_of(rows, acting))
    W = rows.layer.matrix(rows.params)[: acting[0], : acting[1]]
    expected = np.linalg.svd(W, compute_uv=False) ** 2
    own = np.sort(np.repeat(found.values, found.multiplicity))[::-1]
    np.testing.assert_allclose(own[: expected.size], expected, rtol=1e-9, atol=1e-13)


@every_place
def test_the_layer_hessian_is_that_of_brute_force(network, place):
    """The Hessian of mean ½‖y − t‖² in the layer's own weights: the mean of JᵀJ."""
    rows = Rows(network, place)
    weights = [name for name in rows.params if name != "bias"]
    J = []
    for name in weights:
        for index in np.ndindex(rows.params[name].shape):
            moved = {k: v.astype(complex) for k, v in rows.params.items()}
            moved[name][index] += 1e-20j  # a complex step is exact, however small
            J.append(rows(rows.x.astype(complex), moved)[0].imag.ravel() / 1e-20)
    H = np.array(J) @ np.array(J).T / N_SAMPLES
    found = KINDS["layer_hessian"](state_of(rows))
    own = np.sort(np.repeat(found.values, found.multiplicity))[::-1]
    np.testing.assert_allclose(own, np.linalg.eigvalsh(H)[::-1], rtol=1e-9, atol=1e-12)
    assert condition(found).size == sum(rows.params[name].size for name in weights)


@every_place
def test_the_hessian_has_the_null_directions_that_the_family_says(network, place):
    rows = Rows(network, place)
    rows.x = np.random.default_rng(3).normal(size=(3 * rows.layer.n_in, rows.layer.n_in))
    found = condition(KINDS["layer_hessian"](state_of(rows)))
    assert found.size - found.rank == rows.layer.n_null_directions()


@every_place
def test_the_rank_is_the_one_that_the_family_says(network, place):
    rows = Rows(network, place)
    assert condition(KINDS["weight"](state_of(rows))).rank == rows.layer.expected_rank()


@pytest.mark.parametrize("family", FAMILIES)
def test_what_can_be_compared_is_measured_of_every_family(family):
    network = Network.from_config(RunConfig(layer=family, product="gather", hidden=(8,)), 8, 4)
    flat = network.initial_parameters(np.random.default_rng(0))
    spectra = measure_spectra(network, flat, np.random.default_rng(1).normal(size=(20, 8)), 0)
    kinds = {layer: {s.kind for s in spectra if s.layer == layer} for layer in (1, 2)}
    assert kinds[1] == kinds[2] >= set(COMPARABLE_KINDS)
    assert all(s.condition.size >= s.condition.rank >= 1 for s in spectra)
