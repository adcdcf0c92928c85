"""Bad input gets one clear line and its exit code, and changes nothing in the folder."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from cdbench.cli import run
from tests.cli_tools import (
    NEWEST,
    SMALL,
    Answer,
    Here,
    change,
    contents,
    for_real,
)

SWEEP_TO_TYPE = "cdbench sweep --B 1 3 4 5 7 8 --seeds 0 1 2"


@pytest.fixture(scope="module")
def small_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("small") / "runs.db"
    assert run(["train", *SMALL, "--B", "2", "--db", str(path)]) == 0
    return path


def assert_refused(answer: Answer, code: int, *fragments: str) -> None:
    assert answer.code == code, answer
    assert answer.out == ""
    lines = answer.err.splitlines()
    assert len(lines) == 1, answer.err
    assert lines[0].startswith("cdbench: ")
    for fragment in fragments:
        assert fragment in lines[0]


def refuse(here: Here, line: str, code: int, *fragments: str) -> None:
    """Check that a command line is refused and leaves its folder as it was."""
    before = contents(here.folder)
    assert_refused(here(*line.split()), code, *fragments)
    assert contents(here.folder) == before


# Words of the command line

TRAIN_OR_SWEEP = [
    ("--B 0", "B = 0: expected a block size of at least 1"),
    ("--B -1", "B = -1: expected a block size of at least 1"),
    ("--B 65", "would pad it from 64 to 65"),
    ("--B 9 --hidden 8", "would pad it from 8 to 9"),
    ("--B x", "'--B': 'x' is not a whole number"),
    ("--B 1.5", "'--B': '1.5' is not a whole number"),
    ("--B", "Option '--B' requires"),
    ("--epochs", "Option '--epochs' requires"),
    ("--layer dens", "did you mean dense?"),
    ("--layer dense --B 4 --fisher-weight 1", "layer dense"),
    ("--optimizer sdg", "did you mean sgd?"),
    ("--fisher-form trace", "did you mean trace-inverse?"),
    ("--dtype float46", "did you mean float64?"),
    ("--dataset digts", "did you mean digits?"),
    ("--dataset nowhere.csv", "nowhere.csv: no such file"),
    ("--dataset nowhere.npz", "nowhere.npz: no such file"),
    ("--lerning-rate 0.1", "--learning-rate"),
    ("--epochs 0", "epochs = 0: expected at least 1"),
    ("--batch-size 0", "batch_size = 0: expected at least 1"),
    ("--dropout 1", "dropout = 1.0: expected 0 or more, below 1"),
    ("--dropout -0.1", "dropout = -0.1: expected 0 or more"),
    ("--dropout alpha", "dropout = 'alpha': expected a number, or alpha-cd"),
    ("--momentum 1", "momentum = 1.0: expected"),
    ("--hidden 0", "expected widths of at least 1"),
    ("--hidden 8 -8", "expected widths of at least 1"),
    ("--learning-rate nan", "learning_rate = nan: expected a positive number"),
    ("--learning-rate inf", "learning_rate = inf: expected a positive number"),
    ("--learning-rate 0", "learning_rate = 0.0: expected a positive number"),
    ("--learning-rate -1e-3", "learning_rate = -0.001: expected a positive number"),
    ("--learning-rate fast", "'--learning-rate': 'fast'"),
    ("--fisher-weight -1", "fisher_weight = -1.0: expected 0 or more"),
    ("--fisher-weight 1 --fisher-epsilon 0", "fisher_epsilon = 0.0: expected a positive number"),
    ("--layer dense --fisher-weight 1", "fisher_weight was given with layer dense"),
    ("--label-column kind", "label_column = 'kind' was given with dataset digits"),
]

OTHERS = [
    ("train --seed -1", "seed = -1: expected 0 to 4294967295"),
    ("train --seed 4294967296", "seed = 4294967296: expected 0 to 4294967295"),
    ("train --layer dense --B 4", "B = 4 was given with layer dense"),
    ("train some words", "train takes options only, and was given some words beside them"),
    ("db check old.db", "takes its database by an option; type: cdbench db check --db old.db"),
    ("train --seeds 0", "--seed"),
    ("sweep --layer dense --B 4", "layer dense"),
    ("sweep --seeds", "Option '--seeds' requires at least one value"),
    ("sweep --B 4 --seeds 0 0", "seeds: 0 is given twice"),
    ("sweep --B 4 --seeds 0..3 2", "seeds: 2 is given twice"),
    ("sweep --B 4 4", "B: 4 is given twice"),
    ("sweep --B 4 --learning-rate 0.1 1e-1", "learning_rate: 0.1 is given twice"),
    ("sweep --B 4 --seeds 3..0", "range 3..0 descends; expected 0..3"),
    ("sweep --B 4 --seeds 0..4294967296", "expected 100,000 at most"),
    ("sweep --B 4 --seeds 0..", "'0..' is not a whole number"),
    ("sweep --B 4 --seeds -1", "seed = -1"),
    ("sweep --B 4 0", "B = 0: expected a block size of at least 1"),
    ("sweep --B 4 --jobs 0", "'--jobs'"),
    ("sweep --B 4 --jobs many", "'--jobs'"),
    ("sweep --B 4 --learning-rate 0.1 nan", "learning_rate = nan"),
    ("sweep nosuch", "nosuch"),
    ("swep --B 4", "did you mean cdbench sweep?"),
    ("rprt", "cdbench has no command rprt; did you mean cdbench report?"),
    ("--nosuch", "No such option: --nosuch"),
    ("--versoin", "--version"),
    ("report --short", "--short is of --claims; expected report --claims --short"),
    ("report --tabel1", "--table1"),
    ("report --table1 --format xml", "'xml' is not one of 'table', 'markdown', 'latex'"),
    ("report --table1 --seeds 0 0", "repeats a value"),
    ("report --table1 --B 4 4", "repeats a value"),
    ("report --table1 --B 0", "B = 0: expected a block size of at least 1"),
    ("report --table1 --B 65", "would pad it from 64 to 65"),
    ("report --table1 --B", "Option '--B' requires at least one value"),
    ("report --table1 --seeds -1", "seed = -1: expected"),
    ("plot", "no figure was named; expected --fig1, --fig2 or both"),
    ("plot --fig3", "plot has no option --fig3"),
    ("plot --fig1 --format jpg", "'jpg' is not one of 'png', 'pdf', 'svg'"),
    ("plot --fig1 --seed x", "'--seed'"),
]

LINES = [
    *((f"{command} {words}", text) for words, text in TRAIN_OR_SWEEP for command in ("train",)),
    *((f"sweep --seeds 0 {words}", text) for words, text in TRAIN_OR_SWEEP),
    *OTHERS,
]


@pytest.mark.parametrize("stored", [False, True], ids=["nothing stored", "stored"])
@pytest.mark.parametrize(("line", "fragment"), LINES)
def test_a_wrong_word_is_refused_in_one_line(
    here: Here, small_database: Path, line: str, fragment: str, stored: bool
) -> None:
    if stored:
        shutil.copy(small_database, here.folder / "runs.db")
    refuse(here, line, 2, fragment)


def test_a_wrong_seed_of_a_figure_is_refused(here: Here, small_database: Path) -> None:
    shutil.copy(small_database, here.folder / "runs.db")
    refuse(here, "plot --fig1 --seed -1", 2, "seed = -1: expected 0 to 4294967295")


def test_an_unknown_sweep_is_named_in_a_sentence_that_can_be_read(here: Here) -> None:
    refuse(here, "sweep nosuch", 2, "unknown sweep 'nosuch'")
    answer = here("sweep", "nosuch")
    assert "no cdbench.toml" in answer.err
    assert "known: ," not in answer.err
    assert "above defines no" not in answer.err
    (here.folder / "cdbench.toml").write_text("[sweeps.table1]\nB = 4\n")
    refuse(here, "sweep tabel1", 2, "did you mean table1?")


@pytest.mark.parametrize("name", ["EPOCHS", "B", "LEARNING_RATE"])
def test_a_wrong_word_in_the_environment_is_refused(
    here: Here, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(f"CDBENCH_{name}", "x")
    for command in ("train", "sweep"):
        refuse(here, command, 2, name.lower().replace("_", "-") if name != "B" else "--B", "'x'")


def test_a_refusal_is_the_same_from_the_console_script(tmp_path: Path) -> None:
    answer = for_real(tmp_path, "train", "--B", "0")
    assert_refused(answer, 2, "B = 0: expected a block size of at least 1")
    answer = for_real(tmp_path, "report", "--table1")
    assert_refused(answer, 3, SWEEP_TO_TYPE)
    assert list(tmp_path.iterdir()) == []


# cdbench.toml


@pytest.mark.parametrize("command", ["train", "sweep", "report --table1", "plot --fig1"])
@pytest.mark.parametrize(
    ("text", "fragment"),
    [
        ("databse = 'x.db'", "did you mean database?"),
        ("[defaults]\nepoch = 3", "did you mean epochs?"),
        ("[defaults]\nlearning-rate = 0.1", "did you mean learning_rate?"),
        ("[sweeps.a]\nseed = [0, 1]", "did you mean seeds?"),
        ("[sweep.a]\nB = 4", "did you mean sweeps?"),
        ("[defaults]\ndataset = 'iris'\nlayer = 'dens'", "did you mean dense?"),
        ("epochs = = 3", "line 1"),
        ("[defaults", "Expected ']'"),
        ("database = 3", "expected a path or an SQLAlchemy URL"),
        ("[defaults]\nepochs = 'many'", "expected a whole number"),
        ("[defaults]\nepochs = 2.5", "expected a whole number"),
        ("[defaults]\nepochs = true", "expected a whole number"),
        ("[defaults]\nmomentum = 'much'", "expected a number"),
        ("[defaults]\nB = 0", "expected a block size of at least 1"),
        ("[sweeps.a]\nB = []", "expected at least one value"),
        ("[sweeps.a]\nB = [4, 'x']", "expected a whole number"),
        ("[sweeps.a]\njobs = 0", "expected a whole number, 1 or more"),
        ("[sweeps.a]\nbaseline = 'no'", "expected true or false"),
        ("sweeps = 3", "expected a table"),
    ],
)
def test_a_wrong_file_is_refused_by_every_command(
    here: Here, command: str, text: str, fragment: str
) -> None:
    (here.folder / "cdbench.toml").write_text(text)
    refuse(here, command, 2, "cdbench.toml", fragment)


def test_a_file_that_is_no_text_is_refused(here: Here) -> None:
    (here.folder / "cdbench.toml").write_bytes(b"\xff\xfe\x00")
    refuse(here, "train", 2, "cdbench.toml")


# Data sets

GOOD = [f"{i / 7},{i % 3},{'ab'[i % 2]}" for i in range(20)]


@pytest.mark.parametrize("command", ["train", "sweep"])
@pytest.mark.parametrize(
    ("lines", "fragment"),
    [
        (["x,y,kind", *GOOD, "1.0,many,a"], "line 22, column 'y': got 'many'"),
        (["x,y,kind", *GOOD, "1.0,,a"], "line 22, column 'y': got ''"),
        ([*GOOD, "nan,1,a"], "line 21, column 1: got 'nan', expected a finite number"),
        ([*GOOD, "1,inf,a"], "line 21, column 2: got 'inf', expected a finite number"),
        (["x,y,kind", *(f"{i},{i},a" for i in range(20))], "only one class"),
        (["x,y,kind", "1,2,a", "2,3,b", "3,4,a", "4,5,b", "5,6,a"], "expected at least"),
        (["x,y,kind", *GOOD, "1,2,c"], "class 'c' has 1 row, expected at least 2"),
        (["x,y,kind", *GOOD, "1,2"], "line 22: got 2 columns, expected 3"),
        (["x,y,kind", *GOOD, "1,2,3,a"], "line 22: got 4 columns, expected 3"),
        (["x,y,kind"], "got a header but no rows"),
        ([""], "is empty"),
        (["kind", "a", "b"], "got 1 column"),
    ],
)
def test_a_wrong_csv_is_refused(here: Here, command: str, lines: list[str], fragment: str) -> None:
    (here.folder / "mine.csv").write_text("\n".join(lines) + "\n")
    refuse(here, f"{command} --dataset mine.csv --B 2 --hidden 4", 2, "mine.csv", fragment)


def test_a_csv_that_is_no_text_is_refused(here: Here) -> None:
    (here.folder / "mine.csv").write_bytes(b"\xff\xfe\x00\x01")
    refuse(here, "train --dataset mine.csv", 2, "mine.csv: cannot be read as .csv")


def test_an_unknown_label_column_is_refused_with_the_nearest(here: Here) -> None:
    (here.folder / "mine.csv").write_text("\n".join(["x,y,kind", *GOOD]))
    refuse(here, "train --dataset mine.csv --label-column knid", 2, "did you mean kind?")


X = np.arange(40.0).reshape(20, 2)
Y = np.arange(20) % 2


@pytest.mark.parametrize("command", ["train", "sweep"])
@pytest.mark.parametrize(
    ("arrays", "fragment"),
    [
        ({"X": X.astype(object), "y": Y}, "holds pickled objects"),
        ({"X": X, "y": Y.astype(object)}, "holds pickled objects"),
        ({"X": X}, "found X, expected"),
        ({"data": X, "target": Y}, "found data, target, expected"),
        ({"X": X[:, 0], "y": Y}, "got X (20,) and y (20,)"),
        ({"X": X, "y": Y[:-1]}, "got X (20, 2) and y (19,)"),
        ({"X": X, "y": X}, "got X (20, 2) and y (20, 2)"),
        ({"X": X[:, :0], "y": Y}, "got X (20, 0)"),
        ({"X": X[:0], "y": Y[:0]}, "mine.npz"),
        ({"X": X.astype(str), "y": Y}, "X has dtype"),
        ({"X": X, "y": Y + 0.5}, "y has dtype float64"),
        ({"X": np.where(X == 5, np.nan, X), "y": Y}, "sample 3, feature 2 is nan"),
        ({"X": X, "y": 0 * Y}, "only one class"),
        ({"X": X[:4], "y": Y[:4]}, "got 4 rows, expected at least"),
    ],
)
def test_a_wrong_npz_is_refused(
    here: Here, command: str, arrays: dict[str, np.ndarray], fragment: str
) -> None:
    np.savez(here.folder / "mine.npz", **arrays)  # type: ignore[arg-type]
    refuse(here, f"{command} --dataset mine.npz --B 2 --hidden 4", 2, "mine.npz", fragment)


def test_a_file_that_is_no_archive_is_refused(here: Here) -> None:
    for head in (b"", b"x,y\n1,2\n", b"PK\x03\x04 nonsense"):
        (here.folder / "mine.npz").write_bytes(head)
        refuse(here, "train --dataset mine.npz", 2, "mine.npz: ", "expected a .npz with X")
    np.save(here.folder / "mine.npy", X)
    (here.folder / "mine.npy").rename(here.folder / "mine.npz")
    refuse(here, "train --dataset mine.npz", 2, "got a single .npy array")


# Databases

SMALL_LINE = " ".join(SMALL)
WRITERS = [f"train {SMALL_LINE} --B 2", f"sweep {SMALL_LINE} --B 2 --seeds 0 --jobs 1"]
READERS = ["report --table1", "plot --fig1", f"sweep {SMALL_LINE} --B 2 --dry-run"]


@pytest.mark.parametrize("command", WRITERS + READERS)
def test_a_database_that_is_not_sqlite_is_refused(here: Here, command: str) -> None:
    (here.folder / "runs.db").write_text("model,accuracy\ndense,0.98\n")
    refuse(here, command, 3, "runs.db is not a SQLite database")


@pytest.mark.parametrize("command", WRITERS + READERS)
def test_a_broken_sqlite_file_is_refused(here: Here, command: str) -> None:
    (here.folder / "runs.db").write_bytes(b"SQLite format 3\0" + b"x" * 5000)
    refuse(here, command, 3, "runs.db")


@pytest.mark.parametrize("command", WRITERS + READERS)
def test_a_database_of_another_program_is_refused(here: Here, command: str) -> None:
    change(here.folder / "runs.db", "create table run (name text)")
    refuse(here, command, 3, "runs.db belongs to another program")


@pytest.mark.parametrize("command", WRITERS + READERS)
def test_a_database_of_a_newer_cdbench_is_refused(
    here: Here, small_database: Path, command: str
) -> None:
    path = Path(shutil.copy(small_database, here.folder / "runs.db"))
    change(path, "update cdbench_version set version_num = '9999'")
    refuse(here, command, 3, "was made by a newer cdbench (schema 9999", "upgrade cdbench")


@pytest.mark.parametrize("command", WRITERS)
def test_a_database_in_a_missing_folder_is_refused(here: Here, command: str) -> None:
    refuse(here, f"{command} --db no/such/runs.db", 3, "there is no folder no/such")


@pytest.mark.parametrize("command", WRITERS + READERS)
def test_a_folder_for_a_database_is_refused(here: Here, command: str) -> None:
    (here.folder / "runs.db").mkdir()
    refuse(here, command, 3, "runs.db is a folder, expected a database file")


@pytest.mark.parametrize("command", WRITERS)
@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs a place that root cannot write")
def test_an_unwritable_place_is_refused(here: Here, command: str) -> None:
    refuse(here, f"{command} --db /proc/runs.db", 3, "/proc/runs.db: ")


@pytest.mark.parametrize("command", WRITERS + READERS)
@pytest.mark.parametrize("url", ["oracle://host/runs", "sqlite://", "mysql+pymysql://u@h/runs"])
def test_a_database_that_is_no_file_is_refused(here: Here, command: str, url: str) -> None:
    refuse(here, f"{command} --db {url}", 3, "is not a database that cdbench can write to")


@pytest.mark.parametrize("command", ["report --table1", "plot --fig1", "plot --fig1 --fig2"])
def test_without_results_the_sweep_to_type_is_named(
    here: Here, small_database: Path, command: str
) -> None:
    refuse(here, command, 3, SWEEP_TO_TYPE)
    (here.folder / "runs.db").touch()
    refuse(here, command, 3, SWEEP_TO_TYPE)
    (here.folder / "runs.db").unlink()
    empty = Path(shutil.copy(small_database, here.folder / "runs.db"))
    for table in ("spectrum_value", "spectrum", "condition_number", "epoch", "run"):
        change(empty, f"delete from {table}")
    refuse(here, command, 3, "cdbench sweep --B 4 8 --seeds")


# Files to write


def test_a_folder_of_figures_that_is_a_file_is_refused(here: Here) -> None:
    shutil.copy(NEWEST, here.folder / "runs.db")
    (here.folder / "figures").write_text("")
    refuse(here, "plot --crossover", 1, "figures")
