"""A study on a cluster, in a database on a server, and killed: the same report each time."""

import subprocess
from pathlib import Path

import pytest

from tests.cli_tools import CDBENCH, Here, for_real, plain_environment
from tests.dask_cluster import dask_cluster
from tests.test_study import once, reports, studied

__all__ = ["once", "studied"]

WORDS = ("compare", "--study", "small", "--db", "runs.db")


@pytest.mark.cluster
def test_a_cluster_makes_the_same_study(studied: Here, once: Path, tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    with dask_cluster(tmp_path / "cluster") as cluster:
        answer = for_real(studied.folder, *WORDS, "--scheduler", cluster.address)
    assert answer.code == 0
    assert reports(studied, studied.folder / "runs.db") == reports(studied, once)


@pytest.mark.server
def test_a_server_holds_the_same_study(studied: Here, once: Path, location: str) -> None:
    assert (
        studied(
            "compare", "--study", "small", "--jobs", "1", "--only", "iris", "--db", location
        ).code
        == 0
    )
    assert studied("compare", "--study", "small", "--jobs", "1", "--db", location).code == 0
    for form in ("table", "csv"):
        words = ("report", "--study", "small", "--format", form, "--db")
        assert studied(*words, location).out == studied(*words, str(once)).out


@pytest.mark.long
@pytest.mark.parametrize("n_lines", [20, 60, 80])
def test_one_that_was_killed_goes_on(studied: Here, once: Path, n_lines: int) -> None:
    """Killed in the trials, in the first part's reported runs, and in the second part."""
    with subprocess.Popen(
        [CDBENCH, *WORDS, "--jobs", "1"],
        cwd=studied.folder,
        env=plain_environment(PYTHONUNBUFFERED="1"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        runs = (line for line in process.stdout if ": completed" in line)
        for _ in range(n_lines):
            next(runs)
        process.kill()
    assert studied(*WORDS, "--jobs", "1", "--resume").code == 0
    assert reports(studied, studied.folder / "runs.db") == reports(studied, once)
