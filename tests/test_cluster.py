"""Sweeps on a Dask cluster: the numbers of a local sweep, whatever happens to its processes."""

import os
import signal
import subprocess
import sys
import time
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from uuid import uuid4

import pytest

import cdbench
from cdbench.config.diagnostics import Diagnostics
from cdbench.config.run_config import RunConfig
from cdbench.records.run import Run
from cdbench.running.cluster import AHEAD, execute_alone, execute_on_cluster
from cdbench.running.sweep import one_by_one
from tests.cli_tools import CDBENCH, Answer, Here, for_real, plain_environment, rows
from tests.dask_cluster import PATIENCE_S, DaskProcesses, dask_cluster, until

if find_spec("distributed") is None:  # importing it takes a second, in every process of the tests
    pytest.skip("needs distributed", allow_module_level=True)

GRID = (
    *("sweep", "--dataset", "iris", "--hidden", "8", "--epochs", "3"),
    *("--B", "2", "3", "--learning-rate", "0.1", "1e200", "--seeds", "0", "1", "2"),
    "--keep-weights",
)
"""Twelve models and six baselines of milliseconds, of which half diverge."""

LONG = ("sweep", "--B", "4", "--no-baseline", "--epochs", "60", "--seeds")
"""Runs of a good part of a second each."""

ANOTHER_VERSION = "import cdbench; cdbench.__version__ = '0.0.1'"
NO_CDBENCH = "import sys; sys.modules['cdbench'] = None"
OTHER_PACKAGES = "import cdbench.running.environment as e; e.version = lambda name: '1.0.0'"
DEADLY = "import cdbench.running.cluster as c, os; c.execute_alone = lambda *_: os._exit(1)"

TRAP = """
import pathlib
pathlib.Path(__file__).with_name("trapped").touch()
raise SystemExit("run from the working folder")
"""

COUNT_TASKS = """
import sys
from distributed import Client
client = Client(sys.argv[1])
print(client.run_on_scheduler(lambda dask_scheduler: len(dask_scheduler.tasks)))
"""

NUMBERS = {
    "runs": "select config_digest, status, n_parameters, dataset_fingerprint, product_used, error "
    "from run join configuration using (configuration_id) order by 1",
    "epochs": "select config_digest, epoch.epoch, training_loss, test_loss, test_accuracy "
    "from epoch join run using (run_id) order by 1, 2",
    "conditions": "select config_digest, condition_number.layer, kind, condition_number.epoch, "
    "largest, smallest, kappa, kappa_nonnull, rank, size, threshold, flatness "
    "from condition_number join run using (run_id) order by 1, 2, 3, 4",
    "weights": "select config_digest, kept_weights.dtype, kept_weights.n_parameters, digest, "
    "arrays, parts_json from kept_weights join run using (run_id) order by 1",
    "spectra": "select config_digest, spectrum.layer, kind, spectrum.epoch, position, value "
    "from spectrum_value join spectrum using (spectrum_id) join run using (run_id) "
    "order by 1, 2, 3, 4, 5",
}


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[DaskProcesses]:
    with dask_cluster(tmp_path / "cluster") as processes:
        yield processes


def on(cluster: DaskProcesses, folder: Path, *words: str) -> Answer:
    """Run a command with ``--scheduler``, in a process of its own."""
    return for_real(folder, *words, "--scheduler", cluster.address)


@contextmanager
def sweeping(cluster: DaskProcesses, folder: Path, *words: str) -> Iterator[subprocess.Popen[str]]:
    """Give a command with ``--scheduler`` as it runs; afterwards it does not."""
    command = [CDBENCH, *words, "--scheduler", cluster.address]
    # A worker that is gone is given up after five seconds, not thirty.
    timeout = {"DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "5s"}
    environment = plain_environment(PYTHONUNBUFFERED="1", **timeout)
    with subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def line_of(process: subprocess.Popen[str]) -> str:
    """Wait for a line of a sweep's progress."""
    assert process.stdout is not None
    return process.stdout.readline()


def seeds(folder: Path) -> list[tuple[str, int]]:
    found = rows(folder / "runs.db", "select status, seed from run order by seed")
    return [(str(status), int(seed)) for status, seed in found]


def without_notice(err: str, cluster: DaskProcesses) -> str:
    """Return what was complained of but that workers were waited for: where they start slowly."""
    return err.removeprefix(f"cdbench: waiting for workers of {cluster.address}\n")


@pytest.mark.cluster
def test_cluster_gives_the_numbers_of_a_local_sweep(cluster: DaskProcesses, tmp_path: Path) -> None:
    answer = on(cluster, tmp_path, *GRID, "--db", "there.db")
    assert (answer.code, answer.err) == (1, "")  # those that diverge
    for_real(tmp_path, *GRID, "--db", "here.db", "--jobs", "2")
    for what, question in NUMBERS.items():
        there, here = (rows(tmp_path / name, question) for name in ("there.db", "here.db"))
        assert len(here) >= (9 if what == "weights" else 18), what
        assert there == here, what
    command = "select command_line, ended_at is not null from sweep"
    assert "--scheduler" in rows(tmp_path / "there.db", command)[0][0]
    resumed = on(cluster, tmp_path, *GRID, "--db", "there.db", "--resume")
    assert "9 of 18 runs are stored already" in resumed.out


@pytest.mark.cluster
def test_worker_killed_midway_loses_no_run_and_doubles_none(tmp_path: Path) -> None:
    with dask_cluster(tmp_path / "cluster", 0) as cluster:
        killed, _ = cluster.worker(), cluster.worker()
        with sweeping(cluster, tmp_path, *LONG, "0..9") as sweep:
            assert line_of(sweep).startswith("1/10 ")
            killed.kill()
            out, err = sweep.communicate(timeout=PATIENCE_S)
    assert (sweep.returncode, err) == (0, ""), out
    assert seeds(tmp_path) == [("completed", seed) for seed in range(10)]


@pytest.mark.cluster
def test_run_that_kills_its_workers_is_reported_as_failed(tmp_path: Path) -> None:
    with (
        dask_cluster(tmp_path / "cluster", 0) as cluster,
        sweeping(cluster, tmp_path, *LONG, "0") as sweep,
    ):
        for _ in range(4):  # as often as Dask tries by default
            worker = cluster.worker(preload=DEADLY)
            worker.wait(PATIENCE_S)
        out, err = sweep.communicate(timeout=PATIENCE_S)
    assert sweep.returncode == 1, err
    assert err == f"cdbench: waiting for workers of {cluster.address}\n" * err.count("\n")
    assert "seed 0: failed: 4 workers died with this run, the last of them tcp://" in out
    assert seeds(tmp_path) == [("failed", 0)]


@pytest.mark.cluster
def test_sweep_waits_for_workers_and_says_so_once(tmp_path: Path) -> None:
    with (
        dask_cluster(tmp_path / "cluster", 0) as cluster,
        sweeping(cluster, tmp_path, *LONG, "0..9") as sweep,
    ):
        assert sweep.stderr is not None
        assert sweep.stderr.readline() == f"cdbench: waiting for workers of {cluster.address}\n"
        first = cluster.worker()
        assert line_of(sweep).startswith("1/10 ")
        first.kill()  # with results that were not fetched yet, too
        assert sweep.stderr.readline() == f"cdbench: waiting for workers of {cluster.address}\n"
        cluster.worker()
        _, err = sweep.communicate(timeout=PATIENCE_S)
    assert (sweep.returncode, err) == (0, "")
    assert seeds(tmp_path) == [("completed", seed) for seed in range(10)]


@pytest.mark.cluster
def test_lost_scheduler_ends_the_sweep_and_keeps_finished_runs(
    cluster: DaskProcesses, tmp_path: Path
) -> None:
    with sweeping(cluster, tmp_path, *LONG, "0..9") as sweep:
        assert line_of(sweep).startswith("1/10 ")
        cluster.scheduler.kill()
        _, err = sweep.communicate(timeout=PATIENCE_S)
    words = f"cdbench: the scheduler at {cluster.address} is gone; finished runs are kept, to go on"
    assert without_notice(err, cluster).startswith(words)
    assert err.endswith("--resume\n")
    assert err.count("\n") == 1
    assert sweep.returncode == 1
    assert {status for status, _ in seeds(tmp_path)} == {"completed"}


@pytest.mark.cluster
def test_interrupt_keeps_finished_runs_and_takes_the_rest_from_the_cluster(
    cluster: DaskProcesses, tmp_path: Path
) -> None:
    with sweeping(cluster, tmp_path, *LONG, "0..9") as sweep:
        assert line_of(sweep).startswith("1/10 ")
        os.kill(sweep.pid, signal.SIGINT)
        _, err = sweep.communicate(timeout=PATIENCE_S)
    assert sweep.returncode == 130
    n_stored = len(seeds(tmp_path))
    assert 1 <= n_stored < 10
    words = f"interrupted: {n_stored} of 10 runs are stored; to go on: cdbench"
    assert without_notice(err, cluster).startswith(words)
    done = subprocess.run(
        [sys.executable, "-c", COUNT_TASKS, cluster.address],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=True,
    )
    assert done.stdout == "0\n"
    assert on(cluster, tmp_path, *LONG, "0..9", "--resume").code == 0
    assert seeds(tmp_path) == [("completed", seed) for seed in range(10)]


@pytest.mark.cluster
def test_other_versions_are_refused_or_warned_of(tmp_path: Path) -> None:
    words = (*GRID[:7], "--B", "2", "--seeds", "0")
    for preload, said in ((ANOTHER_VERSION, "cdbench 0.0.1,"), (NO_CDBENCH, "cdbench ")):
        with dask_cluster(tmp_path / "cluster", 0) as cluster:
            cluster.worker(preload=preload)
            until(cluster.has_registered, "the worker")
            answer = on(cluster, tmp_path, *words)
        assert answer.code == 2
        assert answer.err.startswith("cdbench: worker tcp://127.0.0.1:")
        assert f" has {said}" in answer.err
        assert answer.err.count("\n") == 1
        assert not (tmp_path / "runs.db").exists()
    with dask_cluster(tmp_path / "cluster", 0) as cluster:
        cluster.worker(preload=OTHER_PACKAGES, nthreads=2)
        until(cluster.has_registered, "the worker")
        answer = on(cluster, tmp_path, *words)
    assert answer.code == 0
    different, threads = answer.err.splitlines()
    assert different.startswith("cdbench: worker tcp://127.0.0.1:")
    assert " has NumPy 1.0.0 (here " in different
    assert ", SciPy 1.0.0 (here " in different
    assert "has 2 threads, but runs use one at a time" in threads


@pytest.mark.cluster
def test_workers_of_another_version_that_join_later_are_refused_and_the_sweep_goes_on(
    cluster: DaskProcesses, tmp_path: Path
) -> None:
    with sweeping(cluster, tmp_path, *LONG, "0..29") as sweep:
        assert sweep.stderr is not None
        assert line_of(sweep).startswith("1/30 ")
        for preload in (ANOTHER_VERSION, NO_CDBENCH, ANOTHER_VERSION):
            cluster.worker(preload=preload)
        refused = [sweep.stderr.readline() for _ in range(3)]
        _, err = sweep.communicate(timeout=PATIENCE_S)
    assert sum(" has cdbench 0.0.1, " in line for line in refused) == 2
    for line in refused:
        assert line.startswith("cdbench: worker tcp://127.0.0.1:")
        assert " has cdbench " in line
        assert line.endswith(
            f", expected cdbench {cdbench.__version__}, as here; install it there; it gets "
            "no runs\n"
        )
    assert len({line.split()[2] for line in refused}) == 3  # one by one, under its own address
    assert (sweep.returncode, err) == (0, "")
    assert seeds(tmp_path) == [("completed", seed) for seed in range(30)]
    versions = rows(tmp_path / "runs.db", "select distinct cdbench_version from environment")
    assert versions == [(cdbench.__version__,)]


@pytest.mark.cluster
def test_workers_of_another_version_beside_a_good_one_are_refused_from_the_start(
    tmp_path: Path,
) -> None:
    with dask_cluster(tmp_path / "cluster", 0) as cluster:
        for preload in (ANOTHER_VERSION, ""):
            cluster.worker(preload=preload)
            until(cluster.has_registered, "the worker")
        answer = on(cluster, tmp_path, *GRID[:7], "--B", "2", "--seeds", "0..9")
    assert (answer.code, answer.err.count("\n")) == (0, 1), answer.err
    assert " has cdbench 0.0.1, expected " in answer.err
    versions = rows(tmp_path / "runs.db", "select distinct cdbench_version from environment")
    assert versions == [(cdbench.__version__,)]


@pytest.mark.cluster
def test_runs_whose_workers_are_all_gone_are_trained_by_those_that_came_later(
    tmp_path: Path,
) -> None:
    with (
        dask_cluster(tmp_path / "cluster", 0) as cluster,
        sweeping(cluster, tmp_path, *LONG, "0..4") as sweep,
    ):
        assert sweep.stderr is not None
        assert sweep.stderr.readline() == f"cdbench: waiting for workers of {cluster.address}\n"
        first = cluster.worker()
        assert line_of(sweep).startswith("1/5 ")
        first.send_signal(signal.SIGSTOP)  # so that the other tasks are its own
        cluster.worker()
        until(cluster.has_registered, "the worker")
        first.kill()
        _, err = sweep.communicate(timeout=PATIENCE_S)
    assert (sweep.returncode, err) == (0, "")
    assert seeds(tmp_path) == [("completed", seed) for seed in range(5)]


@pytest.mark.cluster
def test_scheduler_that_stands_still_is_said_once_and_waited_for(
    cluster: DaskProcesses, tmp_path: Path
) -> None:
    with sweeping(cluster, tmp_path, *LONG, "0..9") as sweep:
        assert sweep.stderr is not None
        assert line_of(sweep).startswith("1/10 ")
        cluster.scheduler.send_signal(signal.SIGSTOP)
        stopped = time.monotonic()
        said = f"cdbench: the scheduler at {cluster.address} does not answer; waiting\n"
        assert sweep.stderr.readline() == said
        assert 9 < time.monotonic() - stopped < 20
        time.sleep(3)
        cluster.scheduler.send_signal(signal.SIGCONT)
        _, err = sweep.communicate(timeout=PATIENCE_S)
    assert (sweep.returncode, err) == (0, "")
    assert seeds(tmp_path) == [("completed", seed) for seed in range(10)]


@pytest.mark.cluster
def test_interrupt_gets_through_while_the_scheduler_stands_still(
    cluster: DaskProcesses, tmp_path: Path
) -> None:
    with sweeping(cluster, tmp_path, *LONG, "0..9") as sweep:
        assert line_of(sweep).startswith("1/10 ")
        cluster.scheduler.send_signal(signal.SIGSTOP)
        time.sleep(4)
        sweep.send_signal(signal.SIGINT)
        _, err = sweep.communicate(timeout=10)
        cluster.scheduler.send_signal(signal.SIGCONT)
    assert sweep.returncode == 130
    assert without_notice(err, cluster).startswith("interrupted: "), err
    assert {status for status, _ in seeds(tmp_path)} == {"completed"}


@pytest.mark.cluster
def test_scheduler_that_stands_still_from_the_start_is_an_error_of_one_line(
    tmp_path: Path,
) -> None:
    with dask_cluster(tmp_path / "cluster", 0) as cluster:
        cluster.scheduler.send_signal(signal.SIGSTOP)
        answer = on(cluster, tmp_path, *GRID)
    assert answer.code == 2
    assert answer.err == (
        f"cdbench: --scheduler {cluster.address}: no Dask scheduler answers within 10 s; expected "
        "the address that it printed when it started\n"
    )
    assert not (tmp_path / "runs.db").exists()


@pytest.mark.cluster
@pytest.mark.parametrize("safe", [True, False])
def test_workers_with_pythonsafepath_run_nothing_from_their_folder(
    tmp_path: Path, safe: bool
) -> None:
    """Without it they do: what the documentation has users type is what keeps them from it."""
    folder = tmp_path / "cluster"
    with dask_cluster(folder, 0) as cluster:
        trap = folder / "selectors.py"
        trap.write_text(TRAP, encoding="utf-8")
        cluster.nanny(PYTHONSAFEPATH="1" if safe else "")
        until(lambda: (folder / "trapped").exists() or cluster.has_started(), "the worker")
    assert (folder / "trapped").exists() is not safe


@pytest.mark.cluster
def test_worker_without_the_file_gives_failed_runs_that_say_so(tmp_path: Path) -> None:
    here = tmp_path / "here"
    here.mkdir()
    (here / "own.csv").write_text("a,label\n" + "1,x\n2,y\n3,x\n4,y\n" * 10, encoding="utf-8")
    words = ("sweep", "--dataset", "own.csv", "--label-column", "label", "--hidden", "4", "--B")
    with dask_cluster(tmp_path / "cluster", 1) as cluster:
        answer = on(cluster, here, *words, "2", "--seeds", "0", "--epochs", "1")
    assert answer.code == 1
    assert "failed: own.csv: no such file" in answer.out


def test_what_cannot_be_an_address_is_refused_in_one_line(here: Here) -> None:
    for address in ("nowhere", "http://x:1", "tcp://x", ""):
        answer = here("sweep", "--scheduler", address)
        assert answer.code == 2
        assert answer.err == (
            f"cdbench: --scheduler {address!r} is not an address; expected one like tcp://host:8786\n"
        )
    answer = here("sweep", "--scheduler", "tls://127.0.0.1:1")
    assert (answer.code, answer.err.count("\n")) == (2, 1)
    assert "names no certificates" in answer.err
    assert list(here.folder.iterdir()) == []


def test_no_scheduler_and_no_dask_are_said_in_one_line(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cdbench.running.cluster_connection.CONNECT_S", 1)
    answer = here("sweep", "--scheduler", "tcp://127.0.0.1:1")
    assert (answer.code, answer.err) == (
        2,
        "cdbench: --scheduler tcp://127.0.0.1:1: no Dask scheduler answers within 1 s; expected "
        "the address that it printed when it started\n",
    )
    monkeypatch.setitem(sys.modules, "distributed", None)
    answer = here("sweep", "--scheduler", "tcp://127.0.0.1:1")
    assert answer.code == 2
    assert answer.err.endswith("not installed; type pip install 'cdbench[dask]'\n")


def test_jobs_and_scheduler_exclude_each_other(here: Here) -> None:
    answer = here("sweep", "--scheduler", "tcp://127.0.0.1:1", "--jobs", "2")
    assert (answer.code, answer.err.count("\n")) == (2, 1)
    assert "expected one of the two" in answer.err


class PretendedCluster:
    """Trains at once, in this process; ``most`` is how many tasks were ever with it at a time."""

    def __init__(self, run: Run) -> None:
        self.n_workers, self.workers = 2, frozenset({"tcp://one", "tcp://two"})
        self.needed = ()  # of plug-ins
        self.run, self.pending, self.most = run, 0, 0

    def submit(self, *_: object) -> "Ended":
        self.pending += 1
        self.most = max(self.most, self.pending)
        return Ended()

    def fetch(self, futures: list[object], _: object) -> list[Run]:
        self.pending -= len(futures)
        return [replace(self.run, uuid=str(uuid4())) for _ in futures]

    def accepts(self, _: object) -> bool:
        return True

    def has_lost(self, _: object) -> bool:
        return False

    can_move = has_lost

    def look(self) -> None: ...
    def cancel(self, _: object) -> None: ...
    def close(self, _: object) -> None: ...


class Ended:
    status = "finished"

    def add_done_callback(self, put: Callable[[object], None]) -> None:
        put(self)


def test_few_runs_are_with_the_cluster_at_a_time_and_more_as_it_grows(
    tiny_run: Callable[..., Run],
) -> None:
    cluster = PretendedCluster(tiny_run())
    configs = [RunConfig(seed=seed) for seed in range(200)]
    runs = one_by_one(execute_on_cluster(configs, cluster))  # type: ignore[arg-type]
    first = weakref.ref(next(runs))
    for _ in range(99):
        next(runs)
    assert first() is None
    assert cluster.most == 2 * AHEAD
    cluster.n_workers = 5
    assert len(list(runs)) == 100
    assert cluster.most == 5 * AHEAD


def test_runs_of_one_process_never_overlap(monkeypatch: pytest.MonkeyPatch) -> None:
    # Two at a time would share their number of BLAS threads, and with it change last digits.
    inside: list[int] = []
    most: list[int] = []

    def execute(*_: object, **__: object) -> None:
        inside.append(1)
        most.append(len(inside))
        time.sleep(0.02)
        inside.pop()

    monkeypatch.setattr("cdbench.running.execution.execute", execute)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: execute_alone(RunConfig(), Diagnostics(), 1), range(8)))
    assert most == [1] * 8
