"""Passwords in URLs of databases: stored nowhere, shown nowhere, and no other word is touched."""

import socket
import subprocess
import sys
from unittest import mock
from urllib.parse import quote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cdbench.cli.typed import command_line, without_typed_passwords
from cdbench.errors import StoreError
from cdbench.store.location import find_location
from cdbench.store.locks import _command
from cdbench.store.url_checks import PARAMETERS
from cdbench.store.urls import server_url, without_password
from tests.chaos import wait_until
from tests.cli_tools import Here, contents, rows
from tests.hostile import HOSTILE

PLACES = {
    "as it should be": "postgresql://me:{quoted}@127.0.0.1:1/runs",
    "driver": "postgresql+psycopg://me:{quoted}@127.0.0.1:1/runs?sslmode=prefer",
    "raw": "postgresql://me:{raw}@127.0.0.1:1/runs",
    "raw @ in the user": "postgresql://me@corp:{raw}@127.0.0.1:1/runs",
    "address": "postgresql://me:{raw}@[::1]:1/runs",
    "parameter": "postgresql://127.0.0.1:1/runs?user=me&password={raw}",
    "parameter, others behind": "postgresql://127.0.0.1:1/?password={raw}&application_name=x",
    "parameter by numbers": "postgresql://me@127.0.0.1:1/runs?passw%6Frd={raw}",
    "parameter of a key": "postgresql://me@127.0.0.1:1/runs?sslpassword={raw}",
    "wrong port": "postgresql://me:{raw}@127.0.0.1:x/runs",
    "wrong host": "postgresql://me:{raw}@127.0.0.1 /runs",
    "wrong scheme": "post gres://me:{raw}@127.0.0.1:1/runs",
    "another scheme": "mysql://me:{raw}@127.0.0.1:1/runs",
    "one slash": "postgresql:/me:{raw}@127.0.0.1:1/runs",
    "three slashes": "postgresql:///me:{raw}@127.0.0.1:1/runs",
    "no slash": "postgres:me:{raw}@127.0.0.1:1/runs",
    "no question mark": "postgresql://127.0.0.1:1/runs&password={raw}",
    "words": "host=127.0.0.1 port=1 password={raw}",
    "words in quotes": "dbname=runs password = '{raw}' host=127.0.0.1",
}
"""Where a password may stand, at what nobody listens."""

WORDS = {
    "option": ("report", "--table1", "--db", "{}"),
    "option with =": ("report", "--table1", "--db={}"),
    "source": ("db", "copy", "{}", "copy.db"),
    "other": ("db", "merge", "{}"),
    "one too many": ("train", "{}"),
    "name of a sweep": ("sweep", "{}"),
    "number": ("train", "--epochs", "{}"),
    "file": ("train", "--dataset", "{}"),
    "file of a report": ("report", "--table1", "--output", "{}"),
}
"""Where a URL may stand."""

SPECIAL = "@:/?#%&=+ '\"\\.,;[]~$é"
marked = st.text("QXZJ", min_size=6, max_size=9)
"""Letters in a row that nothing else has, so that a piece of a password can be told."""
passwords = st.builds(
    lambda parts, special: "".join(a + b for a, b in zip(parts, [*special, ""], strict=False)),
    st.lists(marked, min_size=1, max_size=4),
    st.lists(st.text(SPECIAL, max_size=3), min_size=4, max_size=4),
)


def is_shown(password: str, text: str) -> bool:
    """Return whether four characters of the password's own stand in the text."""
    letters = [password[i : i + 4] for i in range(len(password) - 3)]
    return any(piece in text for piece in letters if set(piece) <= set("QXZJ"))


def typed(place: str, password: str) -> str:
    return PLACES[place].format(raw=password, quoted=quote(password, safe=""))


@settings(deadline=None)
@example(password="QQQQQQ@ZZZZZZ", place="raw", option="--db=")
@example(password="QQQQQQ&ZZZZZZ=XXXXXX", place="parameter", option="")
@example(password="QQQQQQ@ZZZZZZ?:=", place="another scheme", option="")
@given(
    password=passwords, place=st.sampled_from(list(PLACES)), option=st.sampled_from(["", "--db="])
)
def test_no_command_line_holds_any_piece_of_a_password(password, place, option):
    word = option + typed(place, password)
    said = f"Got unexpected extra argument ({word}) {word!r} {word.removeprefix(option)!r}"
    with mock.patch.object(sys, "argv", ["cdbench", "sweep", "--B", "4", word]):
        assert not is_shown(password, command_line())
        assert command_line().startswith("cdbench sweep --B 4 ")
        assert not is_shown(password, without_typed_passwords(said))


@settings(deadline=None)
@given(password=passwords)
def test_a_url_is_otherwise_stored_as_it_was_typed(password):
    before, after = "postgresql://m%65@corp:", "@[::1]:5432/r%65d?sslmode=require&"
    quoted = quote(password, safe="")
    for url in (f"{before}{{}}{after}options=-c%20x", f"{before}a{after}passw%6Frd={{}}&user=x"):
        expected = url.format("***").replace(":a@", ":***@")
        assert without_password(url.format(quoted)) == expected
        assert without_password("--db=" + url.format(quoted)) == "--db=" + expected


ORDINARY = st.text(st.characters(exclude_characters="@", exclude_categories=["Cs"])).filter(
    lambda word: "pass" not in word.casefold() and "%" not in word
)


@settings(deadline=None)
@given(word=ORDINARY)
@example("tcp://127.0.0.1:8786")
@example("postgresql://me@host:5432/runs?sslmode=require")
@example("sqlite:////home/me@corp/a:b@c.db")
@example("C:\\me@corp\\runs.db")
@example("user=me/runs.db")
@example("passwords.csv")
@example("me@corp:x")
def test_ordinary_words_are_not_touched(word):
    known = sum(f"{name}=" in word.replace(" ", "").casefold() for name in PARAMETERS)
    if known < 2:
        assert without_password(word) == word


@pytest.mark.parametrize("name", HOSTILE.values(), ids=list(HOSTILE))
def test_hostile_names_are_stored_as_they_were_typed(name):
    assert without_password(name) == name


def test_a_password_of_one_letter_garbles_no_word(tmp_path, monkeypatch, capsys):
    here = Here(tmp_path, monkeypatch, capsys)
    said = {
        here("report", "--table1", "--db", f"postgresql://me:{letter}@127.0.0.1:1/runs").err
        for letter in "ceno1"
    }
    assert len(said) == 1
    assert ": connection failed: " in said.pop()


@pytest.fixture
def here(tmp_path, monkeypatch, capsys):
    return Here(tmp_path, monkeypatch, capsys)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("words", WORDS.values(), ids=list(WORDS))
def test_no_command_shows_or_keeps_a_password(here, words, place):
    for password in ("QQQQ@XXXX", "QQ /?#%XXXX'ZZZZ", "QQQQ&XXXX=ZZZZ"):
        url = typed(place, password)
        answer = here(*(word.format(url) for word in words))
        assert answer.code in (2, 3)
        assert answer.err.count("\n") == 1
        assert not is_shown(password, answer.out + answer.err)
        assert contents(here.folder) == {}  # nothing was made of that name either


@pytest.mark.parametrize("place", PLACES)
def test_neither_environment_nor_file_shows_a_password(here, monkeypatch, place):
    password = "QQQQ@XXXX"
    url = typed(place, password)
    path = here.folder / "cdbench.toml"
    path.write_text(f'database = """{url}"""\n')
    from_file = here("report", "--table1")
    path.unlink()
    monkeypatch.setenv("CDBENCH_DATABASE", url)
    answers = [from_file, here("report", "--table1"), here("train", "--B", "x", url)]
    for answer in answers:
        assert answer.code in (2, 3)
        assert "Traceback" not in answer.err
        assert not is_shown(password, answer.out + answer.err)


def test_what_is_no_text_is_refused_without_its_password(here, monkeypatch):
    url = "postgresql://me:QQQQXXXX@host/runs"
    path = here.folder / "cdbench.toml"
    path.write_text(f'database = "{url}\\u0000"\n')
    answers = [here("train")]
    path.unlink()
    answers += [here("train", f"{url}\udcff"), here("train", f"--db={url}\udcff")]
    monkeypatch.setenv("CDBENCH_DATASET", f"{url}/x.csv")
    answers += [here("train")]
    monkeypatch.setenv("CDBENCH_DATASET", f"{url}\udcff")
    answers += [here("train")]
    for answer in answers:
        assert (answer.code, answer.out, answer.err.count("\n")) == (2, "", 1)
        assert not is_shown("QQQQXXXX", answer.err)


@pytest.mark.parametrize(
    "command",
    [
        *("train", "sweep", "sweep --dry-run", "sweep --resume", "report --table1", "plot --fig1"),
        *(
            "audit",
            "bench --output .",
            "reproduce --all",
            "db info",
            "db check",
            "db backup",
            "db upgrade",
        ),
        *("db vacuum", "db merge x.db"),
    ],
)
def test_every_command_refuses_before_it_does_anything(here, monkeypatch, command):
    """As the first thing: no run is trained and no product timed for a URL that nothing takes."""

    def began(*_args, **_more):
        raise AssertionError

    monkeypatch.setattr("cdbench.running.execution.execute", began)
    monkeypatch.setattr("cdbench.running.crossover.measure", began, raising=False)
    answer = here(*command.split(), "--db", "postgresql://me:QQQQ@XXXX@127.0.0.1:1/runs")
    assert (answer.code, answer.out, answer.err.count("\n")) == (3, "", 1)
    assert "cannot be told apart" in answer.err
    assert contents(here.folder) == {}


def test_what_goes_on_after_a_signal_or_is_stored_has_no_password(here, monkeypatch):
    def runs_elsewhere(location):
        return find_location("runs.db")

    monkeypatch.setattr("cdbench.store.database.find_location", runs_elsewhere)
    url = "postgresql://me@corp:QQQQ%20XXXX@127.0.0.1:1/runs?passw%6Frd=ZZZZ ZZZZ"
    words = ["--dataset", "iris", "--hidden", "4", "--epochs", "1", "--seeds", "0", "--B", "2"]
    assert here("sweep", *words, "--db", url).code == 0
    ((stored,),) = rows(here.folder / "runs.db", "select command_line from sweep")
    assert stored.endswith("'postgresql://me@corp:***@127.0.0.1:1/runs?passw%6Frd=***'")


REFUSED = {
    "raw @": ("postgresql://me:p@QQQQ@host/db", "cannot be told apart"),
    "port": ("postgresql://me:QQQQ@host:65536/db", "cannot be told apart"),
    "blank in the host": ("postgresql://me:QQQQ@ho st/db", "cannot be told apart"),
    "bracket left open": ("postgresql:///db?host=[::1&user=QQQQ", "not a valid host"),
    "no address in brackets": ("postgresql://me:QQQQ@[zz]:1/db", "cannot be told apart"),
    "port behind brackets": ("postgresql://me:QQQQ@[::1]:65536/db", "cannot be told apart"),
    "control character": ("postgresql://me:QQQQ@host/db\n", "invisible characters"),
    "slash in a password": ("postgresql://me:12/QQQQ@host/db", "cannot be told apart"),
    "host taken for a user": ("postgresql://host:54/db?password=x@QQQQ", "cannot be told apart"),
    "no slashes": ("postgresql:me:QQQQ@host/db", "its // is missing"),
    "words": ("host=h password=QQQQ", "neither a path nor a URL"),
    "another scheme": ("QQQQ QQQQ://host/db", "before :// there is no database"),
    "no value": ("postgresql://host/db?password", "no equals sign"),
    "twice": ("postgresql://host/db?password=QQQQ&password=QQQQ", "password is given twice"),
    "host of a parameter": (
        "postgresql:///db?host=me:QQQQ@host",
        "the value of host is not a valid host",
    ),
    "port of a parameter": ("postgresql:///db?port=QQQQ", "the value of port is not a valid port"),
    "behind a password": ("postgresql:///db?password=a&QQQQ=b", "a parameter after the password"),
    "parameter of a file": ("sqlite:///runs.db?key=QQQQ", "got parameters"),
}


@pytest.mark.parametrize(("url", "reason"), REFUSED.values(), ids=list(REFUSED))
def test_what_cannot_be_read_is_refused_without_showing_it(url, reason):
    with pytest.raises(StoreError) as caught:
        find_location(url)
    assert reason in str(caught.value)
    assert "QQ" not in str(caught.value)


@pytest.mark.parametrize(
    ("scheme", "known"),
    [
        ("postgresql+asyncpg", "postgresql://, which it opens with psycopg"),
        ("postgres+psycopg2", "postgres://, which it opens with psycopg"),
        ("SQLite+aiosqlite", "sqlite://, which it opens with pysqlite"),
    ],
)
def test_a_driver_that_would_not_be_used_is_refused(scheme, known):
    with pytest.raises(StoreError) as caught:
        find_location(f"{scheme}://me:QQ@127.0.0.1:1/runs")
    said = f"{scheme}:// names a driver that cdbench does not use; expected {known}"
    assert str(caught.value) == said


@pytest.mark.parametrize("scheme", ["POSTGRESQL", "Postgres", "PostgreSQL+Psycopg"])
def test_the_letters_of_a_scheme_may_be_large(here, scheme):
    url = f"{scheme}://me:QQQQ@127.0.0.1:1/runs"
    answer = here("report", "--table1", "--db", url)
    assert answer.code == 3
    assert "postgresql://me:***@127.0.0.1:1/runs: " in answer.err
    assert "QQ" not in answer.err
    assert without_password(url) == f"{scheme}://me:***@127.0.0.1:1/runs"


@pytest.mark.parametrize(
    "name",
    ["sslkeylogfile", "passfile", "service", "servicefile", "plugin", "requiressl", "SSLMODE"],
)
def test_parameters_that_are_not_known_are_refused_by_name_and_have_no_effect(here, name):
    target = here.folder / "target"
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        server.settimeout(0.1)
        host, port = server.getsockname()
        url = f"postgresql://me:secret@{host}:{port}/runs?sslmode=prefer&{name}={target}"
        answer = here("report", "--table1", "--db", url)
        with pytest.raises(TimeoutError):  # nobody called
            server.accept()
    assert (answer.code, answer.err.count("\n")) == (3, 1)
    assert f" {name} is not among the parameters that cdbench takes" in answer.err
    assert ("did you mean sslmode?" in answer.err) == (name == "SSLMODE")
    assert len(answer.err) < 240
    assert str(target) not in answer.err
    assert contents(here.folder) == {}


def test_known_parameters_are_taken():
    values = {"host": "a:1,b", "port": "5432", "hostaddr": "127.0.0.1"}
    query = "&".join(f"{name}={values.get(name, 'x')}" for name in PARAMETERS)
    assert set(server_url(f"postgresql:///runs?{query}").query) == set(PARAMETERS)
    several = server_url("postgresql://me@/runs?host=a:1&host=b:2&sslmode=verify-full")
    assert several.query["host"] == ("a:1", "b:2")
    assert server_url("postgresql://me@/runs?host=/var/run/postgresql").database == "runs"
    assert server_url("postgresql://p%40:%3A%2F@a-b.example,c:2/runs").host == "a-b.example,c"


def test_the_command_of_a_locks_holder_is_shown_without_its_password():
    words = ["x", "--db", "postgresql://m@e:QQ QQ@h/d", "host=h password=QQ"]
    holder = subprocess.Popen(["sh", "-c", "read line", *words], stdin=subprocess.PIPE)
    try:
        shown = wait_until(lambda: _command(str(holder.pid)), "its words in /proc")
        assert shown == " (sh -c read line x --db postgresql://m@e:***@h/d ***)"
    finally:
        holder.communicate(b"\n")


def test_a_folder_that_holds_half_of_a_password_is_hidden() -> None:
    with mock.patch("sys.argv", ["cdbench", "db", "backup", "x://me:QQ/ret@host"]):
        assert "QQ" not in without_typed_passwords("there is no folder x:/me:QQ; make it first")


@pytest.mark.parametrize("word", ["e/pass://x@y", "/o/pass://x@y", " postgresql://u:p@h/x"])
def test_a_folder_before_a_password_garbles_no_word(word: str) -> None:
    message = "the place e/o is where sqlite:///relative/path.db stands, postgresql:// or other"
    with mock.patch("sys.argv", ["cdbench", "--db", word]):
        assert without_typed_passwords(message) == message
