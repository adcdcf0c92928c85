"""Work folders: ours alone while used, gone afterwards, whoever was killed."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from cdbench.system.work_folders import work_folder

HOLDER = (
    "import sys, time; from pathlib import Path\n"
    "from cdbench.system.work_folders import work_folder\n"
    "with work_folder(Path(sys.argv[1])) as folder:\n"
    "    (folder / 'a').mkdir(); (folder / 'a' / 'b.db-journal').write_text('x')\n"
    "    print(folder, flush=True)\n"
    "    sys.stdin.readline()\n"
)


@contextmanager
def held_by_another(parent: Path) -> Iterator[tuple["subprocess.Popen[str]", Path]]:
    """Give a process that holds a work folder until it gets a line."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(parent)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        try:
            yield process, Path(process.stdout.readline().rstrip("\n"))
        finally:
            process.kill()


def test_a_work_folder_is_new_ours_alone_and_goes_whole(tmp_path: Path) -> None:
    with work_folder(tmp_path) as folder:
        assert folder.parent == tmp_path
        assert folder.name.startswith(".cdbench-")
        assert folder.stat().st_mode & 0o777 == 0o700
        assert list(folder.iterdir()) == []
        (folder / "deep" / "er").mkdir(parents=True)
        (folder / "deep" / "er" / "file").touch()
        with work_folder(tmp_path) as other:
            assert other != folder
            assert folder.is_dir()
    assert list(tmp_path.iterdir()) == []


def test_a_work_folder_goes_on_an_error_and_can_be_begun_and_ended(tmp_path: Path) -> None:
    with suppress(KeyboardInterrupt), work_folder(tmp_path) as folder:
        (folder / "file").touch()
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []
    stack = ExitStack()
    folder = stack.enter_context(work_folder(tmp_path, prefix="cdbench-"))
    assert folder.name.startswith("cdbench-")
    stack.close()
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_goes_with_the_next_folder(tmp_path: Path) -> None:
    with held_by_another(tmp_path) as (process, left):
        process.kill()
        process.wait(60)
        assert (left / "a" / "b.db-journal").exists()
        with work_folder(tmp_path) as folder:
            assert list(tmp_path.iterdir()) == [folder]


def test_a_folder_in_use_stays_though_its_process_stands_still(tmp_path: Path) -> None:
    with held_by_another(tmp_path) as (process, theirs):
        os.kill(process.pid, signal.SIGSTOP)
        with work_folder(tmp_path) as ours:
            assert {*tmp_path.iterdir()} == {ours, theirs}
        os.kill(process.pid, signal.SIGCONT)
        process.communicate("end\n", timeout=60)
        assert process.returncode == 0
    assert list(tmp_path.iterdir()) == []


def test_what_only_looks_like_a_work_folder_stays(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    (elsewhere / "precious").touch()
    parent = tmp_path / "parent"
    parent.mkdir()
    for name in ("cdbench-abcdefgh.tmp", ".cdbench-results.tmp", ".cdbench-abcdefgh", ".cdbench-"):
        (parent / name).mkdir(mode=0o700)
    (parent / ".cdbench-aaaaaaaa.tmp").symlink_to(elsewhere)
    (parent / ".cdbench-bbbbbbbb.tmp").write_text("a file")
    (parent / ".cdbench-cccccccc.tmp").mkdir(mode=0o755)  # made by hand
    if os.geteuid() == 0:
        (parent / ".cdbench-dddddddd.tmp").mkdir(mode=0o700)
        os.chown(parent / ".cdbench-dddddddd.tmp", 12345, 12345)
    before = sorted(parent.iterdir())
    with work_folder(parent):
        pass
    assert sorted(parent.iterdir()) == before
    assert (elsewhere / "precious").exists()


def test_many_at_once_never_take_each_others(tmp_path: Path) -> None:
    """Each tidies up before it makes its own, also between another's making and locking it."""

    def use(_: int) -> None:
        for _ in range(30):
            with work_folder(tmp_path) as folder:
                (folder / "file").write_text("mine")
                assert (folder / "file").read_text() == "mine"

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(use, range(8))) == [None] * 8
    assert list(tmp_path.iterdir()) == []


def test_where_none_can_be_made_the_reason_is_the_systems(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for parent, error in (("file", NotADirectoryError), ("no", FileNotFoundError)):
        with pytest.raises(error), work_folder(tmp_path / parent):
            pass
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
