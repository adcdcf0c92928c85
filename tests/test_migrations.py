"""Migrations: a fresh database is the models', and an old one keeps every row."""

import json
import re
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from cdbench.config.run_config import KNOBS, RunConfig
from cdbench.errors import StoreError
from cdbench.records.run import REMOVED, STATUSES
from cdbench.store.database import Database, open_for_writing
from cdbench.store.location import find_location
from cdbench.store.migrate import VERSION_TABLE, migrations_folder, revisions, upgrade
from cdbench.store.models import Base
from cdbench.store.sqlite import APPLICATION_ID
from cdbench.store.views import VIEWS

ASSETS = Path(__file__).parent / "assets"


def connect(path: Path) -> "closing[sqlite3.Connection]":
    return closing(sqlite3.connect(path))


def migrated(path: Path, revision: str) -> Path:
    """Make a database at a revision; returns its path."""
    location = find_location(str(path))
    location.check_writable()
    with Database(location, read_only=False).migration() as connection:
        upgrade(connection, location, revision)
    return path


def schema(path: Path, kinds: tuple[str, ...] = ("table", "index")) -> dict[str, Any]:
    """Return what sqlite_master says: by name, each table's clauses in alphabetical order."""
    with connect(path) as connection:
        found = connection.execute("SELECT type, name, sql FROM sqlite_master").fetchall()
    return {
        name: sql.split() if kind == "view" else clauses(sql)
        for kind, name, sql in found
        if kind in kinds and name != VERSION_TABLE and not name.startswith("sqlite_autoindex_cdb")
    }


def clauses(sql: str | None) -> list[str]:
    if sql is None:
        return []
    one_line = " ".join(sql.replace('"', "").split())  # quoted or not, it is the same name
    head, body, tail = re.fullmatch(r"(.*?)\((.*)\)([^)]*)", one_line).groups()  # type: ignore[union-attr]
    return [head.strip(), *sorted(part.strip() for part in split(body)), tail.strip()]


def split(body: str) -> list[str]:
    """Split at the commas that are in no brackets."""
    parts, depth = [""], 0
    for character in body:
        depth += (character == "(") - (character == ")")
        if character == "," and not depth:
            parts.append("")
        else:
            parts[-1] += character
    return parts


def rows(path: Path) -> dict[str, list[dict[str, Any]]]:
    """Return every row of every table."""
    with connect(path) as connection:
        connection.row_factory = sqlite3.Row
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        return {
            name: [dict(row) for row in connection.execute(f"SELECT * FROM {name}")]
            for (name,) in names
            if name != VERSION_TABLE
        }


@dataclass(frozen=True)
class Upgraded:
    revision: str
    before: Path
    after: Path


QUERIES = "SELECT claim, position, sql FROM measurements ORDER BY claim, position"
MEASURED = (
    "SELECT run_id, diagnostics_json FROM run LEFT JOIN diagnostics USING (diagnostics_id) "
    "ORDER BY run_id"
)
SHARED = ("diagnostics", "statement")
"""Tables of texts that before 0016 each row had by itself."""

CONFIGURATION = {"config_json", "config_digest", "group_digest"}
"""Columns that a migration rewrites where RunConfig has a new field."""


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a database that was empty before it was migrated; it is only to be read."""
    return migrated(tmp_path_factory.mktemp("fresh") / "fresh.db", "head")


@pytest.fixture(scope="module", params=revisions())
def upgraded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Upgraded:
    """Return a released database as it was, and a copy of it that was upgraded."""
    before = ASSETS / f"{request.param}.db"
    after = tmp_path_factory.mktemp("upgraded") / "old.db"
    shutil.copy(before, after)
    open_for_writing(str(after))
    return Upgraded(request.param, before, after)


def test_a_new_database_is_what_the_migrations_make(fresh: Path, tmp_path: Path) -> None:
    made = tmp_path / "made.db"
    open_for_writing(str(made))
    for question in (
        "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY rowid",
        f"SELECT * FROM {VERSION_TABLE}",
        "PRAGMA application_id",
    ):
        with connect(made) as of_made, connect(fresh) as of_fresh:
            assert of_made.execute(question).fetchall() == of_fresh.execute(question).fetchall()


def test_alembic_finds_no_difference_between_fresh_database_and_models(fresh: Path) -> None:
    engine = create_engine(f"sqlite:///{fresh}")
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "version_table": VERSION_TABLE,
                "compare_type": True,
                "compare_server_default": True,
            },
        )
        assert compare_metadata(context, Base.metadata) == []
    engine.dispose()


def test_fresh_database_has_the_models_constraints_indices_and_storage(
    fresh: Path, tmp_path: Path
) -> None:
    made = tmp_path / "models.db"
    engine = create_engine(f"sqlite:///{made}")
    Base.metadata.create_all(engine)
    engine.dispose()
    assert schema(fresh) == schema(made)
    text = str(schema(fresh))
    for said in ("ck_run_status CHECK", "ON DELETE CASCADE", "ix_run_configuration"):
        assert said in text
    assert "WITHOUT ROWID" not in text  # which DuckDB cannot count


def test_every_constraint_has_a_name(fresh: Path) -> None:
    for table in (found for found in schema(fresh).values() if found):
        assert not [part for part in table if re.match(r"CHECK|PRIMARY|FOREIGN|UNIQUE", part)]


def test_every_column_has_a_comment() -> None:
    comments = [column.comment for t in Base.metadata.tables.values() for column in t.columns]
    assert [comment for comment in comments if not (comment or "").endswith(".")] == []


def test_fresh_database_has_every_view_and_is_marked_as_ours(fresh: Path) -> None:
    assert list(schema(fresh, ("view",))) == list(VIEWS)
    with connect(fresh) as connection:
        assert connection.execute("PRAGMA application_id").fetchall() == [(APPLICATION_ID,)]
        assert connection.execute("PRAGMA journal_mode").fetchall() == [("delete",)]


def test_revisions_are_alembics() -> None:
    config = Config()
    config.set_main_option("script_location", str(migrations_folder()))
    scripts = ScriptDirectory.from_config(config)
    assert scripts.get_heads() == [revisions()[-1]]
    assert [script.revision for script in scripts.walk_revisions()][::-1] == revisions()


@pytest.mark.parametrize("revision", revisions())
def test_every_revision_has_a_released_database(revision: str) -> None:
    with connect(ASSETS / f"{revision}.db") as connection:
        assert connection.execute(f"SELECT * FROM {VERSION_TABLE}").fetchall() == [(revision,)]
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        found = connection.execute("SELECT status, count(*) FROM run GROUP BY status").fetchall()
    assert {status for status, count in found if count >= 2} - {REMOVED} == set(STATUSES)


@pytest.mark.parametrize("revision", revisions())
def test_released_migration_is_never_edited(revision: str, tmp_path: Path) -> None:
    now = migrated(tmp_path / "now.db", revision)
    assert schema(now) == schema(ASSETS / f"{revision}.db")


def test_upgrade_keeps_every_row(upgraded: Upgraded, fresh: Path) -> None:
    before, after = rows(upgraded.before), rows(upgraded.after)
    assert before["run"]
    for table, kept in before.items():
        if table == "noise_floor" and upgraded.revision == "0007":
            continue  # of nine rows one was made; the next test is of these
        assert len(after[table]) == len(kept)
        for old, new in zip(kept, after[table], strict=True):
            same = (old.keys() & new.keys()) - CONFIGURATION
            assert {name: new[name] for name in same} == {name: old[name] for name in same}
    every = ("table", "index", "view")
    assert schema(upgraded.after, every) == schema(fresh, every)
    with connect(upgraded.after) as connection:
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []


@pytest.mark.parametrize(
    "upgraded", [r for r in revisions() if "0002" <= r < "0016"], indirect=True
)
def test_upgrade_keeps_every_query_and_all_that_was_measured(upgraded: Upgraded) -> None:
    with connect(upgraded.before) as old, connect(upgraded.after) as new:
        assert new.execute(QUERIES).fetchall() == old.execute(QUERIES).fetchall() != []
        measured = new.execute(MEASURED).fetchall()
        assert measured == old.execute("SELECT run_id, diagnostics_json FROM run").fetchall()
        shared = [new.execute(f"SELECT count(*) FROM {t}").fetchone()[0] for t in SHARED]
    assert shared == [len({text for _, text in measured if text is not None}), 2]


def test_a_query_with_a_parameter_of_ours_in_its_text_stops_the_upgrade(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    shutil.copy(ASSETS / "0015.db", path)
    with connect(path) as connection, connection:
        connection.execute("UPDATE measurement SET sql = ?", ("SELECT ':claim'",))
    before = rows(path)
    with pytest.raises(StoreError) as caught:
        open_for_writing(str(path))
    assert str(caught.value).endswith(
        "a query in the column sql of measurement has :quantity, :subject, :baseline or :claim in "
        "its text, as cdbench never wrote one; delete that row, and upgrade again"
    )
    assert rows(path) == before


FLOORS_OF_0007 = (
    "SELECT run_id, layer, kind, epoch, level, cut_kappa, n_left, damped_kappa FROM {} "
    "ORDER BY 1, 2, 3, 4, 5"
)


def test_upgrade_keeps_every_noise_floor_in_the_view(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    shutil.copy(ASSETS / "0007.db", path)
    with connect(path) as connection:
        before = connection.execute(FLOORS_OF_0007.format("noise_floor")).fetchall()
    open_for_writing(str(path))
    with connect(path) as connection:
        after = connection.execute(FLOORS_OF_0007.format("noise_floors")).fetchall()
    assert len(before) == 144
    assert [row[:-1] for row in after] == [row[:-1] for row in before]
    assert [row[-1] for row in after] == pytest.approx([row[-1] for row in before], rel=1e-12)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE condition_number SET effective_rank = NULL WHERE run_id = 1 AND kind = 'weight'",
        "DELETE FROM condition_number WHERE run_id = 1 AND kind = 'weight' AND epoch = 2",
        "INSERT INTO noise_floor SELECT run_id, layer, kind, epoch, 0.2, damped_kappa, cut_kappa, "
        "n_left FROM noise_floor WHERE run_id = 1 AND level = 0.1",
        "DELETE FROM noise_floor WHERE run_id = 1 AND level = 0.1",
    ],
)
def test_upgrade_loses_no_noise_floor_that_it_does_not_know(tmp_path: Path, statement: str) -> None:
    path = tmp_path / "old.db"
    shutil.copy(ASSETS / "0007.db", path)
    with connect(path) as connection, connection:
        connection.execute(statement)
    before = rows(path)
    with pytest.raises(StoreError, match="noise_floor") as caught:
        open_for_writing(str(path))
    assert "\n" not in str(caught.value)
    assert rows(path) == before


def test_upgrade_keeps_what_was_trained_and_mends_its_digests(upgraded: Upgraded) -> None:
    before, after = rows(upgraded.before), rows(upgraded.after)
    was, shared = with_configurations(before), with_configurations(after)
    for old, new in zip(before["run"], after["run"], strict=True):
        common = shared[new["run_id"]]
        values = json.loads(common["config_json"]) | {"seed": new["seed"]}
        whole = json.loads(was[old["run_id"]]["config_json"])
        assert whole.items() <= values.items()
        config = RunConfig.from_mapping(values)
        assert common["config_json"] == config.group_json()
        assert common["baseline_digest"] == config.baseline().group_digest()
        assert (new["config_digest"], common["group_digest"]) == (
            config.digest(),
            config.group_digest(),
        )
        assert common["dataset_fingerprint"] == was[old["run_id"]]["dataset_fingerprint"]
        assert {name: new[name] for name in KNOBS if name != "hidden"} == {
            name: getattr(config, name) for name in KNOBS if name != "hidden"
        }
    named = {run["configuration_id"] for run in after["run"]}
    assert named == {one["configuration_id"] for one in after["configuration"]}


def with_configurations(found: dict[str, list[dict[str, Any]]]) -> dict[int, dict[str, Any]]:
    """Return what is known of each run's configuration, which before 0013 its own row had."""
    shared = {one["configuration_id"]: one for one in found.get("configuration", ())}
    return {run["run_id"]: shared.get(run.get("configuration_id"), run) for run in found["run"]}


@pytest.mark.parametrize("upgraded", [r for r in revisions() if r < "0003"], indirect=True)
def test_runs_from_before_the_products_were_gathered(upgraded: Upgraded) -> None:
    found = rows(upgraded.after)["run"]
    assert {run["product"] for run in found} == {"auto"}
    built = {run["run_id"] for run in found if run["layer"] == "cdlinear" and run["n_parameters"]}
    assert {run["run_id"]: run["product_used"] for run in found} == {
        run["run_id"]: "gather" if run["run_id"] in built else None for run in found
    }
    assert {run["status"] for run in found if run["run_id"] not in built} == {"completed", "failed"}


@pytest.mark.parametrize("revision", [revisions()[place] for place in (0, 6, -2)])
def test_empty_database_of_an_older_revision_becomes_the_newest(
    revision: str, tmp_path: Path, fresh: Path
) -> None:
    path = migrated(tmp_path / "old.db", revision)
    open_for_writing(str(path))
    every = ("table", "index", "view")
    assert schema(path, every) == schema(fresh, every)


def test_changed_views_come_back_as_the_code_has_them(fresh: Path, tmp_path: Path) -> None:
    changed = Path(shutil.copy(fresh, tmp_path))
    with connect(changed) as connection:
        connection.executescript("DROP VIEW runs; CREATE VIEW runs AS SELECT 1 AS x FROM run")
    migrated(changed, "head")
    assert schema(changed, ("view",)) == schema(fresh, ("view",))


def test_failed_migration_leaves_the_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fresh: Path
) -> None:
    path = tmp_path / "empty.db"
    with connect(path) as connection:
        connection.executescript("CREATE TABLE t (x); DROP TABLE t")
    before = path.read_bytes()

    class Broken(Exception): ...  # noqa: N818

    def break_down(_connection: object) -> None:
        raise Broken

    monkeypatch.setattr("cdbench.store.database.upgrade", upgrade)  # as outside the tests
    monkeypatch.setattr("cdbench.store.migrate.create_views", break_down)
    with pytest.raises(Broken):
        open_for_writing(str(path))
    assert path.read_bytes() == before
    monkeypatch.undo()
    open_for_writing(str(path))
    assert schema(path) == schema(fresh)
