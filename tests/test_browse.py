"""``cdbench db browse``: Datasette shows the database to this machine, and can change nothing."""

import json
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from types import SimpleNamespace
from typing import Any

import pytest

from cdbench.api.browsing import browse
from cdbench.errors import StoreError
from cdbench.store.browsing import FACETS, FIRST, descriptions
from cdbench.store.database import open_for_writing
from cdbench.store.recipes import RECIPES
from cdbench.store.record import record_run
from cdbench.store.schema_page import view_columns
from cdbench.store.schema_statements import relations
from tests.cli_tools import CDBENCH, Here, contents, plain_environment


def asked(address: str, host: str | None = None, method: str = "GET") -> tuple[int, str]:
    """Return the status and the text of a page."""
    request = urllib.request.Request(address, method=method)
    if host is not None:
        request.add_header("Host", host)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


@pytest.mark.long
@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_a_browser_sees_runs_recipes_and_meanings_and_changes_nothing(
    here: Here, tiny_run, end: signal.Signals
) -> None:
    name = "my runs?.db"
    database = open_for_writing(name)
    record_run(database, tiny_run(layer="dense"))
    before = contents(here.folder)
    process = subprocess.Popen(
        [CDBENCH, "db", "browse", "--port", "0", "--db", name], cwd=here.folder, text=True,
        env=plain_environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        address = next(word for word in line.split() if word.startswith("http://127.0.0.1:"))
        pages = {place: asked(address + place) for place in ("", "/runs", "/endings", "/nothing")}
        rows = json.loads(asked(f"{address}/runs.json?_shape=array")[1])
        record_run(database, tiny_run(B=3))
        more = json.loads(asked(f"{address}/runs.json?_shape=array")[1])
        query = urllib.parse.urlencode({"sql": "delete from run\x1b[31m"})
        refused = asked(f"{address}.json?{query}")
        elsewhere = asked(address, host="example.org")
    finally:
        process.send_signal(end)
        out, err = process.communicate(timeout=60)
    assert {place: status for place, (status, _) in pages.items()} == {
        "": 200, "/runs": 200, "/endings": 200, "/nothing": 404,
    }  # fmt: skip
    assert all(recipe.question in pages[""][1] for recipe in RECIPES.values())
    assert "Share of the test split classified correctly" in pages["/runs"][1]
    assert [row["model"] for row in rows] == ["dense"]
    assert len(more) == 2
    assert (refused[0], elsewhere[0]) == (400, 421)
    assert "dense" not in elsewhere[1]
    assert (process.returncode, out, err) == (0, "", "")
    assert contents(here.folder).keys() == before.keys()


def test_the_browser_is_told_of_every_relation_and_column() -> None:
    (told,) = descriptions("runs", "runs.db")["databases"].values()
    assert set(relations()) <= set(told["tables"])
    assert {
        name: list(told["tables"][name]["columns"]) for name in view_columns()
    } == view_columns()
    for view, columns in [*FACETS.items(), *((view, (column,)) for view, column in FIRST.items())]:
        assert set(columns) <= set(view_columns()[view])


def test_what_cannot_be_browsed_is_said_in_one_line(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_for_writing("runs.db")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        answer = here("db", "browse", "--port", port)
    assert answer.code == 2
    assert answer.err.startswith(f"cdbench: --port {port} cannot be listened on (")
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    answer = here("db", "browse")
    assert (answer.code, answer.out) == (2, "")
    assert "pip install 'cdbench[browse]'" in answer.err
    assert len(answer.err.splitlines()) == 1


def test_a_server_is_not_browsed_but_copied() -> None:
    server: Any = SimpleNamespace(name="postgresql://me@server/runs", path=None)
    with pytest.raises(StoreError, match=r"cdbench db copy postgresql://me@server/runs runs\.db"):
        browse(server, 0, print)
