"""Where a number counts as zero, what keeps Lanczos honest, and other edges that laws decide."""

import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse.linalg import aslinearoperator

from cdbench.config.diagnostics import Diagnostics
from cdbench.config.run_config import RunConfig
from cdbench.datasets.csv_file import read_csv
from cdbench.datasets.npz_file import read_npz
from cdbench.datasets.transforms import WHITENING_FLOOR, whiten
from cdbench.diagnostics.curvature.base import Eigenvalues
from cdbench.diagnostics.curvature.lanczos import lanczos
from cdbench.diagnostics.spectra import KINDS, LayerState, condition
from cdbench.engine.layers import CDLinear, Dense
from cdbench.errors import DatasetError, ShapeError
from cdbench.records.judgement import LEVEL, Observation
from cdbench.running.execution import execute
from cdbench.statistics import averages, bootstrap
from cdbench.statistics.estimates import RESAMPLES, Observations, mean, median_ratio
from cdbench.statistics.exponents import exponent_of_medians

EPS = float(np.finfo(np.float64).eps)


def state_of(layer, inputs, **params):
    return LayerState(layer, params, (layer.n_out, layer.n_in), inputs, EPS)


# Spectra: a number counts as zero at the square of the rounding of the magnitude behind it.


@pytest.mark.parametrize(("sigma", "kappa"), [(1e-10, 1e20), (1e-14, 1e28), (1e-17, np.inf)])
def test_a_singular_value_is_zero_at_its_own_rounding_not_at_its_squares(sigma, kappa):
    layer = Dense(2, 2)
    state = state_of(layer, np.ones((2, 2)), weight=np.diag([1.0, sigma]), bias=np.zeros(2))
    found = condition(KINDS["weight"](state))
    assert found.kappa == pytest.approx(kappa, rel=1e-6)
    assert found.rank == (2 if np.isfinite(kappa) else 1)


@pytest.mark.parametrize(("N", "is_zero"), [(2, False), (4000, True)])
def test_a_hessians_rounding_grows_with_the_samples_that_it_sums(N, is_zero):
    rng = np.random.default_rng(0)
    x = np.zeros((N, 2))
    x[:, 0] = 1.0
    x[:, 1] = 3e-14 * np.resize([1.0, -1.0], N) * (1 + 0.1 * rng.random(N))
    layer = Dense(2, 3)
    state = state_of(layer, x, weight=np.ones((3, 2)), bias=np.zeros(3))
    assert np.isinf(condition(KINDS["layer_hessian"](state)).kappa) == is_zero


def with_a_small_frequency(B, relative):
    """Return B numbers of whose frequencies one has the relative magnitude."""
    magnitudes = np.ones(B // 2 + 1)
    magnitudes[1] = relative
    return np.fft.irfft(magnitudes * B, B)


@pytest.mark.parametrize(("times", "is_zero"), [(6.0, True), (3000.0, False)])
def test_a_blocks_rounding_grows_with_its_length(times, is_zero):
    B = 16
    c = with_a_small_frequency(B, times * EPS)
    layer = CDLinear(B, B, B)
    state = state_of(layer, c[None], c=c[None, None], bias=np.zeros(B))
    for kind in ("block_power", "theorem1"):
        assert np.isinf(condition(KINDS[kind](state)).kappa) == is_zero, kind


# Curvature


def test_lanczos_vectors_stay_orthogonal_where_rounding_would_make_copies():
    P, steps = 300, 120
    rng = np.random.default_rng(0)
    values = np.concatenate([np.logspace(-8, 0, P - 3), [1e3, 1e6, 1e9]])
    Q, _ = np.linalg.qr(rng.normal(size=(P, P)))
    A = (Q * values) @ Q.T
    known = Q[:, -1:].T.copy()
    start = rng.normal(size=P)
    start -= known.T @ (known @ start)[:, None].ravel()
    ritz = lanczos(aslinearoperator((A + A.T) / 2), start, steps, known)
    together = np.concatenate([known, ritz.vectors])
    np.testing.assert_allclose(together @ together.T, np.eye(len(together)), atol=1e-13)
    top = ritz.values[ritz.values > 10]
    np.testing.assert_allclose(top, [1e3, 1e6], rtol=1e-6)


def test_an_effective_rank_is_at_least_one():
    few = Eigenvalues(np.array([2.0, 0.1]), np.array([0.2, 0.1]), 2.0, 0.1, size=2)
    found = few.curvature(
        matrix="hessian", coordinates="own", epoch=1, sample="train", n_samples=3, method="lanczos"
    )
    assert found.effective_rank == 1.0


# Statistics


def data_of(quantity, **cases):
    return Observations(
        "claim",
        [
            Observation(quantity, case, place, float(value))
            for case, values in cases.items()
            for place, value in enumerate(values)
        ],
    )


@pytest.mark.long
def test_the_interval_of_an_exponent_is_of_95_percent():
    """Of two cases with normal logarithms the median's error is known: 1.2533 σ / √n."""
    n, sigma, rng = 2500, 0.3, np.random.default_rng(4)
    logs = {"small": rng.normal(0, sigma, n), "large": rng.normal(2, sigma, n)}
    data = data_of("κ", **{case: np.exp(values) for case, values in logs.items()})
    cases = {("κ", "small"): 10.0, ("κ", "large"): 100.0}
    found = exponent_of_medians(data, "exponent", "all", cases)
    error = np.sqrt(2) * np.sqrt(np.pi / 2) * sigma / np.sqrt(n) / np.log(10)
    assert found.low is not None
    assert found.high is not None
    assert found.high - found.low == pytest.approx(2 * 1.96 * error, rel=0.1)


@pytest.mark.parametrize(("n", "has"), [(2, False), (3, True)])
def test_an_interval_wants_three_values(n, has):
    found = mean(data_of("x", a=range(n)), "x", "a")
    assert (found.low is not None) == has


def test_only_a_means_interval_is_corrected_for_skewness():
    values = np.random.default_rng(0).lognormal(0, 1.5, 10)
    data = data_of("x", a=values, one=np.ones(10))
    for found, function, corrected in (
        (mean(data, "x", "a"), np.mean, True),
        (median_ratio(data, "x", "a", "one"), np.median, False),
    ):
        ends = {
            way: bootstrap.interval(values, function, RESAMPLES, LEVEL, corrected=way)
            for way in (True, False)
        }
        assert ends[True] != ends[False]
        assert (found.low, found.high) == pytest.approx(ends[corrected])


# Runs, layers, data


def test_what_is_measured_of_a_mini_batch_is_said_to_be_of_one():
    config = RunConfig(dataset="iris", hidden=(4,), B=2, epochs=1)
    run = execute(config, diagnostics=Diagnostics(batches=True))
    within = [spectrum for spectrum in run.spectra if spectrum.step]
    assert within
    assert {spectrum.sample for spectrum in within} == {"batch"}
    assert {s.sample for s in run.spectra if not s.step and s.kind == "theorem1"} == {"train"}


@pytest.mark.parametrize("shape", [(4, 3), (4, 2, 7), (2, 3, 7), (4, 3, 7, 1)])
def test_vertices_of_another_shape_are_refused(shape):
    layer = CDLinear(12, 8, 4, "polygon")  # which wants (4, 3, N)
    with pytest.raises(ShapeError, match=r"expected \(4, 3, N\)"):
        layer.check_input(np.zeros(shape))
    layer.check_input(np.zeros((4, 3, 7)))


def test_whitening_counts_directions_against_the_largest_and_not_by_themselves():
    rng = np.random.default_rng(0)
    n = 60
    common, faint = rng.normal(size=(4000, 1)), rng.normal(size=(4000, 1))
    X = common + np.sqrt(10 * WHITENING_FLOOR / n) * faint * np.resize([1.0, -1.0], n)
    eigenvalues = np.linalg.eigvalsh(np.corrcoef(X.T))
    assert WHITENING_FLOOR < eigenvalues[-2] < WHITENING_FLOOR * eigenvalues[-1]
    whitened = whiten(X)(X)
    assert np.linalg.matrix_rank(np.cov(whitened.T), tol=1e-3) == 1


@pytest.mark.parametrize(("label", "bad", "named"), [("1", 2, "2"), ("2", 3, "3"), ("3", 1, "1")])
def test_a_bad_cell_is_named_by_its_own_column(tmp_path, label, bad, named):
    cells = ["1", "2", "3"]
    cells[bad - 1] = "nan"
    path = tmp_path / "x.csv"
    path.write_text("1,2,3\n4,5,6\n" + ",".join(cells) + "\n")
    with pytest.raises(DatasetError, match=rf"line 3, column {named}: got 'nan'"):
        read_csv(path, label, header=False)
    path.write_text("a,b,c\n1,2,3\n" + ",".join(cells) + "\n")
    with pytest.raises(DatasetError, match=rf"column '{'abc'[bad - 1]}'"):
        read_csv(path, "abc"[int(label) - 1])


def test_an_array_that_lacks_one_byte_of_what_it_promises_is_refused_by_its_header(tmp_path):
    import io
    import zipfile

    def member(array):
        stream = io.BytesIO()
        np.save(stream, array)
        return stream.getvalue()

    X, y = member(np.arange(40.0).reshape(20, 2)), member(np.arange(20) % 2)
    for cut in (0, 1):
        path = tmp_path / f"{cut}.npz"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("X.npy", X[: len(X) - cut])
            archive.writestr("y.npy", y)
        if cut:
            with pytest.raises(DatasetError, match="claims shape"):
                read_npz(path)
        else:
            assert read_npz(path).X.shape == (20, 2)


@given(st.lists(st.floats(-1e300, 1e300), min_size=1, max_size=9))
def test_the_median_is_pythons_own(values: list[float]) -> None:
    assert averages.median(values) == pytest.approx(statistics.median(values), rel=1e-15)


def test_a_median_whose_sum_is_no_float_is_one_all_the_same() -> None:
    assert averages.median([1.6e308, 1.7e308]) == pytest.approx(1.65e308)
    assert averages.mean([1.6e308, 1.7e308]) == pytest.approx(1.65e308)
