"""The trash: what is removed is nowhere, and what is restored is as it was."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event, inspect, select, text

from cdbench.config.diagnostics import Diagnostics
from cdbench.errors import ConfigurationError
from cdbench.records.run import Run
from cdbench.store.audit_queries import covering_runs
from cdbench.store.comparison_queries import ended_runs
from cdbench.store.database import Database, open_for_reading, open_for_writing
from cdbench.store.models import Base
from cdbench.store.queries import completed_configs, newest_runs
from cdbench.store.record import record_run
from cdbench.store.run_labels import Labels, labels_of, tag_runs, write_note
from cdbench.store.run_lists import listed_runs
from cdbench.store.run_names import run_named
from cdbench.store.training_queries import stored_trainings
from cdbench.store.trash import delete_removed, remove_runs, restore_runs
from cdbench.store.upkeep.checks import check_database
from cdbench.store.upkeep.copying import copy_database
from cdbench.store.upkeep.inventory import inventory
from cdbench.store.upkeep.merging import merge_database
from cdbench.store.upkeep.vacuuming import vacuum_database
from cdbench.store.views import VIEWS
from tests.cli_tools import NEWEST, Here, change
from tests.postgres import PostgresServer

TinyRun = Callable[..., Run]


def dump(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of every table and view."""
    with database.transaction() as connection:
        found = {
            table.name: [tuple(row) for row in connection.execute(select(table))]
            for table in Base.metadata.sorted_tables
        }
        views = {
            name: [tuple(row) for row in connection.execute(text(f"SELECT * FROM {name}"))]
            for name in VIEWS
        }
    return {name: sorted(rows, key=repr) for name, rows in (found | views).items()}


@pytest.fixture
def whole(tmp_path: Path) -> Database:
    """Return a database with runs of every status, judgements and benchmarks, and no trash."""
    path = tmp_path / "runs.db"
    shutil.copy(NEWEST, path)
    database = open_for_writing(str(path))
    restore_runs(database, None)
    return database


def every_run(database: Database) -> list[int]:
    return [row["run_id"] for row in listed_runs(database, ["run_id"]).rows]


def test_a_restored_run_is_as_it_was(whole: Database) -> None:
    before, keys = dump(whole), every_run(whole)
    for some in (keys[:1], keys[3:7], keys):
        assert remove_runs(whole, some, force=True) == len(some)
        assert dump(whole) != before
        assert sorted(restore_runs(whole, None)) == sorted(some)
        assert dump(whole) == before


def test_what_is_removed_is_nowhere(whole: Database) -> None:
    seen = {row["uuid"]: row for row in listed_runs(whole, ["all"]).rows}
    configs = [training.config for training in stored_trainings(whole)]
    keys = every_run(whole)
    remove_runs(whole, keys, force=True)
    assert every_run(whole) == []
    of_judgements = {"claims", "measurements", "observations", "replications", "first_audit"}
    for name, rows in dump(whole).items():
        if name in VIEWS and name not in of_judgements | {"benchmarks"}:
            assert rows == [], name
    assert newest_runs(whole, configs) == {}
    assert completed_configs(whole, configs) == set()
    assert covering_runs(whole, dict.fromkeys(configs, Diagnostics(spectra=False))) == {}
    assert ended_runs(whole, configs, failed_too=True) == {}
    assert stored_trainings(whole) == []
    found = inventory(whole)
    assert (found.statuses, found.datasets, found.models, found.n_rows["run"]) == ({}, {}, {}, 0)
    assert (found.first, found.last) == (None, None)
    for name in (str(keys[0]), *seen):
        with pytest.raises(ConfigurationError, match="is in the trash; to bring it back"):
            run_named(whole, name)
    assert check_database(whole).findings == ()
    kept = listed_runs(whole, ["all"], removed=True)
    assert kept.n_found == len(seen)
    for row in kept.rows:
        assert row["removed_at"] is not None
        same = row.keys() - {"removed_at", "is_latest"}
        assert {name: row[name] for name in same} == {
            name: seen[row["uuid"]][name] for name in same
        }


def test_a_removal_that_fails_half_way_removes_nothing(whole: Database) -> None:
    before = dump(whole)

    def fail(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if statement.startswith("UPDATE run"):
            raise KeyboardInterrupt

    event.listen(whole._engine, "before_cursor_execute", fail)
    with pytest.raises(KeyboardInterrupt):
        remove_runs(whole, every_run(whole), force=True)
    event.remove(whole._engine, "before_cursor_execute", fail)
    assert dump(whole) == before


def test_runs_on_which_a_judgement_rests_are_removed_only_by_force(whole: Database) -> None:
    before, keys = dump(whole), every_run(whole)
    with whole.transaction() as connection:
        used = set(connection.execute(text("SELECT DISTINCT run_id FROM observations")).scalars())
    assert used - {None} != set()
    with pytest.raises(ConfigurationError, match=r"^the claim better rests on \d+ of these runs"):
        remove_runs(whole, keys)
    assert dump(whole) == before
    free = [key for key in keys if key not in used]
    assert remove_runs(whole, free) == len(free)


def test_what_is_deleted_for_good_leaves_no_row(whole: Database, tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    shutil.copy(str(whole.path), other)
    keys = every_run(whole)[:8]
    remove_runs(whole, keys, force=True)
    assert vacuum_database(str(whole.path), empty_trash=True).n_runs == 8
    assert vacuum_database(str(whole.path), empty_trash=True).n_runs == 0
    assert check_database(whole).findings == ()
    change(other, "PRAGMA foreign_keys = ON")
    gone = ", ".join(map(str, keys))
    change(other, f"UPDATE observation SET run_id = NULL WHERE run_id IN ({gone})")
    change(other, f"DELETE FROM run WHERE run_id IN ({gone})")
    vacuum_database(str(other))
    assert dump(whole) == dump(open_for_reading(str(other)))


def test_a_removed_run_is_trained_again_and_then_is_another(
    database: Database, tiny_run: TinyRun
) -> None:
    run = tiny_run()
    old = record_run(database, run)
    remove_runs(database, [old])
    assert completed_configs(database, [run.config]) == set()
    new = record_run(database, replace(run, uuid="another"))
    restore_runs(database, [str(old)])
    assert every_run(database) == [new, old]
    with database.transaction() as connection:
        latest = connection.execute(text("SELECT run_id FROM latest_run")).scalars().all()
    assert latest == [new]


def test_merging_keeps_tags_notes_and_the_trash(
    location: str, tmp_path: Path, tiny_run: TinyRun
) -> None:
    both, own, gone = tiny_run(seed=1), tiny_run(seed=2), tiny_run(seed=3)
    here, there = open_for_writing(location), open_for_writing(str(tmp_path / "other.db"))
    for run in (own, both):
        record_run(here, run)
    for run in (both, gone):
        record_run(there, run)
    tag_runs(here, [both.uuid], ["a", "b"])
    tag_runs(there, [both.uuid, gone.uuid], ["b", "c"])
    write_note(there, both.uuid, "theirs")
    write_note(there, gone.uuid, "gone")
    remove_runs(there, [1, 2])
    for _ in range(2):  # the second time brings nothing
        merge_database(location, str(tmp_path / "other.db"))
        merged = open_for_reading(location)
        assert every_run(merged) == [2, 1]  # what was kept here is kept
        assert labels_of(merged, 2) == Labels(("a", "b", "c"), "theirs")
        (kept,) = listed_runs(merged, ["uuid", "tag", "note", "status"], removed=True).rows
        assert (kept["uuid"], kept["tag"], kept["note"]) == (gone.uuid, "b c", "gone")
        assert kept["status"] == "completed"
    write_note(here, both.uuid, "ours")
    merge_database(location, str(tmp_path / "other.db"))
    assert labels_of(here, 2).note == "ours"


@pytest.mark.parametrize(
    ("fault", "line"),
    [
        ("DELETE FROM trash", "1 run: removed but not in the trash (run 1)"),
        ("UPDATE run SET status = 'completed'", "1 run: in the trash but kept (run 1)"),
    ],
)
def test_check_finds_a_trash_that_is_not_whole(
    fault: str, line: str, tmp_path: Path, tiny_run: TinyRun
) -> None:
    path = tmp_path / "runs.db"
    database = open_for_writing(str(path))
    record_run(database, tiny_run())
    remove_runs(database, [1])
    assert check_database(database).findings == ()
    change(path, fault)
    (found,) = check_database(database).findings
    assert str(found).startswith(line)


@pytest.fixture
def three(here: Here, tiny_run: TinyRun) -> Here:
    database = open_for_writing("runs.db")
    for seed in range(3):
        record_run(database, tiny_run(seed=seed))
    return here


def test_rm_and_restore_from_the_command_line(three: Here) -> None:
    refused = three("runs", "rm", "1", "2")
    assert (refused.code, refused.out) == (2, "")
    assert "There is no terminal to ask at; to do it without being asked: --yes" in refused.err
    assert "2 runs in runs.db" in refused.err
    answer = three("runs", "rm", "1", "latest", "--yes")
    assert (answer.code, answer.err) == (0, "")
    assert answer.out == "removed 2 runs; to bring them back: cdbench runs restore 1 3\n"
    assert "1 run in runs.db" in three("runs", "list").out
    assert "2 runs in runs.db" in three("runs", "list", "--trash").out
    assert three("runs", "restore", "3").out == "restored 1 run\n"
    assert three("runs", "restore", "2").err.startswith("cdbench: RUN 2: not in the trash of runs.")
    assert three("runs", "rm", "--where", "seed = 2", "-y").out.startswith(
        "removed 1 run; to bring"
    )
    nothing = three("runs", "rm", "--where", "seed = 2", "-y")
    assert nothing.err == "cdbench: runs.db: no run for which seed = 2; nothing was removed\n"
    assert three("runs", "restore", "--all").out == "restored 2 runs\n"
    assert three("runs", "restore", "--all").err == "cdbench: runs.db: the trash is empty\n"
    for words in (
        ("rm",),
        ("rm", "1", "--where", "seed=1"),
        ("restore",),
        ("restore", "1", "--all"),
    ):
        assert three("runs", *words).code == 2
    assert three("runs", "rm", "1", "--db", "none.db").code == 3
    assert not (three.folder / "none.db").exists()


@pytest.mark.parametrize("answer", ["n", "", "yes"])
def test_at_a_terminal_it_is_asked_before_anything_goes(
    answer: str, three: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("sys.stdin.readline", lambda: f"{answer}\n")
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    said = three("runs", "rm", "1")
    assert "Remove 1 run? [y/N] " in said.err
    gone = answer == "yes"
    assert ("nothing was removed" in said.err) is not gone
    assert (len(three("runs", "list", "--format", "csv").out.splitlines()) == 3) is gone
    deleted = three("db", "vacuum", "--empty-trash")
    assert ("Delete the run in the trash for good? [y/N] " in deleted.err) is gone
    assert ("1 run of the trash deleted" in deleted.out) is gone


def test_emptying_the_trash_without_a_terminal_needs_a_yes(three: Here) -> None:
    three("runs", "rm", "1", "2", "--yes")
    assert three("db", "vacuum", "--empty-trash").code == 2
    assert three("db", "vacuum").code == 0
    assert "2 runs in runs.db" in three("runs", "list", "--trash").out
    answer = three("db", "vacuum", "--empty-trash", "--yes")
    assert answer.out.startswith("2 runs of the trash deleted\n")
    assert three("runs", "list", "--trash").err == "cdbench: runs.db: no run in the trash\n"


def indices(connection: Connection) -> dict[str, list[str]]:
    """Return the first columns of every key and index, by their table."""
    asked = inspect(connection)
    return {
        table: [
            asked.get_pk_constraint(table)["constrained_columns"][0],
            *(str(index["column_names"][0]) for index in asked.get_indexes(table)),
            *(rule["column_names"][0] for rule in asked.get_unique_constraints(table)),
        ]
        for table in Base.metadata.tables
    }


def filled(location: str) -> Database:
    """Return a database at a location with three runs in the trash, all of some rows."""
    copy_database(str(NEWEST), location)
    database = open_for_writing(location)
    restore_runs(database, None)
    remove_runs(database, every_run(database)[:3], force=True)
    return database


def test_deleting_for_good_looks_up_what_refers_to_a_run(location: str) -> None:
    """A whole table is read for each deleted run where no index of it begins with the key."""
    database = filled(location)
    indexed: dict[str, list[str]] = {}

    def look(connection: Any, _cursor: object, statement: str, *_rest: object) -> None:
        if statement.startswith("DELETE FROM run "):
            indexed.update(indices(connection))

    with database.transaction() as connection:
        before = indices(connection)
    event.listen(database._engine, "before_cursor_execute", look)
    with database.transaction() as connection:
        assert delete_removed(connection) == 3
    referring = {
        table.name
        for table in Base.metadata.sorted_tables
        if any(key.column.table.name == "run" for key in table.foreign_keys)
    }
    assert referring
    assert [name for name in referring if "run_id" not in indexed[name]] == []
    with database.transaction() as connection:
        assert indices(connection) == before


@pytest.mark.server
def test_who_owns_no_table_may_empty_the_trash_too(postgres: PostgresServer) -> None:
    location = postgres.new_database()
    filled(location)
    name = location.rpartition("/")[2]
    role = f"clerk_{name}"
    rights = "SELECT, INSERT, UPDATE, DELETE ON ALL TABLES"
    postgres.ask(
        name,
        f"CREATE ROLE {role} LOGIN PASSWORD 'c'; GRANT {rights} IN SCHEMA public TO {role}; "
        f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {role}",
    )
    database = open_for_writing(f"postgresql+psycopg://{role}:c@{location.partition('@')[2]}")
    with database.transaction() as connection:
        assert delete_removed(connection) == 3
