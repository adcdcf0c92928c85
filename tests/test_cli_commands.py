"""The commands, from the words of the issue to the rows of the database."""

import csv
import io
import json
import re
from pathlib import Path

import pytest

from tests.cli_tools import (
    SMALL,
    Answer,
    Here,
    copy_paper_database,
    for_real,
    paper_folder,
    rows,
)

NUMBERS = (
    "select config_digest, epoch.epoch, training_loss, test_loss, test_accuracy "
    "from epoch join run on run.run_id = epoch.run_id order by 1, 2"
)


@pytest.fixture(scope="module")
def paper(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Answer]:
    return paper_folder(tmp_path_factory)


@pytest.fixture
def paper_here(here: Here, tmp_path_factory: pytest.TempPathFactory) -> Here:
    copy_paper_database(tmp_path_factory, here.folder)
    return here


def small_sweep(here: Here, *words: str) -> Answer:
    return here("sweep", *SMALL, "--jobs", "1", *words)


# The lines of the issue, to the letter


def test_the_papers_sweep_trains_21_runs_and_sums_them_up(paper: tuple[Path, Answer]) -> None:
    folder, answer = paper
    assert (answer.code, answer.err) == (0, "")
    assert [path.name for path in folder.iterdir()] == ["runs.db"]
    assert rows(folder / "runs.db", "select status, count(*) from run group by 1") == [
        ("completed", 21)
    ]
    assert "21/21" in answer.out
    for model in ("dense", *(f"cdlinear B={B}" for B in (1, 3, 4, 5, 7, 8))):
        assert any(
            line.startswith(f"{model} ") and " 3/3 " in line for line in answer.out.splitlines()
        )
    for heading in ("Parameters", "Test accuracy", "weight κ", "s/epoch"):
        assert heading in answer.out


def test_a_run_that_learned_nothing_is_said_to_have(here: Here) -> None:
    answer = here("train", "--learning-rate", "1e6", "--epochs", "1", "--hidden", "8")
    assert answer.code == 0
    assert "no better than guessing, which reaches up to 13.4 %" in answer.out
    assert "guessing" not in here("train", "--epochs", "3", "--hidden", "8").out


def test_train_says_that_the_configuration_is_stored_already(here: Here) -> None:
    assert "stored already" not in here("train", *SMALL).out
    assert "this configuration is stored already, as run 1" in here("train", *SMALL).out
    assert "stored already" not in here("train", *SMALL, "--seed", "1").out


@pytest.mark.parametrize(
    "words",
    [
        ("--B", "4"),
        ("--no-spectra", "--B", "4", "--hidden", *["128"] * 12),
        ("--B", "5", "--learning-rate", "1e5"),
    ],
)
def test_what_a_training_says_fits_80_columns(
    here: Here, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for _ in range(2):  # the second time, it is stored already
        answer = here("train", *SMALL, *words)
        assert answer.out.count("parameters") == 1
        said = [line for line in answer.out.splitlines() if str(here.folder) not in line]
        assert max(map(len, said)) <= 80


def test_a_training_points_to_measurements_only_where_there_are_more_than_it_printed(
    here: Here,
) -> None:
    more = "all that was measured: cdbench runs show"
    assert more not in here("train", *SMALL).out
    assert more not in here("train", *SMALL, "--no-spectra").out
    assert f"{more} 3" in here("train", *SMALL, "--spectra-every", "1").out
    assert (
        f"{more} 1 --db o.db" in here("train", *SMALL, "--spectra-every", "1", "--db", "o.db").out
    )


@pytest.mark.long
def test_the_command_that_makes_the_tables_runs_makes_them_whatever_the_settings(
    here: Here,
) -> None:
    (here.folder / "cdbench.toml").write_text("[defaults]\nepochs = 3\nhidden = [32]\n")
    assert here("train", "--B", "4", "--epochs", "1").code == 0
    for question in ("plot --fig1", "report --table1"):
        said = here(*question.split()).err
        assert said.count("--epochs 25 --hidden 64 64") == 1
    words = re.search(r": cdbench (sweep .*)", said)
    assert words is not None
    assert here(*words[1].split(), "--jobs", "1").code == 0
    assert "15 of 15 published cells" in here("report", "--table1").out
    assert "--epochs" not in here("report", "--claims", "--db", "none.db").err


def test_what_a_claim_has_stored_does_not_depend_on_the_others(paper_here: Here) -> None:
    alone = paper_here("audit", "--claim", "accuracy", "--dry-run").out.splitlines()[0]
    assert alone in paper_here("audit", "--dry-run").out.splitlines()
    assert "9 of them stored" in alone


def test_a_sweep_keeps_its_command_line_and_times(paper: tuple[Path, Answer]) -> None:
    found = rows(paper[0] / "runs.db", "select * from sweep")
    assert len(found) == 1
    assert "cdbench sweep --B 1 3 4 5 7 8 --seeds 0 1 2" in found[0]
    assert None not in found[0]


def test_report_table1_finds_15_of_15_published_cells(paper: tuple[Path, Answer]) -> None:
    answer = for_real(paper[0], "report", "--table1")
    assert (answer.code, answer.err) == (0, "")
    assert "15 of 15 published cells are equal" in answer.out
    assert answer.out.count("✓") == 16
    assert "✗" not in answer.out


@pytest.mark.long
def test_plot_makes_both_figures(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    copy_paper_database(tmp_path_factory, tmp_path)
    answer = for_real(tmp_path, "plot", "--fig1", "--fig2")
    assert (answer.code, answer.err) == (0, "")
    made = sorted(path.name for path in (tmp_path / "figures").iterdir())
    assert made == ["fig1.png", "fig2.png"]
    for name in made:
        assert (tmp_path / "figures" / name).read_bytes().startswith(b"\x89PNG")
        assert f"wrote {Path('figures') / name}" in answer.out


def test_train_shows_every_epoch_and_the_conditions_and_stores_the_run(tmp_path: Path) -> None:
    answer = for_real(tmp_path, "train", "--B", "4", "--seed", "0")
    assert (answer.code, answer.err) == (0, "")
    lines = answer.out.splitlines()
    shown = [line.split()[0] for line in lines if line.endswith(tuple("0123456789"))]
    assert [word for word in shown if word.isdigit()][:25] == [str(n) for n in range(1, 26)]
    for kind in ("published", "block_power", "weight", "theorem1"):
        for layer in (1, 2, 3):
            assert any(f"layer {layer} " in line and f" {kind} " in line for line in lines)
    assert "2,380 parameters" in answer.out
    assert "stored as run 1 in runs.db" in answer.out
    assert rows(tmp_path / "runs.db", "select status, layer, B, seed from run") == [
        ("completed", "cdlinear", 4, 0)
    ]


def test_table1_can_be_asked_by_hand(paper: tuple[Path, Answer]) -> None:
    found = rows(paper[0] / "runs.db", "select * from table1")
    assert [row[0] for row in found] == ["dense", "cdlinear B=4", "cdlinear B=8"]


# sweep


def test_resume_trains_only_what_has_no_completed_run(here: Here) -> None:
    assert small_sweep(here, "--B", "2", "--seeds", "0").code == 0
    answer = small_sweep(here, "--B", "2", "4", "--seeds", "0", "1", "--resume")
    assert answer.code == 0
    assert "2 of 6 runs are stored already" in answer.out
    assert "4/4" in answer.out
    found = rows(here.folder / "runs.db", "select layer, B, seed, count(*) from run group by 1,2,3")
    assert {row[3] for row in found} == {1}
    assert len(found) == 6
    again = small_sweep(here, "--B", "2", "4", "--seeds", "0", "1", "--resume")
    assert again.code == 0
    assert "6 of 6 runs are stored already" in again.out
    assert rows(here.folder / "runs.db", "select count(*) from run") == [(6,)]


def test_running_again_adds_runs_with_the_same_numbers(here: Here) -> None:
    for _ in range(2):
        assert small_sweep(here, "--B", "2", "--seeds", "0").code == 0
    assert rows(here.folder / "runs.db", "select count(*) from run") == [(4,)]
    assert rows(here.folder / "runs.db", "select count(*) from latest_run") == [(2,)]
    found = rows(here.folder / "runs.db", NUMBERS)
    assert len(found) == 2 * len(set(found))


def test_a_dry_run_stores_nothing_and_creates_no_file(here: Here) -> None:
    answer = small_sweep(here, "--B", "2", "--seeds", "0..2", "--dry-run")
    assert answer.code == 0
    assert answer.out.count("to train") == 6
    assert "6 runs, 0 of them stored" in answer.out
    assert list(here.folder.iterdir()) == []


def test_a_dry_run_says_what_is_stored_and_leaves_the_database_alone(here: Here) -> None:
    assert small_sweep(here, "--B", "2", "--seeds", "0").code == 0
    before = (here.folder / "runs.db").read_bytes()
    answer = small_sweep(here, "--B", "2", "--seeds", "0", "1", "--dry-run")
    assert answer.code == 0
    lines = answer.out.splitlines()
    assert [line.split()[0] for line in lines if "seed 0" in line] == ["stored", "stored"]
    assert "4 runs, 2 of them stored" in answer.out
    assert (here.folder / "runs.db").read_bytes() == before
    assert [path.name for path in here.folder.iterdir()] == ["runs.db"]


@pytest.mark.parametrize(
    ("words", "n_dense"), [([], 2), (["--baseline"], 2), (["--no-baseline"], 0)]
)
def test_the_dense_baseline_comes_for_every_seed_unless_refused(
    here: Here, words: list[str], n_dense: int
) -> None:
    answer = small_sweep(here, "--B", "2", "4", "--seeds", "0", "1", "--dry-run", *words)
    assert answer.out.count("  dense ") == n_dense
    assert answer.out.count("  cdlinear ") == 4


@pytest.mark.long
def test_numbers_do_not_depend_on_jobs(tmp_path: Path) -> None:
    found = []
    for jobs in ("1", "2"):
        words = ("--B", "2", "3", "--seeds", "0", "1", "--jobs", jobs, "--db", f"{jobs}.db")
        assert for_real(tmp_path, "sweep", *SMALL, *words).code == 0
        found.append(rows(tmp_path / f"{jobs}.db", NUMBERS))
    assert len(found[0]) == 12
    assert found[0] == found[1]


@pytest.mark.long
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_diverging_run_does_not_stop_the_others_and_is_named(tmp_path: Path, jobs: str) -> None:
    answer = for_real(
        tmp_path,
        *("sweep", *SMALL, "--B", "2", "--seeds", "0", "--learning-rate", "1e200", "0.1"),
        *("--no-baseline", "--jobs", jobs),
    )
    assert answer.code == 1
    assert "Traceback" not in answer.out + answer.err
    named = [line for line in answer.out.splitlines() if "diverged" in line]
    assert len(named) == 1
    assert "cdlinear B=2 learning_rate=1e+200 seed 0: diverged: the loss" in named[0]
    assert "stopped being finite in epoch 1" in named[0]
    assert rows(tmp_path / "runs.db", "select learning_rate, status from run order by 1") == [
        (0.1, "completed"),
        (1e200, "diverged"),
    ]
    assert " 0/1 " in answer.out
    assert " 1/1 " in answer.out


def test_resume_trains_a_diverged_configuration_again(here: Here) -> None:
    line = ("--B", "2", "--seeds", "0", "--learning-rate", "1e200", "--no-baseline")
    assert small_sweep(here, *line).code == 1
    assert small_sweep(here, *line, "--resume").code == 1
    assert rows(here.folder / "runs.db", "select status from run") == [("diverged",)] * 2


@pytest.mark.parametrize(
    ("line", "n_runs"),
    [
        ("--B 2 --seeds 0..3", 8),
        ("--B 2..4 --seeds 0", 4),
        ("--B 2 --B 4 --seeds 0 --seeds 1", 6),
        ("--B=2 4 --seeds=0", 3),
        ("--B 2 --seeds 0 --learning-rate 0.05 0.1", 4),
        ("--B 2 --seeds 0 --dropout 0 alpha-cd --dtype float32 float64", 8),
        ("--B 2 --seeds 0..1 5 --no-baseline", 3),
    ],
)
def test_the_grid_is_the_product_of_all_values(here: Here, line: str, n_runs: int) -> None:
    answer = here("sweep", *SMALL, *line.split(), "--dry-run")
    assert answer.code == 0
    assert f"{n_runs} runs, 0 of them stored" in answer.out


def test_sweep_without_seeds_takes_the_papers_three(here: Here) -> None:
    answer = here("sweep", *SMALL, "--B", "2", "--no-baseline", "--dry-run")
    assert "3 runs, 0 of them stored" in answer.out


def test_a_run_is_stored_with_a_relative_database_in_the_working_directory(here: Here) -> None:
    (here.folder / "results").mkdir()
    assert here("train", *SMALL, "--B", "2", "--db", "results/mine.db").code == 0
    assert [str(path.name) for path in here.folder.rglob("*.db")] == ["mine.db"]


# train


def test_a_diverging_training_ends_as_diverged_with_epoch_and_step(here: Here) -> None:
    answer = here("train", *SMALL, "--B", "2", "--learning-rate", "1e200")
    assert answer.code == 1
    assert "diverged: the loss stopped being finite in epoch 1, step 2" in answer.err
    assert len(answer.err.splitlines()) == 1
    found = rows(here.folder / "runs.db", "select status, diverged_epoch, diverged_step from run")
    assert found == [("diverged", 1, 2)]


def test_the_epochs_before_a_divergence_are_kept(here: Here) -> None:
    # One step an epoch, and a step size whose powers overflow in the third.
    words = ("--dataset", "iris", "--hidden", "8", "8", "--layer", "dense", "--batch-size", "256")
    answer = here("train", *words, "--epochs", "20", "--learning-rate", "1e20")
    assert answer.code == 1
    assert "in epoch 3, step 1" in answer.err
    database = here.folder / "runs.db"
    assert rows(database, "select diverged_epoch, diverged_step from run") == [(3, 1)]
    assert rows(database, "select epoch from epoch") == [(1,), (2,)]


def test_train_takes_a_file_with_its_label_column_by_name(here: Here) -> None:
    lines = ["kind,a,b", *(f"{'xy'[i % 2]},{i % 2 + i / 100},{i / 7}" for i in range(20))]
    (here.folder / "mine.csv").write_text("\n".join(lines))
    line = ("--hidden", "4", "--epochs", "1", "--B", "2", "--label-column", "kind")
    assert here("train", "--dataset", "mine.csv", *line).code == 0
    question = (
        "select dataset, length(dataset_fingerprint) from run join configuration "
        "using (configuration_id)"
    )
    found = rows(here.folder / "runs.db", question)
    assert found == [("mine.csv", 64)]


# report


def test_every_format_prints_the_same_table(paper_here: Here) -> None:
    out = {}
    for name in ("table", "markdown", "latex", "csv", "json"):
        answer = paper_here("report", "--table1", "--format", name)
        assert (answer.code, answer.err) == (0, "")
        out[name] = answer.out
    for name in ("table", "markdown"):
        assert "98.15 % ± 0.47 % ✓" in out[name]
        assert "15 of 15" in out[name]
    assert out["markdown"].count("\n| ") >= 7
    assert r"98.15 \% $\pm$ 0.47 \%" in out["latex"]
    records = list(csv.DictReader(io.StringIO(out["csv"])))
    document = json.loads(out["json"])
    assert [record["model"] for record in records] == ["Dense MLP", "CD-MLP B=4", "CD-MLP B=8"]
    for ours, theirs in zip(records, document["records"], strict=True):
        assert list(ours) == list(theirs)
        assert float(ours["test_accuracy_mean"]) == theirs["test_accuracy_mean"]
    assert records[1]["n_parameters"] == "2380"


@pytest.mark.parametrize("name", ["table", "markdown", "latex", "csv", "json"])
def test_output_writes_what_would_have_been_printed(paper_here: Here, name: str) -> None:
    printed = paper_here("report", "--table1", "--format", name).out
    answer = paper_here("report", "--table1", "--format", name, "--output", "made")
    assert (answer.code, answer.out, answer.err) == (0, "wrote made\n", "")
    assert (paper_here.folder / "made").read_text(encoding="utf-8") == printed
    assert sorted(path.name for path in paper_here.folder.iterdir()) == ["made", "runs.db"]


def test_report_takes_other_blocks_and_seeds(paper_here: Here) -> None:
    answer = paper_here("report", "--table1", "--B", "1", "3", "4", "--seeds", "0..1")
    assert answer.code == 0
    for name in ("Dense MLP", "CD-MLP B=1", "CD-MLP B=3", "CD-MLP B=4"):
        assert name in answer.out
    assert "B=8" not in answer.out
    assert "seeds 0 1" in answer.out
    assert "compared with those only" in answer.out
    every = paper_here("report", "--table1", "--B", "4", "8", "1")
    assert "15 of 15" in every.out


def test_report_says_which_command_trains_the_missing_runs(paper_here: Here) -> None:
    answer = paper_here("report", "--table1", "--B", "6", "--seeds", "0", "1")
    assert answer.code == 3
    assert "cdbench sweep --B 6 --seeds 0 1 --resume" in answer.err


def test_a_report_reads_the_newest_completed_runs(paper_here: Here) -> None:
    before = paper_here("report", "--table1", "--format", "csv").out
    words = ("--B", "4", "--seed", "1", "--learning-rate", "1e200")
    assert paper_here("train", *words).code == 1
    assert paper_here("train", "--B", "4", "--seed", "1").code == 0
    assert paper_here("report", "--table1", "--format", "csv").out == before


# plot


@pytest.mark.long
@pytest.mark.parametrize(
    ("kind", "head"), [("png", b"\x89PNG"), ("pdf", b"%PDF"), ("svg", b"<?xml")]
)
def test_plot_writes_the_asked_kind_into_the_asked_folder(
    paper_here: Here, kind: str, head: bytes
) -> None:
    words = ("plot", "--fig2", "--seed", "0", "--format", kind, "--output", "a/b")
    answer = paper_here(*words)
    assert (answer.code, answer.err) == (0, "")
    assert (paper_here.folder / "a" / "b" / f"fig2.{kind}").read_bytes().startswith(head)
    assert not (paper_here.folder / "a" / "b" / f"fig1.{kind}").exists()


@pytest.mark.parametrize(
    "words", [("train",), ("sweep", "--B", "2", "--seeds", "0", "--jobs", "1")]
)
def test_a_database_that_a_command_makes_is_told_with_its_folder_once(
    here: Here, words: tuple[str, ...]
) -> None:
    line = f"runs.db is new, in {here.folder}"
    assert line in here(*words, *SMALL, "--no-spectra").out.splitlines()
    assert "is new" not in here(*words, *SMALL, "--no-spectra").out
