"""Inputs with directions taken away: where none is, nothing changes; else what is said."""

import numpy as np
import pytest

import null_directions as nulls
from cdbench.claims.evidence.retrained import network_of
from cdbench.diagnostics.spectra import measure_spectra
from cdbench.engine.layers import CDLinear, Dense

SEED = 0
SIZES = [None, 4, 8]


@pytest.mark.long
@pytest.mark.parametrize("B", SIZES)
def test_nothing_removed_is_the_layer_hessian_of_the_spectra(B: int | None) -> None:
    X = nulls.pixels(SEED)
    network = network_of(nulls.configuration(SEED, B))
    parameters = network.initial_parameters(np.random.default_rng(SEED))
    first, *_ = measure_spectra(network, parameters, X, 0, kinds=["layer_hessian"])
    nothing = nulls.without(X, np.zeros(X.shape[1], bool))
    assert nulls.hessian_kappa(nothing, B) == first.condition.kappa_nonnull


@pytest.mark.parametrize("B", SIZES)
def test_constant_pixels_are_null_and_removing_them_changes_nothing(B: int | None) -> None:
    X = nulls.pixels(SEED)
    blank = nulls.blank_pixels(X, 0.0)
    assert 3 <= blank.sum() <= 5
    kept = nulls.without(X, blank)
    assert nulls.hessian_kappa(kept, B) == pytest.approx(nulls.hessian_kappa(X, B), rel=1e-9)
    assert nulls.blank_pixels(np.full((11, 1), 0.7), 0.0).all()  # constant, though not zero


def test_more_pixels_are_removed_where_more_may_vary_and_the_rest_is_as_it_was() -> None:
    X = nulls.pixels(SEED)
    n_removed = [int(nulls.blank_pixels(X, limit).sum()) for limit in nulls.DEVIATIONS]
    assert n_removed == [4, 7, 9, 17]
    blank = nulls.blank_pixels(X, 0.1)
    kept = nulls.without(X, blank)
    assert not kept[:, blank].any()
    np.testing.assert_array_equal(kept[:, ~blank], X[:, ~blank])


def test_a_rotation_of_the_inputs_leaves_dense_alone() -> None:
    rng = np.random.default_rng(1)
    X = rng.normal(size=(50, 8)) * 10.0 ** np.arange(-2, 2, 0.5)
    Q = np.linalg.qr(rng.normal(size=(8, 8)))[0]
    assert nulls.hessian_kappa(X @ Q) == pytest.approx(nulls.hessian_kappa(X), rel=1e-9)
    assert nulls.hessian_kappa(X @ Q, 4) != pytest.approx(nulls.hessian_kappa(X, 4), rel=0.1)


@pytest.mark.parametrize("B", [None, 1, 2, 3, 4])
def test_with_bias_is_the_hessian_in_weights_and_biases(B: int | None) -> None:
    n = 2 * (B or 3)
    X = np.random.default_rng(2).normal(size=(40, n)) + 0.5
    layer = Dense(n, n) if B is None else CDLinear(n, n, B)
    (weights,) = (shape for name, shape in layer.parameter_shapes().items() if name != "bias")
    name = "weight" if B is None else "c"
    columns = []
    for index in np.ndindex(weights):
        unit = np.zeros(weights)
        unit[index] = 1.0
        columns.append((X @ layer.matrix({name: unit}).T).ravel())
    columns += [np.tile(unit, (len(X), 1)).ravel() for unit in np.eye(n)]
    values = np.linalg.svd(np.stack(columns, axis=1), compute_uv=False) ** 2
    found = nulls.hessian_kappa(nulls.with_bias(X, B), B)
    assert found == pytest.approx(values[0] / values[-1], rel=1e-8)


@pytest.mark.parametrize("B", [2, 4, 8])
def test_cdlinear_is_such_a_compression_itself(B: int) -> None:
    X = np.random.default_rng(3).normal(size=(60, 16)) * np.linspace(0.1, 2, 16)
    waves = np.fft.fft(np.eye(B)) / np.sqrt(B)
    bases = [np.kron(np.eye(16 // B), wave[:, None]) for wave in waves]
    expected = nulls.hessian_kappa(X, B)
    assert nulls.compressed_kappa(X, bases) == pytest.approx(expected, rel=1e-9)


def test_random_bases_are_orthonormal_and_differ() -> None:
    bases = nulls.random_bases(16, 4, np.random.default_rng(4))
    assert len(bases) == 4
    for basis in bases:
        np.testing.assert_allclose(basis.T @ basis, np.eye(4), atol=1e-12)
    assert not np.allclose(bases[0], bases[1])


def test_faint_units_are_those_below_a_hundredth_of_the_largest_root_mean_square() -> None:
    X = np.array([[1.0, 0.0099, 0.0101, 0.0], [-1.0, 0.0099, 0.0101, 0.0]])
    np.testing.assert_array_equal(nulls.without_faint(X)[0], [1.0, 0.0, 0.0101, 0.0])


def test_a_cell_is_the_median_of_pairs_or_of_kappa_itself() -> None:
    case = nulls.Case("", lambda seed, B: 10.0 * (seed + 1) if B is None else 2.0)
    assert nulls.cell(case, 4, [0, 1, 2, 3], ratio=True).startswith("12.5 (")
    assert nulls.cell(case, 4, [0, 1], ratio=False) == "2"


@pytest.mark.long
def test_every_question_has_its_table(capsys: pytest.CaptureFixture[str]) -> None:
    for cases in (nulls.input_cases(), nulls.unit_cases(), nulls.bias_cases()):
        nulls.print_cases("A title", cases, [SEED], "Inputs")
    nulls.print_cases("The last", nulls.compression_cases(), [SEED], "Compression", ratio=False)
    nulls.print_cases("Pixels", nulls.pixel_cases([SEED]), [SEED], "Removed", "Pixels", "Power")
    printed = capsys.readouterr().out
    assert printed.count("B=8") == 5
    assert "nan" not in printed
