"""A user's own files: a test file, text and blanks, two arrays, Parquet."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from cdbench.config.run_config import RunConfig
from cdbench.datasets import _read_pinned, load_dataset, pin_dataset
from cdbench.errors import ConfigurationError, DatasetError
from cdbench.running.execution import execute
from tests.test_datasets import load, refusal

RNG = np.random.default_rng(4)
HEADER = "size,colour,weight,kind"
COLOURS = ["red", "green", "blue", "7"]


def rows(n, seed=0):
    """Rows of a number, a text and a number, some blank, and a label."""
    rng = np.random.default_rng(seed)
    for i in range(n):
        size = "" if rng.random() < 0.1 else f"{rng.normal():.4f}"
        colour = "" if rng.random() < 0.2 else COLOURS[rng.integers(4)]
        weight = "nan" if rng.random() < 0.1 else str(rng.integers(100))
        yield f"{size},{colour},{weight},{'ab'[i % 2]}"


@pytest.fixture
def write(tmp_path):
    def written(lines, name="data.csv"):
        (tmp_path / name).write_text("\n".join(lines) + "\n")
        return str(tmp_path / name)

    return written


@pytest.mark.parametrize("seed", range(5))
def test_text_and_blanks_are_encoded_as_by_scikit_learn_fitted_on_the_training_split(write, seed):
    lines = list(rows(60))
    data = load(write([HEADER, *lines]), encode="one-hot")
    assert (data.X.shape, data.n_features) == ((60, 3), 6)
    split = data.split(seed, transform="scale")

    cells = [line.split(",") for line in lines]
    table = np.array(
        [[float(a or "nan"), b or np.nan, float(c)] for a, b, c, _ in cells], dtype=object
    )
    sides = data._sides(seed, 0.0)
    whole = [tuple(row) for row in np.where(np.isnan(data.X), -9, data.X).tolist()]
    rows_of = [
        [whole.index(tuple(row)) for row in np.where(np.isnan(X), -9, X).tolist()] for X, _ in sides
    ]
    imputer = SimpleImputer(strategy="most_frequent")
    one_hot = OneHotEncoder(
        handle_unknown="ignore", sparse_output=False, categories=[sorted(COLOURS)]
    )
    theirs = ColumnTransformer(
        [
            ("size", SimpleImputer(strategy="median"), [0]),
            ("colour", make_pipeline(imputer, one_hot), [1]),
            ("weight", SimpleImputer(strategy="median"), [2]),
        ]
    )
    train = theirs.fit_transform(table[rows_of[0]]).astype(float)
    test = theirs.transform(table[rows_of[1]]).astype(float)
    largest = np.abs(train).max()
    np.testing.assert_allclose(split.X_train, train / largest, rtol=1e-15)
    np.testing.assert_allclose(split.X_test, test / largest, rtol=1e-15)


def test_a_text_that_no_training_sample_has_weighs_nothing(write):
    lines = [f"{i},{'xy'[i % 2]},{'ab'[i % 2]}" for i in range(20)]
    data = load(write([*lines[:-1], "19,rare,b"]), encode="one-hot")
    assert data.texts == ((), ("rare", "x", "y"))
    for seed in range(20):
        split = data.split(seed, transform="standardize")
        if not split.X_train[:, 1].any():
            np.testing.assert_array_equal(split.X_test[:, 1], 0)
            break
    else:
        pytest.fail("no seed has the rare text in its test split")


def test_without_encode_text_and_blanks_are_refused_with_the_hint(write, tmp_path):
    name = write([HEADER, *(f"1,red,{i},{'ab'[i % 2]}" for i in range(20))])
    assert refusal(name) == (
        f"{name}, line 2, column 'colour': got 'red', expected a finite number (only one column "
        "may hold labels: the last, or --label-column NAME; to encode text and fill blanks: "
        "--encode one-hot)"
    )
    np.savez(tmp_path / "a.npz", X=np.full((9, 2), np.nan), y=np.arange(9) % 2)
    assert refusal(str(tmp_path / "a.npz")) == (
        f"{tmp_path}/a.npz: sample 1, feature 1 is nan, expected a finite number; drop or fill "
        "such rows first, or, to encode text and fill blanks: --encode one-hot"
    )


def test_a_column_without_any_value_in_the_training_split_is_refused(write):
    name = write([f",{i},{'ab'[i % 2]}" for i in range(20)])
    data = load(name, encode="one-hot")
    with pytest.raises(DatasetError) as caught:
        data.split(0)
    assert str(caught.value) == (
        f"{name}: feature 1 is blank in all training samples, expected a value in some; leave the "
        "column out"
    )


def test_infinite_cells_and_columns_of_too_many_texts_are_refused(write):
    lines = [f"{i},{'ab'[i % 2]}" for i in range(20)]
    for head, line, called in ((["p,kind"], 22, "column 'p'"), ([], 21, "feature 1")):
        name = write([*head, *lines, "inf,a"])
        assert refusal(name, encode="one-hot") == (
            f"{name}, line {line}, {called}: got 'inf', expected a finite number, or an empty cell "
            "for a blank"
        )
    name = write([f"{i},{'ab'[i % 2]}" for i in range(1200)] + ["NA,a"])
    assert refusal(name, encode="one-hot") == (
        f"{name}: feature 1 has more than 1,000 different texts, too many to encode; where it "
        "holds numbers and a word for blanks, leave those cells empty, else leave the column out"
    )


def test_a_file_of_numbers_is_the_same_encoded_or_not(write):
    name = write([f"{i},{i * i % 7},{'ab'[i % 2]}" for i in range(20)])
    plain, encoded = load(name), load(name, encode="one-hot")
    assert plain.fingerprint == encoded.fingerprint
    np.testing.assert_array_equal(plain.split(0).X_train, encoded.split(0).X_train)


def test_the_test_file_is_the_test_split_and_in_the_fingerprint(write):
    name = write([HEADER, *rows(60)])
    test = write([HEADER, *rows(20, seed=1), "1,violet,3,b"], "test.csv")
    data = load(name, test=test, encode="one-hot")
    split = data.split(3)
    assert (len(split.y_train), len(split.y_test)) == (60, 21)
    assert not split.X_test[20, 1:5].any()  # a text that only the test file has
    config = pin_dataset(RunConfig(dataset=name, test=test, encode="one-hot"))
    assert '"test":' in config.canonical_json()
    before = config.dataset_fingerprint
    write([HEADER, *rows(21, seed=2)], "test.csv")
    assert pin_dataset(replace(config, dataset_fingerprint=None)).dataset_fingerprint != before
    _read_pinned.cache_clear()
    with pytest.raises(DatasetError, match="its contents changed since"):
        load_dataset(config)


def test_a_test_file_of_labels_in_another_order_keeps_its_classes(write, tmp_path):
    X, y = RNG.normal(size=(30, 2)), np.array(["c", "a", "b"] * 10)
    np.savez(tmp_path / "train.npz", X=X, y=y)
    np.savez(tmp_path / "test.npz", X=X[:3], y=np.array(["c", "b", "b"]))
    data = load(str(tmp_path / "train.npz"), test=str(tmp_path / "test.npz"))
    assert data.split(0).y_test.tolist() == [2, 1, 1]


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["p,q,kind", "1,2,c"], "label 'c' is none of {name}, expected a, b"),
        (["p,r,kind", "1,2,a"], "feature 2 is called 'r', expected 'q' as in {name}"),
        (["p,kind", "1,a", "2,b"], "got 1 features, expected 2 as in {name}"),
        (["p,q,kind"], "got a header but no rows, expected samples below it"),
    ],
)
def test_a_test_file_that_does_not_suit_is_refused(write, lines, words):
    name = write(["p,q,kind", *(f"{i},{i * i % 7},{'ab'[i % 2]}" for i in range(20))])
    test = write(lines, "test.csv")
    assert refusal(name, test=test) == f"{test}: {words.format(name=name)}"


def test_knobs_for_files_are_refused_for_other_sets(write):
    expected = "expected a path to a .npz, .csv or .parquet file, or X.npy,y.npy"
    for knobs in ({"test": "x.csv"}, {"encode": "one-hot"}):
        ((key, value),) = knobs.items()
        assert refusal("iris", error=ConfigurationError, **knobs) == (
            f"{key} = {value!r} was given with dataset iris; {expected}"
        )
    name = write([f"{i},{i * i % 7},{'ab'[i % 2]}" for i in range(20)])
    assert refusal(name, error=ConfigurationError, test="x.txt") == f"test = 'x.txt': {expected}"
    assert refusal(name, test="x.csv") == f"x.csv: no such file; {expected}"
    assert "encode" not in RunConfig().canonical_json()
    assert "test" not in RunConfig(dataset="a.csv").canonical_json().replace('"test_', "")


def test_two_arrays_are_read_like_the_npz_of_the_same_content(tmp_path):
    X, y = RNG.integers(0, 9, (20, 3)), np.array(["a", "b"] * 10)
    np.save(tmp_path / "X.npy", X)
    np.save(tmp_path / "y.npy", y)
    np.savez(tmp_path / "both.npz", X=X, y=y)
    name = f"{tmp_path}/X.npy,{tmp_path}/y.npy"
    assert load(name).fingerprint == load(str(tmp_path / "both.npz")).fingerprint
    run = execute(pin_dataset(RunConfig(dataset=name, epochs=1, hidden=(4,))))
    assert run.status == "completed"


SHAPES = (
    "of shape (N, n_features), or (N, height, width) or (N, height, width, channels), numeric, and "
    "y of shape (N,)"
)
EXPECTED = f"expected two .npy files, X {SHAPES}"


@pytest.mark.parametrize(
    ("X", "y", "words"),
    [
        (np.zeros((4, 2), object), np.arange(4), "X.npy: holds pickled objects, which are refused; "
         + EXPECTED),
        (np.zeros((4, 2)), b"no array", "y.npy: cannot be read as .npy (y is not an array: the "
         "magic string is not correct; expected b'\\x93NUMPY', got b'no arr'); " + EXPECTED),
        (np.zeros((4, 2)), np.arange(3), "X.npy: got X (4, 2) and y (3,), expected a .npz with X "
         + SHAPES),
    ],
)  # fmt: skip
def test_bad_arrays_are_refused_in_one_line(tmp_path, X, y, words):
    np.save(tmp_path / "X.npy", X)
    if isinstance(y, bytes):
        (tmp_path / "y.npy").write_bytes(y)
    else:
        np.save(tmp_path / "y.npy", y)
    assert refusal(f"{tmp_path}/X.npy,{tmp_path}/y.npy") == f"{tmp_path}/{words}"


def test_an_array_that_is_cut_or_missing_is_refused(tmp_path):
    np.save(tmp_path / "X.npy", np.zeros((4, 2)))
    np.save(tmp_path / "y.npy", np.arange(4))
    path = tmp_path / "X.npy"
    path.write_bytes(path.read_bytes()[:-1])
    assert "claims shape (4, 2) and float64" in refusal(f"{path},{tmp_path}/y.npy")
    assert refusal(f"{path},{tmp_path}/z.npy").startswith(f"{tmp_path}/z.npy: no such file; ")


@pytest.fixture
def parquet(tmp_path):
    pa, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")

    def written(name="data.parquet", **columns):
        parquet.write_table(pa.table(columns), tmp_path / name)
        return str(tmp_path / name)

    return written


def test_parquet_is_read_like_the_csv_of_the_same_content(write, parquet):
    lines = [line.split(",") for line in rows(60)]
    columns = {
        "size": [float(row[0]) if row[0] else None for row in lines],
        "colour": [row[1] or None for row in lines],
        "weight": [None if row[2] == "nan" else int(row[2]) for row in lines],
        "kind": [row[3] for row in lines],
    }
    csv = write([HEADER, *(",".join(row) for row in lines)])
    name = parquet(**columns)
    assert load(name, encode="one-hot").fingerprint == load(csv, encode="one-hot").fingerprint
    assert load(csv, encode="one-hot", test=name).split(0).X_test.shape == (60, 6)
    first = {"kind": columns.pop("kind"), **columns}
    again = load(parquet(**first), label_column="kind", encode="one-hot")
    assert again.fingerprint == load(csv, encode="one-hot").fingerprint


def test_bad_parquet_is_refused_in_one_line(write, parquet, tmp_path):
    y = ["a", "b"] * 5
    for columns, words in (
        ({"p": [1.0] * 9 + [None], "kind": y}, "column 'p', row 10: got None, expected a finite "
         "number (to encode text and fill blanks: --encode one-hot)"),
        ({"p": list("x" * 10), "kind": y}, "column 'p', row 1: got 'x', expected a finite number "
         "(to encode text and fill blanks: --encode one-hot)"),
        ({"p": [[1]] * 10, "kind": y}, "column 'p': holds list<element: int64>, expected numbers "
         "or text"),
        ({"p": [1] * 10, "kind": [*y[:-1], None]}, "column 'kind', row 10: has no label, expected "
         "one in every row"),
    ):  # fmt: skip
        name = parquet(**columns)
        assert refusal(name) == (f"{name}{',' if words[0] == 'c' else ':'} {words}")
    (tmp_path / "data.parquet").write_bytes(b"PAR1 not really")
    assert "cannot be read as .parquet (" in refusal(str(tmp_path / "data.parquet"))


def test_without_pyarrow_the_extra_is_named(parquet, monkeypatch):
    name = parquet(p=[1.0] * 10, kind=["a", "b"] * 5)
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    assert refusal(name, error=ConfigurationError) == (
        f"{name}: reading Parquet needs pyarrow, which is not installed; type: pip install "
        "'cdbench[parquet]', or save it as .csv"
    )


def test_an_encoded_set_is_trained(write):
    name = write([HEADER, *rows(60)])
    config = pin_dataset(
        RunConfig(dataset=name, encode="one-hot", epochs=1, hidden=(4,), permute=2)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run = execute(config)
    assert (run.status, run.widths[0]) == ("completed", 8)


@pytest.mark.parametrize("blank", ["", "NA"])
@pytest.mark.parametrize("command", [["train"], ["compare", "--budget", "0.5", "--dry-run"]])
def test_a_word_among_numbers_that_makes_each_a_feature_is_told(here, write, command, blank):
    write(["mass,kind", *(f"{i if i % 9 else blank},{'ab'[i % 2]}" for i in range(40))])
    answer = here(*command, "--dataset", "data.csv", "--encode", "one-hot", "--epochs", "1")
    n_features = 36 if blank else 1  # numbers of 0 to 39 that 9 does not divide, and the word
    assert f"data.csv: 40 samples of {n_features} features; " in answer.out
    said = (
        "cdbench: data.csv: column 'mass' has 'NA' among its numbers, so each of its 36 texts is a "
        "feature; where that stands for a blank, leave those cells empty\n"
    )
    assert (answer.code, answer.err) == (0, said if blank else "")


@pytest.mark.parametrize("command", [["train"], ["sweep", "--seeds", "0", "--no-baseline"]])
def test_the_classes_of_a_users_file_are_printed_before_it_is_trained(here, write, command):
    write([f"{i},{i * i % 7},{'abbb'[i % 4]}" for i in range(40)])
    answer = here(*command, "--dataset", "data.csv", "--epochs", "1", "--hidden", "4")
    assert answer.code == 0, answer.err
    assert "data.csv: 40 samples of 2 features; b 30 (75.0 %), a 10 (25.0 %)\n" in answer.out
    plain = here(*command, "--dataset", "iris", "--epochs", "1", "--hidden", "4")
    assert "samples of" not in plain.out
