"""Any operations in any order: the database holds what a plain Python model holds."""

import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from cdbench.config.run_config import RunConfig
from cdbench.errors import StoreError
from cdbench.records.run import COMPLETED, DIVERGED, STATUSES, Run
from cdbench.records.spectra import Curvature
from cdbench.running.execution import execute
from cdbench.store.database import open_for_reading, open_for_writing
from cdbench.store.migrate import revisions
from cdbench.store.queries import newest_runs
from cdbench.store.record import StoredSweep, end_sweep, record_run, record_runs, start_sweep
from cdbench.store.run_queries import stored_runs
from cdbench.store.upkeep.backups import back_up
from cdbench.store.upkeep.checks import check_database
from cdbench.store.upkeep.copying import copy_database
from cdbench.store.upkeep.merging import merge_database
from cdbench.store.upkeep.vacuuming import vacuum_database
from tests.conftest import TINY

ASSETS = Path(__file__).parent / "assets"
BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)
MEMORY = Path("/dev/shm")  # no test here is of what a disk does

KNOWN = """
    SELECT uuid, status, started_at, config_digest, run_id,
        (SELECT count(*) FROM epoch e WHERE e.run_id = run.run_id),
        (SELECT training_loss FROM epoch e WHERE e.run_id = run.run_id
            ORDER BY epoch DESC LIMIT 1),
        (SELECT count(*) FROM condition_number k WHERE k.run_id = run.run_id),
        (SELECT count(*) FROM spectrum s JOIN spectrum_value USING (spectrum_id)
            WHERE s.run_id = run.run_id),
        (SELECT count(*) FROM curvature c LEFT JOIN curvature_node USING (curvature_id)
            WHERE c.run_id = run.run_id)
    FROM run ORDER BY uuid"""

statuses = st.sampled_from(STATUSES)
seeds = st.integers(0, 2)
minutes = st.integers(0, 3)


@cache
def trained(seed: int) -> Run:
    """Return a tiny run with few numbers of every kind."""
    run = execute(RunConfig(**TINY, seed=seed))
    curvature = Curvature(
        "hessian", "own", 2, "train", 5, "exact", 9, 3, 0.5, 4.0, -1.0, 8.0, None, 3.0, 0.0, 1.5,
        0.1, 9.0, (1.0, 0.5), (0.75, 0.25),
    )  # fmt: skip
    spectra = tuple(replace(found, values=found.values[:3]) for found in run.spectra[:3])
    return replace(run, spectra=spectra, curvature=(curvature,))


def spoilt(run: Run, how: str) -> Run:
    """Return a run that cannot be stored."""
    match how:
        case "epoch twice":
            return replace(run, epochs=(*run.epochs, *run.epochs))
        case "NaN":
            return replace(run, cpu_s=float("nan"))
        case "status":
            return replace(run, status="running")
        case _:
            return replace(run, error="\udcff")


@dataclass(frozen=True)
class Known:
    """What the model knows of a run; all but its key, which breaks ties, is the test's own."""

    uuid: str
    status: str
    started_at: str
    config_digest: str
    run_id: int
    n_epochs: int
    last_loss: float | None
    n_conditions: int
    n_values: int
    n_nodes: int


def known(run: Run, run_id: int) -> Known:
    return Known(
        run.uuid,
        run.status,
        run.started_at.strftime("%Y-%m-%d %H:%M:%S.%f"),
        run.config.digest(),
        run_id,
        len(run.epochs),
        run.epochs[-1].training_loss if run.epochs else None,
        len(run.spectra),
        sum(len(found.values) for found in run.spectra),
        sum(len(found.nodes) for found in run.curvature),
    )


def ask(path: Path, question: str) -> list[Any]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(question).fetchall()


def stored(path: Path) -> list[Known]:
    return [Known(*row) for row in ask(path, KNOWN)]


class Operations(RuleBasedStateMachine):
    """A database, another to merge with, and what both should hold."""

    n_runs = 0
    n_compared = 0

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(dir=MEMORY if MEMORY.is_dir() else None))
        self.path, self.other = self.folder / "runs.db", self.folder / "other.db"
        self.model: dict[str, Known] = {}
        self.other_runs: dict[str, Run] = {}
        self.sweeps: list[StoredSweep | None] = [None]
        self.has_orphans = self.had_orphans = False
        self.n_names = 0
        self.backups: list[tuple[Path, dict[str, Known], bool]] = []

    def teardown(self) -> None:
        shutil.rmtree(self.folder)

    @property
    def location(self) -> str:
        return str(self.path)

    def name(self) -> str:
        self.n_names += 1
        return f"name-{self.n_names}"

    def new_run(self, status: str, seed: int, minute: int) -> Run:
        """Return a run of any status; several begin at the same time."""
        Operations.n_runs += 1
        run = trained(seed)
        values: dict[str, Any] = {"uuid": self.name(), "status": status}
        values["started_at"] = BEGINNING + timedelta(minutes=minute)
        if status != COMPLETED:
            values |= {"epochs": run.epochs[:seed], "spectra": run.spectra[: seed + 1]}
            values |= {"curvature": (), "error": "stopped"}
        if status == DIVERGED:
            values |= {"diverged_epoch": 2, "diverged_step": 1}
        return replace(run, **values)

    @initialize(revision=st.sampled_from([None, *revisions()]))
    def begin(self, revision: str | None) -> None:
        """Begin with nothing, or with a released database, which is upgraded."""
        if revision is None:
            open_for_writing(self.location)
            return
        shutil.copy(ASSETS / f"{revision}.db", self.path)
        question = KNOWN
        if revision == "0001":  # it has no curvature
            question = KNOWN[: KNOWN.rindex("(SELECT count(*)")] + "0 FROM run ORDER BY uuid"
        before = [Known(*row) for row in ask(self.path, question)]
        open_for_writing(self.location)
        digests = dict(ask(self.path, "SELECT uuid, config_digest FROM run"))  # these may change
        self.model = {
            found.uuid: replace(found, config_digest=digests[found.uuid]) for found in before
        }

    def remember(self, runs: list[Run], run_ids: list[int]) -> None:
        numbers = dict(ask(self.path, "SELECT run_id, sequence FROM run"))
        new = [numbers.pop(run_id) for run_id in run_ids]
        assert new == sorted(set(new)), "written in this order"
        assert not numbers or new[0] > max(numbers.values()), "after all others"
        for run, run_id in zip(runs, run_ids, strict=True):
            self.model[run.uuid] = known(run, run_id)

    @rule(status=statuses, seed=seeds, minute=minutes, data=st.data())
    def record(self, status: str, seed: int, minute: int, data: st.DataObject) -> None:
        run = self.new_run(status, seed, minute)
        sweep = data.draw(st.sampled_from(self.sweeps))
        self.remember([run], [record_run(open_for_writing(self.location), run, sweep)])

    @rule(chosen=st.lists(st.tuples(statuses, seeds, minutes), min_size=2, max_size=4))
    def record_several(self, chosen: list[Any]) -> None:
        runs = [self.new_run(*values) for values in chosen]
        self.remember(runs, record_runs(open_for_writing(self.location), runs))

    @rule(
        chosen=st.lists(st.tuples(statuses, seeds, minutes), min_size=1, max_size=3),
        how=st.sampled_from(["epoch twice", "NaN", "status", "no text", "known uuid"]),
        data=st.data(),
    )
    def record_several_of_which_one_is_bad(
        self, chosen: list[Any], how: str, data: st.DataObject
    ) -> None:
        runs = [self.new_run(*values) for values in chosen]
        bad = spoilt(self.new_run(COMPLETED, 0, 0), how)
        if how == "known uuid":
            bad = replace(bad, uuid=runs[0].uuid, error=None, status=COMPLETED)
        runs.insert(data.draw(st.integers(0, len(runs))), bad)
        with pytest.raises(StoreError) as caught:
            record_runs(open_for_writing(self.location), runs)
        assert "\n" not in str(caught.value)

    @rule()
    def sweep_begins(self) -> None:
        self.sweeps.append(start_sweep(open_for_writing(self.location), self.name()))

    @rule(data=st.data())
    def sweep_ends(self, data: st.DataObject) -> None:
        sweep = data.draw(st.sampled_from(self.sweeps))
        if sweep is not None:
            end_sweep(open_for_writing(self.location), sweep)

    @rule()
    def transaction_fails(self) -> None:
        def fail() -> None:
            with open_for_writing(self.location).transaction() as connection:
                connection.exec_driver_sql("DELETE FROM run")
                connection.exec_driver_sql(
                    "INSERT INTO sweep (uuid, command_line, started_at) VALUES (1, 'x', 2026)"
                )
                raise RuntimeError

        with pytest.raises(RuntimeError):
            fail()

    @precondition(lambda self: self.model)
    @rule(with_keys=st.booleans(), newest=st.booleans(), data=st.data())
    def delete_by_hand(self, with_keys: bool, newest: bool, data: st.DataObject) -> None:
        by_key = sorted(self.model.values(), key=lambda found: found.run_id)
        victim = by_key[-1] if newest else data.draw(st.sampled_from(by_key))
        with closing(sqlite3.connect(self.path)) as connection, connection:
            connection.execute(f"PRAGMA foreign_keys = {with_keys:d}")
            connection.execute("DELETE FROM run WHERE uuid = ?", (victim.uuid,))
        del self.model[victim.uuid]
        self.has_orphans = bool(ask(self.path, "PRAGMA foreign_key_check"))
        assert not (self.has_orphans and with_keys and not self.had_orphans)

    @rule()
    def vacuum(self) -> None:
        vacuum_database(self.location)
        self.has_orphans = False

    @rule()
    def backup(self) -> None:
        copy = back_up(self.location, self.folder / f"{self.name()}.db")
        self.backups.append((copy, dict(self.model), self.has_orphans))
        assert stored(copy) == stored(self.path)

    @precondition(lambda self: self.backups)
    @rule(data=st.data())
    def restore(self, data: st.DataObject) -> None:
        copy, model, self.has_orphans = data.draw(st.sampled_from(self.backups))
        shutil.copy(copy, self.path)
        self.model = dict(model)
        found = ask(self.path, "SELECT sweep_id, uuid FROM sweep")
        self.sweeps = [None, *(StoredSweep(*row) for row in found)]

    @rule(status=statuses, seed=seeds, minute=minutes)
    def record_in_the_other(self, status: str, seed: int, minute: int) -> None:
        run = self.new_run(status, seed, minute)
        record_run(open_for_writing(str(self.other)), run)
        self.other_runs[run.uuid] = run

    @precondition(lambda self: self.other_runs and not self.has_orphans)
    @rule()
    def merge_twice(self) -> None:
        before = self.other.read_bytes()
        merge_database(self.location, str(self.other))
        once = stored(self.path)
        assert {found.came for found in merge_database(self.location, str(self.other))} == {0}
        assert stored(self.path) == once
        keys = dict(ask(self.path, "SELECT uuid, run_id FROM run"))
        for uuid, run in self.other_runs.items():
            self.model.setdefault(uuid, known(run, keys[uuid]))
        assert self.other.read_bytes() == before

    @rule()
    def copy_elsewhere(self) -> None:
        target = self.folder / f"{self.name()}.db"
        if self.has_orphans:
            with pytest.raises(StoreError, match="belong to no"):
                copy_database(self.location, str(target))
            return
        copy_database(self.location, str(target))
        assert stored(target) == sorted(self.model.values(), key=lambda found: found.uuid)
        target.unlink()

    @rule()
    def read(self) -> None:
        database = open_for_reading(self.location)
        ids = [found.run_id for found in self.model.values()]
        found = {run.uuid: known(run, run_id) for run_id, run in stored_runs(database, ids)}
        assert {uuid: row.last_loss for uuid, row in found.items()} == {
            uuid: row.last_loss for uuid, row in self.model.items()
        }
        configs = {
            config.digest(): config for config in (trained(seed).config for seed in range(3))
        }
        newest = newest_runs(database, configs.values())
        assert {config.digest(): run.run_id for config, run in newest.items()} == {
            digest: run_id for digest, run_id in self.newest().items() if digest in configs
        }

    @rule()
    def check(self) -> None:
        findings = check_database(open_for_reading(self.location)).findings
        assert bool(findings) == self.has_orphans, findings

    def newest(self) -> dict[str, int]:
        """Return the run_id of each configuration's newest completed run."""
        completed = [found for found in self.model.values() if found.status == COMPLETED]
        numbers = dict(ask(self.path, "SELECT run_id, sequence FROM run"))
        in_order = sorted(completed, key=lambda found: (numbers[found.run_id], found.run_id))
        return {found.config_digest: found.run_id for found in in_order}

    @invariant()
    def holds_what_the_model_holds(self) -> None:
        if not self.path.exists():
            return
        assert ask(self.path, "PRAGMA integrity_check") == [("ok",)]
        broken = bool(ask(self.path, "PRAGMA foreign_key_check"))
        assert self.has_orphans or not broken
        self.has_orphans = self.had_orphans = broken
        wanted = sorted(self.model.values(), key=lambda found: found.uuid)
        assert stored(self.path) == wanted
        Operations.n_compared += len(wanted)
        latest = "SELECT config_digest, run_id FROM latest_run"
        assert dict(ask(self.path, latest)) == self.newest()
        assert not (self.folder / "runs.db-journal").exists()


@pytest.mark.chaos
def test_any_operations_in_any_order(record_property: Callable[[str, object], None]) -> None:
    profile = settings(
        max_examples=10,
        stateful_step_count=25,
        deadline=None,
        phases=[Phase.generate],  # an example is short enough to read
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Operations, settings=profile)
    record_property("runs compared", Operations.n_compared)
    print({"runs made": Operations.n_runs, "runs compared": Operations.n_compared})  # noqa: T201
