"""Data sets whose target is a quantity: files, the split, and one line for every bad one."""

from math import ceil

import numpy as np
import pytest
from sklearn.model_selection import train_test_split

from cdbench.config.run_config import RunConfig
from cdbench.datasets import load_dataset, pin_dataset
from cdbench.datasets.arrays import quantities_from_arrays
from cdbench.datasets.quantities import Quantities
from cdbench.errors import CdbenchError, DatasetError, UnknownNameError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 3))
Y = 1000 + 50 * RNG.normal(size=40)


def read(path, **knobs):
    """Load a file as a run of a regression does."""
    return load_dataset(pin_dataset(RunConfig(dataset=str(path), task="regression", **knobs)))


def refusal(what, *args, **knobs):
    with pytest.raises(CdbenchError) as error:
        what(*args, **knobs)
    return str(error.value)


@pytest.fixture
def csv(tmp_path):
    def write(text, name="data.csv"):
        (tmp_path / name).write_text(text)
        return str(tmp_path / name)

    return write


def rows(y=Y):
    return "\n".join(",".join(map(repr, map(float, (*x, t)))) for x, t in zip(X, y, strict=True))


def test_both_kinds_of_file_give_the_same_numbers(csv, tmp_path):
    np.savez(tmp_path / "data.npz", X=X, y=Y)
    named = read(csv("a,b,c,price\n" + rows(), "named.csv"))
    for found in (named, read(csv(rows())), read(tmp_path / "data.npz")):
        assert (found.classes, found.n_outputs) == ((), 1)
        np.testing.assert_array_equal(found.X, X)
        np.testing.assert_array_equal(found.y, Y)
        assert found.fingerprint == named.fingerprint


def test_a_number_of_an_array_is_exactly_the_target(tmp_path):
    for y in (Y.astype(np.float32), np.round(Y).astype(np.int16)):
        np.savez(tmp_path / "data.npz", X=X, y=y)
        np.save(tmp_path / "X.npy", X)
        np.save(tmp_path / "y.npy", y)
        for name in ("data.npz", f"X.npy,{tmp_path / 'y.npy'}"):
            np.testing.assert_array_equal(read(tmp_path / name).y, y.astype(np.float64))


def test_a_file_may_bring_its_test_split_and_text_and_blanks(csv):
    path = csv("a,b,c,price\n" + rows(), "train.csv")
    test = csv("a,b,c,price\n" + rows(Y + 1), "test.csv")
    split = read(path, test=test).split(0)
    np.testing.assert_allclose(split.y_test - split.y_train, 1 / Y.std())
    np.testing.assert_array_equal(split.X_test, split.X_train)
    lines = [f"{'xyz'[i % 3]},{i if i % 4 else ''},{Y[i]}" for i in range(40)]
    encoded = read(csv("\n".join(["kind,n,price", *lines])), encode="one-hot")
    np.testing.assert_array_equal(encoded.y, Y)
    assert np.isfinite(encoded.split(0).X_train).all()


def test_the_target_may_be_any_column_and_values_that_occur_again(csv):
    found = read(csv("a,b,c,price\n" + rows(np.round(Y / 50))), label_column="b")
    np.testing.assert_array_equal(found.y, X[:, 1])
    np.testing.assert_array_equal(found.X[:, 2], np.round(Y / 50))
    again = read(csv("a,b,c,price\n" + rows(np.round(Y / 50))))
    np.testing.assert_array_equal(again.y, np.round(Y / 50))


def test_a_fingerprint_tells_targets_apart_that_have_the_same_whole_part():
    one, other = (Quantities("q", X, Y + less).fingerprint for less in (0.0, 1e-9))
    assert one != other
    assert Quantities("another name", X.copy(), Y.copy()).fingerprint == one


def test_a_pinned_file_is_read_again_only_as_it_was(csv):
    config = pin_dataset(RunConfig(dataset=csv(rows()), task="regression"))
    csv(rows(Y + 1e-9))
    load_dataset.__globals__["_read_pinned"].cache_clear()
    assert "its contents changed since" in refusal(load_dataset, config)


@pytest.mark.parametrize("seed", [0, 7])
def test_the_split_is_scikit_learns_without_strata(seed):
    data = Quantities("q", X, Y)
    split = data.split(seed)
    train, test = train_test_split(np.arange(40), test_size=0.2, random_state=seed)
    scale = np.abs(X[train]).max()
    np.testing.assert_array_equal(split.X_train, X[train] / scale)
    np.testing.assert_array_equal(split.X_test, X[test] / scale)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_targets_are_standardised_by_the_training_split_alone(dtype):
    data = Quantities("q", X, Y)
    split = data.split(3, dtype, validation=0.25)
    assert split.y_validation is not None
    assert {y.dtype for y in (split.y_train, split.y_test, split.y_validation)} == {np.dtype(dtype)}
    assert split.y_train.mean() == pytest.approx(0, abs=1e-6)
    assert split.y_train.std() == pytest.approx(1, rel=1e-6)
    assert (len(split.y_validation), len(split.y_test)) == (ceil(0.25 * 32), 8)
    whole = data.split(3, dtype)
    there, here = (own.y_test * np.sqrt(own.unit) for own in (whole, split))
    np.testing.assert_allclose(there - there[0], here - here[0], atol=1e-3)  # the same samples
    # Back in the target's own unit, every target is there once.
    own = [y * np.sqrt(split.unit) for y in (split.y_train, split.y_test, split.y_validation)]
    distances = np.sort(np.concatenate(own)) - np.sort(Y)
    assert np.ptp(distances) < (1e-3 if dtype == "float32" else 1e-9)


def test_what_is_no_quantity_is_told_in_one_line(csv, tmp_path):
    text = csv("a,b,kind\n" + "\n".join(f"{i},{i % 5},{'xy'[i % 2]}" for i in range(30)))
    assert refusal(read, text) == (
        f"{text}: the target of sample 1 is 'x', expected a finite number in every row, or --task "
        "classification for classes"
    )
    path = csv(rows() + "\n1,2,3,nan\n")
    assert "the target of sample 41 is 'nan', expected a finite number" in refusal(read, path)
    for y, expected in (
        (np.array(["a", "b"] * 20), "y has dtype <U1, expected numbers, or --task classification"),
        (np.where(np.arange(40) == 5, np.inf, Y), "the target of sample 6 is 'inf', expected a "
         "finite number in every row, or --task classification for classes"),
    ):  # fmt: skip
        np.savez(tmp_path / "data.npz", X=X, y=y)
        assert refusal(read, tmp_path / "data.npz") == f"{tmp_path / 'data.npz'}: {expected}"
    np.savez(tmp_path / "data.npz", X=X, y=np.stack([Y, Y], axis=1))
    assert "got X (40, 3) and y (40, 2), expected" in refusal(read, tmp_path / "data.npz")


def test_classes_are_refused_by_a_regression_and_quantities_by_a_classification(tmp_path, csv):
    digits = RunConfig(task="regression")
    for what in (pin_dataset, load_dataset):
        assert refusal(what, digits) == (
            "digits: has classes, but --task regression needs a numeric target; expected --task "
            "classification, or another data set, such as a .csv file"
        )
    path = csv(rows())
    assert refusal(pin_dataset, RunConfig(dataset=path)).endswith(
        "that is a quantity; expected --task regression, or classes (group the numbers, or name "
        "another column with --label-column)"
    )
    np.savez(tmp_path / "data.npz", X=X, y=Y)
    assert refusal(pin_dataset, RunConfig(dataset=str(tmp_path / "data.npz"))).endswith(
        "y has dtype float64, expected whole numbers or text, or --task regression"
    )
    with pytest.raises(UnknownNameError, match="unknown task 'regresion'; did you mean"):
        RunConfig(task="regresion")


def test_sets_that_no_regression_can_be_measured_on_are_refused():
    for data, message in (
        ((X[:5], Y[:5]), "q: got 5 rows, expected at least 6: the test split (20%) needs two"),
        (
            (X, np.full(40, 3.5)),
            "q: the target is 3.5 in every row, expected a quantity that varies",
        ),
    ):
        assert refusal(Quantities, "q", *data) == message
    assert Quantities("q", X[:6], Y[:6]).split(0).y_test.shape == (2,)
    rare = Quantities("q", X, (np.arange(40) == 0).astype(float))
    train, _ = train_test_split(np.arange(40), test_size=0.2, random_state=0)
    side = "test" if 0 in train else "training"
    assert refusal(rare.split, 0) == (
        f"q: the targets of the {side} split of seed 0 have the variance 0, expected a positive "
        "number; choose another seed, or rescale them"
    )
    for factor in (1e200, 1e-200):
        assert "have the variance" in refusal(Quantities("q", X, Y * factor).split, 0)
    assert refusal(Quantities("q", X, Y).split, 0, validation=0.98) == (
        "q: validation = 0.98 holds out 32 of 32 training samples; expected at least two left"
    )
    with pytest.raises(DatasetError, match="sample 3, feature 2 is nan"):
        quantities_from_arrays("q", np.where(np.arange(120).reshape(40, 3) == 7, np.nan, X), Y)
