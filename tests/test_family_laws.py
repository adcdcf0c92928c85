"""Every family by the same laws, so that one more is tested without a line here."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from cdbench.config import families
from cdbench.config.run_config import RunConfig
from cdbench.diagnostics.spectra import (
    COMPARABLE_KINDS,
    KINDS,
    LayerState,
    condition,
    measure_spectra,
)
from cdbench.engine.building import build_network
from cdbench.engine.layers import EVALUATION
from cdbench.engine.network import Network, WeightPlace
from cdbench.errors import ShapeError
from tests import layer_laws

EPS = float(np.finfo(np.float64).eps)


def places() -> Iterator[tuple[str, Network, WeightPlace]]:
    """Yield each family's weight layers, in a network that pads and slices for it."""
    for family in families.FAMILIES:
        network = build_network(RunConfig(layer=family, product="gather", hidden=(8, 12)), 8, 4)
        for place in network.weight_layers:
            yield f"{family} {place.position}", network, place


PLACES = list(places())
every_place = pytest.mark.parametrize(
    ("network", "place"), [found[1:] for found in PLACES], ids=[found[0] for found in PLACES]
)


def small_layer(family, wider):
    """A layer of the family's default structure, some 5 entries wide at either end."""
    own = families.family(family)
    structure = families.structure_of(family, None)
    if family in families.WITH_B:
        structure = {"B": families.DEFAULT_B}
    multiple = own.width_multiple(structure)
    narrow = -(-5 // multiple) * multiple
    n_in, n_out = (narrow, narrow + multiple) if wider else (narrow + multiple, narrow)
    return own.build(n_in, n_out, structure)


@pytest.mark.parametrize("wider", [False, True], ids=["narrowing", "widening"])
@pytest.mark.parametrize("family", families.FAMILIES)
def test_every_family_obeys_all_laws(family, wider):
    own = Path(__file__).with_name(f"test_layer_{family.replace('-', '_')}.py")
    layer_laws.obeys_all(small_layer(family, wider), layer_laws.STATISTICS if own.exists() else ())


@pytest.mark.parametrize("wider", [False, True], ids=["narrowing", "widening"])
@pytest.mark.parametrize(
    "family", ["dense", "low-rank", "block-diagonal", "monarch", "acdc", "blast"]
)
def test_where_each_weight_acts_once_on_a_sample_multiply_adds_are_the_weights(family, wider):
    weights, multiply_adds = layer_laws.costs(small_layer(family, wider))
    assert multiply_adds == weights


def test_widths_that_are_no_multiples_are_refused_in_one_wording():
    for name, family, structure in (
        ("CDLinear", "cdlinear", {"B": 4}),
        ("BlockDiagonal", "block-diagonal", {"blocks": 4}),
        ("Monarch", "monarch", {"blocks": 4}),
        ("Blast", "blast", {"blocks": 4}),
        ("Spectral", "spectral", {"length": 4}),
    ):
        for n_in, n_out, near in ((13, 64, "16 and 64"), (64, 10, "64 and 12")):
            with pytest.raises(ShapeError) as caught:
                families.family(family).build(n_in, n_out, structure)
            assert str(caught.value) == (
                f"{name} got widths {n_in} and {n_out}, expected multiples of 4, such as {near}"
            )


class Rows:
    """A weight layer with random parameters and inputs."""

    def __init__(self, place):
        self.layer, self.params = place.layer, layer_laws.drawn(place.layer)
        self.x, _ = layer_laws.samples(place.layer, 7)


def state_of(rows, acting=None):
    layer = rows.layer
    return LayerState(layer, rows.params, acting or (layer.n_out, layer.n_in), rows.x, EPS)


@every_place
def test_the_weight_spectrum_is_that_of_the_matrix_that_acts(network, place):
    rows = Rows(place)
    acting = place.n_out_acting, place.n_in_acting
    found = KINDS["weight"](state_of(rows, acting))
    W = rows.layer.matrix(rows.params)[: acting[0], : acting[1]]
    expected = np.linalg.svd(W, compute_uv=False) ** 2
    own = np.sort(np.repeat(found.values, found.multiplicity))[::-1]
    np.testing.assert_allclose(own[: expected.size], expected, rtol=1e-9, atol=1e-13)


@every_place
def test_the_layer_hessian_is_that_of_brute_force(network, place):
    """The Hessian of mean ½‖y − t‖² in the layer's own weights: the mean of JᵀJ."""
    rows = Rows(place)
    weights = [name for name in rows.params if name != "bias"]
    moved = layer_laws.stored(rows.layer, {k: v.astype(complex) for k, v in rows.params.items()})
    bound, J = rows.layer.bind(moved, rows.x.astype(complex), EVALUATION), []
    for name in weights:
        for index in np.ndindex(moved[name].shape):
            kept = moved[name][index]
            moved[name][index] = kept + 1e-20j  # a complex step is exact, however small
            bound.run()
            moved[name][index] = kept
            J.append(bound.y.imag.ravel() / 1e-20)
    H = np.array(J) @ np.array(J).T / len(rows.x)
    found = KINDS["layer_hessian"](state_of(rows))
    own = np.sort(np.repeat(found.values, found.multiplicity))[::-1]
    np.testing.assert_allclose(own, np.linalg.eigvalsh(H)[::-1], rtol=1e-9, atol=1e-12)
    assert condition(found).size == sum(rows.params[name].size for name in weights)


@every_place
def test_the_hessian_has_the_null_directions_that_the_family_says(network, place):
    rows = Rows(place)
    rows.x = np.random.default_rng(3).normal(size=(3 * rows.layer.n_in, rows.layer.n_in))
    found = condition(KINDS["layer_hessian"](state_of(rows)))
    assert found.size - found.rank == rows.layer.n_null_directions()


@every_place
def test_the_rank_is_the_one_that_the_family_says(network, place):
    rows = Rows(place)
    assert condition(KINDS["weight"](state_of(rows))).rank == rows.layer.expected_rank()


@pytest.mark.parametrize("family", families.FAMILIES)
def test_what_can_be_compared_is_measured_of_every_family(family):
    network = build_network(RunConfig(layer=family, product="gather", hidden=(8,)), 8, 4)
    flat = network.initial_parameters(np.random.default_rng(0))
    spectra = measure_spectra(network, flat, np.random.default_rng(1).normal(size=(20, 8)), 0)
    kinds = {layer: {s.kind for s in spectra if s.layer == layer} for layer in (1, 2)}
    assert kinds[1] == kinds[2] >= set(COMPARABLE_KINDS)
    assert all(s.condition.size >= s.condition.rank >= 1 for s in spectra)
