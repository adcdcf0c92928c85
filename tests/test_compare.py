"""``cdbench compare``, ``report --compare`` and ``plot --compare`` on the command line."""

import csv
import io
import json
import re
import shutil
import sqlite3
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from cdbench.cli import run
from cdbench.cli.compare_plan import spoken
from cdbench.cli.training import train_and_store
from cdbench.config.run_config import RunConfig
from cdbench.running import execution
from cdbench.store.database import open_for_reading, open_for_writing
from cdbench.store.upkeep.checks import check_database
from cdbench.store.upkeep.merging import merge_database
from tests.cli_tools import Here, rows
from tests.released import released_database

SMALL = (
    *("--dataset", "iris", "--hidden", "16", "16", "--epochs", "2", "--budget", "0.5"),
    *("--layer", "cdlinear", "block-diagonal", "--seeds", "0..3", "--rates", "0.05", "0.1", "0.2"),
    *("--jobs", "1"),
)


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a database with a comparison that has come to its end; it is only to be copied."""
    path = tmp_path_factory.mktemp("compared") / "runs.db"
    assert run(["compare", *SMALL, "--name", "small", "--db", str(path)]) == 0
    return path


@pytest.fixture
def compared(here: Here, once: Path) -> Here:
    """Return what runs commands in a folder with that comparison."""
    shutil.copy(once, here.folder / "runs.db")
    return here


def tables(text: str) -> list[str]:
    """Return the lines without those on time, which differ from run to run."""
    return [line for line in text.splitlines() if "±" in line or " is best" in line]


def test_a_comparison_is_trained_once_and_then_answered_from_the_database(here: Here) -> None:
    first = here("compare", *SMALL)
    assert first.code == 0
    assert "On iris at 50 % of the dense network's weights" in first.out
    path = here.folder / "runs.db"
    n_runs = rows(path, "SELECT count(*) FROM run")
    second = here("compare", *SMALL)
    assert tables(second.out) == tables(first.out)
    assert rows(path, "SELECT count(*) FROM run") == n_runs
    assert rows(path, "SELECT count(*) FROM comparison") == [(1,)]
    again = here("report", "--compare")
    assert tables(again.out) == tables(first.out)
    assert not check_database(open_for_reading(str(path))).findings
    stages = dict(rows(path, "SELECT stage, count(*) FROM comparison_run GROUP BY stage"))
    assert stages["reported"] == 4 * 4
    assert sum(stages.values()) == n_runs[0][0]


def test_one_that_was_interrupted_goes_on_and_comes_to_the_same(
    here: Here, once: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = here("report", "--compare", "--db", str(once))
    real = train_and_store
    calls: list[int] = []

    def interrupted(needs: Any, *rest: Any, **more: Any) -> int:
        calls.append(len(needs))
        if len(calls) not in (1, 3):  # the first trials, and later the first that are reported
            return real(needs, *rest, **more)
        real(dict(list(needs.items())[: len(needs) // 2]), *rest, **more)
        return 130

    monkeypatch.setattr("cdbench.cli.compare_training.train_and_store", interrupted)
    monkeypatch.setattr("cdbench.cli.compare_training.INTERRUPTED", 130)
    for _ in range(2):
        assert here("compare", *SMALL).code != 0
        assert rows(here.folder / "runs.db", "SELECT ended_at FROM comparison") == [(None,)]
        assert "no comparison has come to its end" in here("report", "--compare").err
    monkeypatch.setattr("cdbench.cli.compare_training.train_and_store", real)
    assert tables(here("compare", *SMALL).out) == tables(whole.out)


def test_an_interrupt_tells_all_runs_of_the_comparison_that_are_stored(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = execution.execute
    left: dict[int, int] = {}

    def execute(config: RunConfig, *rest: Any, **more: Any) -> Any:
        stage = config.seed // 1000  # seeds of trials are 1000 and 1001
        left[stage] = left.get(stage, 1_000) - 1
        if left[stage] < 0:
            raise KeyboardInterrupt
        return real(config, *rest, **more)

    monkeypatch.setattr("cdbench.running.grouping.MOST", 1)  # one run at a time
    monkeypatch.setattr("cdbench.running.execution.execute", execute)
    # Else this process would ignore interrupts from the first on.
    monkeypatch.setattr("cdbench.cli.training.ignore_interrupts", lambda: None)
    assert here("train", "--dataset", "iris", "--hidden", "8", "--epochs", "1").code == 0
    told = []
    # Twice while rates are searched for, twice while what is reported is trained.
    for stage, n_runs in ((1, 5), (1, 4), (0, 3), (0, 2)):
        left.clear()
        left[stage] = n_runs
        answer = here("compare", *SMALL)
        assert answer.code == 130
        line = re.search(
            "^interrupted: (.+) runs of the comparison are stored; to go on: cdbench compare ",
            answer.err,
            re.MULTILINE,
        )
        assert line is not None, answer.err
        told.append(int(line[1]))
        ((n_stored,),) = rows(
            here.folder / "runs.db", "SELECT count(*) FROM run WHERE status <> 'interrupted'"
        )
        assert told[-1] == n_stored - 1  # the run of cdbench train is no part of it
    assert told[:2] == [5, 9]
    assert told[3] == told[2] + 2 > 9 + 3


def test_rates_at_which_nothing_trains_are_refused_and_no_comparison_is_ended(here: Here) -> None:
    place = SMALL.index("--rates")
    words = [*SMALL[:place], "--rates", "1e150", "1e160", "1e170", "--jobs", "1"]
    answer = here("compare", *words)
    assert answer.code == 2
    assert "cdbench: no model trained at any rate; what happened to each run is above" in answer.err
    assert rows(here.folder / "runs.db", "SELECT ended_at FROM comparison") == [(None,)]


@pytest.mark.long
def test_a_second_comparison_of_a_name_gets_another(here: Here) -> None:
    assert "again: cdbench report --compare --name iris\n" in here("compare", *SMALL).out
    other = here("compare", *SMALL, "--validation", "0.3")
    assert "again: cdbench report --compare --name iris-2\n" in other.out
    assert "again: cdbench report --compare --name iris\n" in here("compare", *SMALL).out
    names = "SELECT name, count(*) FROM comparisons GROUP BY name"
    assert rows(here.folder / "runs.db", names) == [("iris", 4), ("iris-2", 4)]


def test_a_dry_run_trains_nothing(here: Here) -> None:
    for tuning, seeds in (((), "2 seeds"), (("--tuning-seeds", "5"), "1 seed")):
        answer = here("compare", *SMALL, *tuning, "--dry-run")
        assert answer.code == 0
        assert "cdlinear B=2" in answer.out
        assert f"runs: 3 rates with {seeds}, more where" in answer.out
    assert list(here.folder.iterdir()) == []


def test_its_numbers_come_in_every_format(compared: Here) -> None:
    as_csv = list(
        csv.DictReader(io.StringIO(compared("report", "--compare", "--format", "csv").out))
    )
    as_json = json.loads(compared("report", "--compare", "--format", "json").out)["records"]
    assert [row["model"] for row in as_csv] == [row["model"] for row in as_json]
    stored = rows(
        compared.folder / "runs.db",
        "SELECT model, accuracy FROM comparisons WHERE name = 'small' ORDER BY position",
    )
    assert [(row["model"], float(row["accuracy"])) for row in as_csv] == stored
    for form in ("markdown", "latex"):
        assert "narrower dense" in compared("report", "--compare", "--format", form).out
    assert compared("report", "--compare", "--name", "smal").err == (
        "cdbench: unknown comparison 'smal'; did you mean small? (known: small)\n"
    )


def test_a_comparison_has_a_line_a_model_at_80_columns_and_the_rest_in_its_details(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ("report", "--compare", "--name", "digits", "--db", str(released_database()))
    monkeypatch.setenv("COLUMNS", "80")
    _, _, shown = here(*asked).out.partition("Comparison digits: ")
    assert max(map(len, shown.splitlines())) <= 80
    scored = [line for line in shown.splitlines() if "±" in line and "interval" not in line]
    models = json.loads(here(*asked, "--format", "json").out)["records"]
    assert len(scored) == len(models)
    assert len([line for line in shown.splitlines() if line[:1] == " "]) == sum(
        " basis=" in row["model"] for row in models
    )
    whole = here(*asked, "--details").out
    for line in scored:
        numbers = re.findall(r"\d+\.\d\d", line)
        assert set(numbers) <= set(re.findall(r"\d+\.\d\d", whole))
    assert "less dense" not in shown
    assert "less dense," in whole


@pytest.mark.parametrize("name", ["teacher-dense", "digits"])
def test_rates_and_costs_stay_tables_at_80_columns_and_no_cell_is_cut(
    here: Here, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    asked = ("report", "--compare", "--details", "--name", name, "--db", str(released_database()))
    _, _, *whole = here(*asked, "--format", "markdown").out.split("**Comparison ")
    monkeypatch.setenv("COLUMNS", "80")
    _, _, *shown = here(*asked).out.split(f"\nComparison {name}: ")
    assert len(shown) == 2
    for table, own in zip(whole, shown, strict=True):
        assert max(map(len, own.splitlines())) <= 80
        assert re.search("^─+$", own, re.MULTILINE)  # a list has no rule
        rows_of = [line for line in table.splitlines() if re.match(r"\| [^-]", line)]
        assert {word for line in rows_of for word in line.split()} - {"|"} <= set(own.split())


@pytest.mark.long
def test_accuracies_are_the_means_of_the_runs(compared: Here) -> None:
    path = compared.folder / "runs.db"
    for model, hidden, rate, accuracy in rows(
        path, "SELECT model, hidden, learning_rate, accuracy FROM comparisons"
    ):
        (mean,) = rows(
            path,
            "SELECT avg(test_accuracy) FROM runs JOIN comparison_run USING (run_id) WHERE "
            f"stage = 'reported' AND model = '{model}' AND hidden = '{hidden}' "
            f"AND learning_rate = {rate}",
        )
        assert mean[0] == pytest.approx(accuracy, rel=1e-12)


@pytest.mark.long
def test_its_figures_are_drawn(compared: Here) -> None:
    answer = compared("plot", "--compare", "--format", "svg")
    assert answer.out == "wrote figures/pareto.svg\nwrote figures/rate-curves.svg\n"
    for name in ("pareto", "rate-curves"):
        assert "dense, of any width" in (compared.folder / f"figures/{name}.svg").read_text()


def test_the_best_of_a_data_set_is_told_with_widths_that_are_not_the_usual(compared: Here) -> None:
    (best,) = rows(
        compared.folder / "runs.db",
        "SELECT model, hidden FROM runs GROUP BY group_digest HAVING count(*) >= 3 "
        "ORDER BY avg(test_accuracy) DESC LIMIT 1",
    )
    (told,) = json.loads(compared("report", "--format", "json").out)["records"]
    assert (told["best_model"], told["best_hidden"]) == best
    assert f"iris {best[0]} hidden={best[1]} " in " ".join(compared("report").out.split())


def test_one_of_a_plugin_s_layer_is_told_without_the_plugin(compared: Here) -> None:
    told = compared("report", "--compare").out
    with closing(sqlite3.connect(compared.folder / "runs.db")) as connection, connection:
        ((plan,),) = connection.execute("SELECT plan_json FROM comparison").fetchall()
        plan = plan.replace("cdl", "hashed-")
        digest = sha256(plan.encode()).hexdigest()
        connection.execute("UPDATE comparison SET plan_json = ?, plan_digest = ?", (plan, digest))
    again = compared("report", "--compare")
    assert (again.code, again.out) == (0, told), again.err


def test_a_merge_brings_comparisons_once(compared: Here) -> None:
    path = compared.folder / "runs.db"
    open_for_writing(str(compared.folder / "new.db"))
    for _ in range(2):
        merge_database(str(compared.folder / "new.db"), str(path))
    for table in ("comparison", "comparison_run", "comparison_line", "comparison_difference"):
        count = f"SELECT count(*) FROM {table}"
        assert rows(compared.folder / "new.db", count) == rows(path, count)
    joined = "SELECT count(*) FROM comparison_run JOIN run USING (run_id) JOIN epoch USING (run_id)"
    assert rows(compared.folder / "new.db", joined) == rows(path, joined)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            "compare --layer cdlinear --budget 1e-9",
            "budget = 1e-09: no family has a size within 12% of",
        ),
        ("compare --budget -1", "budget = -1: expected a share of the dense network's size"),
        ("compare --layer dense", "layer = dense: dense networks, whole and narrower, always"),
        ("compare --layer low-rank:8", "a comparison chooses the size of each family itself"),
        ("compare --seeds 0 1 2 --tuning-seeds 2", "seed 2 is both reported and tuned with"),
        ("compare --rates 0.1 0.2", "rates = 0.1 0.2: expected at least 3"),
        ("compare --dataset iris --validation 0.01", "validation = 0.01 holds out 2 of 120"),
        ("compare --match size", "unknown match 'size'"),
        ("report --compare --seeds 0", "--seeds and --B are of --table1"),
        ("report --compare --table1", "several reports were named, --table1 and --compare"),
        ("report --name x", "--name is of --compare"),
        ("report --table1 --name x", "--name is of --compare"),
        ("plot --name x", "--name is of --compare"),
        ("compare --dataset X.npy", "expected two with a comma between: X.npy,y.npy"),
        ("plot --compare --fig1", "--compare was given with other figures"),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_stored(here: Here, words: str, said: str) -> None:
    answer = here(*words.split(), "--db", "new.db")
    assert answer.code == 2
    assert answer.err.startswith("cdbench: ")
    assert answer.err.count("\n") == 1
    assert said in answer.err
    assert list(here.folder.iterdir()) == []


def test_what_was_found_stands_above_everything_in_every_format(compared: Here) -> None:
    for form, before in (
        ("table", ""),
        ("markdown", ""),
        ("latex", "\\small\n"),
        ("json", '{\n  "found": [\n    "'),
    ):
        text = compared("report", "--compare", "--format", form).out
        own = text.index("On iris at 50")
        assert text[:own].endswith(before)
        assert own < text.index("Comparison small: test accuracy")
        assert text.count("On iris at 50") == 1
    assert compared("report", "--compare").out.startswith("On iris at 50 % of ")


def test_beside_csv_what_was_found_goes_to_standard_error(compared: Here) -> None:
    asked = ("report", "--compare", "--format")
    found = json.loads(compared(*asked, "json").out)["found"]
    on_screen, to_file = compared(*asked, "csv"), compared(*asked, "csv", "--output", "small.csv")
    assert on_screen.err.splitlines() == to_file.err.splitlines() == found
    assert on_screen.out.startswith("budget,role,model,")
    assert (compared.folder / "small.csv").read_text() == on_screen.out
    assert "On iris at 50" not in on_screen.out
    assert {compared(*asked, form).err for form in ("table", "markdown", "latex", "json")} == {""}


def test_a_time_that_is_estimated_is_never_nothing() -> None:
    told = [spoken(seconds) for seconds in (0.0, 0.4, 1.2, 89.0, 120.0, 7200.0)]
    assert told == [
        "less than a second",
        "less than a second",
        "about a second",
        "about 89 seconds",
        "about 2 minutes",
        "about 2.0 hours",
    ]
