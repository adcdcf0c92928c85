"""``cdbench reproduce``: what is stored is trained again, compared, and left as it is."""

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cdbench.cli import reproduce as command
from cdbench.cli import run
from cdbench.config.diagnostics import Diagnostics
from cdbench.config.run_config import RunConfig
from cdbench.records.run import Run
from cdbench.running.environment import current_environment
from cdbench.store.training_queries import StoredTraining
from tests.cli_tools import SMALL, Here, change, for_real, rows

KINDS = "bit for bit", "printed precision", "different", "failed", "not reproducible"


@pytest.fixture(scope="module")
def four_runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a database of dense and B = 2 with two seeds; it is only to be copied."""
    path = tmp_path_factory.mktemp("swept") / "runs.db"
    words = ("--B", "2", "--seeds", "0", "1", "--jobs", "1", "--db", str(path))
    assert run(["sweep", *SMALL, *words]) == 0
    return path


@pytest.fixture
def swept(here: Here, four_runs: Path) -> Here:
    """Return what runs commands in a folder with these four runs."""
    shutil.copy(four_runs, here.folder / "runs.db")
    return here


def verdicts(out: str) -> dict[str, int]:
    """Return the counts that are not 0, from the first table."""
    counts = {}
    for line in out.split("Environments")[0].splitlines():
        kind = next((kind for kind in KINDS if line.startswith(kind)), None)
        if kind is not None and line.split()[-1] != "0":
            counts[kind] = int(line.split()[-1])
    return counts


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_all_runs_come_out_again_bit_for_bit_and_the_database_is_left(
    swept: Here, jobs: str
) -> None:
    before = (swept.folder / "runs.db").read_bytes()
    answer = swept("reproduce", "--all", "--jobs", jobs)
    assert answer.code == 0
    assert verdicts(answer.out) == {"bit for bit": 4}
    assert "4 runs trained again · runs.db" in answer.out
    assert "the same environment" in answer.out
    assert "4/4 run " in answer.err
    assert (swept.folder / "runs.db").read_bytes() == before
    assert [path.name for path in swept.folder.iterdir()] == ["runs.db"]


def test_runs_are_named_by_number_or_uuid(swept: Here) -> None:
    ((uuid,),) = rows(swept.folder / "runs.db", "select uuid from run where run_id = 3")
    answer = swept("reproduce", "2", uuid[:13], uuid, "--jobs", "1")
    assert (answer.code, verdicts(answer.out)) == (0, {"bit for bit": 2})
    assert "run 2, " in answer.err
    assert "run 3, " in answer.err


@pytest.mark.parametrize(
    ("statement", "verdict", "words", "code"),
    [
        (
            "UPDATE epoch SET test_loss = test_loss + 1e-9 WHERE run_id = 1 AND epoch = 2",
            "printed precision",
            "test loss of epoch 2",
            0,
        ),
        (
            "UPDATE epoch SET training_loss = 0.5 WHERE run_id = 1 AND epoch = 2",
            "different",
            "training loss of epoch 2: stored 0.5",
            1,
        ),
        (
            "UPDATE configuration SET config_json = replace(config_json, 'iris', 'gone.csv') "
            "WHERE configuration_id = (SELECT configuration_id FROM run WHERE run_id = 1)",
            "failed",
            "gone.csv: no such file",
            1,
        ),
        (
            "UPDATE run SET status = 'interrupted' WHERE run_id = 1",
            "not reproducible",
            "interrupted",
            0,
        ),
    ],
)
def test_each_verdict_has_its_words_and_its_exit_code(
    swept: Here, statement: str, verdict: str, words: str, code: int
) -> None:
    path = swept.folder / "runs.db"
    change(path, statement)
    question = (
        "SELECT run_id, seed, config_json FROM run JOIN configuration USING (configuration_id)"
    )
    for run_id, seed, text in rows(path, question):
        config = RunConfig.from_mapping(json.loads(text) | {"seed": seed})
        digest = config.digest()  # else it would be refused as damaged
        change(path, f"UPDATE run SET config_digest = '{digest}' WHERE run_id = {run_id}")
    answer = swept("reproduce", "1", "3", "--jobs", "1")  # of two configurations
    assert answer.code == code
    assert verdicts(answer.out.split("Runs that are not")[0]) == {"bit for bit": 1, verdict: 1}
    listed = answer.out.split("Runs that are not")[1].split("Environments")[0]
    assert words in " ".join(listed.split())


def test_interrupted_and_failed_runs_are_not_among_all(swept: Here) -> None:
    change(swept.folder / "runs.db", "UPDATE run SET status = 'interrupted' WHERE run_id = 1")
    change(swept.folder / "runs.db", "UPDATE run SET status = 'failed' WHERE run_id = 2")
    answer = swept("reproduce", "--all", "--jobs", "1")
    assert (answer.code, verdicts(answer.out)) == (0, {"bit for bit": 2})


def test_a_diverged_run_diverges_again(here: Here) -> None:
    assert here("train", *SMALL, "--B", "2", "--learning-rate", "1e200").code == 1
    answer = here("reproduce", "--all", "--jobs", "1")
    assert (answer.code, verdicts(answer.out)) == (0, {"bit for bit": 1})


def test_runs_of_one_configuration_are_each_compared_with_what_they_measured(here: Here) -> None:
    for words in ([], ["--curvature", "exact"], [], ["--spectra-every", "1"]):
        assert here("train", *SMALL, "--B", "2", *words).code == 0
    change(here.folder / "runs.db", "UPDATE run SET diagnostics_id = NULL WHERE run_id = 3")
    change(here.folder / "runs.db", "UPDATE curvature SET largest = 77 WHERE run_id = 2")
    answer = here("reproduce", "--all", "--jobs", "1")
    assert answer.code == 1
    assert "stored 77, found" in answer.out
    assert verdicts(answer.out.split("Runs that are not")[0]) == {"bit for bit": 3, "different": 1}


def test_the_difference_of_the_environments_is_named(swept: Here) -> None:
    change(
        swept.folder / "runs.db", "UPDATE environment SET numpy_version = '1.0 [bold]', cpu = 'Z80'"
    )
    answer = swept("reproduce", "1", "2", "--jobs", "1")
    assert answer.code == 0
    (line,) = [line for line in answer.out.splitlines() if "numpy version" in line]
    assert line.split() == ["2", "numpy", "version", "1.0", "[bold]", np.__version__]
    assert "Z80" in answer.out
    assert "the same environment" not in answer.out


def test_a_changed_data_file_is_a_failure_that_says_so(here: Here) -> None:
    rng = np.random.default_rng(0)
    np.savez(here.folder / "a.npz", X=rng.normal(size=(60, 3)), y=np.arange(60) % 2)
    assert here("train", "--dataset", "a.npz", "--hidden", "4", "--epochs", "1").code == 0
    assert here("reproduce", "1", "--jobs", "1").code == 0
    np.savez(here.folder / "a.npz", X=rng.normal(size=(60, 3)), y=np.arange(60) % 2)
    answer = for_real(here.folder, "reproduce", "1")  # a process reads a file once
    assert answer.code == 1
    assert "its contents changed" in " ".join(answer.out.split())


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ([], 2, "cdbench: no run was given; expected cdbench reproduce 1 2 3 or"),
        (["1", "--all"], 2, "cdbench: RUN and --all were both given; expected"),
        (["99"], 2, "cdbench: RUN 99: no such run in runs.db; expected a run_id"),
        (["--all", "--db", "none.db"], 3, "cdbench: none.db: no results yet; to make some: "),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line(
    swept: Here, words: list[str], code: int, message: str
) -> None:
    answer = swept("reproduce", *words)
    assert (answer.code, answer.out) == (code, "")
    assert answer.err.startswith(message)
    assert answer.err.count("\n") == 1


def test_a_damaged_configuration_exits_3(swept: Here) -> None:
    change(swept.folder / "runs.db", "UPDATE configuration SET config_json = '{'")
    answer = swept("reproduce", "--all")
    assert (answer.code, answer.out) == (3, "")
    assert "config_json of run 1 is damaged" in answer.err


def test_a_database_without_a_result_says_how_to_make_one(swept: Here) -> None:
    change(swept.folder / "runs.db", "UPDATE run SET status = 'interrupted'")
    answer = swept("reproduce", "--all")
    assert answer.code == 3
    assert "no run that completed; to make some: cdbench sweep" in answer.err


def test_an_interruption_keeps_what_was_compared(
    swept: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    import cdbench.running.sweep

    execute_all = cdbench.running.sweep.execute_all

    def interrupted_at_the_third(*arguments: Any, **options: Any) -> Iterator[Run]:
        runs = list(execute_all(*arguments, **options))
        yield from [*runs[:2], replace(runs[2], status="interrupted")]

    monkeypatch.setattr(cdbench.running.sweep, "execute_all", interrupted_at_the_third)
    answer = swept("reproduce", "--all", "--jobs", "1")
    assert answer.code == 130
    assert verdicts(answer.out) == {"bit for bit": 2}
    assert answer.err.splitlines()[-1] == "interrupted: 2 of 4 runs were compared"


def test_what_was_trained_alike_is_trained_once_and_the_rest_in_rounds() -> None:
    one, other = RunConfig(), RunConfig(seed=1)
    plain, curved = Diagnostics(), Diagnostics(curvature="exact")
    here = current_environment()
    trainings = [
        StoredTraining(
            run_id, config, diagnostics, replace(here, blas_threads=threads), "completed"
        )
        for run_id, (config, diagnostics, threads) in enumerate(
            [(one, plain, 1), (one, curved, 1), (other, plain, 1), (one, plain, 1), (one, plain, 2)]
        )
    ]
    assert list(command._rounds(trainings)) == [
        ((1, ()), {one: plain, other: plain}, {one: [0, 3], other: [2]}),
        ((1, ()), {one: curved}, {one: [1]}),
        ((2, ()), {one: plain}, {one: [4]}),
    ]


def test_a_run_is_trained_with_the_threads_that_it_had(
    swept: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    import cdbench.running.sweep

    asked = []

    def record(
        configs: object, jobs: int, needs: object, *, blas_threads: int, variables: object
    ) -> list[object]:
        asked.append((jobs, blas_threads))
        return []

    monkeypatch.setattr(cdbench.running.sweep, "execute_all", record)
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    change(swept.folder / "runs.db", "UPDATE environment SET blas_threads = 2")
    swept("reproduce", "--all")
    assert asked == [(2, 2)]
