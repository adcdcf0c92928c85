"""``compare --study`` and ``report --study``: named comparisons, made whole, apart, or again."""

import json
import re
import shutil
import sqlite3
from contextlib import closing
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

import cdbench
from cdbench.cli import run
from cdbench.cli.settings import load_settings
from cdbench.cli.training import train_and_store
from cdbench.errors import MissingResultsError
from cdbench.plots.study_gaps import Gap, Panel, study_gaps
from cdbench.records.comparison import NARROWER, ComparedModel, Difference
from cdbench.reports.study import study_reports
from cdbench.statistics.power import deviation_of, smallest_effect
from cdbench.statistics.resampled import resampled_t
from cdbench.store.comparison_queries import StoredComparison
from cdbench.store.database import open_for_reading
from cdbench.store.study_queries import StoredStudy
from cdbench.store.upkeep.checks import check_database
from cdbench.store.upkeep.merging import merge_database
from tests.cli_tools import Here, rows
from tests.pages import Page, undrawn

__all__ = ["undrawn"]

TOML = """
[studies.small]
budget = 0.5
layer = ["cdlinear", "block-diagonal"]
hidden = [16, 16]
epochs = 2
seeds = "0..3"
tuning_seeds = 1000
rates = [0.05, 0.1, 0.2]

[studies.small.parts.wine]
dataset = "wine"

[studies.small.parts.iris]
dataset = "iris"
budget = [0.5, 0.3]
"""

FORMS = ("table", "markdown", "latex", "csv", "json")


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a database with the whole study; it is only to be copied."""
    folder = tmp_path_factory.mktemp("study")
    (folder / "cdbench.toml").write_text(TOML, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(folder)
        assert run(["compare", "--study", "small", "--jobs", "1", "--db", "runs.db"]) == 0
    return folder / "runs.db"


@pytest.fixture
def studied(here: Here) -> Here:
    """Return what runs commands in a folder whose cdbench.toml has the study."""
    (here.folder / "cdbench.toml").write_text(TOML, encoding="utf-8")
    return here


def reports(here: Here, path: Path) -> list[str]:
    words = ("report", "--study", "small", "--details", "--db", str(path), "--format")
    return [here(*words, form).out for form in FORMS]


@pytest.mark.long
def test_halves_made_apart_and_merged_give_the_same_report(studied: Here, once: Path) -> None:
    folder = studied.folder
    for part in ("iris", "wine"):
        answer = studied(
            "compare", "--study", "small", "--only", part, "--jobs", "1", "--db", f"{part}.db"
        )
        assert answer.code == 0
        other = "wine" if part == "iris" else "iris"
        assert f"cdbench compare --study small --only {other}" in " ".join(answer.out.split())
    merged = studied("db", "merge", "iris.db", "--db", "wine.db")
    assert merged.code == 0
    assert re.search(r"^parts of studies +1 came$", merged.out, re.M)
    whole = reports(studied, once)
    assert all(whole)
    assert reports(studied, folder / "wine.db") == whole
    assert not check_database(open_for_reading(str(folder / "wine.db"))).findings


def test_merging_brings_the_parts_of_a_study_that_is_there(studied: Here, once: Path) -> None:
    mine = studied.folder / "mine.db"
    shutil.copy(once, mine)
    with closing(sqlite3.connect(mine)) as connection, connection:
        connection.execute("DELETE FROM study_part WHERE part = 'wine'")
    merge_database(str(mine), str(once))
    question = "SELECT name, part, comparison, ended_at IS NOT NULL FROM studies ORDER BY part"
    assert rows(mine, question) == rows(once, question)
    assert [row[1] for row in rows(mine, question)] == ["iris", "wine"]


def test_the_newest_comparison_is_the_same_wherever_none_is_named(
    studied: Here, once: Path, undrawn: None
) -> None:
    shutil.copy(once, studied.folder / "runs.db")
    ((newest,),) = rows(once, "SELECT name FROM comparison ORDER BY sequence DESC LIMIT 1")
    found = [json.loads(studied("report", "--compare", "--format", "json").out)["title"]]
    with closing(cdbench.open("runs.db")) as results:
        found.append(f"Comparison {results.comparison().name}:")
    assert studied("report", "--html", "page.html").code == 0
    text = (studied.folder / "page.html").read_text(encoding="utf-8")
    headings = [own.words() for own in Page(text).root.all("h2")]
    found += [f"{own}:" for own in headings if own.startswith("Comparison ")]
    assert [own.partition(":")[0] for own in found] == [f"Comparison {newest}"] * 3


DAMAGED = {
    "plan_json": ("'{}'", "it does not match its digest", "plan_digest is not that of plan_json"),
    "measure": (
        "'speed'",
        "'speed'; expected accuracy, r2, bits_per_character",
        "measure cannot be read",
    ),
}
"""Columns of a comparison: a damage, what is said of it, and what a check finds."""


@pytest.mark.parametrize("column", DAMAGED)
def test_a_damaged_comparison_is_told_in_one_line_whoever_reads_it(
    studied: Here, once: Path, column: str
) -> None:
    value, why, finding = DAMAGED[column]
    shutil.copy(once, studied.folder / "runs.db")
    with closing(sqlite3.connect("runs.db")) as connection, connection:
        connection.execute(f"UPDATE comparison SET {column} = {value}")
    for words in (
        "report --compare",
        "report --compare --name small-iris small-wine",
        "report --study small",
        "report --html page.html",
        "plot pareto",
        "plot study small",
        "compare --study small --jobs 1",
    ):
        answer = studied(*words.split())
        assert answer.code == 3, words
        assert re.search(
            rf"^cdbench: runs.db: {column} of comparison small-(iris|wine) is damaged "
            rf"\({re.escape(why)}\); to see what else is, and what to do: cdbench db check --db "
            r"runs.db\n\Z",
            answer.err,
            re.M,
        ), words
    assert f"2 comparisons: {finding} (comparison 1" in studied("db", "check").out


def test_a_damaged_study_is_told_in_one_line(studied: Here, once: Path) -> None:
    shutil.copy(once, studied.folder / "runs.db")
    with closing(sqlite3.connect("runs.db")) as connection, connection:
        connection.execute("UPDATE study SET plan_json = '[7]'")
    answer = studied("report", "--study", "small")
    assert (answer.code, answer.err.count("\n")) == (3, 1)
    assert "plan_json of study small is damaged (it does not match its digest)" in answer.err
    assert "1 study: plan_digest is not that of plan_json (study 1)" in studied("db", "check").out


def test_a_part_that_is_another_comparison_there_is_named_and_stays(
    studied: Here, once: Path
) -> None:
    for name in ("mine.db", "other.db"):
        shutil.copy(once, studied.folder / name)
    question = "SELECT part, comparison_digest FROM study_part ORDER BY part"
    with closing(sqlite3.connect(studied.folder / "other.db")) as connection, connection:
        wine = "SELECT comparison_digest FROM study_part WHERE part = 'wine'"
        other = "UPDATE comparison SET plan_digest = 'another', uuid = 'x' WHERE plan_digest = "
        connection.execute(f"{other}({wine})")
        connection.execute(
            "UPDATE study_part SET comparison_digest = 'another' WHERE part = 'wine'"
        )
    merged = studied("db", "merge", "other.db", "--db", "mine.db")
    assert merged.code == 0
    assert merged.err == (
        "cdbench: part wine of the study small is another comparison in other.db, which has come "
        "too; mine.db keeps its own; to see the other: cdbench report --study small --db other.db\n"
    )
    mine = studied.folder / "mine.db"
    assert rows(mine, question) == rows(once, question)
    assert rows(mine, "SELECT count(*) FROM comparison WHERE plan_digest = 'another'") == [(1,)]
    assert reports(studied, mine) == reports(studied, once)


def test_defaults_are_not_for_studies_and_a_line_says_so(studied: Here) -> None:
    file = studied.folder / "cdbench.toml"
    assert studied("compare", "--study", "small", "--dry-run").err.count("[defaults]") == 0
    plain = load_settings(studied.folder).study("small")
    file.write_text(f"[defaults]\nbatch_size = 7\nepochs = 50\n{TOML}", encoding="utf-8")
    answer = studied("compare", "--study", "small", "--dry-run")
    assert answer.err.splitlines()[0] == (
        f"cdbench: {file}: the study small does not take batch_size, epochs from [defaults]; where "
        "it is to: write the same under [studies.small]"
    )
    assert load_settings(studied.folder).study("small").digest() == plain.digest()


@pytest.mark.long
def test_one_that_stopped_goes_on_and_comes_to_the_same(
    studied: Here, once: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = train_and_store
    calls: list[int] = []

    def interrupted(needs: Any, *rest: Any, **more: Any) -> int:
        calls.append(len(needs))
        if len(calls) < 3:
            return real(needs, *rest, **more)
        real(dict(list(needs.items())[: len(needs) // 2]), *rest, **more)
        return 130

    words = ("compare", "--study", "small", "--jobs", "1", "--db", "runs.db")
    path = studied.folder / "runs.db"
    monkeypatch.setattr("cdbench.cli.compare_training.train_and_store", interrupted)
    assert studied(*words).code == 130
    n_before = rows(path, "SELECT count(*) FROM run")
    monkeypatch.setattr("cdbench.cli.compare_training.train_and_store", real)
    assert studied(*words, "--resume").code == 0
    assert reports(studied, path) == reports(studied, once)
    n_after = rows(path, "SELECT count(*) FROM run")
    assert n_before < n_after == rows(once, "SELECT count(*) FROM run")
    again = studied(*words)
    assert again.code == 0
    assert rows(path, "SELECT count(*) FROM run") == n_after
    assert rows(path, "SELECT count(*) FROM study") == [(1,)]


def test_the_plan_is_stored_as_it_is_written(studied: Here, once: Path) -> None:
    wanted = load_settings(studied.folder).study("small")
    ((plan_json, digest),) = rows(once, "SELECT plan_json, plan_digest FROM study")
    assert plan_json == wanted.canonical_json()
    assert digest == wanted.digest()
    wine, iris = json.loads(plan_json)
    assert (wine["part"], wine["budget"], iris["budget"]) == ("wine", [0.5], [0.5, 0.3])
    assert wine["seeds"] == [0, 1, 2, 3]


def test_a_dry_run_tells_runs_hours_and_effects_and_writes_nothing(
    studied: Here, once: Path
) -> None:
    answer = studied("compare", "--study", "small", "--dry-run")
    assert answer.code == 0
    assert "Study small: what would be compared" in answer.out
    models = {"wine": 4, "iris": 7}
    runs = {part: n * (3 + 4) for part, n in models.items()}
    for part, n in models.items():
        (line,) = (line for line in answer.out.splitlines() if line.startswith(part))
        assert line.split()[-6:-3] == [str(n), "4", str(runs[part])]
        assert line.endswith(f"{smallest_effect(4):.2f} sd")
    assert f"{sum(runs.values())} runs" in answer.out
    assert [path.name for path in studied.folder.iterdir()] == ["cdbench.toml"]
    known = studied(
        "compare", "--study", "small", "--dry-run", "--only", "wine", "--db", str(once)
    ).out
    assert " sd" not in next(line for line in known.splitlines() if line.startswith("wine"))


def test_a_dry_run_goes_on_without_data_that_are_not_here(studied: Here) -> None:
    toml = TOML + '[studies.small.parts.mine]\ndataset = "gone.csv"\n'
    (studied.folder / "cdbench.toml").write_text(toml, encoding="utf-8")
    answer = studied("compare", "--study", "small", "--dry-run")
    assert answer.code == 0
    assert answer.err.startswith("cdbench: part mine: gone.csv: no such file")
    assert answer.err.count("\n") == 1
    assert "2 of 3 parts: 77 runs" in answer.out


@pytest.mark.long
def test_a_plan_that_is_taken_back_is_reported_as_itself(studied: Here) -> None:
    words = ("compare", "--study", "small", "--jobs", "1", "--only", "wine", "--db", "runs.db")
    own, other = TOML, TOML.replace("epochs = 2", "epochs = 1")
    tables = []
    for toml in (own, other, own):
        (studied.folder / "cdbench.toml").write_text(toml, encoding="utf-8")
        answer = studied(*words)
        assert answer.code == 0
        _, _, told = answer.out.partition("Study small: the best")
        tables.append(told.partition("runs.db is new")[0])
    assert tables[0] == tables[2] != tables[1]


def test_the_parts_of_a_study_are_found_by_their_plans_and_not_by_names(
    studied: Here, once: Path
) -> None:
    mine = studied.folder / "mine.db"
    shutil.copy(once, mine)
    other = ("compare", "--dataset", "wine", "--hidden", "8", "8", "--epochs", "1", "--budget")
    seeds = ("--seeds", "0..2", "--layer", "cdlinear", "--jobs", "1", "--db", "other.db")
    assert studied(*other, "0.5", *seeds, "--name", "small-iris").code == 0
    merge_database(str(mine), str(studied.folder / "other.db"))
    assert reports(studied, mine) == reports(studied, once)


@pytest.mark.long
def test_a_part_whose_data_changed_is_another_comparison(studied: Here) -> None:
    path = studied.folder / "mine.csv"
    rng = np.random.default_rng(0)
    toml = TOML[: TOML.index("[studies.small.parts.wine]")]
    own = '[studies.small.parts.mine]\ndataset = "mine.csv"\n'
    (studied.folder / "cdbench.toml").write_text(toml + own, encoding="utf-8")
    digests = []
    for shift in (0.0, 1.0):
        X = rng.normal(size=(60, 4)) + shift
        text = "\n".join(
            ",".join(f"{x:.6f}" for x in row) + f",c{i % 3}" for i, row in enumerate(X)
        )
        path.write_text(f"a,b,c,d,y\n{text}\n", encoding="utf-8")
        assert studied("compare", "--study", "small", "--jobs", "1", "--db", "runs.db").code == 0
        digests += rows(studied.folder / "runs.db", "SELECT comparison_digest FROM study_part")
    assert len({*digests}) == len(digests) == 2


@pytest.mark.parametrize(
    ("toml", "words", "line"),
    [
        ("[studies]\na = 1", ("a",), "studies.a = 1: expected a table, [studies.a]"),
        (
            "[studies.a.parts.b]\nmatch = 3",
            ("a",),
            "[studies.a.parts.b] match = 3: expected a text",
        ),
        (
            "[studies.a.parts.b]\nbudget = [0.5, 0.5]",
            ("a",),
            "part b: budget: 0.5 0.5 repeats a value; expected each once",
        ),
        ("", ("other",), "unknown study 'other': "),
        (TOML, ("smal",), "unknown study 'smal'"),
        (TOML, ("small", "--only", "win"), "unknown part of the study small 'win'"),
        ("[studies.a]\nbudget = 1", ("a",), "[studies.a] has no parts; expected a table for each"),
        ("[studies.a.parts]\nb = 1", ("a",), "parts.b = 1: expected a table, [studies.a.parts.b]"),
        ("[studies.a.parts.b]\nrate = 1", ("a",), "unknown key in [studies.a.parts.b] 'rate'"),
        ("[studies.a.parts.b]\nrates = []", ("a",), "[studies.a.parts.b] rates = []: expected num"),
        ("[studies.a.parts.b]\nlayer = 1", ("a",), "[studies.a.parts.b] layer = 1: expected fam"),
        ("[studies.a.parts.b]\nepochs = 0", ("a",), "[studies.a.parts.b] epochs = 0"),
        (
            TOML + 'test = "gone.csv"\n[studies.small.parts.x]\ndataset = "gone.csv"',
            ("small", "--only", "x"),
            "part x: gone.csv: no such file; expected a path to a .npz, .csv or .parquet file, or "
            "X.npy,y.npy; the others: --only wine iris",
        ),
    ],
)
def test_what_is_wrong_is_one_line_and_trains_nothing(
    here: Here, toml: str, words: tuple[str, ...], line: str
) -> None:
    (here.folder / "cdbench.toml").write_text(toml, encoding="utf-8")
    answer = here("compare", "--study", *words)
    assert answer.code == 2
    assert line in answer.err
    assert answer.err.count("\n") == 1
    assert not (here.folder / "runs.db").exists()


def test_what_makes_a_study_is_not_also_typed(here: Here) -> None:
    (here.folder / "cdbench.toml").write_text(TOML, encoding="utf-8")
    answer = here("compare", "--study", "small", "--layer", "monarch", "--dry-run")
    assert (answer.code, answer.out) == (2, "")
    assert "--layer is not for a study" in answer.err
    assert "expected it in cdbench.toml, under [studies.small]" in answer.err
    answer = here("compare", "--only", "wine", "iris")
    assert (answer.code, answer.out) == (2, "")
    assert "expected compare --study NAME --only wine iris" in answer.err


def test_a_study_is_told_in_one_table_and_the_families_in_its_details(
    here: Here, once: Path
) -> None:
    asked = ("report", "--study", "small", "--db", str(once))
    short, whole = here(*asked).out, here(*asked, "--details").out
    assert "Every family in every part: --details." in short
    table, _, _ = short.partition("\nEvery family")
    assert whole.startswith(table)
    assert "Study small, size 0.5: less the narrower dense network" in whole
    assert "Study small, size" not in short
    data = here(*asked, "--format", "json").out
    assert data == here(*asked, "--details", "--format", "json").out
    assert "--details" not in data


def test_a_study_that_is_made_prints_its_details_too_and_commands_that_can_be_typed(
    here: Here, once: Path
) -> None:
    (here.folder / "cdbench.toml").write_text(TOML.replace("small", '"a b"'), encoding="utf-8")
    shutil.copy(once, here.folder / "my runs.db")
    with closing(sqlite3.connect(here.folder / "my runs.db")) as connection, connection:
        connection.execute("update study set name = 'a b'")
    words = ("compare", "--study", "a b", "--only", "iris", "--jobs", "1", "--db", "my runs.db")
    answer = here(*words, "--details")
    said = " ".join(answer.out.split())
    assert "Study a b, size 0.5: less the narrower dense network" in said
    assert "to see it again: cdbench report --study 'a b' --db 'my runs.db'" in said


def test_a_study_that_has_another_name_now_goes_on_as_the_one_with_its_plan(
    here: Here, once: Path
) -> None:
    (here.folder / "cdbench.toml").write_text(TOML.replace("small", "renamed"), encoding="utf-8")
    shutil.copy(once, here.folder / "runs.db")
    answer = here("compare", "--study", "renamed", "--only", "iris", "--jobs", "1")
    assert answer.code == 0
    assert "to see it again: cdbench report --study small" in answer.out


def test_a_study_that_is_not_there_is_named(here: Here, once: Path) -> None:
    answer = here("report", "--study", "other", "--db", str(once))
    assert (answer.code, answer.err) == (
        2,
        "cdbench: unknown study 'other' (known: small)\n",
    )
    here("train", "--dataset", "iris", "--epochs", "1", "--no-spectra")
    answer = here("report", "--study", "small")
    assert answer.code == 3
    assert answer.err.endswith("[studies.NAME]; to begin one: cdbench compare --study NAME\n")


@pytest.mark.parametrize("n", [5, 10, 30])
def test_the_smallest_effect_is_found_four_times_of_five(n: int) -> None:
    rng = np.random.default_rng(n)
    found = stats.ttest_1samp(rng.normal(smallest_effect(n), 1, (20_000, n)), 0, axis=1)
    assert np.mean(found.pvalue < 0.05) == pytest.approx(0.8, abs=0.03)


def test_the_deviation_is_read_back_from_an_interval() -> None:
    differences = np.random.default_rng(0).normal(size=7)
    found = resampled_t(differences, 0.0)
    assert deviation_of(found.low, found.high, 7) == pytest.approx(differences.std(ddof=1))


def test_a_study_has_a_figure_whose_marks_are_its_differences(studied: Here, once: Path) -> None:
    answer = studied("plot", "--study", "small", "--db", str(once), "--output", "x.svg")
    assert (answer.code, answer.out) == (0, "wrote x.svg\n")
    text = (studied.folder / "x.svg").read_text(encoding="utf-8")
    assert text.startswith("<?xml")
    words = ("plot", "--study", "small", "--db", str(once), "--name")
    assert studied(*words, "iris", "--output", "y.svg").code == 0
    assert (studied.folder / "y.svg").stat().st_size < len(text)
    wrong = studied(*words, "irs")
    assert (wrong.code, wrong.err.count("\n")) == (2, 1)
    assert "unknown part of the study small 'irs'" in wrong.err


def test_rows_of_the_figure_are_ordered_and_each_mark_lies_at_its_difference() -> None:
    own = Panel("one", "points", [Gap("b", 0.5, -2.0, -3.0, -1.0), Gap("a", 0.5, 0.5, 0.1, 0.9)])
    other = Panel("two", "points", [Gap("a", 0.25, 1.0, 0.5, 1.5)])
    figure = study_gaps([own, other], "t", "s")
    first, second = figure.axes
    assert [label.get_text() for label in first.get_yticklabels()] == ["a", "b"]
    marks = {(line.get_xdata()[0], round(line.get_ydata()[0])) for line in _dots(first)}
    assert marks == {(0.5, 0), (-2.0, 1)}
    assert [(line.get_xdata()[0], round(line.get_ydata()[0])) for line in _dots(second)] == [
        (1.0, 0)
    ]
    with pytest.raises(MissingResultsError, match="t: no part has a difference to draw"):
        study_gaps([Panel("one", "points", [])], "t", "s")


def _dots(axes: Any) -> list[Any]:
    return [line for line in axes.lines if line.get_marker() == "o"]


def test_families_are_counted_and_ordered_by_what_they_gained() -> None:
    """Made-up lines: the leading sentence, the best of each case, places over the parts."""

    def line(layer: str, score: float, p: float, n_seeds: int = 4) -> ComparedModel:
        is_dense, gap = layer == "dense", score - 0.8
        role = NARROWER if is_dense else "structured"
        own = Difference(NARROWER, gap, gap, gap, None, None, p, None, 1)
        found = () if is_dense else (own,)
        given: dict[str, Any] = {field.name: None for field in fields(ComparedModel)}
        given |= {"budget": 0.5, "role": role, "model": layer, "layer": layer, "hidden": "4"}
        given |= {"score": score, "n_seeds": n_seeds, "differences": found}
        return ComparedModel(**given)

    lines = (
        line("cdlinear", 0.7, 0.01),
        line("monarch", 0.9, 0.01),
        line("low-rank", 0.95, 0.01, n_seeds=3),  # its mean is of the seeds that were left
        line("acdc", 0.82, 0.5),
        line("dense", 0.8, 1.0),
    )
    part = StoredComparison(1, "x", "accuracy", "{}", 1, 1, lines)
    answers, families = study_reports(StoredStudy("s", {"a": {}, "b": {}}, {"a": part}))
    assert answers.rows == [["a", "monarch", "0.5", "+10.00*", "−10.00*"]]
    assert answers.lead == [
        "In 1 case (a part at a size), cdlinear is surely ahead of a dense network of the same "
        "size in 0 and surely behind in 1.",
        "Of the other families monarch does best by this count: ahead in 1 and behind in 0 of 1.",
    ]
    assert "Not there yet: b; to make them: cdbench compare --study s --only b" in answers.notes
    assert [row[0] for row in families.rows] == [
        *(NARROWER, "low-rank", "monarch", "acdc", "cdlinear")
    ]
    assert families.rows[1][1] == "+15.00* (1)"
    assert families.rows[3][1] == "+2.00"
