"""Merging and copying: nothing is lost, doubled or bent on the way between databases."""

import hashlib
import math
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from cdbench.cli.db.merge import WORDS
from cdbench.errors import StoreError
from cdbench.records.run import Run
from cdbench.store.comparison_rows import begin_comparison, end_comparison
from cdbench.store.database import open_for_reading, open_for_writing
from cdbench.store.location import find_location
from cdbench.store.migrate import revisions
from cdbench.store.models import Base
from cdbench.store.record import record_run, start_sweep
from cdbench.store.run_queries import stored_runs
from cdbench.store.upkeep import merging
from cdbench.store.upkeep.checks import check_database
from cdbench.store.upkeep.copying import copy_database
from cdbench.store.upkeep.fingerprints import Fingerprint, fingerprint
from cdbench.store.upkeep.merging import Arrivals, merge_database
from cdbench.store.upkeep.streaming import Reader, write_rows
from tests.cli_tools import NEWEST
from tests.postgres import PostgresServer

ASSETS = Path(__file__).parent / "assets"
TABLES = Base.metadata.sorted_tables

TinyRun = Callable[..., Run]


def fingerprints(location: str) -> list[Fingerprint]:
    database = open_for_reading(location)
    with database.transaction() as connection:
        return [fingerprint(Reader(database, connection), table) for table in TABLES]


def rows(location: str) -> dict[str, list[Any]]:
    with open_for_reading(location).transaction() as connection:
        return {
            table.name: [
                repr(tuple(row))
                for row in connection.execute(select(table).order_by(*table.primary_key))
            ]
            for table in TABLES
            if not any(column.name in ("kind", "quantity", "product") for column in table.columns)
        }


def runs_in(location: str) -> dict[str, Run]:
    database = open_for_reading(location)
    with database.transaction() as connection:
        ids = connection.exec_driver_sql("SELECT run_id FROM run").scalars().all()
    return {run.uuid: run for _, run in stored_runs(database, ids)}


def answers(location: str, question: str) -> set[tuple[str, ...]]:
    with open_for_reading(location).transaction() as connection:
        return {tuple(map(str, row)) for row in connection.exec_driver_sql(question)}


def numbers_of_runs(location: str) -> dict[str, str]:
    found = answers(location, "SELECT uuid, sequence FROM run")
    return {row[0]: row[1] for row in found}


def newest_in(location: str) -> set[tuple[Any, ...]]:
    with open_for_reading(location).transaction() as connection:
        found = connection.exec_driver_sql(
            "SELECT uuid FROM latest_run JOIN run USING (run_id) UNION ALL "
            "SELECT inputs_digest FROM claims JOIN claim_result USING (claim_result_id)"
        )
        return {tuple(row) for row in found.all()}


def is_sound(location: str) -> bool:
    return check_database(open_for_reading(location)).findings == ()


def write(location: str, *runs: Run, sweep: bool = True) -> str:
    database = open_for_writing(location)
    begun = start_sweep(database, "cdbench sweep") if sweep else None
    for run in runs:
        record_run(database, run, begun)
    return location


def change(path: str, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


@pytest.fixture
def runs(tiny_run: TinyRun) -> list[Run]:
    """Return seven runs of four configurations, each of its own time."""
    made = [tiny_run(seed=seed) for seed in (0, 1, 2, 0, 1, 3, 0)]
    began = [datetime(2026, 1, day, 1, 2, 3, day, tzinfo=UTC) for day in (3, 1, 2, 4, 7, 5, 6)]
    return [replace(run, started_at=when) for run, when in zip(made, began, strict=True)]


# copy


def test_everything_there_and_back_is_equal(location: str, tmp_path: Path) -> None:
    back = str(tmp_path / "back.db")
    assert copy_database(str(NEWEST), location) == fingerprints(str(NEWEST))
    copy_database(location, back)
    assert rows(back) == rows(location) == rows(str(NEWEST))
    assert fingerprints(back) == fingerprints(location) == fingerprints(str(NEWEST))
    assert is_sound(location)
    assert is_sound(back)


def test_extreme_values_arrive_bit_for_bit(
    location: str, tmp_path: Path, tiny_run: TinyRun
) -> None:
    run = tiny_run()
    first = run.spectra[0]
    values = (math.inf, 1.7976931348623157e308, 1e308, 0.1 + 0.2, 2.2250738585072014e-308, 5e-324)
    condition = replace(first.condition, kappa=math.inf, smallest=5e-324, flatness=None)
    error = "naïve · 名前 · \U0001f9ea · \t\n\\N \\. \"'"
    run = replace(
        run,
        spectra=(replace(first, values=values, condition=condition),),
        error=error,
        peak_memory_bytes=2**62,
    )
    source, back = write(str(tmp_path / "source.db"), run), str(tmp_path / "back.db")
    copy_database(source, location)
    copy_database(location, back)
    assert rows(back) == rows(location) == rows(source)
    (found,) = runs_in(back).values()
    assert [value.hex() for value in found.spectra[0].values] == [v.hex() for v in values]
    assert (found.error, found.peak_memory_bytes) == (error, 2**62)


def test_copy_goes_on_with_keys_that_follow(
    location: str, tmp_path: Path, tiny_run: TinyRun
) -> None:
    copy_database(write(str(tmp_path / "source.db"), tiny_run(), tiny_run()), location)
    assert record_run(open_for_writing(location), tiny_run()) == 3


def test_copy_to_a_database_with_results_is_refused(
    location: str, tmp_path: Path, tiny_run: TinyRun
) -> None:
    source = write(str(tmp_path / "source.db"), tiny_run())
    write(location, tiny_run())
    before = fingerprints(location)
    with pytest.raises(StoreError, match=r"already holds results.*cdbench db merge"):
        copy_database(source, location)
    assert fingerprints(location) == before


def test_copy_that_fails_leaves_no_rows(
    location: str, tmp_path: Path, tiny_run: TinyRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write(str(tmp_path / "source.db"), tiny_run())
    real = iter([True, True, True, False])

    def bent(reader: Reader, table: Any) -> Fingerprint:
        found = fingerprint(reader, table)
        return found if next(real) else replace(found, digest="0" * 64)

    monkeypatch.setattr("cdbench.store.upkeep.copying.fingerprint", bent)
    with pytest.raises(StoreError, match=r"differs from that in .*nothing was copied"):
        copy_database(source, location)
    assert {table.n_rows for table in fingerprints(location)} == {0}


@pytest.mark.server
def test_text_that_a_server_cannot_hold_is_named(
    postgres: PostgresServer, tmp_path: Path, tiny_run: TinyRun
) -> None:
    source, target = write(str(tmp_path / "source.db"), tiny_run()), postgres.new_database()
    change(source, "UPDATE run SET error = 'a' || char(0) || 'b'")
    with pytest.raises(StoreError, match=r"run.error is text with .* NUL.*run_id 1") as caught:
        copy_database(source, target)
    assert "\n" not in str(caught.value)
    assert {table.n_rows for table in fingerprints(target)} == {0}


@pytest.mark.server
def test_not_a_number_is_not_copied_from_a_server(
    postgres: PostgresServer, tmp_path: Path, tiny_run: TinyRun
) -> None:
    source = write(postgres.new_database(), tiny_run())
    with open_for_writing(source).transaction() as connection:
        connection.exec_driver_sql("UPDATE run SET cpu_s = 'NaN'")
    with pytest.raises(StoreError, match=r"run.cpu_s is not a number"):
        copy_database(source, str(tmp_path / "target.db"))


# merge


def counts(arrivals: list[Arrivals]) -> dict[str, tuple[int, int]]:
    return {found.table: (found.came, found.there) for found in arrivals}


def test_merge_brings_everything_of_a_run(location: str, tmp_path: Path, runs: list[Run]) -> None:
    write(location, *runs[:2])
    other = write(str(tmp_path / "other.db"), *runs[2:])
    before = Path(other).read_bytes()
    assert counts(merge_database(location, other)) == {
        "environment": (0, 1),
        "sweep": (1, 0),
        "configuration": (0, 1),
        "diagnostics": (0, 1),
        "statement": (0, 0),
        "run": (5, 0),
        "claim_result": (0, 0),
        "benchmark": (0, 0),
        "comparison": (0, 0),
        "study": (0, 0),
        "study_part": (0, 0),
    }
    whole = write(str(tmp_path / "whole.db"), *runs)
    assert runs_in(location) == runs_in(whole)
    assert Path(other).read_bytes() == before
    assert is_sound(location)


def test_merge_brings_everything_that_there_is(location: str, tmp_path: Path) -> None:
    merge_database(location, str(NEWEST))
    assert fingerprints(location) == fingerprints(str(NEWEST))


@pytest.mark.long
@pytest.mark.parametrize("chunk", [1, 2, 500])
def test_merging_twice_changes_nothing(
    location: str, tmp_path: Path, runs: list[Run], chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(merging, "PARENTS_AT_A_TIME", chunk)
    write(location, *runs[:3])
    other = str(tmp_path / "other.db")
    shutil.copy(NEWEST, other)
    write(other, *runs[2:])
    merge_database(location, other)
    before = fingerprints(location)
    assert {came for came, _ in counts(merge_database(location, other)).values()} == {0}
    assert fingerprints(location) == before
    assert is_sound(location)


@pytest.mark.long
def test_order_of_merging_does_not_matter(location: str, tmp_path: Path, runs: list[Run]) -> None:
    mine, theirs = str(tmp_path / "mine.db"), str(tmp_path / "theirs.db")
    shutil.copy(NEWEST, mine)
    write(mine, *runs[:4])
    write(theirs, *runs[3:])
    one, other = location, str(tmp_path / "other.db")
    for target, parts in ((one, (mine, theirs)), (other, (theirs, mine))):
        for part in parts:
            merge_database(target, part)
    assert runs_in(one) == runs_in(other)
    assert newest_in(one) == newest_in(other)
    assert [(f.table, f.n_rows) for f in fingerprints(one)] == [
        (f.table, f.n_rows) for f in fingerprints(other)
    ]


def test_merged_keys_lead_to_the_same_rows(location: str, tmp_path: Path, runs: list[Run]) -> None:
    """Observations name runs, and runs name sweeps, by keys that are not the same any more."""
    write(location, *runs)
    merge_database(location, str(NEWEST))
    question = (
        "SELECT claim, quantity, subject, place, value, run.uuid, run.started_at, command_line "
        "FROM observation JOIN series USING (series_id) JOIN claim_result USING (claim_result_id) "
        "LEFT JOIN run USING (run_id) LEFT JOIN sweep USING (sweep_id)"
    )

    assert answers(location, question) == answers(str(NEWEST), question) != set()


def test_merged_comparisons_rest_on_the_same_runs(
    location: str, tmp_path: Path, runs: list[Run]
) -> None:
    database = open_for_writing(write(location, *runs[:3]))
    begin_comparison(database, "mine", "accuracy", "{}", "mine", "cdbench compare")
    other = write(str(tmp_path / "other.db"), *runs[3:])
    database = open_for_writing(other)
    for name, rests_on in (("one", [1]), ("two", [2, 4])):
        key = begin_comparison(database, name, "accuracy", "{}", name, "cdbench compare")
        end_comparison(database, key, [(run_id, "tuning") for run_id in rests_on], [])
    merge_database(location, other)
    question = (
        "SELECT name, stage, run.uuid FROM comparison_run JOIN run USING (run_id) "
        "JOIN comparison USING (comparison_id)"
    )
    assert answers(location, question) == answers(other, question)
    assert len(answers(other, question)) == 3


def test_a_run_that_was_written_elsewhere_before_takes_no_other_along(
    location: str, tmp_path: Path, runs: list[Run]
) -> None:
    other = write(str(tmp_path / "other.db"), runs[2])
    write(location, *runs[:4])
    before, there = numbers_of_runs(location), numbers_of_runs(other)
    merge_database(location, other)
    assert numbers_of_runs(location) == before | there != before


@pytest.mark.long
@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("UPDATE run SET config_digest = 'x' WHERE run_id = 1", "configuration"),
        ("UPDATE run SET status = 'failed' WHERE run_id = 1", "status"),
        ("UPDATE epoch SET test_loss = 7 WHERE run_id = 1 AND epoch = 2", "epochs"),
        ("DELETE FROM epoch WHERE run_id = 1 AND epoch = 2", "epochs"),
    ],
)
def test_run_that_is_in_both_and_not_the_same_is_refused(
    location: str, tmp_path: Path, runs: list[Run], statement: str, what: str
) -> None:
    write(location, runs[5], runs[0])
    other = write(str(tmp_path / "other.db"), runs[0], *runs[1:4])
    change(other, statement)
    before = fingerprints(location)
    with pytest.raises(StoreError, match=f"run 2 of .* and run 1 of .*not the same {what}"):
        merge_database(location, other)
    assert fingerprints(location) == before


def test_sweep_that_went_on_gets_its_end(location: str, tmp_path: Path) -> None:
    mine = write(str(tmp_path / "mine.db"))
    copy_database(mine, location)
    change(mine, "UPDATE sweep SET ended_at = '2026-11-24 01:02:03.000004'")
    merge_database(location, mine)
    assert fingerprints(location) == fingerprints(mine)


@pytest.mark.long
@pytest.mark.parametrize("revision", [revisions()[place] for place in (0, 6, -2)])
def test_older_schema_is_merged_and_stays_as_it_is(
    location: str, tmp_path: Path, revision: str
) -> None:
    folder = tmp_path / "other"
    folder.mkdir()
    other = folder / "other.db"
    shutil.copy(ASSETS / f"{revision}.db", other)
    before = hashlib.sha256(other.read_bytes()).hexdigest()
    merge_database(location, str(other))
    assert hashlib.sha256(other.read_bytes()).hexdigest() == before
    assert list(folder.iterdir()) == [other]
    assert is_sound(location)
    open_for_writing(str(other))
    assert runs_in(location) == runs_in(str(other))


def spoilt_files(tmp_path: Path) -> Iterator[tuple[str, str]]:
    whole = NEWEST.read_bytes()
    for name, content, said in (
        ("text", b"label,x\na,1\n", "not a SQLite database"),
        ("half", whole[: len(whole) // 2], "damaged"),
        ("empty", b"", "is empty"),
    ):
        path = tmp_path / name
        path.write_bytes(content)
        yield str(path), said
    flipped = bytearray(whole)
    flipped[5 * 4096 : 5 * 4096 + 64] = b"\xff" * 64
    (tmp_path / "flipped").write_bytes(flipped)
    yield str(tmp_path / "flipped"), "damaged"
    change(str(tmp_path / "theirs"), "CREATE TABLE run (x)")
    yield str(tmp_path / "theirs"), "another program"
    shutil.copy(NEWEST, tmp_path / "orphans")
    change(str(tmp_path / "orphans"), "DELETE FROM run WHERE run_id = 1")
    yield str(tmp_path / "orphans"), "belong to no run.*cdbench db vacuum"
    yield str(tmp_path), "is a folder"
    yield str(tmp_path / "missing"), "no such database"


@pytest.mark.parametrize(
    "command", [merge_database, lambda target, other: copy_database(other, target)]
)
def test_other_that_is_none_is_refused_in_one_line(
    location: str, tmp_path: Path, command: Callable[[str, str], object]
) -> None:
    open_for_writing(location)
    before = fingerprints(location)
    folder = tmp_path / "others"
    folder.mkdir()
    for other, said in spoilt_files(folder):
        with pytest.raises(StoreError, match=said) as caught:
            command(location, other)
        assert "\n" not in str(caught.value)
        assert fingerprints(location) == before


def test_database_is_not_merged_with_itself(location: str, tmp_path: Path) -> None:
    open_for_writing(location)
    with pytest.raises(StoreError, match="with itself"):
        merge_database(location, location)
    with pytest.raises(StoreError, match="to itself"):
        copy_database(location, location)
    path = find_location(location).path
    if path is not None:
        (tmp_path / "link.db").symlink_to(path)
        with pytest.raises(StoreError, match="with itself"):
            merge_database(location, str(tmp_path / "link.db"))


def test_merge_knows_every_table() -> None:
    known = set(merging.IDENTITIES) | {part for parts in merging.PARTS.values() for part in parts}
    assert known == set(Base.metadata.tables)


def test_merge_that_fails_half_way_brings_nothing(
    location: str, tmp_path: Path, runs: list[Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(location, runs[0])
    other = write(str(tmp_path / "other.db"), *runs[1:])
    before = fingerprints(location)

    def fail(connection: Any, table: Any, values: Any) -> None:
        if table.name == "spectrum_value":
            raise KeyboardInterrupt
        write_rows(connection, table, values)

    monkeypatch.setattr(merging, "write_rows", fail)
    with pytest.raises(KeyboardInterrupt):
        merge_database(location, other)
    assert fingerprints(location) == before


def test_every_table_that_is_merged_has_a_word_for_the_user() -> None:
    assert WORDS.keys() == merging.IDENTITIES.keys()
