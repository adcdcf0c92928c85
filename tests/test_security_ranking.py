"""A run that did not complete is in no report, and numbers near the end of the scale crash none."""

import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from cdbench.claims.evidence.comparison import compare
from cdbench.records.run import COMPLETED, DIVERGED, FAILED, INTERRUPTED, Run
from cdbench.reports.formats import FORMATS, render
from cdbench.reports.measurements import measurements_table
from cdbench.reports.statistics import format_kappa, format_loss
from cdbench.reports.summary import summary
from cdbench.reports.table1 import table1_configs
from cdbench.statistics.numerals import format_number
from cdbench.store.audit_queries import audited_runs, covering_runs
from cdbench.store.database import open_for_reading, open_for_writing
from cdbench.store.figure_queries import runs_with_spectra
from cdbench.store.queries import completed_configs, newest_runs
from cdbench.store.record import record_run
from tests.cli_tools import Here, rows

CONFIGS = [config for group in table1_configs().values() for config in group]


def best(run: Run, status: str, uuid: str) -> Run:
    """Return a run with better numbers than any that trained, which then did not complete."""
    spectra = [replace(s, condition=replace(s.condition, kappa=1.0)) for s in run.spectra]
    epochs = [replace(e, training_loss=1e-12, test_accuracy=1.0) for e in run.epochs]
    diverged = status == DIVERGED
    return replace(
        run,
        uuid=uuid,
        status=status,
        epochs=tuple(epochs),
        spectra=tuple(spectra),
        error="it did",
        diverged_epoch=25 if diverged else None,
        diverged_step=1 if diverged else None,
    )


@pytest.mark.long
@pytest.mark.parametrize(
    "words",
    [
        "report --table1",
        "report --table1 --format markdown",
        "report --table1 --format latex",
        "report --table1 --format csv",
        "report --table1 --format json",
        "sweep --B 4 8 --seeds 0 1 2 --resume",
    ],
)
def test_runs_that_did_not_complete_change_no_report(
    here: Here, paper_path: Path, paper_runs: list[Run], words: str
) -> None:
    shutil.copy(paper_path, here.folder / "runs.db")
    before = here(*words.split())
    assert before.code == 0
    database = open_for_writing("runs.db")
    for status in (DIVERGED, FAILED, INTERRUPTED):
        for number, run in enumerate(paper_runs):
            record_run(database, best(run, status, f"{status}-{number}"))
    assert here(*words.split()) == before
    assert rows(Path("runs.db"), "SELECT count(*) FROM run WHERE status <> 'completed'") == [(27,)]
    assert rows(Path("runs.db"), "SELECT max(test_accuracy_mean) < 1 FROM table1") == [(1,)]
    latest = "SELECT DISTINCT status FROM runs WHERE is_latest"
    assert rows(Path("runs.db"), latest) == [(COMPLETED,)]


@pytest.mark.parametrize("status", [DIVERGED, FAILED, INTERRUPTED])
def test_only_completed_runs_are_read_for_reports_figures_comparisons_and_audits(
    tmp_path: Path, paper_runs: list[Run], status: str
) -> None:
    database = open_for_writing(str(tmp_path / "runs.db"))
    ids = [record_run(database, best(run, status, run.uuid)) for run in paper_runs]
    needs = {run.config: run.diagnostics for run in paper_runs if run.diagnostics}
    assert newest_runs(database, CONFIGS) == {}
    assert completed_configs(database, CONFIGS) == set()
    assert covering_runs(database, needs) == {}
    assert runs_with_spectra(database, CONFIGS, ["weight"]) == {}
    assert all(row[1] == "0/3" for row in summary(CONFIGS, {}).rows)
    assert rows(tmp_path / "runs.db", "SELECT * FROM table1") == []
    assert ids


def test_figures_of_runs_that_did_not_complete_are_refused(
    here: Here, paper_runs: list[Run]
) -> None:
    database = open_for_writing("runs.db")
    for run in paper_runs:
        record_run(database, best(run, DIVERGED, run.uuid))
    for words in ("plot --fig1 --seed 0", "plot --fig2 --seed 0", "plot --claims"):
        answer = here(*words.split())
        assert answer.code == 3, answer
        assert not (here.folder / "figures").exists()


def with_numbers(paper: Path, folder: Path, kappa: float, loss: float) -> Path:
    """Copy the paper's runs, their last condition numbers and losses replaced."""
    path = Path(shutil.copy(paper, folder / "extreme.db"))
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE condition_number SET kappa = ?, kappa_nonnull = ?", [kappa] * 2)
        connection.execute("UPDATE epoch SET training_loss = ?, test_loss = ?", [loss] * 2)
        connection.execute("UPDATE spectrum_value SET value = ? WHERE position = 1", [kappa])
        connection.execute("UPDATE spectrum_value SET value = ? WHERE position = 2", [loss])
    return path


@pytest.mark.long
@pytest.mark.parametrize(
    ("kappa", "loss"),
    [(1.7e308, 1.7e308), (1e308, 5e-324), (5e-324, 2.3e-308), (float("inf"), 0.0)],
)
@pytest.mark.filterwarnings("error")
def test_reports_and_figures_print_extreme_numbers(
    here: Here, paper_path: Path, kappa: float, loss: float
) -> None:
    path = str(with_numbers(paper_path, here.folder, kappa, loss))
    for form in FORMATS:
        answer = here("report", "--table1", "--db", path, "--format", form)
        assert (answer.code, answer.err) == (0, "")
        assert "nan" not in answer.out.lower()
        if form == "table":
            assert max(map(len, answer.out.splitlines())) < 200
    answer = here("plot", "--fig1", "--fig2", "--seed", "0", "--db", path)
    assert (answer.code, answer.err) == (0, "")


def test_a_comparison_prints_extreme_numbers(here: Here, paper_path: Path) -> None:
    path = with_numbers(paper_path, here.folder, 1.7e308, 1.0)
    database = open_for_reading(str(path))
    stored = newest_runs(database, CONFIGS)
    runs = audited_runs(database, [run.run_id for run in stored.values()])
    assert render(measurements_table(compare(CONFIGS, runs)), "table")


@pytest.mark.parametrize(
    ("number", "kappa", "loss"),
    [(1.7e308, "1.7e308", "1.7e308"), (5e-324, "4.9e-324", "0.0000"), (1e6, "1.0e6", "1.0e06")],
)
def test_extreme_numbers_are_short(number: float, kappa: str, loss: str) -> None:
    assert format_kappa(number) == kappa
    assert format_loss([number]) == loss
    assert len(format_number(number)) < 10
