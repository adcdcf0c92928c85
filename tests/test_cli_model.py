"""``cdbench model``: what is kept is listed, exported, applied and checked; the rest is refused."""

import csv
import io
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from cdbench.cli import run
from cdbench.datasets import DATASETS
from cdbench.trained import runs
from cdbench.trained.npz import load
from tests.cli_tools import SMALL, Here, change, rows

COLUMNS = ("length", "width", "petal")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a run that is kept, one that is not, and a .csv's with names; copied."""
    folder = tmp_path_factory.mktemp("kept")
    iris = DATASETS["iris"]()
    names = np.array(["setosa", "versicolor", "virginica"])[iris.y]
    lines = [",".join([*map(str, row[:3]), name]) for row, name in zip(iris.X, names, strict=True)]
    named = "\n".join([",".join([*COLUMNS, "kind"]), *lines])
    (folder / "iris.csv").write_text(named)
    own = ("--no-spectra", "--db", str(folder / "runs.db"))
    assert run(["train", *SMALL, *own, "--keep-weights"]) == 0
    assert run(["train", *SMALL, *own, "--seed", "1"]) == 0
    data = ("--dataset", str(folder / "iris.csv"), "--hidden", "8", "--epochs", "4")
    assert run(["train", *data, *own, "--keep-weights"]) == 0
    return folder


@pytest.fixture
def kept(here: Here, folder: Path) -> Here:
    for name in ("runs.db", "iris.csv"):
        shutil.copy(folder / name, here.folder / name)
    return here


def predictions(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_train_says_what_is_kept_and_how_to_look_at_it(here: Here) -> None:
    kept = here("train", *SMALL, "--no-spectra", "--keep-weights")
    assert "its network is kept: cdbench model show 1\n" in kept.out
    wild = here("train", *SMALL, "--no-spectra", "--keep-weights", "--learning-rate", "1e200")
    assert wild.code == 1
    assert "its network is not kept: only that of a run that completes is\n" in wild.err
    assert rows(here.folder / "runs.db", "SELECT run_id FROM kept_weights") == [(1,)]


def test_a_sweep_keeps_the_weights_of_its_runs_and_trains_those_without(here: Here) -> None:
    sweep = ("sweep", *SMALL, "--B", "2", "--seeds", "0", "--jobs", "1", "--no-spectra")
    assert here(*sweep).code == 0
    question = "SELECT count(*) FROM kept_weights"
    assert rows(here.folder / "runs.db", question) == [(0,)]
    assert here(*sweep, "--keep-weights", "--resume").code == 0
    assert rows(here.folder / "runs.db", question) == [(2,)]
    again = here(*sweep, "--keep-weights", "--resume")
    assert "2 of 2 runs are stored already" in again.out
    assert here("db", "check").out == "runs.db is sound: 4 runs\n"


def test_defaults_and_sweeps_of_a_file_may_keep_weights(here: Here) -> None:
    (here.folder / "cdbench.toml").write_text("[defaults]\nkeep_weights = true\n")
    answer = here("train", *SMALL, "--no-spectra")
    assert "cdbench.toml: keep_weights\n" in answer.err
    assert "its network is kept" in answer.out
    assert "is kept" not in here("train", *SMALL, "--no-spectra", "--no-keep-weights").out
    (here.folder / "cdbench.toml").write_text("[defaults]\nkeep_weights = 1\n")
    refused = here("train", *SMALL)
    assert refused.code == 2
    assert refused.err.endswith("[defaults] keep_weights = 1: expected true or false\n")


def test_list_has_a_line_for_each_network_that_was_kept(kept: Here) -> None:
    answer = kept("model", "list", "--format", "json")
    records = json.loads(answer.out)["records"]
    assert [one["run_id"] for one in records] == [1, 3]
    stored = rows(kept.folder / "runs.db", "SELECT test_accuracy FROM epoch WHERE epoch = 2")
    assert records[0]["test_accuracy"] == stored[0][0]
    table = kept("model", "list").out
    assert "Networks that were kept in runs.db" in table
    assert f"{records[0]['n_parameters']:,}" in table


def test_list_of_nothing_says_how_to_keep_one(here: Here) -> None:
    here("train", *SMALL, "--no-spectra")
    answer = here("model", "list")
    words = "cdbench: runs.db: no run's network was kept; to keep one: cdbench train --keep-weights"
    assert (answer.code, answer.err) == (3, f"{words}\n")
    assert here("model", "show", "latest").err == f"{words}\n"


def test_a_model_goes_by_run_uuid_latest_and_file_alike(kept: Here) -> None:
    uuid = rows(kept.folder / "runs.db", "SELECT uuid FROM run WHERE run_id = 3")[0][0]
    assert kept("model", "export", "latest", "m.npz").out == (
        "wrote m.npz: cdlinear B=4, 28 parameters\n"
    )
    shown = {name: kept("model", "show", name).out for name in ("3", uuid[:8], "latest", "m.npz")}
    assert len(set(shown.values())) == 1
    assert "Takes 3 features: length, width, petal, input standardize." in shown["3"]
    assert "Gives 3 classes: setosa, versicolor, virginica." in shown["3"]
    assert load(kept.folder / "m.npz").digest in shown["3"]


def test_a_run_without_kept_weights_is_trained_again_and_compared(
    kept: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = kept("model", "export", "2", "m.npz")
    assert (answer.code, answer.err) == (
        0,
        "cdbench: run 2: its network was not kept, so it was trained again: equal to what is "
        "stored bit for bit\n",
    )
    assert kept("model", "check", "m.npz").code == 0
    change(kept.folder / "runs.db", "UPDATE epoch SET test_loss = test_loss + 1e-9")
    answer = kept("model", "export", "2", "m.npz")
    assert answer.code == 0
    assert "at the precision that is printed (2 numbers differ" in answer.err
    before = (kept.folder / "m.npz").read_bytes()
    change(kept.folder / "runs.db", "UPDATE epoch SET test_loss = 0.5 WHERE epoch = 2")
    answer = kept("model", "export", "2", "m.npz")
    assert answer.code == 2
    assert answer.err.startswith(
        "cdbench: run 2: its network was not kept, and trained again it is another (test loss of "
        "epoch 2: stored 0.5, found "
    )
    assert answer.err.endswith(
        "); to train a new run and keep its network: cdbench train --keep-weights\n"
    )
    assert (kept.folder / "m.npz").read_bytes() == before
    monkeypatch.setattr(runs, "as_stored", lambda stored, here: {"OPENBLAS_CORETYPE": "Haswell"})
    said = (
        "; with the processor's instructions that it had: OPENBLAS_CORETYPE=Haswell cdbench model"
    )
    assert said in kept("model", "export", "2", "m.npz").err


def test_a_run_that_did_not_complete_has_no_network(here: Here) -> None:
    here("train", *SMALL, "--no-spectra", "--learning-rate", "1e200")
    answer = here("model", "export", "1", "m.npz")
    assert (answer.code, answer.err) == (
        2,
        "cdbench: run 1 is diverged, so it has no network; expected a completed run\n",
    )


def test_a_name_that_is_neither_a_run_nor_a_file_is_refused_in_a_line(kept: Here) -> None:
    end = "expected a run_id, a uuid's first 4 characters, a tag, latest, or a file of export"
    for command in ("show", "check"):
        answer = kept("model", command, "m.pt")
        assert (answer.code, answer.err) == (
            2,
            f"cdbench: m.pt: is neither a run nor a .npz file; {end}\n",
        )
        assert kept("model", command, "none.npz").err == (
            "cdbench: none.npz: no such file; expected a model as cdbench model export writes it\n"
        )
        assert kept("model", command, "77").err.startswith(
            "cdbench: RUN 77: no such run in runs.db;"
        )


def test_export_refuses_formats_and_places_that_it_does_not_have(kept: Here) -> None:
    (kept.folder / "there").mkdir()
    for words, code, line in (
        (
            ("1", "m.pt2"),
            2,
            "m.pt2: no form of a model ends in .pt2; expected ",
        ),
        (("1", "m.npz", "--format", "pickle"), 2, "unknown format 'pickle' (known: "),
        (("1", "there", "--format", "npz"), 1, "OUTPUT there: cannot be written (it is a folder)"),
        (("1", "runs.db", "--format", "npz"), 1, "OUTPUT runs.db: cannot be written (it is a data"),
    ):
        answer = kept("model", "export", *words)
        assert answer.code == code
        assert answer.err.startswith(f"cdbench: {line}")
        assert answer.err.count("\n") == 1


def test_predictions_are_the_networks_own_whatever_the_order_of_columns(kept: Here) -> None:
    plain = kept("model", "predict", "latest", "iris.csv")
    found = predictions(plain.out)
    assert list(found[0]) == ["prediction", "p(setosa)", "p(versicolor)", "p(virginica)"]
    X = DATASETS["iris"]().X[:, :3]
    kept("model", "export", "latest", "m.npz")
    expected = load(kept.folder / "m.npz").probabilities(X)
    numbers = [[float(p) for p in [*row.values()][1:]] for row in found]
    np.testing.assert_array_equal(numbers, expected)
    right = sum(
        row["prediction"] == line.rpartition(",")[2]
        for row, line in zip(
            found, (kept.folder / "iris.csv").read_text().splitlines()[1:], strict=True
        )
    )
    assert plain.err == (
        f"cdbench: iris.csv: {right} of 150 labels are foretold, {100 * right / 150:.2f} %\n"
    )
    lines = [f"{row[2]},9,{row[0]},{row[1]}" for row in X]
    other = "\n".join(["petal,other,length,width", *lines])
    (kept.folder / "other.csv").write_text(other)
    answer = kept("model", "predict", "m.npz", "other.csv", "-o", "out.csv")
    assert answer.out == "wrote out.csv: 150 predictions\n"
    assert answer.err == "cdbench: other.csv: not used: other\n"
    assert (kept.folder / "out.csv").read_text() == plain.out
    (kept.folder / "bare.csv").write_text("\n".join(",".join(map(str, row)) for row in X))
    np.savez(kept.folder / "a.npz", X=X)
    np.save(kept.folder / "a.npy", X)
    for name in ("bare.csv", "a.npz", "a.npy"):
        answer = kept("model", "predict", "3", name)
        assert (answer.out, answer.err) == (plain.out, "")


def test_predictions_take_the_form_of_the_files_ending(kept: Here) -> None:
    kept("model", "predict", "latest", "iris.csv", "-o", "p.json")
    records = json.loads((kept.folder / "p.json").read_text())["records"]
    assert len(records) == 150
    assert records == [
        {name: value if name == "prediction" else float(value) for name, value in row.items()}
        for row in predictions(kept("model", "predict", "latest", "iris.csv").out)
    ]
    answer = kept("model", "predict", "latest", "iris.csv", "-o", "p.doc")
    assert (answer.code, answer.err) == (
        2,
        "cdbench: --output p.doc: no form of predictions ends in .doc; expected .csv, .json, .md, "
        ".txt, or --format beside it\n",
    )


REFUSED = {
    "lacks.csv": (
        "length,petal\n1,2\n",
        "lacks 'width', expected the columns 'length', 'width', 'petal', in any order",
    ),
    "wide.csv": (
        "1,2,3,4,5\n",
        "has 5 columns, expected the 3 features that the network was trained on, with or without "
        "a label",
    ),
    "blank.csv": (
        "length,width,petal\n1,2,3\n1,,3\n",
        "line 3, column 'width': got '', expected a finite number: the network was trained on "
        "numbers without blanks",
    ),
    "nan.csv": (
        "1,nan,3\n",
        "line 1, column 2: got 'nan', expected a finite number: the network was trained on numbers "
        "without blanks",
    ),
    "ragged.csv": ("1,2,3\n1,2\n", "line 2: got 2 columns, expected 3 as in line 1"),
    "nothing.csv": ("", "is empty, expected rows of numbers"),
    "header.csv": (
        "length,width,petal\n",
        "got a header but no rows, expected samples below it",
    ),
    "kind.txt": ("1,2,3\n", "has another ending, expected a .csv, .npz, .npy or .parquet file"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_data_that_do_not_suit_the_network_are_refused_in_a_line(kept: Here, name: str) -> None:
    text, words = REFUSED[name]
    (kept.folder / name).write_text(text)
    answer = kept("model", "predict", "latest", name)
    place = ", " if words.startswith("line") else ": "
    assert (answer.code, answer.out, answer.err) == (2, "", f"cdbench: {name}{place}{words}\n")


def test_arrays_that_do_not_suit_the_network_are_refused_in_a_line(kept: Here) -> None:
    hole = np.ones((4, 3))
    hole[1, 2] = np.nan
    for X, words in (
        (np.ones((4, 5)), "has 5 features, expected the 3 that the network was trained on"),
        (hole, "sample 2, feature 3 is nan, expected a finite number"),
        (np.ones((2, 2, 2)), "got images of 2 × 2 × 1, expected rows of a table"),
        (
            np.array([["a"]]),
            "got X (1, 1) of <U1, expected X of shape (N, n_features), or (N, height, width) or "
            "(N, height, width, channels), numeric",
        ),
    ):
        np.savez(kept.folder / "a.npz", X=X)
        answer = kept("model", "predict", "latest", "a.npz")
        assert (answer.code, answer.err) == (2, f"cdbench: a.npz: {words}\n")


def test_a_parquet_file_is_predicted_from_as_its_csv(kept: Here) -> None:
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    X = DATASETS["iris"]().X[:9, :3]
    columns = {"kind": ["setosa"] * 9, "petal": X[:, 2], "length": X[:, 0], "width": X[:, 1]}
    parquet.write_table(pa.table(columns), kept.folder / "a.parquet")
    plain = kept("model", "predict", "latest", "iris.csv").out.splitlines()
    answer = kept("model", "predict", "latest", "a.parquet")
    assert answer.out.splitlines() == plain[:10]
    assert answer.err == "cdbench: a.parquet: not used: kind\n"
    columns["width"] = pa.array([None, *X[1:, 1]])
    parquet.write_table(pa.table(columns), kept.folder / "a.parquet")
    refused = kept("model", "predict", "latest", "a.parquet")
    assert (refused.code, refused.out) == (2, "")
    assert refused.err.startswith("cdbench: a.parquet, column 'width', row 1: got None, expected a")


def test_images_are_predicted_from_as_they_were_trained_on(here: Here) -> None:
    rng = np.random.default_rng(0)
    X, y = rng.integers(0, 255, (60, 6, 5)).astype(np.uint8), np.arange(60) % 2
    np.savez(here.folder / "i.npz", X=X, y=y)
    conv = ("--architecture", "conv", "--channels", "4", "--layer", "dense", "--epochs", "1")
    trained = here("train", "--dataset", "i.npz", *conv, "--no-spectra", "--keep-weights")
    assert trained.code == 0, trained.err
    plain = here("model", "predict", "latest", "i.npz")
    assert re.fullmatch(r"cdbench: i.npz: \d+ of 60 labels are foretold, \S+ %\n", plain.err)
    np.save(here.folder / "flat.npy", X.reshape(60, -1))
    assert here("model", "predict", "latest", "flat.npy").out == plain.out
    np.save(here.folder / "turned.npy", X.transpose(0, 2, 1))
    assert here("model", "predict", "latest", "turned.npy").err == (
        "cdbench: turned.npy: got images of 5 × 6 × 1, expected images of 6 × 5 × 1\n"
    )


def test_text_and_blanks_are_encoded_as_in_training(here: Here) -> None:
    lines = ["red,1.5,3,yes", "blue,2.5,,no", "red,1.0,4,yes", "green,2.0,5,no"] * 3
    (here.folder / "t.csv").write_text("\n".join(["colour,size,age,kind", *lines]))
    words = ("--dataset", "t.csv", "--encode", "one-hot", "--hidden", "4", "--epochs", "2")
    here("train", *words, "--batch-size", "4", "--no-spectra", "--keep-weights")
    answer = here("model", "predict", "1", "t.csv")
    assert len({row["p(yes)"] for row in predictions(answer.out)[:4]}) == 4
    (here.folder / "u.csv").write_text("age,colour,size\n,blue,2.5\n3,pink,1.5\n")
    blue, pink = predictions(here("model", "predict", "1", "u.csv").out)
    assert blue == predictions(answer.out)[1]
    assert pink != predictions(answer.out)[0]
    (here.folder / "w.csv").write_text("age,colour,size\n3,blue,many\n")
    assert here("model", "predict", "1", "w.csv").err == (
        "cdbench: w.csv, line 2, column 'size': got 'many', expected a finite number, or an empty "
        "cell for a blank\n"
    )


def test_classes_called_nan_or_inf_stay_apart_in_json(here: Here) -> None:
    names = ("nan", "inf", "2")
    lines = [f"{place},{names[place // 9]}" for place in range(27)]
    (here.folder / "a.csv").write_text("\n".join(["x,kind", *lines]))
    training = ("--layer", "dense", "--hidden", "8", "--epochs", "60", "--keep-weights")
    assert here("train", "--dataset", "a.csv", *training, "--no-spectra").code == 0
    answer = here("model", "predict", "latest", "a.csv", "--format", "json")
    found = {one["prediction"] for one in json.loads(answer.out)["records"]}
    assert found == {"nan", "inf", 2}


def test_a_regression_predicts_in_the_targets_unit(here: Here) -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3))
    y = 1000.0 + 50 * X @ [1.0, -2.0, 0.5]
    table = np.column_stack([X, y])
    (here.folder / "q.csv").write_text("\n".join(",".join(map(str, row)) for row in table.tolist()))
    words = ("--dataset", "q.csv", "--task", "regression", "--hidden", "8", "--epochs", "40")
    here("train", *words, "--batch-size", "8", "--no-spectra", "--keep-weights", "--layer", "dense")
    answer = here("model", "predict", "1", "q.csv")
    found = np.array([float(row["prediction"]) for row in predictions(answer.out)])
    r2 = 1 - np.sum((y - found) ** 2) / np.sum((y - y.mean()) ** 2)
    assert r2 > 0.8
    assert answer.err == f"cdbench: q.csv: R² of the 60 targets is {r2:.4f}\n"
    assert here("model", "check", "1").code == 0


def test_check_finds_what_differs_from_the_stored_run(kept: Here) -> None:
    answer = kept("model", "check", "latest", "--format", "json")
    outcomes = {one["quantity"]: one["outcome"] for one in json.loads(answer.out)["records"]}
    assert answer.code == 0
    assert outcomes == dict.fromkeys(
        ("parameters", "digest", "input transform", "test loss", "test accuracy"), "equal"
    )
    kept("model", "export", "latest", "m.npz")
    change(kept.folder / "runs.db", "UPDATE epoch SET test_accuracy = 0.5 WHERE run_id = 3")
    for name in ("latest", "m.npz"):
        answer = kept("model", "check", name)
        assert answer.code == 1
        assert "50.00 %   DIFFERENT" in answer.out
    (kept.folder / "runs.db").unlink()
    answer = kept("model", "check", "m.npz")
    assert answer.code == 0
    assert "nothing stored to compare with" in answer.out


def test_check_refuses_a_network_that_was_changed(kept: Here) -> None:
    change(kept.folder / "runs.db", "UPDATE kept_weights SET digest = 'x' WHERE run_id = 3")
    answer = kept("model", "check", "latest")
    assert (answer.code, answer.err) == (
        3,
        "cdbench: runs.db: the network of run 3 is damaged (the digest is not that of the "
        "parameters); to see what else is: cdbench db check --db runs.db\n",
    )


def test_a_texts_network_predicts_no_rows(here: Here) -> None:
    (here.folder / "book.txt").write_text("to be or not to be " * 60)
    words = ("--architecture", "attention", "--dataset", "text:book.txt", "--width", "8")
    more = ("--heads", "1", "--depth", "1", "--epochs", "1", "--layer", "dense", "--context", "8")
    here("train", *words, *more, "--no-spectra", "--keep-weights")
    assert here("model", "check", "latest").code == 0
    (here.folder / "a.csv").write_text("1,2\n")
    assert here("model", "predict", "latest", "a.csv").err == (
        "cdbench: latest: foretells the characters of a text, expected a classification or "
        "regression\n"
    )
