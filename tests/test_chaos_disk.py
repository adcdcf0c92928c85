"""Full disks, files and folders without leave or gone: one line, nothing half, resumable."""

import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from tests.chaos import Command, together, wait_until

if sys.platform != "linux":
    pytest.skip("mounts a tmpfs", allow_module_level=True)

pytestmark = pytest.mark.chaos

ASSETS = Path(__file__).parent / "assets"
TINY = ("--dataset", "iris", "--hidden", "4", "--B", "2", "--epochs", "100")
N_RUNS = 40
SWEEP = ("sweep", *TINY, "--seeds", "0..19", "--jobs", "2")
TRAIN = ("train", *TINY[:-1], "600", "--spectra-every", "1")
"""A run of a megabyte."""

DISK_BYTES = 4_000_000
ROOM_BYTES = 100_000
"""What is left of the disk beside a new database; a sweep needs more."""

LIMITED = """
import os, sqlite3
plain = sqlite3.connect
def connect(*words, **options):
    connection = plain(*words, **options)
    connection.execute("PRAGMA max_page_count = " + os.environ["MOST_PAGES"])
    return connection
sqlite3.connect = connect
"""

WITHOUT_POWERS = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")
"""Runs a command to which permissions apply, though it may be root's."""


def complaint(command: Command, code: int = 3) -> str:
    """Return the one line that a command which failed has said on standard error."""
    assert command.wait() == code, command.text
    command.assert_nothing_left()
    (line,) = command.errors
    assert line.startswith("cdbench: ")
    return line


def n_stored(path: Path) -> int:
    """Return the number of runs, each whole, in a sound database; look as cdbench finds it."""
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'run'").fetchall():
            return 0
        found = connection.execute(
            "SELECT config_digest, status, "
            "epochs = (SELECT count(*) FROM epoch e WHERE e.run_id = r.run_id) FROM run r"
        ).fetchall()
    assert {row[1:] for row in found} <= {("completed", 1)}
    assert len({row[0] for row in found}) == len(found)
    assert not path.with_name(f"{path.name}-journal").exists()
    return len(found)


def resume(path: Path) -> None:
    """Go on with the sweep, once there is nothing in its way, and count."""
    with Command(path.parent, *SWEEP, "--db", str(path), "--resume") as command:
        assert (command.wait(), command.errors) == (0, []), command.text
    assert n_stored(path) == N_RUNS


class Disk:
    """A place for a database that can be full: ``fill`` it but for some bytes, and ``free`` it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "runs.db"

    def fill(self, room_bytes: int) -> None:
        raise NotImplementedError

    def free(self) -> None:
        raise NotImplementedError

    def command(self, *words: str) -> Command:
        return Command(self.path.parent, *words, "--db", str(self.path), extra=self.extra())

    def extra(self) -> Mapping[str, str]:
        return {}


class SmallDisk(Disk):
    """A tmpfs, filled by a file."""

    def fill(self, room_bytes: int) -> None:
        state = os.statvfs(self.path.parent)
        n_bytes = state.f_bavail * state.f_frsize - room_bytes
        (self.path.parent / "filler").write_bytes(bytes(n_bytes))

    def free(self) -> None:
        (self.path.parent / "filler").unlink()


class SmallFile(Disk):
    """A file that SQLite itself lets grow no further."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "disk")
        self.path.parent.mkdir()
        self._site = folder / "site"
        self._site.mkdir()
        (self._site / "sitecustomize.py").write_text(LIMITED)
        self._most = 10**6

    def fill(self, room_bytes: int) -> None:
        size = self.path.stat().st_size if self.path.exists() else 0
        self._most = max(1, (size + room_bytes) // 4096)

    def free(self) -> None:
        self._most = 10**6

    def extra(self) -> Mapping[str, str]:
        return {"PYTHONPATH": str(self._site), "MOST_PAGES": str(self._most)}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[SmallDisk]:
    folder = tmp_path / "mounted"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("no leave to mount a tmpfs; pages that SQLite counts stand for it")
    yield SmallDisk(folder)
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture(params=["small disk", "small file"])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Disk:
    if request.param == "small file":
        return SmallFile(tmp_path)
    found: SmallDisk = request.getfixturevalue("small_disk")
    return found


@pytest.fixture(scope="module")
def new(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Return a database of the newest schema, with one run that no sweep here has."""
    folder = tmp_path_factory.mktemp("new")
    with Command(folder, "train", *TINY[:-1], "1") as command:
        assert command.wait() == 0, command.text
    with closing(sqlite3.connect(folder / "runs.db", isolation_level=None)) as connection:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("DELETE FROM run")
        connection.execute("VACUUM")
    return (folder / "runs.db").read_bytes()


def test_a_sweep_on_a_full_disk_stops_in_one_line_and_goes_on_when_there_is_space(
    disk: Disk, new: bytes
) -> None:
    disk.path.write_bytes(new)
    disk.fill(ROOM_BYTES)
    with disk.command(*SWEEP) as command:
        line = complaint(command)
    assert line.startswith(f"cdbench: {disk.path}: the disk is full, and none of this was written")
    assert "free some space" in line
    assert "to go on: cdbench sweep" in line
    assert line.endswith("--resume")
    n_before = n_stored(disk.path)
    assert command.said(": completed") <= n_before < N_RUNS
    disk.free()
    resume(disk.path)


def test_a_run_that_a_full_disk_does_not_take_is_said_not_to_be_stored(
    disk: Disk, new: bytes
) -> None:
    disk.path.write_bytes(new)
    disk.fill(ROOM_BYTES)
    with disk.command(*TRAIN) as command:
        line = complaint(command)
    assert "the disk is full" in line
    assert line.endswith("; the run is not stored")
    assert n_stored(disk.path) == 0
    disk.free()
    with disk.command(*TRAIN) as command:
        assert (command.wait(), command.errors) == (0, []), command.text
    assert n_stored(disk.path) == 1


def test_on_a_disk_that_is_full_nothing_is_trained(disk: Disk) -> None:
    disk.fill(0)
    with disk.command(*(SWEEP if isinstance(disk, SmallDisk) else TRAIN)) as command:
        assert "the disk is full" in complaint(command)
    assert len(command.lines) == 1  # that one
    assert not disk.path.exists() or n_stored(disk.path) == 0
    disk.free()
    with disk.command("train", *TINY) as command:
        assert (command.wait(), command.errors) == (0, []), command.text


@pytest.mark.parametrize("words", [("db", "upgrade"), ("train", *TINY)])
def test_where_the_backup_before_an_upgrade_finds_no_space_nothing_is_changed(
    small_disk: SmallDisk, words: tuple[str, ...]
) -> None:
    before = (ASSETS / "0001.db").read_bytes()
    small_disk.path.write_bytes(before)
    small_disk.fill(len(before) // 2)
    with small_disk.command(*words) as command:
        assert "the disk is full" in complaint(command)
    assert small_disk.path.read_bytes() == before
    assert {path.name for path in small_disk.path.parent.iterdir()} == {"runs.db", "filler"}
    small_disk.free()
    with small_disk.command("db", "upgrade") as command:
        assert command.wait() == 0, command.text
    assert (small_disk.path.parent / "runs.schema-0001.db").read_bytes()[:16] == before[:16]


def test_outputs_on_a_full_or_read_only_disk_are_refused_and_leave_nothing(
    small_disk: SmallDisk,
) -> None:
    """Of a disk that is only read, an old database is read all the same."""
    folder = small_disk.path.parent
    shutil.copy(ASSETS / "0001.db", small_disk.path)
    (folder / "old.csv").write_text("old")
    small_disk.fill(0)
    for words in (("report", "--claims"), ("mount",), ("report", "--claims")):
        if words == ("mount",):
            small_disk.free()
            subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
            continue
        for name in ("old.csv", "new.csv"):
            with small_disk.command(*words, "--output", name) as command:
                assert command.wait() == 1, command.text
                assert re.search(
                    rf"--output {name}: cannot be written \((No space left|Read-only file)",
                    command.errors[-1],
                )
        assert (folder / "old.csv").read_text() == "old"
        assert {path.name for path in folder.iterdir()} - {"filler"} == {"runs.db", "old.csv"}
    with small_disk.command("report", "--claims") as command:
        assert command.wait() == 0, command.text


def below(path: Path) -> Sequence[str]:
    """Return what to run a command with, so that permissions apply to it."""
    probe = ["sh", "-c", f"test -w {path}"]
    if os.geteuid() != 0:
        return ()
    if shutil.which("setpriv") is None:
        pytest.skip("root without setpriv: permissions do not apply")
    assert subprocess.run([*WITHOUT_POWERS, *probe]).returncode == 1, "it may write all the same"
    return WITHOUT_POWERS


@pytest.fixture
def database(tmp_path: Path, new: bytes) -> Path:
    folder = tmp_path / "results"
    folder.mkdir()
    (folder / "runs.db").write_bytes(new)
    return folder / "runs.db"


@pytest.mark.parametrize(
    ("what", "words"), [("file", TRAIN), ("folder", SWEEP), ("folder of nothing", TRAIN)]
)
def test_without_leave_to_write_nothing_is_trained_and_what_is_there_can_be_read(
    database: Path, what: str, words: tuple[str, ...]
) -> None:
    if what == "folder of nothing":
        database.unlink()
    locked = database if what == "file" else database.parent
    mode = locked.stat().st_mode
    before = database.read_bytes() if database.exists() else None
    locked.chmod(0o555)
    try:
        powers = below(locked)
        folder = database.parent.parent
        with Command(folder, *words, "--db", str(database), below=powers) as command:
            line = complaint(command)
        assert "writable" in line
        assert len(command.lines) == 1
        if before is not None:
            assert database.read_bytes() == before
            with Command(folder, "db", "info", "--db", str(database), below=powers) as command:
                assert (command.wait(), command.errors) == (0, []), command.text
    finally:
        locked.chmod(mode)
    assert [path.name for path in database.parent.iterdir()] == ["runs.db"] * (before is not None)


def take_away(database: Path) -> Callable[[], None]:
    """Rename the folder; return what puts it back."""
    away = database.parent.with_name("away")
    database.parent.rename(away)

    def undo() -> None:
        away.rename(database.parent)

    return undo


def put_another(database: Path) -> Callable[[], None]:
    """Rename the folder, and make another of its name, which is empty; return what undoes it."""
    put_back = take_away(database)
    database.parent.mkdir()

    def undo() -> None:
        assert not list(database.parent.iterdir()), "a new database was begun"
        database.parent.rmdir()
        put_back()

    return undo


def delete_file(database: Path) -> Callable[[], None]:
    """Take the file alone away; return what puts it back."""
    kept = database.parent.with_name("kept.db")
    database.rename(kept)

    def undo() -> None:
        assert not list(database.parent.iterdir()), "a new database was begun"
        kept.rename(database)

    return undo


def forbid(database: Path) -> Callable[[], None]:
    """Take the leave to write into the folder; return what gives it back."""
    database.parent.chmod(0o555)
    return lambda: database.parent.chmod(0o755)


HARMS = (take_away, put_another, delete_file, forbid)


def harm_and_resume(database: Path, harm: Callable[[Path], Callable[[], None]]) -> None:
    database.parent.chmod(0o555)
    powers = below(database.parent)
    database.parent.chmod(0o755)
    words = (*SWEEP, "--db", str(database))
    with Command(database.parent.parent, *words, below=powers) as command:
        wait_until(lambda: command.said(": completed") > 2, "some runs")
        wait_until(lambda: not database.with_name("runs.db-journal").exists(), "a pause")
        undo = harm(database)
        try:
            line = complaint(command)
        finally:
            undo()
    assert f"{database}: " in line
    assert "to go on: cdbench sweep" in line
    n_before = n_stored(database)
    assert command.said(": completed") <= n_before < N_RUNS
    resume(database)


def test_a_sweep_whose_database_goes_away_stops_and_goes_on_when_it_is_back(
    tmp_path: Path, new: bytes
) -> None:
    databases = [tmp_path / harm.__name__ / "results" / "runs.db" for harm in HARMS]
    for database in databases:
        database.parent.mkdir(parents=True)
        database.write_bytes(new)
    together(harm_and_resume, list(zip(databases, HARMS, strict=True)))
