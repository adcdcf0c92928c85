"""Large sets, transformed as they are taken: the same numbers as from arrays in memory."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from cdbench.config.diagnostics import Diagnostics
from cdbench.config.run_config import RunConfig
from cdbench.datasets import limits
from cdbench.datasets.base import Dataset
from cdbench.datasets.transforms import TRANSFORMS
from cdbench.diagnostics.monitor import Monitor
from cdbench.diagnostics.spectra import measure_spectra
from cdbench.engine import samples
from cdbench.engine.building import build_network
from cdbench.engine.layers.normalization import moments, moments_of_chunks
from cdbench.engine.samples import Samples, chunks, columns
from cdbench.engine.training import train
from cdbench.errors import ConfigurationError, DatasetError

RNG = np.random.default_rng(8)
PIXELS = (RNG.integers(0, 256, (400, 33)) * (RNG.random((400, 33)) < 0.4)).astype(np.uint8)
PIXELS[:, 5] = 0  # a blank pixel
PIXELS[:, 6] = 77
CLASSES = ("a", "b", "c")
LABELS = np.arange(400) % 3
DATA = Dataset("images", PIXELS, LABELS, CLASSES)
WITH_TEST = Dataset("images", PIXELS[:300], LABELS[:300], CLASSES, PIXELS[300:], LABELS[300:])
BOTH = (DATA, WITH_TEST)


@pytest.fixture
def large(monkeypatch):
    """Return what makes every set large, and pieces of it small."""

    def begin() -> None:
        monkeypatch.setattr(limits, "LARGE", 0)
        monkeypatch.setattr(samples, "VALUES_AT_ONCE", 700)
        monkeypatch.setattr(samples, "BYTES_OF_COLUMNS", 2**14)

    return begin


def differing(transform: str) -> dict[str, Any]:
    """How far values may be apart: a matrix product of other rows is rounded differently."""
    return {"rtol": 1e-9, "atol": 1e-9} if transform == "whiten" else {"rtol": 0}


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_samples_of_a_large_set_are_bit_for_bit_those_in_memory(large, transform):
    wholes = [data.split(3, dtype, transform) for data in BOTH for dtype in ("float64", "float32")]
    large()
    parts = [data.split(3, dtype, transform) for data in BOTH for dtype in ("float64", "float32")]
    near = differing(transform)
    for whole, part in zip(wholes, parts, strict=True):
        np.testing.assert_array_equal(part.y_train, whole.y_train)
        for X, expected in ((part.X_train, whole.X_train), (part.X_test, whole.X_test)):
            assert isinstance(X, Samples)
            assert (X.shape, X.dtype) == (expected.shape, expected.dtype)
            close = {**near, "rtol": 1e-5} if X.dtype == np.float32 and near["rtol"] else near
            np.testing.assert_allclose(X[:], expected, **close)
            rows = RNG.permutation(len(X))[:50]
            np.testing.assert_allclose(X[rows], expected[rows], **close)
            np.testing.assert_allclose(X.only(rows)[:], expected[rows], **close)
            np.testing.assert_allclose(X.astype(np.float64)[:7], expected[:7], **close)
            assert X.astype(np.float64)[:1].dtype == np.float64


def test_columns_of_a_large_set_have_the_sums_of_the_whole_array(large):
    order = RNG.permutation(33)
    large()
    for X in (
        Samples(PIXELS),
        Samples(PIXELS, RNG.permutation(400)[:250]),
        Samples(PIXELS, RNG.permutation(400)[:250], order=order),
    ):
        found = [(these, part) for these, part in columns(X)]
        assert len(found) > 3
        whole = X[:]
        for these, part in found:
            np.testing.assert_array_equal(part, whole[:, these])
            assert part.shape[1] > 1
            np.testing.assert_array_equal(part.std(axis=0), whole.std(axis=0)[these])
        np.testing.assert_array_equal(np.concatenate(list(chunks(X, 60))), whole)


def trained(data: Dataset, **knobs: Any) -> tuple[Any, ...]:
    config = RunConfig(**{"dataset": "images", "hidden": (9,), "epochs": 2, "B": 3, **knobs})
    split = data.split(config.seed, config.dtype, str(config.input))
    network = build_network(config, data.n_features, data.n_classes)
    parameters = network.initial_parameters(np.random.default_rng(0), config.dtype)
    epochs = list(train(network, parameters, split, config))
    return parameters, [replace(epoch, duration_s=0) for epoch in epochs], network, split


@pytest.mark.parametrize("product", ["gather", "polygon", "fft"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_large_set_trains_bit_for_bit_as_in_memory(large, product, dtype):
    knobs: list[dict[str, Any]] = [
        {"normalization": "none"},
        {"normalization": "layer", "dropout": 0.1},
    ]
    all_knobs: list[dict[str, Any]] = [
        {"product": product, "dtype": dtype} | more for more in knobs
    ]
    before = [trained(data, **some) for data in BOTH for some in all_knobs]
    large()
    after = [trained(data, **some) for data in BOTH for some in all_knobs]
    for (flat, epochs, _, _), (expected, wanted, _, _) in zip(after, before, strict=True):
        np.testing.assert_array_equal(flat, expected)
        assert epochs == wanted


def test_batch_statistics_of_a_large_set_are_those_of_all_its_samples(large):
    before = trained(DATA, normalization="batch")
    large()
    flat, epochs, _, _ = trained(DATA, normalization="batch")
    np.testing.assert_array_equal(flat, before[0])
    for epoch, wanted in zip(epochs, before[1], strict=True):
        assert epoch.test_loss == pytest.approx(wanted.test_loss, rel=1e-12)
    x = RNG.normal(3.0, 0.01, (100, 4))
    for got, expected in zip(
        moments_of_chunks(np.split(x, [1, 30, 31])), moments(x, 0), strict=True
    ):
        np.testing.assert_allclose(got, expected, rtol=1e-10)


def test_spectra_of_a_large_set_are_those_of_all_its_samples(large, monkeypatch):
    knobs = ({"layer": "dense", "B": None}, {"B": 3}, {"layer": "block-diagonal:3", "B": None})
    monkeypatch.setattr("cdbench.diagnostics.spectra.second_moments.AT_ONCE", 50)
    for some in knobs:
        flat, _, network, split = trained(DATA, **some)
        few = split.X_train[:20]  # fewer than inputs: the rest of the Hessian's spectrum is zero
        with monkeypatch.context() as patch:
            patch.setattr(limits, "LARGE", 0)
            parts = DATA.split(0, "float64", "standardize").X_train
        for whole, part in ((split.X_train, parts), (few, parts.only(np.arange(20)))):
            wanted = measure_spectra(network, flat, whole, 2)
            found = measure_spectra(network, flat, part, 2)
            for one, other in zip(found, wanted, strict=True):
                assert (one.layer, one.kind) == (other.layer, other.kind)
                at = f"{some} layer {one.layer} {one.kind}"
                largest = max(other.values)
                np.testing.assert_allclose(
                    one.values, other.values, rtol=1e-9, atol=1e-14 * largest, err_msg=at
                )
                # Of fewer samples than inputs, R has as many rows as inputs.
                as_said = pytest.approx(other.condition.threshold, rel=1e-6, abs=0)
                assert one.condition.threshold == as_said or whole is few
                assert one.condition.rank == other.condition.rank, at


@pytest.mark.long
def test_the_monitor_measures_a_large_set(large):
    large()
    flat, _, network, split = trained(DATA, normalization="batch")
    config = RunConfig(dataset="images", hidden=(9,), epochs=1, B=3, normalization="batch")
    wanted = Diagnostics(curvature="lanczos", curvature_every=1)
    monitor = Monitor(network, flat, split, config, wanted)
    monitor.after_epoch(1)
    assert {one.kind for one in monitor.spectra} >= {"layer_hessian", "theorem1", "weight"}
    assert {one.n_samples for one in monitor.curvature} == {len(split.y_train)}


def test_only_what_depends_on_data_reads_them():
    flat, _, network, _ = trained(DATA)
    unread: Any = None
    assert measure_spectra(network, flat, unread, 1, kinds=("weight", "published"))


def test_values_that_a_transform_loses_are_found_in_a_large_set_too(large):
    X = RNG.normal(size=(400, 4))
    X[399, 2] = 1e300
    large()
    data = Dataset("huge.npz", X[:399], LABELS[:399], CLASSES, X[399:], LABELS[399:])
    with pytest.raises(DatasetError) as caught:
        data.split(0, "float32", "scale")
    assert str(caught.value).startswith("huge.npz: feature 3, whose largest value is ")


def test_a_fingerprint_does_not_depend_on_the_type_or_on_pieces(monkeypatch):
    wide = Dataset("images", PIXELS.astype(float), LABELS, CLASSES)
    before = wide.fingerprint
    assert before == DATA.fingerprint != WITH_TEST.fingerprint
    monkeypatch.setattr("cdbench.datasets.base.HASHED_AT_ONCE", 7)
    assert Dataset("images", PIXELS, LABELS, CLASSES).fingerprint == before


def test_given_test_samples_are_the_test_split_of_every_seed_and_in_the_fingerprint():
    for seed in (0, 1):
        split = WITH_TEST.split(seed)
        np.testing.assert_array_equal(split.y_train, LABELS[:300])
        np.testing.assert_array_equal(split.X_test, PIXELS[300:] / PIXELS[:300].max())
    other = replace(WITH_TEST, X_test=PIXELS[299:399])
    assert other.fingerprint != WITH_TEST.fingerprint
    moved = Dataset("images", PIXELS[:301], LABELS[:301], CLASSES, PIXELS[301:], LABELS[301:])
    assert moved.fingerprint != WITH_TEST.fingerprint


def test_guessing_is_judged_on_the_given_test_samples():
    y_test = np.array([0] * 30 + [1] * 70)
    data = Dataset(
        "images", PIXELS[:300], np.repeat([0, 1], [200, 100]), ("a", "b"), PIXELS[300:], y_test
    )
    assert data.guessing_level == pytest.approx(0.3 + 2 * np.sqrt(0.3 * 0.7 / 100))


@pytest.mark.parametrize(
    ("X_test", "y", "words"),
    [
        (PIXELS[300:, 1:], LABELS[:300],
         "images: got test samples (100, 32), expected at least one, of 33 features as the "
         "training samples"),
        (PIXELS[:0], LABELS[:300],
         "images: got test samples (0, 33), expected at least one, of 33 features as the "
         "training samples"),
        (PIXELS[300:], LABELS[:300] % 2,
         "images: class 'c' has no training samples, expected some of each"),
    ],
)  # fmt: skip
def test_a_test_split_that_does_not_suit_is_refused(X_test, y, words):
    with pytest.raises(DatasetError) as caught:
        Dataset("images", PIXELS[:300], y, CLASSES, X_test, LABELS[300 : 300 + len(X_test)])
    assert str(caught.value) == words


@pytest.mark.parametrize("on", ["train", "test"])
def test_what_is_measured_on_some_samples_is_drawn_by_the_seed_and_of_no_more(large, on):
    def measured(seed: int, n: int | None) -> Any:
        config = RunConfig(dataset="images", hidden=(9,), epochs=1, B=3, seed=seed)
        return Monitor(network, flat, split, config, Diagnostics(on=on, samples=n))

    flat, _, network, split = trained(DATA)
    X, y = (split.X_train, split.y_train) if on == "train" else (split.X_test, split.y_test)
    few, again, other = measured(0, 50), measured(0, 50), measured(1, 50)
    np.testing.assert_array_equal(few.X, again.X)
    assert (few.X != other.X).any()
    rows = {row.tobytes(): label for row, label in zip(X, y, strict=True)}
    assert len({row.tobytes() for row in few.X}) == len(few.X) == 50
    assert [rows[row.tobytes()] for row in few.X] == few.y.tolist()
    first = {row.tobytes() for row in X[:50]}
    assert len(first & {row.tobytes() for row in few.X}) < 40  # they are from all of them
    for n in (None, len(y), 10**9):
        np.testing.assert_array_equal(measured(0, n).X, X)
    large()
    split = DATA.split(0, "float64", "standardize")
    again = measured(0, 50)
    assert isinstance(again.X, Samples)
    np.testing.assert_array_equal(again.X[:], few.X)


def test_diagnostics_of_other_samples_are_others():
    some, every = Diagnostics(samples=50), Diagnostics()
    assert some.canonical_json() == '{"samples":50}'
    assert Diagnostics.from_mapping({"samples": 50}) == some
    assert not some.covers(every, 1)
    assert not every.covers(some, 1)
    assert some.union(some) == some
    with pytest.raises(ConfigurationError, match="cannot be measured in one run"):
        some.union(every)
    with pytest.raises(ConfigurationError, match=r"^samples = 0: expected at least 1$"):
        Diagnostics(samples=0)
