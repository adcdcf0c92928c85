"""Step sizes scaled by the gains of layers: what is measured, used, stored and found again."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from cdbench.config import families
from cdbench.config.run_config import RunConfig
from cdbench.datasets import DATASETS
from cdbench.engine.building import build_network
from cdbench.engine.layers import Dense, WeightLayer, gauss_newton
from cdbench.engine.split import Split
from cdbench.engine.step_sizes import gain, learning_rates, measured_gains
from cdbench.engine.training import train
from cdbench.errors import ConfigurationError, DivergenceError
from cdbench.records.run import LayerGain
from cdbench.running.execution import execute
from cdbench.running.reproduction import BIT_FOR_BIT, DIFFERENT, compare_runs
from cdbench.store.database import open_for_writing
from cdbench.store.record import record_run
from cdbench.store.run_queries import stored_runs
from cdbench.store.upkeep.checks import check_database
from tests import layer_laws

SMALL: dict[str, Any] = {"dataset": "iris", "hidden": (8,), "epochs": 2}
LOW_RANK = RunConfig(layer="low-rank:2", learning_rate_scaling="sharp", **SMALL)

EXACT = {
    "cdlinear:4": (1.00, 2.3, 2.0),
    "cdlinear:8": (1.00, 4.6, 3.5),
    "block-diagonal:4": (0.25, 0.30, 0.63),
    "block-diagonal:8": (0.125, 0.17, 0.41),
}
"""Mean gain, largest for raw and for centred digits, of families that draw nothing."""

DRAWN = {
    "low-rank:8": (2.1, 25, 25),
    "monarch:8": (0.39, 1.4, 1.9),
    "monarch:4,inner=8": (0.64, 3.5, 4.6),
    "blast:4,rank=7": (2.4, 30, 31),
    "toeplitz-like:8": (7.1, 60, 114),
    "ldr-sd:7": (4.2, 62, 246),
    "acdc:8": (0.46, 9.6, 17),
}
"""The same of one draw of the others."""


def layer_of(specification, n_in=64, n_out=64):
    name, given = families.parse(specification)
    structure = families.structure_of(name, None) if name not in families.WITH_B else {}
    return families.family(name).build(n_in, n_out, {**structure, **given})


def drawn(layer, seed):
    params = {name: np.empty(shape) for name, shape in layer.parameter_shapes().items()}
    layer.initialize(params, np.random.default_rng(seed))
    return params


def gains_of(specification, seeds):
    """Return mean gain, largest for raw and for centred digits, (seeds, 3)."""
    raw, centred = (DATASETS["digits"]().split(0, transform=t).X_train for t in ("scale", "center"))
    mean, sharp = (RunConfig(learning_rate_scaling=scaling) for scaling in ("mean", "sharp"))
    layer = layer_of(specification)
    asked = ((raw, mean), (raw, sharp), (centred, sharp))
    return np.array(
        [[gain(layer, drawn(layer, seed), x, how) for x, how in asked] for seed in range(seeds)]
    )


def test_gains_on_the_digits_of_families_that_draw_nothing():
    for specification, expected in EXACT.items():
        (found,) = gains_of(specification, 1)
        for value, printed in zip(found, expected, strict=True):
            assert float(f"{value:.2g}") == pytest.approx(printed, abs=0.0051)


@pytest.mark.long
def test_gains_on_the_digits_of_other_families_are_within_those_of_few_seeds():
    for specification, one_draw in DRAWN.items():
        logs = np.log(gains_of(specification, 6))
        away = np.log(one_draw) - logs.mean(axis=0)
        assert (abs(away) <= 3 * logs.std(axis=0) + 0.02).all(), specification


def test_mean_gain_of_kronecker_sums_for_white_inputs():
    # A moves outputs by s m_o ‖X Bᵀ‖², B by s p_o ‖Aᵀ D‖²: with Var B = 1 / p_i and
    # Var A = 2 / (s m_i) these are 1 and 2 / m_i of dense's, m_i = p_i = s = 8.
    layer = layer_of("kronecker:8")
    x = 8 * np.eye(64)
    found = [gauss_newton.trace(layer, drawn(layer, seed), x) / 64**2 for seed in range(10)]
    assert np.mean(found) == pytest.approx(1 + 2 / 8, abs=4 * np.std(found) / np.sqrt(10))
    assert np.std(found) < 0.2


def estimated(monkeypatch, specification, n_in, n_out):
    """Return trace and largest by products and by the Jacobian, whatever the family says."""
    monkeypatch.setattr(gauss_newton, "_says_its_spectrum", lambda layer: False)
    layer = layer_of(specification, n_in, n_out)
    params = layer_laws.drawn(layer)
    x = np.random.default_rng(1).normal(1.0, 1.0, (40, n_in))
    values = WeightLayer.hessian_spectrum(layer, params, x).values
    found = [own(layer, params, x) for own in (gauss_newton.trace, gauss_newton.largest_eigenvalue)]
    return np.array(found), np.array([values.sum(), values.max()])


def test_products_give_the_numbers_of_the_jacobian_where_the_search_is_whole(monkeypatch):
    for family in families.FAMILIES:
        specification = f"{family}:4" if family in ("cdlinear", "monarch") else family
        found, expected = estimated(monkeypatch, specification, 4, 8)
        np.testing.assert_allclose(found, expected, rtol=1e-9, err_msg=family)


def test_products_give_the_largest_eigenvalue_of_wider_layers_and_nearly_their_trace(monkeypatch):
    for family in families.FAMILIES:
        specification = f"{family}:4" if family in ("cdlinear", "monarch") else family
        found, expected = estimated(monkeypatch, specification, 24, 16)
        assert found[1] == pytest.approx(expected[1], rel=1e-6), family
        assert found[0] == pytest.approx(expected[0], rel=0.05), family


def test_gains_of_dense_layers_are_one_and_of_block_circulant_ones_within_bounds():
    x = np.random.default_rng(0).normal(0.3, 1.0, (50, 24))
    for scaling in ("mean", "sharp"):
        config = RunConfig(learning_rate_scaling=scaling)
        dense = Dense(24, 16)
        assert gain(dense, drawn(dense, 0), x, config) == 1.0
        for B in (2, 4, 8):
            layer = layer_of(f"cdlinear:{B}", 24, 16)
            found = gain(layer, drawn(layer, 0), x, config)
            assert 1 - 1e-12 <= found <= (1 + 1e-12 if scaling == "mean" else B)


def test_gains_do_not_depend_on_the_scale_of_inputs_however_large_and_are_one_for_zeros():
    x = np.random.default_rng(0).normal(size=(50, 8))
    for family in ("low-rank", "kronecker"):
        layer = layer_of(family, 8, 8)
        for scaling in ("mean", "sharp"):
            config = RunConfig(learning_rate_scaling=scaling)
            expected = gain(layer, drawn(layer, 0), x, config)
            for scale in (1e-200, 1e200):
                found = gain(layer, drawn(layer, 0), scale * x, config)
                assert found == pytest.approx(expected, rel=1e-9)
            assert gain(layer, drawn(layer, 0), 0 * x, config) == 1.0
            nothing = {name: 0 * value for name, value in drawn(layer, 0).items()}
            assert gain(layer, nothing, x, config) == 1.0  # no step of a product of zeros moves it


def test_all_weights_of_a_layer_have_the_rate_over_its_gain_and_no_bias_or_normalisation_has():
    config = RunConfig(layer="monarch", learning_rate_scaling="mean", normalization="layer")
    network = build_network(config, 64, 10)
    gains = [LayerGain(number, 2.0**number) for number in (1, 2, 3)]
    views = network.views(np.asarray(learning_rates(network, config, gains)))
    numbers = {place.position: n for n, place in enumerate(network.weight_layers, 1)}
    for position, params in enumerate(views):
        for name, rates in params.items():
            scaled = position in numbers and name != "bias"
            assert (rates == (0.1 / 2.0 ** numbers[position] if scaled else 0.1)).all()


@pytest.mark.parametrize("normalization", ["none", "batch"])
def test_gains_are_those_for_the_first_batch_before_the_first_step(normalization):
    config = RunConfig(
        **{**SMALL, "epochs": 1},
        layer="low-rank:2",
        normalization=normalization,
        dropout=0.5,
        learning_rate_scaling="mean",
    )
    split = DATASETS["iris"]().split(0, transform="standardize")
    network = build_network(config, 4, 3)
    start = network.initial_parameters(np.random.default_rng(0))
    seen: list[Any] = []
    list(train(network, start.copy(), split, config, lambda *batch: seen.append(batch[2].copy())))
    params = network.views(start)
    inputs = network.inputs(params, seen[0], network.evaluation(params, seen[0]))
    expected = [
        gain(place.layer, params[place.position], inputs[place.position], config)
        for place in network.weight_layers
    ]
    found = measured_gains(network, start, split, config)
    assert [own.gain for own in found] == expected
    assert [own.layer for own in found] == [1, 2]


def test_a_step_with_gains_is_the_raw_one_over_them():
    knobs: dict[str, Any] = {**SMALL, "layer": "toeplitz-like:2", "epochs": 1, "batch_size": 500}
    split = DATASETS["iris"]().split(0, transform="standardize")
    moved: dict[str, Any] = {}
    for scaling in ("raw", "mean", "sharp"):
        config = RunConfig(**knobs, learning_rate_scaling=scaling)
        network = build_network(config, 4, 3)
        start = network.initial_parameters(np.random.default_rng(0))
        trained = start.copy()
        list(train(network, trained, split, config))
        gains = [own.gain for own in measured_gains(network, start, split, config)]
        moved[scaling] = network.views(trained - start), gains
    raw, _ = moved.pop("raw")
    for views, gains in moved.values():
        for place, by in zip(network.weight_layers, gains, strict=True):
            for name, step in raw[place.position].items():
                expected = step / (1 if name == "bias" else by)
                np.testing.assert_allclose(views[place.position][name], expected, rtol=1e-9)


def test_gains_are_stored_read_and_found_again_bit_for_bit(tmp_path):
    run = execute(LOW_RANK)
    assert len(run.gains) == 2
    database = open_for_writing(str(tmp_path / "runs.db"))
    record_run(database, run)
    ((_, stored),) = stored_runs(database, [1])
    assert stored.gains == run.gains
    assert compare_runs(stored, execute(LOW_RANK)).verdict == BIT_FOR_BIT
    other = replace(run, gains=(replace(run.gains[0], gain=3.0), run.gains[1]))
    found = compare_runs(stored, other)
    assert found.verdict == DIFFERENT
    assert found.words == f"gain of layer 1: stored {run.gains[0].gain:.10g}, found 3"
    assert not check_database(database).findings
    with database.transaction() as connection:
        rows = connection.exec_driver_sql(
            "SELECT learning_rate_scaling, layer, gain, step_size FROM layer_gains ORDER BY layer"
        ).all()
    assert [tuple(row) for row in rows] == [
        ("sharp", own.layer, own.gain, 0.1 / own.gain) for own in run.gains
    ]


def test_scalings_that_measure_nothing_record_nothing():
    for scaling in ("raw", "weight-space"):
        assert execute(replace(LOW_RANK, learning_rate_scaling=scaling)).gains == ()


def test_scaling_is_raw_where_each_entry_of_the_matrix_is_a_weight_and_itself_elsewhere():
    for scaling in ("weight-space", "mean", "sharp"):
        for layer in ("dense", "cdlinear:1"):
            assert RunConfig(layer=layer, learning_rate_scaling=scaling) == RunConfig(layer=layer)
        for layer in ("cdlinear:4", "low-rank", "circulant"):
            assert RunConfig(layer=layer, learning_rate_scaling=scaling).learning_rate_scaling == (
                scaling
            )
        assert RunConfig(learning_rate_scaling=scaling).baseline() == RunConfig().baseline()


def test_an_unknown_scaling_is_answered_with_the_nearest():
    with pytest.raises(ConfigurationError) as error:
        RunConfig(learning_rate_scaling="means")
    assert str(error.value) == (
        "unknown learning_rate_scaling 'means'; did you mean mean? "
        "(known: mean, raw, sharp, weight-space)"
    )


def test_activations_beyond_all_numbers_are_a_divergence_at_the_first_step():
    config = RunConfig(layer="low-rank:2", hidden=(8, 8), learning_rate_scaling="sharp")
    X, y = np.full((60, 8), 1e308), np.arange(60) % 3
    network = build_network(config, 8, 3)
    start = 9 * network.initial_parameters(np.random.default_rng(0))
    with pytest.raises(DivergenceError) as error:
        measured_gains(network, start, Split(X, y, X, y), config)
    assert (error.value.epoch, error.value.step) == (1, 1)
