"""What commands write: to a regular file or a stream, never over what is not theirs to replace."""

import os
import shutil
import socket
import sqlite3
import stat
import subprocess
import threading
from contextlib import closing, suppress
from pathlib import Path

import pytest

from cdbench.errors import OutputError, StoreError
from cdbench.store.migrate import revisions
from cdbench.system.output_files import new_file, write_output
from tests.cli_tools import CDBENCH, Here, by_shell, contents, for_real, plain_environment

ASSETS = Path(__file__).parent / "assets"
REPORT = ("report", "--claims", "--format", "csv")


@pytest.fixture
def here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Here:
    shutil.copy(ASSETS / f"{revisions()[-1]}.db", tmp_path / "runs.db")
    return Here(tmp_path, monkeypatch, capsys)


def refuse(here: Here, output: str, said: str) -> None:
    """Check that a report is not written there, in one line, and that nothing changes."""
    before = contents(here.folder)
    answer = here(*REPORT, "--output", output)
    assert (answer.code, answer.out) == (1, "")
    assert answer.err.startswith(f"cdbench: --output {output[:40]}")
    assert len(answer.err.splitlines()) == 1
    assert said in answer.err
    assert contents(here.folder) == before


@pytest.mark.parametrize(
    "name", ["runs.db", "link.db", "theirs.sqlite", "x-journal", "runs.db-wal"]
)
def test_no_output_replaces_a_database_or_what_belongs_to_one(here: Here, name: str) -> None:
    (here.folder / "link.db").symlink_to("runs.db")
    with closing(sqlite3.connect(here.folder / "theirs.sqlite")) as connection:
        connection.execute("CREATE TABLE notes (text)")
    (here.folder / "x-journal").write_bytes(b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7" + bytes(504))
    refuse(here, name, "it is a database, or belongs to one; name another file")


def test_no_figure_replaces_a_database_and_a_link_to_one_is_followed(here: Here) -> None:
    (here.folder / "figures").mkdir()
    figure = here.folder / "figures" / "crossover.png"
    figure.symlink_to("../runs.db")
    before = contents(here.folder)
    answer = here("plot", "--crossover")
    assert (answer.code, len(answer.err.splitlines())) == (1, 1)
    assert "--output figures/crossover.png: cannot be written (it is a database" in answer.err
    assert contents(here.folder) == before
    figure.unlink()
    figure.symlink_to("../elsewhere.png")
    assert here("plot", "--crossover").code == 0
    assert (here.folder / "elsewhere.png").read_bytes().startswith(b"\x89PNG")
    assert figure.is_symlink()


def test_folders_sockets_and_names_that_cannot_be_are_refused(here: Here) -> None:
    (here.folder / "folder").mkdir()
    (here.folder / "loop").symlink_to("loop")
    with closing(socket.socket(socket.AF_UNIX)) as server:
        server.bind("socket")
        refuse(here, "socket", "it is a socket")
    refuse(here, "folder", "it is a folder")
    refuse(here, "", "it is a folder")
    refuse(here, "new/", "No such file or directory")
    refuse(here, "no/x.csv", "No such file or directory")
    refuse(here, "runs.db/x", "Not a directory")
    refuse(here, "loop", "Too many levels of symbolic links")
    refuse(here, "é" * 200, "File name too long")
    refuse(here, "x/" * 3000, "File name too long")


def test_a_new_file_has_the_ordinary_mode_and_an_old_one_keeps_its_own(here: Here) -> None:
    before = os.umask(0o027)
    try:
        assert here(*REPORT, "--output", "new.csv").out == "wrote new.csv\n"
        (here.folder / "old.csv").write_text("old")
        (here.folder / "old.csv").chmod(0o604)
        if os.geteuid() == 0:
            os.chown(here.folder / "old.csv", 1234, 4321)
        assert here(*REPORT, "--output", "old.csv").code == 0
    finally:
        os.umask(before)
    new, old = ((here.folder / name).stat() for name in ("new.csv", "old.csv"))
    assert (stat.S_IMODE(new.st_mode), stat.S_IMODE(old.st_mode)) == (0o640, 0o604)
    if os.geteuid() == 0:
        assert (old.st_uid, old.st_gid) == (1234, 4321)
    assert (here.folder / "old.csv").read_text() == (here.folder / "new.csv").read_text() != ""
    assert {path.name for path in here.folder.iterdir()} == {"new.csv", "old.csv", "runs.db"}


def test_a_link_is_followed_and_stays_a_link(here: Here) -> None:
    (here.folder / "elsewhere").mkdir()
    (here.folder / "old").write_text("old")
    for link, target in (("to-old", "old"), ("to-new", "elsewhere/new")):
        (here.folder / link).symlink_to(target)
        assert here(*REPORT, "--output", link).code == 0
        assert (here.folder / link).is_symlink()
        assert (here.folder / target).read_text().startswith("position")
        assert not (here.folder / target).is_symlink()
    (here.folder / "nowhere").symlink_to("no/such/file")
    refuse(here, "nowhere", "No such file or directory")


def test_a_read_only_file_stays_as_it_is(here: Here) -> None:
    (here.folder / "old.csv").write_text("old")
    (here.folder / "old.csv").chmod(0o444)
    command = [CDBENCH, *REPORT, "--output", "old.csv"]
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("root without setpriv: permissions do not apply")
        command = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", *command]
    done = subprocess.run(
        command, capture_output=True, text=True, env=plain_environment(), cwd=here.folder
    )
    said = "cdbench: --output old.csv: cannot be written (Permission denied)\n"
    assert (done.returncode, done.stdout, done.stderr) == (1, "", said)
    assert (here.folder / "old.csv").read_text() == "old"


def test_an_output_that_fails_half_way_leaves_the_old_file_and_nothing_else(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here.folder / "old.csv").write_text("old")

    def full(_: int) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(os, "fsync", full)
    refuse(here, "old.csv", "No space left on device")
    refuse(here, "new.csv", "No space left on device")


def test_devices_are_written_to_and_stay_devices(tmp_path: Path) -> None:
    """On a terminal of its own and copies of devices: should it fail, /dev stays as it is."""
    ours, theirs = os.openpty()
    (tmp_path / "link").symlink_to(os.ttyname(theirs))
    for name in (os.ttyname(theirs), tmp_path / "link"):
        assert write_output(name, b"a report") is False
        assert os.read(ours, 100) == b"a report"
    assert Path(os.ttyname(theirs)).is_char_device()
    assert (tmp_path / "link").is_symlink()
    os.close(ours)
    os.close(theirs)
    with suppress(PermissionError):  # of others than root
        os.mknod(tmp_path / "full", 0o600 | stat.S_IFCHR, os.makedev(1, 7))
        os.mknod(tmp_path / "disk", 0o600 | stat.S_IFBLK, os.makedev(7, 250))
        with pytest.raises(OutputError, match=r"cannot be written \((No space|Permission denied)"):
            write_output(tmp_path / "full", b"report")  # no permission: no devices on this disk
        with pytest.raises(OutputError, match="it is a disk"):
            write_output(tmp_path / "disk", b"report")
        assert (tmp_path / "full").is_char_device()
        assert (tmp_path / "disk").is_block_device()


def test_a_pipe_gets_what_is_written_and_stays_a_pipe(here: Here) -> None:
    os.mkfifo(here.folder / "pipe")
    got: list[str] = []
    reader = threading.Thread(target=lambda: got.append((here.folder / "pipe").read_text()))
    reader.start()
    answer = here(*REPORT, "--output", "pipe")
    reader.join(60)
    assert (answer.code, answer.out, answer.err) == (0, "", "")
    assert got[0].startswith("position")
    assert (here.folder / "pipe").is_fifo()


@pytest.mark.long
@pytest.mark.parametrize("name", ["-", "stdout", "/dev/fd/1"])
def test_standard_output_gets_the_report_and_nothing_else(here: Here, name: str) -> None:
    """Through a pipe and into a file, which is written to from where it stands."""
    # As /dev/stdout is, which root would replace, should this fail.
    (here.folder / "stdout").symlink_to("/proc/self/fd/1")
    expected = here(*REPORT).out
    assert expected.startswith("position")
    answer = for_real(here.folder, *REPORT, "--output", name)
    assert (answer.code, answer.out, answer.err) == (0, expected, "")
    with (here.folder / "file").open("w+b") as file:
        file.write(b"before\n")
        file.flush()
        inode = os.fstat(file.fileno()).st_ino
        command = [CDBENCH, *REPORT, "--output", name]
        subprocess.run(command, stdout=file, env=plain_environment(), cwd=here.folder, check=True)
        file.seek(0)
        assert file.read().decode() == f"before\n{expected}"
    assert (here.folder / "file").stat().st_ino == inode


def test_a_descriptor_that_the_shell_opened_is_written_to(here: Here) -> None:
    """Where it stands: what was in the file before comes before."""
    expected = here(*REPORT).out
    script = 'echo before > file; exec 3>> file; "$0" "$@" --output /dev/fd/3'
    assert by_shell(here.folder, script, *REPORT).code == 0
    assert (here.folder / "file").read_text() == "before\n" + expected


def test_a_file_that_is_standard_output_is_not_replaced(here: Here) -> None:
    expected = here(*REPORT).out
    command = [CDBENCH, *REPORT, "--output", "file"]
    with (here.folder / "file").open("wb") as file:
        subprocess.run(command, stdout=file, env=plain_environment(), cwd=here.folder, check=True)
        assert os.path.samestat((here.folder / "file").stat(), os.fstat(file.fileno()))
    assert (here.folder / "file").read_text() == expected


def test_a_new_file_gets_its_name_only_where_nothing_has_it(tmp_path: Path) -> None:
    with new_file(tmp_path / "a") as unfinished:
        unfinished.write_text("first")
        assert unfinished.parent.parent == tmp_path
        assert not (tmp_path / "a").exists()
    (tmp_path / "dangling").symlink_to("nowhere")
    for name in ("a", "dangling"):
        with pytest.raises(StoreError, match="already exists"), new_file(tmp_path / name):
            pytest.fail("the work began")
    with pytest.raises(StoreError, match="File name too long"), new_file(tmp_path / ("é" * 128)):
        pytest.fail("the work began")
    assert sorted(contents(tmp_path)) == ["a", "dangling"]
    assert (tmp_path / "a").read_text() == "first"


@pytest.mark.parametrize("links", [True, False])
def test_of_two_that_make_a_new_file_the_one_that_ends_first_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool
) -> None:
    """Also on file systems without links, such as those of memory cards."""

    def none(*_: object) -> None:
        raise PermissionError(1, os.strerror(1))

    if not links:
        monkeypatch.setattr(os, "link", none)

    def make_both() -> None:
        with new_file(tmp_path / "a") as slow:
            slow.write_text("slow")
            with new_file(tmp_path / "a") as quick:
                quick.write_text("quick")

    with pytest.raises(StoreError, match="already exists"):
        make_both()
    assert contents(tmp_path) == {"a": b"quick"}


def test_a_new_file_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def fail() -> None:
        with new_file(tmp_path / "a") as unfinished:
            unfinished.write_text("half")
            raise OSError(28, os.strerror(28))

    with pytest.raises(StoreError, match=r"a: cannot be written \(No space left"):
        fail()
    assert contents(tmp_path) == {}
