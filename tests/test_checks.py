"""cdbench db check: it finds each fault that was planted, and nothing in what is sound."""

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from cdbench.errors import StoreError
from cdbench.store.database import Database, open_for_writing
from cdbench.store.location import find_location
from cdbench.store.migrate import revisions
from cdbench.store.upkeep.checks import check_database
from cdbench.store.upkeep.copying import copy_database
from cdbench.store.upkeep.inventory import inventory
from cdbench.store.upkeep.sources import open_as_it_is
from cdbench.store.views import VIEWS
from tests.cli_tools import NEWEST
from tests.postgres import PostgresServer
from tests.released import released_database

ROOT = Path(__file__).parents[1]


@pytest.fixture
def results(location: str) -> str:
    """Return where a database with a bit of everything is: once a file, once on a server."""
    if find_location(location).path is None:
        copy_database(str(NEWEST), location)
    else:
        shutil.copy(NEWEST, location)
    return location


def plant(location: str, *statements: str) -> None:
    """Change a database behind cdbench's back, in a file with no rule in force."""
    path = find_location(location).path
    if path is None:
        with open_for_writing(location).transaction() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)
        return
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        for statement in statements:
            connection.execute(statement)


def findings(location: str) -> list[str]:
    return [str(finding) for finding in check_database(open_as_it_is(location)).findings]


def remarks(location: str) -> list[str]:
    return [str(remark) for remark in check_database(open_as_it_is(location)).remarks]


COMPLETED = "(SELECT min(run_id) FROM run WHERE status = 'completed')"
SPECTRUM = "(SELECT min(spectrum_id) FROM spectrum)"
DIGEST = "0" * 64
OF_COMPLETED = (
    f"WHERE configuration_id = (SELECT configuration_id FROM run WHERE run_id = {COMPLETED})"
)

FAULTS = {
    "json": (
        f"UPDATE configuration SET config_json = 'nonsense' {OF_COMPLETED}",
        "4 runs: config_json cannot be read",
    ),
    "json of a list": (
        f"UPDATE configuration SET config_json = '[1]' {OF_COMPLETED}",
        "config_json cannot be read",
    ),
    "unknown knob": (
        f"UPDATE configuration SET config_json = '{{\"x\":1}}' {OF_COMPLETED}",
        "config_json cannot be read",
    ),
    "spaces": (
        f"UPDATE configuration SET config_json = ' ' || config_json {OF_COMPLETED}",
        "not written as cdbench writes it",
    ),
    "config_digest": (
        f"UPDATE run SET config_digest = '{DIGEST}' WHERE run_id = {COMPLETED}",
        "1 run: config_digest is not that of the configuration (run 1)",
    ),
    "group_digest": (
        f"UPDATE configuration SET group_digest = '{DIGEST}' {OF_COMPLETED}",
        "group_digest is not that of config_json",
    ),
    "knob": (
        f"UPDATE run SET learning_rate = 7 WHERE run_id = {COMPLETED}",
        "the column learning_rate differs from config_json (run 1: 7.0 for 0.1)",
    ),
    "hidden": (
        f"UPDATE run SET hidden = '64' WHERE run_id = {COMPLETED}",
        "the column hidden differs from config_json",
    ),
    "widths": (
        f"UPDATE run SET widths = '4 3' WHERE run_id = {COMPLETED}",
        "1 run: widths cannot be read (run 1: '4 3'; expected such as 64→64→12)",
    ),
    "diagnostics": (
        "UPDATE diagnostics SET diagnostics_json = '[]' WHERE diagnostics_id = 1",
        "1 row of diagnostics: diagnostics_json cannot be read (row of diagnostics 1: ",
    ),
    "environment": (
        "UPDATE environment SET cpu = 'abacus'",
        "1 environment: the digest is not that of the columns",
    ),
    "last epoch": (
        f"DELETE FROM epoch WHERE run_id = {COMPLETED} AND epoch = 2",
        "1 run: completed without all epochs (run 1: 1 of 2)",
    ),
    "all epochs": (
        f"DELETE FROM epoch WHERE run_id = {COMPLETED}",
        "1 run: completed without all epochs (run 1: 0 of 2)",
    ),
    "first epoch": (
        f"DELETE FROM epoch WHERE run_id = {COMPLETED} AND epoch = 1",
        "1 run: a gap in the epochs",
    ),
    "first value": (
        f"DELETE FROM spectrum_value WHERE spectrum_id = {SPECTRUM} AND position = 1",
        "1 run has gaps in the positions of 1 spectrum",
    ),
    "value between": (
        f"DELETE FROM spectrum_value WHERE spectrum_id = {SPECTRUM} AND position = 2",
        "1 run has gaps in the positions of 1 spectrum",
    ),
    "all values": (
        "DELETE FROM spectrum_value",
        "gaps in the positions of 160 spectra",
    ),
    "node": (
        "DELETE FROM curvature_node WHERE position = 1",
        "gaps in the positions of",
    ),
    "a run of the future": (
        "UPDATE run SET started_at = '2126-01-01 00:00:00' WHERE run_id IN (3, 4)",
        "run.started_at is more than 10 minutes in the future in 2 rows (run_id 3)",
    ),
    "a judgement of the future": (
        "UPDATE claim_result SET measured_at = '2126-01-01 00:00:00' WHERE claim_result_id = 1",
        "claim_result.measured_at is more than 10 minutes in the future in 1 row",
    ),
    "a benchmark of the future": (
        "UPDATE benchmark SET started_at = '2126-01-01 00:00:00' WHERE benchmark_id = 2",
        "benchmark.started_at is more than 10 minutes in the future in 1 row (benchmark_id 2)",
    ),
    "a sweep of the future": (
        "UPDATE sweep SET started_at = '2126-01-01 00:00:00'",
        "sweep.started_at is more than 10 minutes in the future in 1 row (sweep_id 1)",
    ),
    "an end in the future": (
        "UPDATE sweep SET ended_at = '2126-01-01 00:00:00'",
        "sweep.ended_at is more than 10 minutes in the future in 1 row (sweep_id 1)",
    ),
    "view missing": ("DROP VIEW claims CASCADE", "the view claims is missing"),
    "index": ("DROP INDEX ix_run_dataset_seed", "the index ix_run_dataset_seed is missing"),
    "table": ("DROP TABLE timing CASCADE", "the table timing is missing"),
    "column": ("ALTER TABLE run DROP COLUMN error CASCADE", "the column run.error is missing"),
}
"""On either database: what is done to it, and what is said."""


TOGETHER = [
    *(["json"], ["json of a list"], ["unknown knob"], ["spaces"]),
    [
        "config_digest",
        "group_digest",
        "knob",
        "hidden",
        "environment",
        "node",
        "widths",
        "diagnostics",
    ],
    ["last epoch", "first value", *(name for name in FAULTS if "future" in name)],
    ["first epoch", "value between"],
    ["all epochs", "all values"],
    ["view missing", "index"],
    *(["table"], ["column"]),
]
"""Faults in one database: no two of a group are told in the same line, or hide each other."""


@pytest.mark.parametrize("faults", TOGETHER, ids=", ".join)
def test_planted_fault_is_found(results: str, faults: list[str]) -> None:
    for fault in faults:
        statement, _ = FAULTS[fault]
        if find_location(results).path is not None:
            statement = statement.replace(" CASCADE", "")
            if fault == "column":  # which views are in the way of
                plant(results, *(f"DROP VIEW {name}" for name in VIEWS))
        plant(results, statement)
    found = findings(results)
    told = [[line for line in found if FAULTS[fault][1] in line] for fault in faults]
    assert all(told), found
    assert len({lines[0] for lines in told}) == len(faults)
    assert all("\n" not in line and ";" in line for line in found)


def test_every_fault_is_planted_once() -> None:
    assert sorted(fault for faults in TOGETHER for fault in faults) == sorted(FAULTS)


def test_changed_view_is_found_and_a_users_own_is_only_mentioned(results: str) -> None:
    plant(
        results,
        "CREATE VIEW mine AS SELECT 1 AS x",
        "DROP VIEW measurements",
        "CREATE VIEW measurements AS SELECT * FROM measurement WHERE n > 1",
        "CREATE TABLE notes (x integer)",
        "CREATE INDEX ix_mine ON run (dataset)",
    )
    (found,) = findings(results)
    assert found == "the view measurements differs from cdbench's; to recreate it: " + (
        "cdbench db upgrade"
    )
    assert sorted(remarks(results)) == [
        "there is a table notes of your own",
        "there is a view mine of your own",
        "there is an index ix_mine of your own",
    ]


def test_changed_view_is_found_where_a_user_has_none(results: str) -> None:
    changed = "the view measurements differs from cdbench's; to recreate it: cdbench db upgrade"
    plant(
        results,
        "DROP VIEW measurements",
        "CREATE VIEW measurements AS SELECT * FROM measurement WHERE n > 1",
    )
    assert findings(results) == [changed]


def test_trigger_is_mentioned(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    shutil.copy(NEWEST, path)
    plant(str(path), "CREATE TRIGGER theirs AFTER DELETE ON run BEGIN SELECT 1; END")
    assert findings(str(path)) == []
    assert remarks(str(path)) == ["there is a trigger theirs on run of your own"]


@pytest.mark.server
def test_not_a_number_on_a_server_is_found(postgres: PostgresServer) -> None:
    location = postgres.new_database()
    copy_database(str(NEWEST), location)
    plant(location, f"UPDATE epoch SET test_loss = 'NaN' WHERE run_id = {COMPLETED} AND epoch = 1")
    assert findings(location) == [
        "epoch.test_loss is not a number in 1 row (run_id 1, epoch 1); restore a backup, or delete "
        "them and train them again"
    ]


OF_FILES = {
    "orphans": ("DELETE FROM run WHERE run_id = 1", "rows of epoch: no such run (run_id 1)"),
    "sweep": ("DELETE FROM sweep", "rows of run: no such sweep"),
    "environment": ("DELETE FROM environment", "rows of run: no such environment"),
    "configuration": ("DELETE FROM configuration", "rows of run: no such configuration"),
    "text for a number": (
        "UPDATE epoch SET test_loss = 'nan' WHERE run_id = 1 AND epoch = 1",
        "epoch.test_loss is not a number in 1 row (run_id 1, epoch 1)",
    ),
    "bytes for a text": (
        "UPDATE run SET dataset = x'00' WHERE run_id = 1",
        "run.dataset is not text in 1 row (run_id 1)",
    ),
    "no time": (
        "UPDATE run SET started_at = 'yesterday' WHERE run_id = 1",
        "run.started_at is not a time in 1 row (run_id 1)",
    ),
    "broken rule": (
        "UPDATE epoch SET test_accuracy = 2 WHERE run_id = 1",
        "2 rows of epoch violating test_accuracy BETWEEN 0 AND 1 (run_id 1, epoch 1)",
    ),
}
"""Only in files: a server allows none of it."""


@pytest.mark.long
@pytest.mark.parametrize("fault", OF_FILES)
def test_planted_fault_that_only_a_file_can_have_is_found(tmp_path: Path, fault: str) -> None:
    path = tmp_path / "runs.db"
    shutil.copy(NEWEST, path)
    statement, said = OF_FILES[fault]
    plant(str(path), statement)
    found = findings(str(path))
    assert any(said in line for line in found), found


def test_null_where_there_must_be_none_is_found(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    shutil.copy(NEWEST, path)
    plant(
        str(path),
        "PRAGMA writable_schema = ON",
        "UPDATE sqlite_master SET sql = replace(sql, 'duration_s DOUBLE NOT NULL', "
        "'duration_s DOUBLE') WHERE name = 'run'",
        "PRAGMA writable_schema = RESET",
        "UPDATE run SET duration_s = NULL WHERE run_id = 3",
    )
    found = findings(str(path))
    assert any("run.duration_s is not a number in 1 row (run_id 3)" in line for line in found), (
        found
    )


@pytest.mark.long
@pytest.mark.parametrize("revision", revisions())
def test_released_databases_are_sound_and_not_upgraded(revision: str, tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    shutil.copy(ROOT / "tests" / "assets" / f"{revision}.db", path)
    before = path.read_bytes()
    up = check_database(open_as_it_is(str(path)))
    assert up.findings == ()
    unread = [str(remark) for remark in up.remarks]
    assert all(one.startswith("rows of ") and "environment" in one for one in unread)
    assert bool(unread) == (revision != revisions()[-1])
    assert up.n_runs >= 10
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.long
def test_released_results_are_sound(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    shutil.copyfile(released_database(), path)
    assert findings(str(path)) == []


def test_digest_of_an_older_schema_is_checked_too(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    shutil.copy(ROOT / "tests" / "assets" / "0001.db", path)
    plant(str(path), f"UPDATE run SET config_digest = '{DIGEST}' WHERE run_id = 2")
    (found,) = findings(str(path))
    assert "1 run: config_digest is not that of the configuration (run 2)" in found


@pytest.mark.long
def test_bytes_that_flipped_or_are_missing_never_break_the_check(tmp_path: Path) -> None:
    """Every other page loses its header, the rest a few bytes, which need not be seen."""
    whole = NEWEST.read_bytes()
    path = tmp_path / "runs.db"
    n_found = 0
    for offset in sorted([*range(4096, len(whole), 3 * 4096), *range(100, len(whole), 3 * 4096)]):
        spoilt = bytearray(whole)
        spoilt[offset : offset + 8] = bytes(255 - byte for byte in spoilt[offset : offset + 8])
        path.write_bytes(spoilt)
        n_found += _is_refused_or_found(path)
    assert n_found >= len(whole) // (3 * 4096)
    for size in (17, 100, 512, 4096, 5000, len(whole) // 2, len(whole) - 4096, len(whole) - 1):
        path.write_bytes(whole[:size])
        assert _is_refused_or_found(path)
        os.truncate(path, 0)


def _is_refused_or_found(path: Path) -> bool:
    before = path.read_bytes()
    try:
        found = findings(str(path))
    except StoreError as error:
        found = [str(error)]
    assert path.read_bytes() == before
    assert all("\n" not in line for line in found)
    return bool(found)


def test_of_the_files_own_faults_the_first_is_told_and_how_many_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(tmp_path / "faulty.db")
    shutil.copy(NEWEST, path)
    database = open_as_it_is(path)
    told = ["page 7 is missing", "page 9 is twice", "page 11 is empty"]
    monkeypatch.setattr(type(database.location), "damage", lambda location, connection: told)
    (finding,) = check_database(database).findings
    assert str(finding).startswith("the file is damaged (page 7 is missing and 2 more)")


def test_an_inventory_names_the_eight_most_common_data_sets(tmp_path: Path) -> None:
    path = str(tmp_path / "many.db")
    shutil.copy(NEWEST, path)
    plant(path, "UPDATE run SET dataset = 'set ' || run_id")
    counted = inventory(open_as_it_is(path))
    assert counted.n_rows["run"] > 8
    assert len(counted.datasets) == 8


def test_new_database_is_sound(database: Database) -> None:
    assert check_database(database).findings == ()
