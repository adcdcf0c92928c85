"""OpenBLAS's threads: never more than asked for, and one line where they cannot be had."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cdbench.config.run_config import RunConfig
from cdbench.records.run import FAILED
from cdbench.running.execution import execute
from tests.cli_tools import CDBENCH, SMALL, Answer, by_shell, plain_environment, rows

if sys.platform != "linux":
    pytest.skip("limits as Linux has them", allow_module_level=True)

NO_THREADS = "ulimit -s 2000000; ulimit -v 1500000"
"""No thread can be started, whose stack would be larger than all memory."""

ONE_THREAD = "ulimit -s 500000; ulimit -v 900000"
"""One thread can be started beside the first, for a worker to listen to its parent."""

needs_two_cores = pytest.mark.skipif(
    (os.cpu_count() or 1) < 2, reason="OpenBLAS has no threads on one core"
)


def limited(folder: Path, limits: str, *words: str, **environment: str) -> Answer:
    """Run ``cdbench`` with limits of memory."""
    return by_shell(folder, f'{limits}; exec "$0" "$@"', *words, **environment)


SWEEP = ("sweep", *SMALL, "--B", "2", "--seeds", "0", "1")


@pytest.mark.long
@needs_two_cores
@pytest.mark.parametrize(
    "words", [("train", *SMALL), (*SWEEP, "--jobs", "1")], ids=["train", "sweep"]
)
@pytest.mark.parametrize("asked", ["", "2"])
def test_no_thread_is_started_that_was_not_asked_for(
    tmp_path: Path, words: tuple[str, ...], asked: str
) -> None:
    """Where OpenBLAS cannot start those that it wants, it says that the user pressed Ctrl-C."""
    extra = {"OPENBLAS_NUM_THREADS": asked} if asked else {}
    answer = limited(tmp_path, NO_THREADS, *words, **extra)
    assert (answer.code, answer.err) == (0, "")
    question = "select distinct status, blas_threads from run join environment using ({})"
    assert rows(tmp_path / "runs.db", question.format("environment_id")) == [("completed", 1)]


@needs_two_cores
def test_run_whose_blas_threads_cannot_be_had_has_failed_and_is_not_interrupted(
    tmp_path: Path,
) -> None:
    answer = limited(tmp_path, NO_THREADS, "train", *SMALL, "--blas-threads", "2")
    assert answer.code == 1
    assert answer.err == (
        "failed: not enough memory or processes for 2 BLAS threads; expected a smaller "
        "--blas-threads, or higher limits (ulimit -a)\n"
    )
    assert rows(tmp_path / "runs.db", "select status from run") == [("failed",)]


@needs_two_cores
def test_bench_says_that_its_blas_threads_cannot_be_had(tmp_path: Path) -> None:
    words = ("bench", "--n", "64", "--B", "4", "--rounds", "1", "--blas-threads", "2")
    answer = limited(tmp_path, NO_THREADS, *words)
    assert answer.code == 1
    assert answer.err.startswith("cdbench: not enough memory or processes for 2 BLAS threads")


@pytest.mark.long
@needs_two_cores
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_sweep_goes_on_where_blas_threads_cannot_be_had(tmp_path: Path, jobs: str) -> None:
    """OpenBLAS itself says nothing, and would wait for ever for threads that are not there."""
    limits = NO_THREADS if jobs == "1" else ONE_THREAD
    answer = limited(tmp_path, limits, *SWEEP, "--jobs", jobs, "--blas-threads", "2")
    assert (answer.code, answer.err) == (1, "")
    found = rows(tmp_path / "runs.db", "select status, error from run")
    assert len(found) == 4
    assert {status for status, _ in found} == {"failed"}
    assert all(error.startswith("not enough memory or proc") for _, error in found)


@pytest.mark.long
@needs_two_cores
@pytest.mark.parametrize("threads", ["1", "2"])
def test_numbers_are_those_of_an_openblas_that_started_its_threads_early(
    tmp_path: Path, threads: str
) -> None:
    words = ("train", *SMALL, "--hidden", "128", "--layer", "dense", "--blas-threads", threads)
    early = (
        "import sys, numpy, cdbench.cli as cli; cli.start_no_threads = lambda: None; "
        "sys.argv[0] = 'cdbench'; cli.main()"
    )
    for name, command in (("early", [sys.executable, "-c", early]), ("late", [CDBENCH])):
        subprocess.run(
            [*command, *words, "--db", f"{name}.db"],
            cwd=tmp_path,
            env=plain_environment(),
            capture_output=True,
            check=True,
            timeout=60,
        )
    for question in (
        "select training_loss, test_loss, test_accuracy from epoch order by epoch",
        "select value from spectrum_value order by spectrum_id, position",
        "select blas, blas_threads from environment",
    ):
        late, there = (rows(tmp_path / f"{name}.db", question) for name in ("late", "early"))
        assert late == there
        assert late


def test_lack_of_memory_is_stored_as_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise MemoryError("Unable to allocate 7.45 GiB")

    monkeypatch.setattr("cdbench.running.execution.train", fail)
    run = execute(RunConfig(dataset="iris", hidden=(2,), B=2, epochs=1))
    assert run.status == FAILED
    assert run.error == "there was not enough memory to train it (Unable to allocate 7.45 GiB)"
