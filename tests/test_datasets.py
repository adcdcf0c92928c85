"""Data sets: the bundled ones, files, fingerprints, and one line for every bad file."""

import gc
import inspect
import zipfile
from dataclasses import replace
from math import ceil

import numpy as np
import pytest
import sklearn.datasets
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.model_selection import train_test_split

from cdbench.config.run_config import RunConfig
from cdbench.datasets import DATASETS, load_dataset, pin_dataset
from cdbench.datasets.arrays import dataset_from_arrays
from cdbench.datasets.stratified import stratified_split
from cdbench.errors import CdbenchError, ConfigurationError, DatasetError, UnknownNameError

SIZES = {
    "digits": (1797, 64, 10),
    "wine": (178, 13, 3),
    "breast_cancer": (569, 30, 2),
    "iris": (150, 4, 3),
}
MADE = {
    "digits-noise": (1797, 64, 10),
    "digits-few": (200, 64, 10),
    "digits-pairs": (898, 128, 100),
    "digits-sums": (898, 128, 10),
}
ROWS = [f"{i},{i * i % 7},{'ab'[i % 2]}" for i in range(20)]
X = np.array([[i, i * i % 7] for i in range(20)], dtype=float)
LABELS = np.array(["a", "b"] * 10)


@pytest.fixture
def csv(tmp_path):
    def write(lines, name="data.csv"):
        (tmp_path / name).write_text("\n".join(lines) + "\n")
        return str(tmp_path / name)

    return write


@pytest.fixture
def npz(tmp_path):
    def write(**arrays):
        np.savez(tmp_path / "data.npz", **arrays)
        return str(tmp_path / "data.npz")

    return write


def load(name, label_column=None, **knobs):
    """Load a file as a run does: pinned first, so that no earlier reading is kept."""
    return load_dataset(pin_dataset(RunConfig(dataset=name, label_column=label_column, **knobs)))


def refusal(name, label_column=None, error: type[CdbenchError] = DatasetError, **knobs):
    with pytest.raises(error) as caught:
        load(name, label_column, **knobs)
    assert type(caught.value) is error
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("name", DATASETS)
def test_set_known_by_name_has_its_size(name):
    data = load(name)
    assert (*data.X.shape, data.n_classes) == (SIZES | MADE)[name]
    assert data.y.min() == 0
    assert data.y.max() == data.n_classes - 1
    assert (data.X.dtype, data.y.dtype) == (np.float64, np.int64)


@pytest.mark.parametrize("name", DATASETS)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_split_is_stratified_seeded_and_in_the_runs_dtype(name, dtype):
    data = load(name)
    split, again, other = data.split(3, dtype), data.split(3, dtype), data.split(4, dtype)
    assert split.X_train.dtype == split.X_test.dtype == dtype
    np.testing.assert_array_equal(split.X_train, again.X_train)
    assert (split.X_train != other.X_train).any()
    n_test = np.ceil(0.2 * len(data.y))
    assert (len(split.y_train), len(split.y_test)) == (len(data.y) - n_test, n_test)
    counts = np.bincount(split.y_test, minlength=data.n_classes)
    assert (np.abs(counts - 0.2 * np.bincount(data.y)) <= 1).all()


@pytest.mark.parametrize("name", SIZES)
def test_bundled_set_is_scikit_learns_wherever_its_files_lie(name, monkeypatch, tmp_path):
    X, y = getattr(sklearn.datasets, f"load_{name}")(return_X_y=True)
    X = X / 16.0 if name == "digits" else X
    for folder in (None, tmp_path):
        if folder is not None:
            monkeypatch.setattr("cdbench.datasets.bundled._data_folder", lambda: tmp_path)
        found = inspect.unwrap(DATASETS[name])()  # past the cache
        assert found.X.tobytes() == np.ascontiguousarray(X).tobytes()
        np.testing.assert_array_equal(found.y, y)


@given(
    counts=st.lists(st.integers(2, 12), min_size=2, max_size=9),
    seed=st.integers(0, 2**32 - 1),
)
def test_split_is_scikit_learns_sample_for_sample(counts, seed):
    y = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(counts)), counts))
    n_test = ceil(0.2 * len(y))
    assume(n_test >= len(counts))
    theirs = train_test_split(np.arange(len(y)), test_size=0.2, stratify=y, random_state=seed)
    for found, expected in zip(stratified_split(y, n_test, seed), theirs, strict=True):
        np.testing.assert_array_equal(found, expected)


def test_digits_are_split_1437_to_360_with_pixels_from_0_to_1():
    split = load("digits").split(0)
    assert (split.X_train.shape, split.X_test.shape) == ((1437, 64), (360, 64))
    pixels = np.concatenate([split.X_train, split.X_test])
    assert (pixels.min(), pixels.max()) == (0, 1)
    assert set(np.unique(pixels * 16)) == set(range(17))


def test_fingerprint_of_digits_is_that_of_the_released_runs():
    assert load("digits").fingerprint.startswith("531e1b8424cdafde")


@pytest.mark.parametrize(
    ("lines", "label_column"),
    [
        (["p,q,kind", *ROWS], None),
        (["p,q,kind", *ROWS], "kind"),
        (["kind,p,q", *(f"{r[-1]},{r[:-2]}" for r in ROWS)], "kind"),
        (["p, kind ,q", *(",".join(r.split(",")[i] for i in (0, 2, 1)) for r in ROWS)], "kind"),
        (ROWS, None),
        (["\ufeffp,q,kind", "", *ROWS, " , , "], None),
    ],
    ids=["header", "named", "first", "middle", "no header", "blank lines"],
)
def test_csv_is_read_with_and_without_header(csv, lines, label_column):
    data = load(csv(lines), label_column)
    np.testing.assert_array_equal(data.X, X)
    assert data.columns == (() if lines is ROWS else ("p", "q"))
    assert data.classes == ("a", "b")
    assert data.y.tolist() == [0, 1] * 10


def test_npz_is_read_like_the_csv_of_the_same_content(csv, npz):
    from_npz = load(npz(X=X, y=LABELS))
    np.testing.assert_array_equal(from_npz.X, X)
    assert from_npz.fingerprint == load(csv(ROWS)).fingerprint


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["p,q,kind", *ROWS[:4], "1,abc,a"], ["line 6", "column 'q'", "'abc'"]),
        ([*ROWS[:4], "x,1,a"], ["line 5", "column 1", "'x'"]),
        (["p,q,kind", "nan,1,a", *ROWS], ["line 2", "column 'p'", "'nan'"]),
        ([*ROWS, "1,inf,b"], ["line 21", "column 2", "'inf'"]),
        ([*ROWS, "1,,b"], ["line 21", "column 2", "''"]),
        ([row.replace("b", "a") for row in ROWS], ["only one class", "at least 2"]),
        ([*ROWS, "1,2,c"], ["class 'c' has 1 row"]),
        (["1,2,a", "2,3,a", "1,3,b", "2,2,b"], ["got 4 rows", "at least 6"]),
        ([*ROWS[:4], "1,2,3,a"], ["line 5", "got 4 columns", "expected 3"]),
        ([*ROWS[:4], "1,a"], ["line 5", "got 2 columns", "expected 3"]),
        ([""], ["is empty"]),
        (["p,q,kind"], ["a header but no rows"]),
        (["1", "2", "3"], ["got 1 column"]),
    ],
    ids=lambda value: value[-1] if isinstance(value, list) else str(value),
)
def test_bad_csv_is_refused_in_one_line(csv, lines, words):
    message = refusal(csv(lines))
    assert "data.csv" in message
    assert all(word in message for word in words), message


def test_a_file_of_as_many_rows_as_asked_for_is_split(csv):
    data = load(csv(["1,2,a", "2,3,a", "1,3,b", "2,2,b", "3,3,a", "4,4,b"]))
    assert sorted(data.split(0).y_test) == [0, 1]


def test_unknown_label_column_names_the_nearest(csv):
    message = refusal(csv(["p,q,kind", *ROWS]), "kid", UnknownNameError)
    assert "did you mean kind?" in message


def test_csv_that_is_no_text_is_refused(tmp_path):
    path = tmp_path / "data.csv"
    path.write_bytes(b"\xff\xfe\x00\x81")
    message = refusal(str(path))
    assert "cannot be read as .csv" in message
    assert message.endswith("; expected text in UTF-8")


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"X": X}, ["found X", "expected"]),
        ({"a": X, "y": LABELS}, ["found a, y", "expected"]),
        ({}, ["found nothing"]),
        ({"X": X, "y": LABELS[:-1]}, ["(20, 2)", "(19,)"]),
        ({"X": X[:, 0], "y": LABELS}, ["(20,)"]),
        ({"X": X[:, :0], "y": LABELS}, ["(20, 0)"]),
        ({"X": X, "y": LABELS[:, None]}, ["(20, 1)"]),
        ({"X": X.astype(str), "y": LABELS}, ["X has dtype"]),
        ({"X": X.astype(complex), "y": LABELS}, ["X has dtype complex"]),
        ({"X": X, "y": np.linspace(0, 1, 20)}, ["y has dtype float64"]),
        ({"X": X.astype(object), "y": LABELS}, ["pickled", "refused"]),
        ({"X": X, "y": LABELS.astype(object)}, ["pickled", "refused"]),
        ({"X": np.where(X == 6, np.nan, X), "y": LABELS}, ["sample 7, feature 1 is nan"]),
        ({"X": np.where(X == 19, np.inf, X), "y": LABELS}, ["sample 20, feature 1 is inf"]),
        ({"X": X, "y": np.zeros(20, int)}, ["only one class"]),
        ({"X": X, "y": np.arange(20) == 3}, ["class 'True' has 1 row"]),
        ({"X": X[:4], "y": LABELS[:4]}, ["got 4 rows"]),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_bad_npz_is_refused_in_one_line(npz, arrays, words):
    message = refusal(npz(**arrays))
    assert "data.npz" in message
    assert all(word in message for word in words), message


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04 cut short"])
def test_npz_that_is_no_zip_is_refused_in_one_line(tmp_path, content):
    path = tmp_path / "data.npz"
    path.write_bytes(content)
    assert "expected a .npz with X" in refusal(str(path))
    gc.collect()  # a file left open is a warning, and so a failure, here


def test_single_array_called_npz_is_refused(tmp_path):
    with (tmp_path / "data.npz").open("wb") as file:
        np.save(file, X)
    assert "single .npy array" in refusal(str(tmp_path / "data.npz"))


@pytest.mark.parametrize("skip", [0, 40])
def test_damaged_npz_is_refused_in_one_line(tmp_path, skip):
    path = tmp_path / "data.npz"
    np.savez_compressed(path, X=X, y=LABELS)
    content = bytearray(path.read_bytes())
    # The data of the first member begin behind its header, its name and an extra field.
    start = 30 + int.from_bytes(content[26:28], "little") + int.from_bytes(content[28:30], "little")
    content[start + skip] = 7  # at the very start, a type of block that deflate does not have
    path.write_bytes(content)
    assert "cannot be read as .npz" in refusal(str(path))


def test_npz_whose_members_are_no_arrays_is_refused_in_one_line(tmp_path):
    path = tmp_path / "data.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("X", "text")
        archive.writestr("y", "text")
    assert "expected a .npz with X" in refusal(str(path))


@pytest.mark.parametrize("name", ["missing.csv", "missing.npz"])
def test_missing_file_is_refused(tmp_path, name):
    assert "no such file" in refusal(str(tmp_path / name))


@pytest.mark.parametrize(
    ("name", "nearest"),
    [("digit", "digits"), ("breast-cancer", "breast_cancer"), ("iris.txt", "iris")],
)
def test_unknown_name_or_extension_names_the_nearest(name, nearest):
    message = refusal(name, error=UnknownNameError)
    assert f"did you mean {nearest}?" in message
    assert "path to a .npz, .csv or .parquet file, or X.npy,y.npy" in message


@pytest.mark.parametrize("name", ["digits", "data.npz"])
def test_label_column_of_what_is_no_csv_is_refused(name):
    assert "label_column = 'kind'" in refusal(name, "kind", ConfigurationError)


@settings(deadline=None)
@given(row=st.integers(0, 19), column=st.integers(0, 2))
def test_fingerprint_changes_with_any_value(row, column):
    original = dataset_from_arrays("one", X, LABELS)
    assert dataset_from_arrays("two", X.copy(), LABELS.copy()).fingerprint == original.fingerprint
    changed, labels = X.copy(), LABELS.copy()
    if column == 2:
        labels[row] = "a" if labels[row] == "b" else "b"
    else:
        changed[row, column] = np.nextafter(changed[row, column], np.inf)
    assert dataset_from_arrays("one", changed, labels).fingerprint != original.fingerprint


def test_fingerprint_changes_with_the_names_of_the_classes_and_the_shape():
    original = dataset_from_arrays("one", X, LABELS)
    renamed = dataset_from_arrays("one", X, np.char.upper(LABELS))
    wider = dataset_from_arrays("one", np.column_stack([X, X]), LABELS)
    assert len({original.fingerprint, renamed.fingerprint, wider.fingerprint}) == 3


def test_file_changed_since_it_was_pinned_is_refused(csv):
    name = csv(ROWS)
    pinned = pin_dataset(RunConfig(dataset=name))
    assert pinned.dataset_fingerprint == load_dataset(RunConfig(dataset=name)).fingerprint
    csv([*ROWS[:-1], "19,5,a"])
    with pytest.raises(DatasetError, match="changed since") as caught:
        load_dataset(pinned)
    assert "\n" not in str(caught.value)
    assert load_dataset(pin_dataset(RunConfig(dataset=name))).X[-1].tolist() == [19, 5]


def test_pinned_configuration_does_not_depend_on_where_the_file_lies(csv):
    first, second = (pin_dataset(RunConfig(dataset=csv(ROWS, f"{n}.csv"))) for n in "ab")
    assert first.dataset_fingerprint == second.dataset_fingerprint


def test_sets_known_by_name_are_not_pinned():
    for name in DATASETS:
        config = RunConfig(dataset=name)
        assert pin_dataset(config) == config
        assert replace(config, seed=1).dataset_fingerprint is None
