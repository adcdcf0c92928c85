"""Input transforms: what each gives, that none sees the test split, and data without variation."""

import numpy as np
import pytest
from sklearn.model_selection import train_test_split

from cdbench.config.checks import INPUT_TRANSFORMS
from cdbench.datasets import DATASETS
from cdbench.datasets.base import Dataset
from cdbench.datasets.transforms import TRANSFORMS, WHITENING_FLOOR
from cdbench.errors import DatasetError
from tests.cli_tools import Here
from tests.cli_tools import rows as rows_of

RNG = np.random.default_rng(5)
CORRELATED = RNG.normal(size=(40, 3)) @ RNG.normal(size=(3, 3)) + [0, 5, -2]
AWKWARD = {
    "constant feature": np.column_stack([CORRELATED, np.full(40, 0.1)]),
    "repeated feature": CORRELATED[:, [0, 1, 1]],
    "all zero": np.zeros((40, 3)),
    "all constant": np.full((40, 3), 7.7),
    "fewer samples than features": RNG.normal(size=(6, 20)),
    "one feature": CORRELATED[:, :1],
    "one sample": CORRELATED[:1],
}

DIRECTIONS = {
    "digits": 60,
    "wine": 13,
    "breast_cancer": 30,
    "iris": 4,
    "digits-noise": 64,
    "digits-few": 56,
    "digits-pairs": 118,
    "digits-sums": 120,
}
"""In which the training samples of seed 0 vary."""

every_transform = pytest.mark.parametrize("transform", TRANSFORMS)
every_set = pytest.mark.parametrize("name", DATASETS)


def train_and_test(data, seed):
    """The samples of a split as they are in the data set."""
    return train_test_split(data.X, test_size=0.2, stratify=data.y, random_state=seed)


def correlations(X):
    varying = X[:, X.max(axis=0) > X.min(axis=0)]
    return np.linalg.eigvalsh(np.corrcoef(varying, rowvar=False))


def test_registry_holds_the_transforms_a_configuration_may_name():
    assert tuple(TRANSFORMS) == INPUT_TRANSFORMS


@every_transform
@every_set
def test_a_split_is_its_training_samples_transform_of_both_sides(name, transform):
    data = DATASETS[name]()
    split, (train, test) = data.split(1, transform=transform), train_and_test(data, 1)
    fitted = TRANSFORMS[transform](train)
    np.testing.assert_array_equal(split.X_train, fitted(train))
    np.testing.assert_array_equal(split.X_test, fitted(test))


@every_transform
def test_test_samples_change_neither_the_training_split_nor_each_other(transform):
    data = DATASETS["wine"]()
    rows = train_test_split(range(178), test_size=0.2, stratify=data.y, random_state=0)[1]
    X = data.X.copy()
    X[rows[:10]] = 1e3 * RNG.normal(size=(10, 13))
    before = data.split(0, transform=transform)
    after = Dataset("changed", X, data.y, data.classes).split(0, transform=transform)
    np.testing.assert_array_equal(after.X_train, before.X_train)
    np.testing.assert_array_equal(after.X_test[10:], before.X_test[10:])
    assert (after.X_test[:10] != before.X_test[:10]).any()


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_scaled_digits_are_the_pixels_divided_by_16_whatever_the_seed(dtype):
    data = DATASETS["digits"]()
    assert set(np.unique(data.X * 16)) == set(range(17))
    for seed in range(30):
        split, (train, test) = data.split(seed, dtype), train_and_test(data, seed)
        assert train.max() == 1
        np.testing.assert_array_equal(split.X_train, train.astype(dtype))
        np.testing.assert_array_equal(split.X_test, test.astype(dtype))


@every_set
def test_scale_brings_the_largest_training_value_to_one_and_keeps_all_ratios(name):
    data = DATASETS[name]()
    split, (_, test) = data.split(0, transform="scale"), train_and_test(data, 0)
    assert np.abs(split.X_train).max() == 1
    largest = np.unravel_index(test.argmax(), test.shape)
    np.testing.assert_allclose(split.X_test / split.X_test[largest], test / test[largest])


@every_set
def test_center_only_moves_what_scale_gives_to_mean_zero(name):
    data = DATASETS[name]()
    centered, scaled = (data.split(0, transform=each) for each in ("center", "scale"))
    np.testing.assert_allclose(centered.X_train.mean(axis=0), 0, atol=1e-14)
    moved = scaled.X_train[0] - centered.X_train[0]
    np.testing.assert_allclose(
        scaled.X_test - centered.X_test, np.tile(moved, (len(scaled.X_test), 1))
    )


@every_set
@pytest.mark.parametrize("seed", [0, 1])
def test_standardize_gives_mean_zero_and_deviation_one(name, seed):
    data = DATASETS[name]()
    split, (train, _) = data.split(seed, transform="standardize"), train_and_test(data, seed)
    varying = train.max(axis=0) > train.min(axis=0)
    np.testing.assert_allclose(split.X_train.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(split.X_train[:, varying].std(axis=0), 1, rtol=1e-12)
    assert np.abs(split.X_test.mean(axis=0)).max() > 1e-6


@pytest.mark.parametrize("transform", ["standardize", "whiten"])
@pytest.mark.parametrize("value", [0.0, 3.0, 0.1, 7.7])
def test_a_constant_feature_becomes_zero(transform, value):
    fitted = TRANSFORMS[transform](np.column_stack([CORRELATED, np.full(40, value)]))
    np.testing.assert_array_equal(fitted(np.array([[1.0, 2, 3, value]]))[:, 3], 0)


@every_set
def test_whitened_covariance_is_the_identity_on_the_directions_that_vary(name):
    data = DATASETS[name]()
    split, (train, _) = data.split(0, transform="whiten"), train_and_test(data, 0)
    covariance = np.cov(split.X_train, rowvar=False, bias=True)
    eigenvalues = correlations(train)
    seen = int((eigenvalues > WHITENING_FLOOR * eigenvalues[-1]).sum())
    assert seen == DIRECTIONS[name]
    expected = np.repeat([0.0, 1.0], [data.n_features - seen, seen])
    np.testing.assert_allclose(np.linalg.eigvalsh(covariance), expected, atol=1e-10)
    if seen == data.n_features:
        np.testing.assert_allclose(covariance, np.eye(seen), atol=1e-10)


def test_whitening_turns_the_data_no_further_than_it_must():
    standardized, whitened = (
        DATASETS["wine"]().split(0, transform=each).X_train for each in ("standardize", "whiten")
    )
    # Of all whitenings, ZCA alone has a symmetric, positive covariance with what it whitens.
    cross = standardized.T @ whitened / len(whitened)
    np.testing.assert_allclose(cross, cross.T, atol=1e-12)
    assert np.linalg.eigvalsh(cross).min() > 0.1


@pytest.mark.parametrize("transform", ["standardize", "whiten"])
def test_units_of_the_features_do_not_matter(transform):
    units = np.array([1e-6, 1.0, 1e5])
    fitted, in_units = TRANSFORMS[transform](CORRELATED), TRANSFORMS[transform](CORRELATED * units)
    new = RNG.normal(size=(5, 3))
    np.testing.assert_allclose(in_units(new * units), fitted(new), rtol=1e-9)


def test_whiten_drops_what_varies_in_no_training_sample():
    fitted = TRANSFORMS["whiten"](CORRELATED[:, [0, 1, 1]])
    # They differ in the direction (0, 1, -1) only, where the training samples do not.
    first, second = fitted(np.array([[0.0, 1, 1], [0.0, 2, 0]]))
    np.testing.assert_allclose(first, second, atol=1e-12)


@every_transform
@pytest.mark.parametrize("case", AWKWARD)
def test_data_without_variation_give_finite_results(transform, case):
    train = AWKWARD[case]
    new = RNG.normal(size=(3, train.shape[1]))
    fitted = TRANSFORMS[transform](train)
    for X in (train, new):
        assert fitted(X).shape == X.shape
        assert np.isfinite(fitted(X)).all()
        assert np.abs(fitted(X)).max() < 1e3  # nothing blown up that training says nothing about


def test_whitening_leaves_constant_features_at_exactly_zero():
    X = np.random.default_rng(0).normal(size=(50, 6))
    X[:, 2] = 3.7
    white = TRANSFORMS["whiten"](X)(X)
    assert not white[:, 2].any()
    assert white.any(axis=0).sum() == 5


HUGE = np.column_stack([CORRELATED[:, 0], 1.7e308 * np.linspace(-1, 1, 40)])
OUT_OF_RANGE = {
    "near the largest number": (HUGE, "standardize", "float64", 2, "1.7e+308"),
    "whitened": (HUGE, "whiten", "float64", 2, "1.7e+308"),
    "squares overflow": (HUGE * [1, 1e-100], "standardize", "float64", 2, "1.7e+208"),
    "deviations vanish": (CORRELATED * [1, 1, 1e-250], "standardize", "float64", 3, "e-250"),
    "one in the test split": (None, "scale", "float32", 1, "1e+300"),
}


@pytest.mark.parametrize(
    ("X", "transform", "dtype", "feature", "largest"), OUT_OF_RANGE.values(), ids=list(OUT_OF_RANGE)
)
def test_features_that_leave_the_range_of_numbers_are_refused_by_name(
    X, transform, dtype, feature, largest
):
    y = np.arange(40) % 2
    if X is None:
        _, test = train_test_split(np.arange(40), test_size=0.2, stratify=y, random_state=0)
        X = CORRELATED.copy()
        X[test[0], 0] = 1e300
    data = Dataset("mine.csv", X, y, ("a", "b"))
    with pytest.raises(
        DatasetError, match=rf"^mine\.csv: feature {feature}, .*rescale it"
    ) as caught:
        data.split(0, dtype, transform)
    assert largest in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("transform", [own for own in TRANSFORMS if own != "none"])
def test_the_largest_numbers_are_trained_on_where_a_transform_keeps_them(transform):
    data = Dataset("mine.csv", CORRELATED * 1e150, np.arange(40) % 2, ("a", "b"))
    assert np.isfinite(data.split(0, "float32", transform).X_train).all()


@pytest.mark.parametrize("command", ["train", "sweep"])
def test_commands_say_in_one_line_which_feature_left_the_range(
    command, tmp_path, monkeypatch, capsys
):
    here = Here(tmp_path, monkeypatch, capsys)
    rows = [f"{x!r},{z!r},{'ab'[i % 2]}" for i, (x, z) in enumerate(HUGE.tolist())]
    (tmp_path / "mine.csv").write_text("\n".join(rows))
    seed = ["--seeds", "0"] if command == "sweep" else []
    answer = here(command, "--dataset", "mine.csv", "--input", "standardize", "--B", "2", *seed)
    assert answer.code == 1
    said = [line for line in (answer.out + answer.err).splitlines() if "rescale" in line]
    assert len(said) == (2 if command == "sweep" else 1)  # a line each, the baseline's too
    assert "Traceback" not in answer.out + answer.err
    (error,) = set(rows_of(tmp_path / "runs.db", "select error from run"))
    assert error[0].startswith("mine.csv: feature 2, ")
