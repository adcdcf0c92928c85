"""benchmarks/teachers.py: what families can reach of each other's matrices."""

import re

import numpy as np
import pytest

import teachers
from cdbench.engine.network import Network

N = 16
LAYERS = teachers.students(N)
TARGETS = teachers.teachers(N, 0)


def fit(student, teacher, starts=2):
    """Return what was optimised, and what is known, of one pair."""
    (found,) = teachers.fits(
        {student: LAYERS[student]}, {teacher: TARGETS[teacher]}, starts, 0
    ).values()
    return found


def test_distances_are_those_of_the_matrix_and_their_gradient_is_its_derivative():
    for name, layer in LAYERS.items():
        distance = teachers.Distance(layer, TARGETS["dense"])
        rng = np.random.default_rng(3)
        flat, params = teachers.initial(layer, rng)
        weights = flat[: distance.n_weights]
        value, gradient = distance(weights)
        apart = layer.matrix(params) - TARGETS["dense"]
        assert value == pytest.approx(0.5 * np.sum(apart**2), rel=1e-12)
        step = 1e-6 * rng.standard_normal(len(weights))
        difference = distance(weights + step)[0] - distance(weights - step)[0]
        assert difference == pytest.approx(2 * step @ gradient, rel=1e-5), name


def test_linear_families_and_products_of_known_tails_reach_their_own_teachers():
    known = [name for name, layer in LAYERS.items() if teachers.nearest(layer)]
    assert len(known) == 8
    for name in known:
        found = fit(name, name)
        assert found.known == pytest.approx(0, abs=1e-7), name
        assert found.optimised < 1e-3, name


def test_the_optimiser_reaches_what_is_known_of_a_dense_teacher_and_never_more():
    for name, layer in LAYERS.items():
        if teachers.nearest(layer):
            found = fit(name, "dense")
            assert found.known is not None
            assert found.known - 1e-9 <= found.optimised <= found.known + 1e-3, name


def test_low_rank_students_leave_the_tail_of_the_singular_values():
    values = np.linalg.svd(TARGETS["dense"], compute_uv=False)
    rank = N // 8
    expected = np.sqrt(np.sum(values[rank:] ** 2) / np.sum(values**2))
    assert fit("low-rank", "dense").error == pytest.approx(expected, rel=1e-12)
    for orthogonal in ("DFT, real", "DCT", "permutation"):
        assert fit("low-rank", orthogonal, 1).error == pytest.approx(np.sqrt(1 - rank / N))


def test_block_circulant_students_leave_what_differs_along_diagonals():
    target, B = TARGETS["dense"], teachers.SHARE
    mean = np.zeros_like(target)
    for i, j in np.ndindex(N, N):
        block = target[i // B * B :, j // B * B :][:B, :B]
        mean[i, j] = np.mean([block[(i - j + k) % B, k] for k in range(B)])
    expected = np.linalg.norm(target - mean) / np.linalg.norm(target)
    assert fit("cdlinear", "dense", 1).error == pytest.approx(expected, rel=1e-12)


def test_spectral_layers_with_all_modes_and_block_circulant_ones_are_the_same():
    assert fit("spectral", "cdlinear", 1).error < 1e-7
    assert fit("cdlinear", "spectral", 1).error < 1e-7


def test_a_convolution_is_of_low_displacement_rank():
    assert fit("toeplitz-like", "convolution, 9 taps").error < 0.01
    assert fit("cdlinear", "convolution, 9 taps", 1).error > 0.3


def test_students_have_a_quarter_of_the_weights_and_teachers_are_what_they_are_called():
    for name, layer in teachers.students(64).items():
        n_weights = Network([layer]).n_parameters - 64
        expected = 64 if name == "circulant" else 1024
        assert n_weights == pytest.approx(expected, rel=0.02), name
    for name in ("DFT, real", "DCT", "permutation"):
        np.testing.assert_allclose(TARGETS[name] @ TARGETS[name].T, np.eye(N), atol=1e-12)
    assert np.abs(np.fft.fft(TARGETS["DFT, real"], axis=1)).max(axis=1) == pytest.approx(
        np.where(np.arange(N) < 2, np.sqrt(N), np.sqrt(N / 2))
    )
    conv = TARGETS["convolution, 9 taps"]
    assert (conv[1:, 1:] == conv[:-1, :-1]).all()
    assert len(np.unique(conv)) == teachers.TAPS + 1


def test_an_optimiser_that_misses_a_linear_family_ends_the_program(monkeypatch):
    monkeypatch.setattr(teachers, "MOST_STEPS", 1)
    with pytest.raises(SystemExit) as error:
        fit("cdlinear", "dense", 1)
    known = teachers.nearest_linear(LAYERS["cdlinear"])(TARGETS["dense"])
    assert re.fullmatch(
        r"cdlinear for dense: L-BFGS found \d\.\d{4}, but the nearest matrix is known to be "
        rf"{known:.4f} away; expected these to agree",
        str(error.value),
    )


def test_the_table_has_a_row_a_teacher_and_a_column_a_student_in_percent():
    layers = {name: LAYERS[name] for name in ("cdlinear", "acdc")}
    fits = {("DCT", "cdlinear"): (0.5, 0.25), ("DCT", "acdc"): (0.75, None)}
    found = {pair: teachers.Fit(*values) for pair, values in fits.items()}
    assert teachers.markdown(layers, ["DCT"], found).splitlines() == [
        "| teacher | cdlinear (64, exact) | acdc (64) |",
        "| --- | --: | --: |",
        "| DCT | 25.0 | 75.0 |",
    ]
    assert teachers.not_reached(found) == ["cdlinear for DCT: 25.0 %, L-BFGS 50.0 %"]
