"""runs.db, the README and the schema page: what the repository says is what it holds."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from cdbench.published import PUBLISHED_SEEDS
from cdbench.reports.formats import render
from cdbench.reports.table1 import table1, table1_configs
from cdbench.store.database import open_for_reading
from cdbench.store.migrate import VERSION_TABLE, revisions
from cdbench.store.queries import completed_configs, newest_runs
from cdbench.sweep import grid

ROOT = Path(__file__).parents[1]
RELEASED = ROOT / "runs.db"


@pytest.fixture
def released() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(f"{RELEASED.as_uri()}?mode=ro", uri=True)) as connection:
        yield connection


def test_released_database_is_at_the_newest_migration(released: sqlite3.Connection) -> None:
    found = released.execute(f"SELECT version_num FROM {VERSION_TABLE}").fetchall()
    assert found == [(revisions()[-1],)]


def test_released_database_is_sound(released: sqlite3.Connection) -> None:
    assert released.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert released.execute("PRAGMA foreign_key_check").fetchall() == []


def test_released_database_holds_the_21_runs_of_the_papers_sweep(
    released: sqlite3.Connection,
) -> None:
    assert released.execute("SELECT status, count(*) FROM run GROUP BY status").fetchall() == [
        ("completed", 21)
    ]
    configs = grid({"B": [1, 3, 4, 5, 7, 8]}, PUBLISHED_SEEDS, baseline=True)
    assert completed_configs(open_for_reading(str(RELEASED)), configs) == set(configs)


def test_readmes_table_1_is_what_the_report_prints_from_the_released_database() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", readme, re.DOTALL | re.MULTILINE)
    (number,) = [i for i, (_, text) in enumerate(blocks) if text.startswith("Table 1 ·")]
    (_, commands), (language, printed) = blocks[number - 1 : number + 1]
    assert language == "text"
    assert "cdbench report --table1" in [
        line.removeprefix("$ ").strip() for line in commands.splitlines()
    ]
    rows = table1_configs()
    configs = [config for group in rows.values() for config in group]
    runs = newest_runs(open_for_reading(str(RELEASED)), configs)
    assert printed == render(table1(rows, runs), "table")


def test_schema_page_is_generated_from_the_models() -> None:
    from cdbench.store.schema_page import schema_markdown

    assert (ROOT / "docs" / "schema.md").read_text(encoding="utf-8") == schema_markdown()
