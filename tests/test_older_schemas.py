"""Databases of an older schema: reading leaves them alone, writing comes after what can refuse."""

import gc
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from cdbench.store.database import open_for_reading, open_for_writing, revision_of
from cdbench.store.migrate import revisions
from cdbench.store.upkeep.sources import open_as_it_is
from tests.cli_tools import SMALL, Here, contents, for_real, rows

ASSETS = Path(__file__).parent / "assets"
OLD = [revisions()[place] for place in (0, 6, -2)]
"""The oldest meets every migration, the youngest the last alone; test_migrations has them all."""


@pytest.fixture
def here(
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Here:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path_factory.mktemp("temporary")))
    shutil.copy(ASSETS / "0001.db", tmp_path / "old.db")
    return Here(tmp_path, monkeypatch, capsys)


def state(folder: Path) -> list[object]:
    """Return all that a look at a folder tells: names, bytes, and when they were written."""
    paths = [folder, *sorted(folder.iterdir())]
    return [contents(folder), [(path.stat().st_mtime_ns, path.stat().st_ino) for path in paths]]


READING = [
    ("report --claims", {0}, 1),
    ("report --table1 --seeds 0", {3}, 1),
    ("plot --fig1", {3}, 1),
    ("plot --crossover --output /dev/null/no", {1, 3}, 1),
    ("sweep --dry-run", {0}, 1),
    ("sweep --dry-run --spectra-every 1 --resume", {0}, 1),
    ("audit --dry-run", {0}, 1),
    ("reproduce 1 --jobs 1", {0, 1}, 1),
    ("db info", {0}, 0),
    ("db check", {0, 3}, 0),
]
"""Commands that read, with their exit codes and how many lines say that the schema is older."""


@pytest.mark.long
@pytest.mark.parametrize(
    ("revision", "line", "codes", "notices"),
    [
        *((OLD[0], *case) for case in READING),
        *((revision, *READING[0]) for revision in OLD[1:]),
        *((revision, *READING[-1]) for revision in OLD[1:]),
    ],
)
def test_a_command_that_reads_leaves_an_old_file_as_it_is(
    here: Here, revision: str, line: str, codes: set[int], notices: int
) -> None:
    shutil.copy(ASSETS / f"{revision}.db", here.folder / "old.db")
    before = state(here.folder)
    answer = here(*line.split(), "--db", "old.db")
    assert answer.code in codes, answer
    assert state(here.folder) == before
    said = (
        f"cdbench: old.db has the older schema {revision}; reading a copy upgraded to "
        f"{revisions()[-1]}; to upgrade the file: cdbench db upgrade --db old.db\n"
    )
    assert answer.err.count(said) == answer.err.count("older schema") == notices
    gc.collect()
    assert os.listdir(tempfile.gettempdir()) == []  # noqa: PTH208 - names


@pytest.mark.parametrize("revision", OLD)
def test_the_copy_has_every_run_and_the_name_of_the_original(here: Here, revision: str) -> None:
    shutil.copy(ASSETS / f"{revision}.db", here.folder / "old.db")
    shutil.copy(ASSETS / f"{revision}.db", here.folder / "upgraded.db")
    upgraded = open_for_writing("upgraded.db")
    old = open_for_reading("old.db")
    assert (old.name, old.label) == ("old.db", "old.db")
    with old.transaction() as ours, upgraded.transaction() as theirs:
        for table in ("run", "epoch", "condition_number"):
            question = f"SELECT * FROM {table} ORDER BY 1, 2, 3"
            found = ours.exec_driver_sql(question).all()
            assert found == theirs.exec_driver_sql(question).all() != []


@pytest.mark.long
def test_the_copy_goes_with_the_process(
    here: Here, tmp_path_factory: pytest.TempPathFactory
) -> None:
    temporary = tmp_path_factory.mktemp("other")
    extra = {"TMPDIR": str(temporary)}
    assert for_real(here.folder, "report", "--claims", "--db", "old.db", extra=extra).code == 0
    assert contents(temporary) == {}


@pytest.mark.long
def test_the_copy_of_a_killed_process_goes_with_the_next(here: Here) -> None:
    code = (
        "import sys, time; from cdbench.store.database import open_for_reading\n"
        "database = open_for_reading('old.db'); print('open', flush=True); sys.stdin.readline()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {"TMPDIR": tempfile.gettempdir()},
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"open\n"
        (left,) = Path(tempfile.gettempdir()).iterdir()
        assert (left / "copy.db").read_bytes()[:6] == b"SQLite"
        process.send_signal(signal.SIGKILL)
    assert here("report", "--claims", "--db", "old.db").code == 0
    gc.collect()
    assert os.listdir(tempfile.gettempdir()) == []  # noqa: PTH208 - names


def test_a_copy_that_cannot_be_made_says_where_and_what_else_to_do(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(here.folder / "gone"))
    before = state(here.folder)
    answer = here("report", "--claims", "--db", "old.db")
    assert (answer.code, len(answer.err.splitlines())) == (3, 1)
    assert "old.db has the older schema 0001, and making a copy" in answer.err
    assert f"in {here.folder / 'gone'} failed: " in answer.err
    assert answer.err.endswith("to upgrade the file itself: cdbench db upgrade --db old.db\n")
    assert state(here.folder) == before


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("train --dataset no.csv --db old.db", 2),
        ("train --B 3 --hidden 0 --db old.db", 2),
        ("sweep --dataset iris no.npz --db old.db", 2),
        ("sweep --scheduler tcp://127.0.0.1:1 --jobs 2 --db old.db", 2),
        ("audit --claim nonsense --db old.db", 2),
        ("audit --seeds 0 1 --db old.db", 2),
        ("bench --n 7 --B 4 --db old.db", 2),
        ("bench --output old.db --db old.db", 1),
        ("bench --output figures --db old.db", 1),
        ("db merge missing.db --db old.db", 3),
        ("db merge broken.db --db old.db", 3),
        ("db copy missing.db old.db", 3),
        ("db copy other.db old.db", 3),
    ],
)
def test_what_is_refused_comes_before_an_upgrade(here: Here, line: str, code: int) -> None:
    (here.folder / "broken.db").write_bytes(b"SQLite format 3\0" + bytes(5000))
    shutil.copy(ASSETS / f"{revisions()[-1]}.db", here.folder / "other.db")
    (here.folder / "figures" / "crossover.png").mkdir(parents=True)
    before = state(here.folder)
    answer = here(*line.split())
    assert (answer.code, len(answer.err.splitlines())) == (code, 1)
    assert [state(here.folder)[0]] == before[:1]
    assert rows(here.folder / "old.db", "SELECT * FROM cdbench_version") == [("0001",)]


def test_a_command_that_writes_upgrades_whatever_lies_beside_the_file(here: Here) -> None:
    """Folders of the names that are used today, and were before."""
    names = (".old.schema-0001-2.db.unfinished", ".cdbench-abcdefgh.tmp", "old.schema-0001.db")
    for name in names:
        (here.folder / name).mkdir(mode=0o755)
    answer = here("train", *SMALL, "--db", "old.db")
    assert answer.code == 0, answer
    assert "as it was: old.schema-0001-2.db" in answer.err
    assert {path.name for path in here.folder.iterdir() if path.is_file()} == {
        "old.db",
        "old.schema-0001-2.db",
    }


def test_a_backup_whose_name_would_be_too_long_is_refused_before_the_upgrade(here: Here) -> None:
    name = f"{'x' * 242}.db"
    (here.folder / "old.db").rename(here.folder / name)
    before = contents(here.folder)
    answer = here("db", "vacuum", "--db", name)
    assert (answer.code, len(answer.err.splitlines())) == (3, 1)
    assert "File name too long" in answer.err
    assert contents(here.folder) == before


def test_a_backup_stays_as_private_as_the_file(here: Here) -> None:
    (here.folder / "old.db").chmod(0o600)
    assert here("db", "backup", "copy.db", "--db", "old.db").code == 0
    assert here("db", "upgrade", "--db", "old.db").code == 0
    for name in ("copy.db", "old.schema-0001.db"):
        assert (here.folder / name).stat().st_mode & 0o777 == 0o600


@pytest.mark.server
def test_a_server_of_an_older_schema_is_refused_with_what_to_type(
    here: Here,
    postgres: object,  # started before the folder of temporary files is another
    request: pytest.FixtureRequest,
) -> None:
    location = request.getfixturevalue("postgres").new_database()
    open_for_writing(location)
    with open_for_writing(location).transaction() as connection:
        connection.exec_driver_sql("UPDATE cdbench_version SET version_num = '0001'")
    for line in ("report --claims", "sweep --dry-run", "audit --dry-run", "reproduce 1"):
        answer = here(*line.split(), "--db", location)
        assert (answer.code, answer.out, len(answer.err.splitlines())) == (3, "", 1)
        assert re.search(
            r"has the older schema 0001; to upgrade it: cdbench db upgrade --db \S*postgresql://",
            answer.err,
        )
        assert "p%25ss" not in answer.err
    assert revision_of(open_as_it_is(location)) == "0001"
