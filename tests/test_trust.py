"""A cdbench.toml that others could have written: refused, unless it is trusted by name."""

import os
import shlex
import socket
import struct
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from cdbench.cli import trust
from cdbench.cli.settings import load_settings
from cdbench.errors import ConfigurationError
from tests.cli_tools import SMALL, SMALL_NETWORK, Here, contents, for_real

pytestmark = pytest.mark.skipif(not hasattr(os, "getuid"), reason="needs users and groups")
as_root = pytest.mark.skipif(
    not hasattr(os, "getuid") or os.geteuid() != 0, reason="only root can give files away"
)

STRANGER = 54321
"""A user that there is none of."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder of our own, which nobody else may write to."""
    monkeypatch.delenv("CDBENCH_TRUST", raising=False)
    folder = tmp_path / "with blanks"
    folder.mkdir(mode=0o755)
    return folder


def settings_in(folder: Path, text: str = "[defaults]\nepochs = 3\n") -> Path:
    path = folder / "cdbench.toml"
    path.write_text(text)
    path.chmod(0o644)
    return path


def refusal(start: Path) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load_settings(start)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def obeyed(start: Path) -> bool:
    return load_settings(start).defaults == {"epochs": 3}


@as_root
def test_settings_of_another_user_are_refused_with_the_way_to_trust_them(folder, monkeypatch):
    path = settings_in(folder)
    inner = folder / "a" / "b"
    inner.mkdir(parents=True)
    assert obeyed(inner)
    os.chown(path, STRANGER, -1)
    said = refusal(inner)
    assert said.startswith(f"{path}: belongs to user {STRANGER}, neither to you nor to root")
    _, _, command = said.partition("to trust it: ")
    name, _, value = shlex.split(command)[1].partition("=")
    assert (name, value) == ("CDBENCH_TRUST", str(path))
    assert "put a file of your own with that name, which may be empty, into a folder below" in said
    (inner / "cdbench.toml").touch()
    assert load_settings(inner).path == inner / "cdbench.toml"
    (inner / "cdbench.toml").unlink()
    monkeypatch.setenv(name, value)
    assert obeyed(inner)


@as_root
def test_settings_in_the_folder_of_another_user_are_refused(folder):
    settings_in(folder)
    os.chown(folder, STRANGER, -1)
    assert f"its folder {folder} belongs to user {STRANGER}" in refusal(folder)


@as_root
def test_settings_of_root_are_obeyed_by_everybody(folder, monkeypatch):
    settings_in(folder)
    monkeypatch.setattr(os, "geteuid", lambda: STRANGER)
    assert obeyed(folder)


def test_settings_that_others_may_write_are_refused(folder):
    path = settings_in(folder)
    path.chmod(0o646)
    assert f"{path}: may be written to by others (mode 646)" in refusal(folder)


@pytest.mark.parametrize("mode", [0o757, 0o1777])
def test_settings_in_a_folder_that_others_may_write_to_are_refused_sticky_or_not(folder, mode):
    settings_in(folder)
    folder.chmod(mode)
    assert f"its folder {folder} may be written to by others (mode {mode:o})" in refusal(folder)


def groups(monkeypatch, *, name="me", members=(), others=(), first=True):
    """Make this machine's list of groups one of a single group, and us the user ``me``."""
    import grp
    import pwd

    def user(number, called, group):
        return SimpleNamespace(pw_uid=number, pw_name=called, pw_gid=group)

    number = os.getgid()
    me = user(os.geteuid(), "me", number if first else number + 1)
    everybody = {"me": me} | {one: user(STRANGER, one, number) for one in others}
    monkeypatch.setattr(
        grp, "getgrgid", lambda _: SimpleNamespace(gr_name=name, gr_mem=list(members))
    )
    monkeypatch.setattr(pwd, "getpwnam", lambda called: everybody[called])
    monkeypatch.setattr(pwd, "getpwall", lambda: list(everybody.values()))


@pytest.mark.parametrize(
    ("private", "group"),
    [
        (True, {}),
        (True, {"members": ["me"]}),
        (False, {"members": ["me", "mallory"]}),
        (False, {"others": ["mallory"]}),
        (False, {"name": "users"}),
        (False, {"first": False}),
    ],
    ids=str,
)
def test_a_group_is_others_unless_it_is_the_users_own(folder, monkeypatch, private, group):
    groups(monkeypatch, **group)
    path = settings_in(folder)
    path.chmod(0o664)
    if private:
        assert obeyed(folder)
    else:
        assert "may be written to by others (mode 664)" in refusal(folder)
    path.chmod(0o644)
    folder.chmod(0o775)
    assert obeyed(folder) if private else "its folder" in refusal(folder)


def test_an_access_list_is_others_too(folder, monkeypatch):
    groups(monkeypatch)
    path = settings_in(folder)
    path.chmod(0o664)
    owner, group, named = os.getuid(), os.getgid(), STRANGER
    entries = [(1, 6, -1), (2, 6, named), (4, 4, -1), (16, 6, -1), (32, 4, -1)]
    packed = struct.pack("<I", 2) + b"".join(
        struct.pack("<HHI", tag, leave, number & 0xFFFFFFFF) for tag, leave, number in entries
    )
    try:
        os.setxattr(path, "system.posix_acl_access", packed)
    except (AttributeError, OSError):
        pytest.skip("this file system has no access lists")
    assert (path.stat().st_uid, path.stat().st_gid) == (owner, group)
    assert "may be written to by others" in refusal(folder)


def linked(folder: Path) -> tuple[Path, Path, Path]:
    """Make folder/cdbench.toml a link to between/link, which leads to target/cdbench.toml."""
    between, target = folder / "between", folder / "target"
    between.mkdir()
    target.mkdir()
    settings_in(target)
    (between / "link").symlink_to("../target/cdbench.toml")
    link = folder / "cdbench.toml"
    link.symlink_to("between/link")
    return link, between, target


def test_a_link_of_our_own_to_a_file_of_our_own_is_obeyed(folder):
    linked(folder)
    assert obeyed(folder)


@pytest.mark.parametrize("which", [1, 2])
def test_a_link_through_a_folder_that_others_may_write_to_is_refused(folder, which):
    places = linked(folder)
    places[which].chmod(0o777)
    assert "may be written to by others (mode 777)" in refusal(folder)


@as_root
@pytest.mark.parametrize("what", ["cdbench.toml", "between/link", "between", "target"])
def test_a_link_is_refused_for_any_owner_on_its_way(folder, what):
    linked(folder)
    os.chown(folder / what, STRANGER, -1, follow_symlinks=False)
    assert f"belongs to user {STRANGER}" in refusal(folder)


def test_only_the_file_that_is_named_is_trusted(folder, monkeypatch):
    path = settings_in(folder)
    path.chmod(0o666)
    before = f"/elsewhere/cdbench.toml{os.pathsep}"
    monkeypatch.setenv("CDBENCH_TRUST", before)
    said = refusal(folder)
    assert f"CDBENCH_TRUST='{before}{os.pathsep}{path}'" in said  # what was trusted stays so
    alias = folder.parent / "alias"
    alias.symlink_to(folder)
    for value in (f"{before}{path}", f"{os.pathsep}{path}{os.pathsep}", str(alias / path.name)):
        monkeypatch.setenv("CDBENCH_TRUST", value)
        assert obeyed(folder)


@pytest.mark.parametrize("value", ["cdbench.toml", "./cdbench.toml", "*"])
def test_trust_in_whatever_is_here_is_refused(folder, monkeypatch, value):
    settings_in(folder).chmod(0o666)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("CDBENCH_TRUST", value)
    assert "expected absolute paths" in refusal(folder)


def test_what_is_read_is_what_was_judged(folder, monkeypatch):
    path = settings_in(folder)
    mine = trust._fault

    def swapped(judged, status):
        evil = folder / "evil"
        evil.write_text("[defaults]\nepochs = 666\n")
        evil.replace(path)
        return mine(judged, status)

    monkeypatch.setattr(trust, "_fault", swapped)
    assert obeyed(folder)


def test_a_pipe_that_takes_the_files_place_is_not_waited_for(folder, monkeypatch):
    os.mkfifo(folder / "cdbench.toml", 0o644)
    monkeypatch.setattr(Path, "is_file", lambda path: path.exists())
    reader = threading.Thread(target=load_settings, args=(folder,), daemon=True)
    reader.start()
    reader.join(10)
    assert not reader.is_alive()


@pytest.mark.long
def test_no_password_goes_to_a_server_that_an_untrusted_file_names(tmp_path):
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        server.settimeout(0.2)
        host, port = server.getsockname()
        path = settings_in(tmp_path, f'database = "postgresql://{host}:{port}/runs"\n')
        path.chmod(0o666)
        inner = tmp_path / "inner"
        inner.mkdir()
        before = contents(tmp_path)
        for words in (["train", *SMALL], ["report", "--table1"], ["db", "check"], ["sweep"]):
            answer = for_real(inner, *words, extra={"PGPASSWORD": "very-secret"})
            assert answer.code == 2
            assert answer.err.count("\n") == 1
            assert "to trust it: export CDBENCH_TRUST=" in answer.err
        with pytest.raises(TimeoutError):
            server.accept()
        assert contents(tmp_path) == before
        path.chmod(0o644)  # and so the test could fail
        called = threading.Thread(target=lambda: server.accept()[0].close())
        server.settimeout(30)
        called.start()
        assert for_real(inner, "report", "--table1").code == 3
        called.join()


def test_untrusted_settings_change_no_database_and_no_default(tmp_path):
    (tmp_path / "runs.db").write_bytes(b"")
    settings_in(tmp_path, 'database = "runs.db"\n[defaults]\nepochs = 1\n').chmod(0o646)
    inner = tmp_path / "inner"
    inner.mkdir()
    assert for_real(inner, "train", *SMALL_NETWORK).code == 2
    assert contents(tmp_path)["runs.db"] == b""


@pytest.fixture
def here(tmp_path, monkeypatch, capsys):
    return Here(tmp_path, monkeypatch, capsys)


FILE = (
    "database = 'mine.db'\n[defaults]\nepochs = 1\nhidden = [4]\n[sweeps.a]\nB = [1]\nseeds = 0\n"
)


@pytest.mark.parametrize(
    ("words", "taken"),
    [
        ("train --dataset iris --B 2", "epochs, hidden, database"),
        ("train --dataset iris --B 2 --db x.db", "epochs, hidden"),
        ("sweep a --dataset iris --epochs 1 --hidden 4 --dry-run", "B, seeds, database"),
        ("db check", "database"),
        ("train --dataset iris --B 2 --db x.db --epochs 1 --hidden 4", ""),
        ("train --help", ""),
        ("db copy mine.db x.db", ""),
    ],
)
def test_a_command_says_once_which_file_it_obeys_and_in_what(here, words, taken):
    path = settings_in(here.folder, FILE)
    answer = here(*words.split())
    expected = f"cdbench: from {path}: {taken}"
    assert [line for line in answer.err.splitlines() if "cdbench.toml" in line] == (
        [expected] if taken else []
    )
    assert "cdbench.toml" not in answer.out or "--help" in words


def test_what_the_environment_says_is_not_taken_from_the_file(here, monkeypatch):
    path = settings_in(here.folder, FILE)
    monkeypatch.setenv("CDBENCH_EPOCHS", "1")
    monkeypatch.setenv("CDBENCH_DATABASE", "y.db")
    answer = here("train", "--dataset", "iris", "--B", "2")
    assert answer.err.splitlines()[0] == f"cdbench: from {path}: hidden"
    assert answer.err.count("cdbench.toml") == 1
