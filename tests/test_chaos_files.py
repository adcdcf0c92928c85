"""Damaged and foreign files: refused in one line, or answered; no traceback, nothing changed."""

import os
import random
import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from cdbench.store.database import open_for_writing
from cdbench.store.migrate import VERSION_TABLE, revisions
from tests.cli_tools import Answer, Here, contents, for_real

pytestmark = pytest.mark.chaos

ASSET = Path(__file__).parent / "assets" / f"{revisions()[-1]}.db"
TINY = ("--dataset", "iris", "--hidden", "3", "--B", "2", "--epochs", "2")

READERS = {
    "dry run": ("sweep", *TINY, "--seeds", "0", "1", "--resume", "--dry-run"),
    "table1": ("report", "--table1"),
    "claims": ("report", "--claims"),
    "crossover": ("plot", "--crossover"),
    "audit": ("audit", "--claim", "parameters", "theorem-1", "--dry-run"),
    "reproduce": ("reproduce", "1", "--jobs", "1"),
    "info": ("db", "info"),
    "check": ("db", "check"),
}
WRITERS = {
    "train": ("train", *TINY),
    "resume": ("sweep", *TINY, "--seeds", "0", "1", "--resume", "--jobs", "1"),
}
EXPECTED = {0, 1, 3}

Try = Callable[[str, bytes], Answer]


@pytest.fixture
def attempt(here: Here) -> Iterator[Try]:
    """Return a function that runs a command on a file's bytes and holds it to the law."""
    path = here.folder / "runs.db"
    seen: Counter[int] = Counter()

    def run(name: str, data: bytes) -> Answer:
        for left in here.folder.iterdir():
            shutil.rmtree(left) if left.is_dir() else left.unlink()
        path.write_bytes(data)
        answer = here(*(READERS | WRITERS)[name])
        seen[answer.code] += 1
        assert answer.code in EXPECTED, (name, answer)
        assert "Traceback" not in answer.err
        if answer.code == 3 and name != "check":
            assert answer.err.startswith("cdbench: ") or name == "resume", (name, answer)
            assert answer.err.splitlines()[-1].startswith("cdbench: ")
            assert answer.err.count("cdbench: ") == 1, (name, answer)
        if name in READERS or answer.code == 3:
            assert path.read_bytes() == data, (name, answer)
        assert {found.name for found in here.folder.iterdir()} <= {"runs.db", "figures"}
        return answer

    yield run
    print(f"files: {sum(seen.values())}, refused: {seen[3]}")  # noqa: T201 - for the closing note


@pytest.fixture(scope="module")
def whole() -> bytes:
    return ASSET.read_bytes()


def plain(answer: Answer) -> tuple[int, str]:
    return answer.code, answer.out


@pytest.fixture
def undamaged(attempt: Try, whole: bytes) -> dict[str, tuple[int, str]]:
    return {name: plain(attempt(name, whole)) for name in READERS if name != "reproduce"}


def test_every_byte_of_the_header_flipped_is_refused_or_changes_no_answer(
    attempt: Try, whole: bytes, undamaged: dict[str, tuple[int, str]]
) -> None:
    dice = random.Random(1)
    names = ["dry run", "crossover", "claims"]
    for at in range(100):
        for bit in dice.sample(range(8), 1):
            data = bytearray(whole)
            data[at] ^= 1 << bit
            name = names[(3 * at + bit) % len(names)]
            answer = attempt(name, bytes(data))
            assert answer.code == 3 or plain(answer) == undamaged[name], (at, bit, name)
        if at % 4 == 1:
            attempt(("train", "resume", "info", "check")[at // 4 % 4], bytes(data))


def test_truncated_at_any_length_is_refused_or_changes_no_answer(
    attempt: Try, whole: bytes, undamaged: dict[str, tuple[int, str]]
) -> None:
    dice = random.Random(2)
    lengths = [1, 15, 16, 99, 100, 101, 511, 512, 4095, 4096, 4097, len(whole) - 4096]
    lengths += [dice.randrange(1, len(whole) - 4096) for _ in range(60)]
    for number, length in enumerate(lengths):
        name = [*READERS, *WRITERS][number % 10]
        assert attempt(name, whole[:length]).code == 3, (name, length)
    for length in range(len(whole) - 4095, len(whole), 512):  # within the last page
        for name in ("dry run", "claims", "train"):
            assert attempt(name, whole[:length]).code == 3, length


def test_bits_flipped_in_pages_never_give_a_traceback(attempt: Try, whole: bytes) -> None:
    dice = random.Random(3)
    names = [name for name in [*READERS, *WRITERS] if name != "table1"]
    for number in range(110):
        data = bytearray(whole)
        for _ in range(dice.choice((1, 1, 8, 64))):
            data[dice.randrange(100, len(data))] ^= 1 << dice.randrange(8)
        attempt(names[number % len(names)], bytes(data))


@pytest.mark.parametrize("name", ["dry run", "claims", "reproduce", "train", "resume"])
def test_flipped_configuration_is_refused_and_its_run_named(
    attempt: Try, whole: bytes, name: str
) -> None:
    with closing(sqlite3.connect(f"file:{ASSET}?mode=ro", uri=True)) as connection:
        question = "SELECT config_json FROM configuration JOIN run USING (configuration_id)"
        (text,) = connection.execute(f"{question} WHERE run_id = 1").fetchone()
    at = whole.index(text.encode())
    refused = 0
    for bit in range(0, 80, 16):
        data = bytearray(whole)
        data[at + bit] ^= 1 << (bit // 16 % 7)
        answer = attempt(name, bytes(data))
        refused += answer.code == 3
        assert answer.code != 3 or "config_json of run" in answer.err
        assert attempt("check", bytes(data)).code != 0
    assert refused or name not in ("reproduce", "resume")


def made(path: Path, script: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(script)


FOREIGN = {
    "tables of the same names": "CREATE TABLE run (run_id INTEGER, x); CREATE TABLE epoch (y);",
    "a version table of Alembic": "CREATE TABLE alembic_version (version_num); "
    "INSERT INTO alembic_version VALUES ('0004'); CREATE TABLE run (x);",
    "a view only": "CREATE VIEW runs AS SELECT 1 AS run_id;",
    "our version table, and nothing else of ours": f"CREATE TABLE {VERSION_TABLE} (version_num); "
    f"INSERT INTO {VERSION_TABLE} VALUES ('{revisions()[-1]}'); CREATE TABLE run (x);",
    "our version table, empty": f"CREATE TABLE {VERSION_TABLE} (version_num); CREATE TABLE a (x);",
    "our version table, of other columns": f"CREATE TABLE {VERSION_TABLE} (x);",
    "a write-ahead log": "PRAGMA journal_mode = WAL; CREATE TABLE run (x);",
    "another application id": "PRAGMA application_id = 7; CREATE TABLE t (x);",
}


@pytest.mark.parametrize("name", [*READERS, *WRITERS])
def test_databases_of_other_programs_are_refused(
    attempt: Try, name: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    for number, script in enumerate(FOREIGN.values()):
        path = tmp_path_factory.mktemp("theirs") / f"{number}.db"
        made(path, script)
        assert attempt(name, path.read_bytes()).code in ({3} if name != "check" else {1, 3}), script


@pytest.mark.parametrize("name", [*READERS, *WRITERS])
def test_database_of_a_newer_cdbench_text_and_rubbish_are_refused(
    attempt: Try, name: str, whole: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    newer = tmp_path_factory.mktemp("newer") / "newer.db"
    newer.write_bytes(whole)
    made(newer, f"UPDATE {VERSION_TABLE} SET version_num = '9999'")
    answer = attempt(name, newer.read_bytes())
    assert answer.code == 3
    assert "newer cdbench" in answer.err
    for data in (b"label,x\na,1\n", b"SQLite", random.Random(4).randbytes(9000), b"\0" * 4096):
        assert attempt(name, data).code == 3


@pytest.mark.parametrize("name", [*READERS, *WRITERS])
@pytest.mark.parametrize("kind", ["folder", "fifo", "dangling link", "link in a circle"])
def test_what_is_no_file_is_refused(here: Here, name: str, kind: str) -> None:
    path = here.folder / "runs.db"
    match kind:
        case "folder":
            path.mkdir()
        case "fifo":
            os.mkfifo(path)
        case "dangling link":
            path.symlink_to(here.folder / "no folder" / "gone.db")
        case _:
            path.symlink_to(path)
    before = path.lstat()
    answer = here(*(READERS | WRITERS)[name])
    assert answer.code == 3
    assert answer.err.count("\n") == 1
    assert answer.err.startswith("cdbench: ")
    assert path.lstat().st_ino == before.st_ino
    assert list(here.folder.iterdir()) == [path]


def test_database_with_a_write_ahead_log_is_refused_until_it_is_changed_back(here: Here) -> None:
    path = here.folder / "runs.db"
    shutil.copy(ASSET, path)
    plainly = plain(here(*READERS["claims"]))
    made(path, "PRAGMA journal_mode = WAL")
    before = path.read_bytes()
    for words in (READERS["claims"], WRITERS["train"]):
        answer = here(*words)
        assert (answer.code, answer.err.count("\n")) == (3, 1)
    assert path.read_bytes() == before
    made(path, answer.err.rpartition("sqlite3 runs.db ")[2].strip(" \n'"))
    assert plain(here(*READERS["claims"])) == plainly
    assert here(*WRITERS["train"]).code == 0
    assert [found.name for found in here.folder.iterdir()] == ["runs.db"]


@pytest.mark.parametrize("statement", [
    "CREATE VIEW evil AS SELECT load_extension('/tmp/evil.so')",
    "DROP VIEW runs; CREATE VIEW runs AS SELECT *, load_extension('x') AS y FROM run",
    "CREATE TRIGGER evil AFTER INSERT ON run BEGIN SELECT load_extension('x'); END",
])  # fmt: skip
def test_hostile_views_and_triggers_do_nothing_and_are_told(here: Here, statement: str) -> None:
    path = here.folder / "runs.db"
    shutil.copy(ASSET, path)
    made(path, statement)
    before = path.read_bytes()
    answers = [here(*READERS[name]) for name in ("claims", "dry run", "table1")]
    assert all(answer.code in EXPECTED and "Traceback" not in answer.err for answer in answers)
    assert path.read_bytes() == before
    checked = here("db", "check")
    assert checked.code != 0 or "evil" in checked.out
    found = "evil" if "evil" in statement else "runs"
    assert found in checked.out + checked.err
    if "TRIGGER" in statement:
        answer = here(*WRITERS["train"])
        assert answer.code == 3
        assert answer.err.count("\n") == 1
        assert path.read_bytes() == before


def test_real_processes_refuse_alike(tmp_path: Path, whole: bytes) -> None:
    path = tmp_path / "runs.db"
    for data in (whole[:5000], b"rubbish" * 100, whole[:19] + b"\7" + whole[20:]):
        path.write_bytes(data)
        before = contents(tmp_path)
        for words in (READERS["claims"], WRITERS["train"]):
            answer = for_real(tmp_path, *words)
            assert (answer.code, answer.err.count("\n")) == (3, 1), answer
        assert contents(tmp_path) == before


def test_new_database_is_made_where_a_file_is_empty(here: Here) -> None:
    path = here.folder / "runs.db"
    path.touch()
    assert here(*READERS["claims"]).code == 3
    assert path.read_bytes() == b""
    assert here(*WRITERS["train"]).code == 0
    open_for_writing(str(path))
