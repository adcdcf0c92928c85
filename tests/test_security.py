"""Names enter as configuration and leave as they came; code of others is run nowhere."""

import ast
import json
import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from cdbench.cli.echo import echo
from cdbench.cli.settings import load_settings
from cdbench.config.run_config import RunConfig
from cdbench.errors import ConfigurationError
from cdbench.records.judgement import Observation
from cdbench.statistics.estimates import Observations, mean
from cdbench.store.database import open_for_writing
from cdbench.store.queries import newest_runs
from cdbench.store.record import record_run, start_sweep
from tests.cases import for_each
from tests.cli_tools import CDBENCH, Here, plain_environment, rows
from tests.hostile import HOSTILE, MORE, hostile, steers

ROOT = Path(__file__).parent.parent
SOURCES = sorted([*(ROOT / "cdbench").rglob("*.py"), *(ROOT / "migrations").rglob("*.py")])
SQL_SOURCES = [path for path in SOURCES if {"store", "migrations"} & set(path.parts)]
ROWS = "".join(f"{i},{i * i % 7},{'ab'[i % 2]}\n" for i in range(20))


# Configuration


@hostile
def test_a_hostile_name_comes_back_exactly_from_json_and_the_database(
    tmp_path: Path, name: str, tiny_run
) -> None:
    config = RunConfig(dataset=name, label_column=name, B=2, hidden=(3,))
    again = RunConfig.from_mapping(json.loads(config.canonical_json()))
    assert (again, again.digest()) == (config, config.digest())
    database = open_for_writing(str(tmp_path / "runs.db"))
    record_run(database, replace(tiny_run(), config=config, error=name))
    start_sweep(database, name)
    (stored,) = newest_runs(database, [config]).values()
    assert stored.config == config
    question = "SELECT dataset, label_column, error FROM run WHERE dataset = :name"
    with database.transaction() as connection:
        (row,) = connection.execute(text(question), {"name": name}).all()
        assert tuple(row) == (name, name, name)
    assert rows(tmp_path / "runs.db", "SELECT command_line FROM sweep") == [(name,)]


@pytest.mark.parametrize("name", MORE.values(), ids=list(MORE))
@pytest.mark.parametrize("knob", ["dataset", "label_column", "dataset_fingerprint"])
def test_what_is_no_text_is_refused_before_it_is_a_digest(knob: str, name: str) -> None:
    with pytest.raises(ConfigurationError, match=r"is not UTF-8|contains NUL") as caught:
        RunConfig.from_mapping({knob: name})
    assert not steers(str(caught.value))


@pytest.mark.parametrize("name", ["label_column", "dataset_fingerprint"])
def test_what_is_another_type_than_text_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match="expected a text"):
        RunConfig.from_mapping({name: 5})


@pytest.mark.parametrize("name", ["B", "epochs", "batch_size", "hidden"])
def test_whole_numbers_that_no_database_keeps_are_refused(name: str) -> None:
    large = (2**63,) if name == "hidden" else 2**63
    with pytest.raises(ConfigurationError, match="at most 9223372036854775807"):
        RunConfig.from_mapping({"hidden": (2**62,)} | {name: large})


@pytest.mark.parametrize("width", [999_999_999_999, 2**63 - 1])
def test_a_network_that_no_memory_holds_is_one_line(here: Here, width: int) -> None:
    answer = here("train", "--dataset", "iris", "--hidden", str(width))
    assert answer.code == 1
    (line,) = answer.err.splitlines()
    assert line.startswith("failed: hidden = ")
    assert "training needs about" in line


@hostile
def test_a_hostile_name_in_settings_is_kept_or_refused_in_one_line(
    tmp_path: Path, name: str
) -> None:
    quoted = json.dumps(name)  # TOML's basic strings are nearly JSON's
    toml = f"[defaults]\ndataset = {quoted}\n[sweeps.{quoted}]\ndataset = [{quoted}]\n"
    (tmp_path / "cdbench.toml").write_text(toml, encoding="utf-8")
    if "\\ud83d" in quoted:  # an emoji, which JSON writes as a pair that TOML does not take
        with pytest.raises(ConfigurationError):
            load_settings(tmp_path)
        toml = toml.replace(quoted, json.dumps(name, ensure_ascii=False))
        (tmp_path / "cdbench.toml").write_text(toml, encoding="utf-8")
    settings = load_settings(tmp_path)
    assert settings.defaults["dataset"] == name
    assert settings.sweeps[name]["dataset"] == [name]


# The command line

NAMES = {name: text for name, text in HOSTILE.items() if len(text) < 200 and "/" not in text}


@pytest.mark.long
@pytest.mark.parametrize("name", NAMES.values(), ids=list(NAMES))
def test_a_file_of_any_name_is_trained_swept_and_reported(here: Here, name: str) -> None:
    path = f"./{name}.csv"
    Path(path).write_text(f"p,q,kind\n{ROWS}", encoding="utf-8")
    words = (
        "--dataset",
        path,
        "--hidden",
        "3",
        "--epochs",
        "1",
        "--B",
        "1",
        "--db",
        f"./{name}.db",
    )
    for command in (
        ("train", *words),
        ("train", *words, "--seed", "1", "--spectra-every", "1", "--label-column", "kind"),
        ("sweep", *words, "--seeds", "0", "--jobs", "1"),
        ("sweep", *words, "--seeds", "0", "--dry-run"),
    ):
        answer = here(*command)
        assert answer.code == 0, answer
        assert not steers(answer.out + answer.err)
    found = rows(Path(f"./{name}.db"), "SELECT DISTINCT dataset FROM run")
    assert found == [(path,)]


@pytest.mark.parametrize("name", NAMES.values(), ids=list(NAMES))
def test_a_refusal_shows_any_name_in_one_line(here: Here, name: str) -> None:
    Path("a.csv").write_text(f"p,q,kind\n{ROWS}")
    for words in (
        ("train", "--dataset", f"./{name}"),
        ("train", "--dataset", f"./{name}.csv"),
        ("train", "--dataset", "a.csv", "--label-column", name),
        ("report", "--table1", "--db", f"./{name}.db"),
        ("report", "--table1", "--db", f"./{name}/runs.db"),
        ("sweep", f"x{name}"),
        ("train", f"--layer={name}"),
        ("train", f"--epochs={name}"),
        ("plot", f"--format={name}"),
    ):
        answer = here(*words)
        assert answer.code in (2, 3), (words, answer)
        assert len(answer.err.splitlines()) == 1, answer.err
        assert not steers(answer.err)


def test_a_name_of_10_kb_leaves_what_to_do_next_in_sight(here: Here) -> None:
    answer = here("train", "--dataset", "x" * 10_000)
    assert answer.err.rstrip().endswith(
        "or a path to a .npz, .csv or .parquet file, or X.npy,y.npy)"
    )
    assert len(answer.err) < 5000


@pytest.mark.skipif(os.name == "nt", reason="names are text there")
def test_words_and_variables_that_are_not_utf8_are_refused(tmp_path: Path) -> None:
    for words, variables in (
        ([b"train", b"--dataset", b"x\xff.csv"], {}),
        ([b"sweep", b"x\xff"], {}),
        ([b"report", b"--table1", b"--output", b"x\xff.tex"], {}),
        ([b"train"], {b"CDBENCH_DATABASE": b"x\xff.db"}),
    ):
        environment = {os.fsencode(k): os.fsencode(v) for k, v in plain_environment().items()}
        done = subprocess.run(
            [os.fsencode(CDBENCH), *words],
            cwd=tmp_path, env=environment | variables, capture_output=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 2, done
        assert done.stderr.count(b"\n") == 1
        assert b"is not UTF-8; rename the file, or its folder" in done.stderr
        assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_utf8_is_worked_in_or_refused(tmp_path: Path) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/x\xff"))
    folder.mkdir()
    (folder / "cdbench.toml").write_text('database = "runs.db"')
    done = subprocess.run(
        [CDBENCH, "report", "--table1"],
        cwd=folder, env=plain_environment(), capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 2, done
    assert done.stderr.count(b"\n") == 1
    assert b"is not UTF-8" in done.stderr


@hostile
def test_what_is_printed_steers_no_terminal(capsys: pytest.CaptureFixture[str], name: str) -> None:
    echo(name)
    echo(f"x{name}\udcff", err=True)
    captured = capsys.readouterr()
    assert not steers(captured.out + captured.err)


# SQL


@hostile
def test_sql_to_type_finds_what_it_is_about_whatever_its_name(tmp_path: Path, name: str) -> None:
    data = Observations(name, [Observation(name, name, place, 2.0) for place in range(3)])
    database = open_for_writing(str(tmp_path / "runs.db"))
    with database.transaction() as connection:
        connection.exec_driver_sql(
            "CREATE TEMP TABLE observations (claim, quantity, subject, value)"
        )
        insert = text("INSERT INTO observations VALUES (:name, :name, :name, 2.0)")
        connection.execute(insert, {"name": name})
        sql = mean(data, name, name).sql
        options = {"no_parameters": True}
        assert connection.exec_driver_sql(sql, execution_options=options).scalar() == 2.0


INTERPOLATED = {
    "VERSION_TABLE", "LOCK", "APPLICATION_ID", "version", "quoted", "_quoted(name)", "name", "kind",
    "view.select.strip()", "relation", "table", "clauses", "columns",
    "beginning",
}  # fmt: skip
"""What stands in statements that are put together where they are run: our own constants, names of
views, quoted, what sqlite_master says of a table of ours, and the beginning of a query that is the
user's own."""


@for_each("path", SQL_SOURCES)
def test_no_value_is_formatted_into_a_statement(path: Path) -> None:
    runs = {"execute", "exec_driver_sql", "executemany", "executescript"}
    for call in calls(path):
        if name_of(call.func).rpartition(".")[2] not in runs | {"text"} or not call.args:
            continue
        statement = call.args[0]
        assert not isinstance(statement, ast.BinOp), ast.unparse(call)
        if name_of(call.func).rpartition(".")[2] in runs and isinstance(statement, ast.JoinedStr):
            found = {
                ast.unparse(part.value)
                for part in statement.values
                if isinstance(part, ast.FormattedValue)
            }
            assert found <= INTERPOLATED, ast.unparse(call)
        assert not name_of(getattr(statement, "func", statement)).endswith(".format")


# Code of others

FORBIDDEN_MODULES = {
    "pickle",
    "cPickle",
    "_pickle",
    "marshal",
    "shelve",
    "dill",
    "cloudpickle",
    "joblib",
    "yaml",
}
FORBIDDEN_CALLS = {
    "eval", "exec", "compile", "__import__", "os.system", "os.popen", "tempfile.mktemp",
    "subprocess.getoutput", "subprocess.getstatusoutput", "asyncio.create_subprocess_shell",
    "importlib.import_module", "pandas.read_pickle", "builtins.eval", "builtins.exec",
}  # fmt: skip


def calls(path: Path) -> list[ast.Call]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call)]


def name_of(function: ast.AST) -> str:
    return ast.unparse(function) if isinstance(function, ast.Name | ast.Attribute) else ""


def dangers(path: Path) -> list[str]:
    """Return what in a file could run code that came as data."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [a.name for a in node.names if a.name.split(".")[0] in FORBIDDEN_MODULES]
        if isinstance(node, ast.ImportFrom) and str(node.module).split(".")[0] in FORBIDDEN_MODULES:
            names = {alias.name for alias in node.names}
            found += [str(node.module)] * (names != {"UnpicklingError"})  # it can only be caught
    for call in calls(path):
        name = name_of(call.func)
        given = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
        if name in FORBIDDEN_CALLS or given.get("shell", "False") != "False":
            found.append(ast.unparse(call))
        is_load = name in ("np.load", "numpy.load", "np.lib.format.read_array")
        if is_load and given.get("allow_pickle") != "False":
            found.append(ast.unparse(call))
    return found


@for_each("path", SOURCES)
def test_nothing_runs_code_that_came_as_data(path: Path) -> None:
    assert dangers(path) == []


@pytest.mark.parametrize(
    "line",
    [
        "import pickle", "from marshal import loads", "import yaml", "eval('1')", "exec(x)",
        "compile(x, '', 'exec')", "os.system('ls')", "subprocess.run('ls', shell=True)",
        "np.load(file)", "np.load(file, allow_pickle=True)", "tempfile.mktemp()", "import dill",
    ],
)  # fmt: skip
def test_the_search_for_such_code_finds_it(tmp_path: Path, line: str) -> None:
    (tmp_path / "x.py").write_text(f"{line}\nre.compile('a')\n")
    assert len(dangers(tmp_path / "x.py")) == 1
