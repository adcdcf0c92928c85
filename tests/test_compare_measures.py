"""Comparisons by R² and by bits per character: mirrors of those by accuracy, and true sentences."""

import csv
import io
import json
import math
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cdbench.api.figures.comparison_figures import OneComparison
from cdbench.api.over_comparisons import _common_measure
from cdbench.cli import run
from cdbench.comparison.over_tasks import over_tasks
from cdbench.comparison.plan import Plan
from cdbench.comparison.results import Competitor, lines
from cdbench.comparison.trials import Score, search
from cdbench.comparison.words import sentences
from cdbench.config.run_config import RunConfig
from cdbench.errors import ConfigurationError, MissingResultsError
from cdbench.plots import Competitor as Drawn
from cdbench.plots.pareto import pareto
from cdbench.plots.rate_curves import rate_curves
from cdbench.records.comparison import NARROWER
from cdbench.statistics.measures import ACCURACY, BITS_PER_CHARACTER, MEASURES, OF_TASK, R2, Measure
from cdbench.store.comparison_queries import ReportedRun, StoredComparison
from cdbench.store.database import open_for_reading
from cdbench.store.upkeep.merging import merge_database
from tests.cli_tools import Here, rows
from tests.postgres import PostgresServer
from tests.released import released_database
from tests.test_compare_sizes import plan_of
from tests.test_compare_trials import CANDIDATES, TUNED
from tests.test_postgresql import rows as stored

N_SEEDS = 6
REACHED = np.random.default_rng(5).normal(0.8, 0.03, (len(CANDIDATES), N_SEEDS))
REACHED += np.array([0.05, 0.0, 0.03, -0.04, 0.01])[: len(CANDIDATES), None]


def competitors(reached: Any, measure: Measure) -> list[Competitor]:
    """Return models of which this is what their runs reached, seed by seed."""

    def reported(seed: int, value: float) -> ReportedRun:
        values: dict[str, Any] = {measure.column: value}
        return replace(ReportedRun(seed, None, None, None, 0.01, None, None), **values)

    return [
        Competitor(one, TUNED, 16, {i: reported(i, x) for i, x in enumerate(own.tolist())}, 1.0)
        for one, own in zip(CANDIDATES, reached, strict=True)
    ]


def test_every_task_has_a_measure_and_every_measure_a_task() -> None:
    assert {one.name for one in OF_TASK.values()} == set(MEASURES)


def test_where_less_is_better_all_is_the_mirror_image() -> None:
    ours = lines(competitors(REACHED, R2), 0.25, R2)
    mirrored = lines(competitors(-REACHED, BITS_PER_CHARACTER), 0.25, BITS_PER_CHARACTER)
    assert [line.model for line in ours] == [line.model for line in mirrored]
    assert len({line.model for line in ours}) > 3
    for one, other in zip(ours, mirrored, strict=True):
        assert (one.score, one.low, one.wide_high) == pytest.approx(
            tuple(-x for x in (other.score, other.high, other.wide_low) if x is not None)
        )
        for own, against in zip(one.differences, other.differences, strict=True):
            assert own.difference == pytest.approx(-against.difference)
            assert own.p_holm == pytest.approx(against.p_holm)
            assert own.improvement == against.improvement


def test_a_model_without_a_score_is_last_even_behind_a_negative_one() -> None:
    reached = competitors(REACHED - 5, R2)
    some = [*reached[:2], replace(reached[2], runs={}), *reached[3:]]
    found = lines(some, 0.25, R2)
    assert [line.score is None for line in found] == [False] * (len(found) - 1) + [True]


PLANS = {
    "classification": plan_of(0.25),
    "regression": Plan(
        RunConfig(dataset="x.csv", task="regression", layer="dense"), 8, 1, (), (0.25,)
    ),
    "language": Plan(
        RunConfig(dataset="text:x.txt", architecture="attention", layer="dense"), 64, 30, (), (0.5,)
    ),
}


def test_rates_are_chosen_by_the_loss_that_decides_the_measure() -> None:
    """The accuracies say otherwise, and count in a classification only."""
    losses = {0.02: 4.18, 0.04: 4.08, 0.08: 4.0, 0.16: 4.036, 0.32: 4.8}
    accuracies = {0.02: 0.7, 0.04: 0.8}
    expected = {"classification": 0.04, "regression": 0.08, "language": 0.08}
    usable = {"regression": (0.02, 0.16), "language": (0.08, 0.16)}
    for task, plan in PLANS.items():
        candidate = replace(CANDIDATES[0], config=plan.base)
        scores: dict[RunConfig, Score | None] = {}
        for _ in range(2):
            missing, found = search(plan, candidate, scores)
            for one in missing:
                rate = one.learning_rate
                assert rate is not None
                accuracy = None if task == "regression" else accuracies.get(rate, 0.6)
                loss = losses.get(rate, 12.0)
                scores[one] = Score(plan.measure.merit_of_trial(accuracy, loss), loss)
        assert (found.rate, found.is_at_edge) == (expected[task], False)
        if task in usable:
            assert found.usable == usable[task]


def same(values: list[float]) -> Any:
    """Return values for all models, those of the dense network first, with a little spread."""
    spread = np.linspace(-0.001, 0.001, N_SEEDS)
    return np.array([value + (1 + place) * spread for place, value in enumerate(values)])


def test_sentences_are_whole_and_have_the_right_side() -> None:
    values = [0.9, 0.7, 0.8, 0.6, 0.5][: len(CANDIDATES)]
    (said,) = sentences(
        lines(competitors(same(values), R2), None, R2), "measured.csv", "parameters", R2
    )
    assert said == (
        "On measured.csv at 25 % of the dense network's weights cdlinear B=4 is best, with R² "
        "0.8000. It is ahead of the narrower dense network with an R² 0.1000 higher (+0.0992 … "
        "+0.1008; sure over seeds), and behind dense at full width with an R² 0.1000 lower "
        "(−0.1016 … −0.0984; sure over seeds)."
    )
    bits = [2.0, 2.2, 2.4, 2.6, 2.8][: len(CANDIDATES)]
    found = lines(competitors(same(bits), BITS_PER_CHARACTER), None, BITS_PER_CHARACTER)
    (said,) = sentences(found, "text:t.txt", "parameters", BITS_PER_CHARACTER)
    assert said == (
        "On text:t.txt at 25 % of the dense network's weights dense 23 23 is best, with 2.2000 "
        "bits per character. The best structured layer, cdlinear B=4, has 2.4000 bits per "
        "character and is behind the narrower dense network with 0.2000 bits per character more "
        "(+0.1992 … +0.2008; sure over seeds), and behind dense at full width with 0.4000 bits "
        "per character more (+0.3984 … +0.4016; sure over seeds)."
    )


def test_fewer_bits_per_character_are_ahead() -> None:
    bits = [2.0, 2.2, 1.95, 2.6, 2.8][: len(CANDIDATES)]
    found = lines(competitors(same(bits), BITS_PER_CHARACTER), None, BITS_PER_CHARACTER)
    (said,) = sentences(found, "text:t.txt", "parameters", BITS_PER_CHARACTER)
    assert "ahead of the narrower dense network with 0.2500 bits per character fewer (−0.2508" in (
        said
    )
    assert "and ahead of dense at full width with 0.0500 bits per character fewer (−0.0516" in said


def test_ranks_over_data_sets_are_mirrored_too() -> None:
    names = ("first", NARROWER, "third", "fourth")
    draws = np.random.default_rng(3).normal(np.arange(4)[:, None], 1.5, (3, 4, 5))
    plain = {str(i): dict(zip(names, own.tolist(), strict=True)) for i, own in enumerate(draws)}
    minus = {str(i): dict(zip(names, own.tolist(), strict=True)) for i, own in enumerate(-draws)}
    ours, mirrored = over_tasks(plain, R2), over_tasks(minus, BITS_PER_CHARACTER)
    for one, other in zip(ours.standings, mirrored.standings, strict=True):
        assert (one.family, one.rank, one.improvement) == (
            other.family,
            other.rank,
            other.improvement,
        )
        assert one.score == pytest.approx(-other.score)
    assert ours.standings[0].family == "fourth"


def drawn(score: float, n_parameters: int, layer: str = "dense") -> Drawn:
    rates = [(0.01, 3 * score), (0.02, score), (0.04, None)]
    budget = 1.0 if layer == "dense" else 0.5
    return Drawn(
        *(layer, "", budget, n_parameters, n_parameters, score, score - 0.1, score + 0.1),
        *(rates, 0.02),
    )


def test_figures_show_the_best_and_count_what_is_worse_on_the_right_side() -> None:
    some = [drawn(2.0, 900), drawn(2.3, 300, "cdlinear"), drawn(3.4, 200, "low-rank")]
    figure = pareto(some, BITS_PER_CHARACTER, "title", "source")
    axes = figure.axes[0]
    low, high = axes.get_ylim()
    assert low <= 1.9 < 2.3 < high < 3.4  # the best's interval is whole: 1.9 to 2.1
    (front,) = [line for line in axes.lines if line.get_linewidth() == 6]
    assert np.asarray(front.get_ydata()).tolist() == [3.4, 2.3, 2.0]
    assert "above 2.50 not shown" in told(figure)
    for measure, shift in ((R2, 1.0), (ACCURACY, 100.0)):
        shares = [drawn(0.9, 900), drawn(0.88, 300, "cdlinear"), drawn(0.2, 200, "low-rank")]
        low, high = pareto(shares, measure, "title", "source").axes[0].get_ylim()
        assert shift * 0.2 < low < shift * 0.88 < shift * 0.9 < high == shift
    curves = rate_curves(some, BITS_PER_CHARACTER, "title", "source")
    assert curves.axes[0].get_ylabel() == "validation loss"
    low, high = curves.axes[0].get_ylim()
    assert low < 2.0 < high == 4.0


def test_without_the_runs_of_its_learning_rates_that_figure_says_so_and_the_other_is_drawn() -> (
    None
):
    removed = [replace(drawn(0.9, 900), rates=[(0.1, None)])]
    comparison = OneComparison("digits", "source", ACCURACY, removed)
    assert comparison.figure("pareto").axes
    with pytest.raises(MissingResultsError, match="cdbench runs list --trash"):
        comparison.figure("rate-curves")


def told(figure: Any) -> str:
    """Return all notes on a figure, one a line."""
    texts = [*figure.texts, *(text for axes in figure.axes for text in axes.texts)]
    return "\n".join(text.get_text() for text in texts)


QUICK = (
    *("--layer", "cdlinear", "low-rank", "--seeds", "0..2", "--jobs", "1"),
    *("--rates", "0.02", "0.04", "0.08"),
)


def write_table(path: Path) -> None:
    random = np.random.default_rng(0)
    X = random.normal(size=(120, 8))
    y = 10 * (X @ random.normal(size=8)) + random.normal(size=120)
    names = ",".join([f"x{i}" for i in range(8)] + ["price"])
    np.savetxt(path, np.c_[X, y], "%.6f", ",", header=names, comments="")


def test_comparisons_of_different_measures_have_no_common_one() -> None:
    found = {
        name: StoredComparison(1, name, measure, "{}", 0, 0, ())
        for name, measure in (("a", "r2"), ("b", "accuracy"), ("c", "r2"))
    }
    assert _common_measure({name: found[name] for name in "ac"}) == R2
    with pytest.raises(ConfigurationError) as refused:
        _common_measure(found)
    assert str(refused.value) == (
        "the comparisons are of different measures, a, c by R² and b by accuracy; expected --name "
        "of comparisons of one measure"
    )


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a database with the comparison of a regression, and that of a text."""
    folder = tmp_path_factory.mktemp("both")
    write_table(folder / "measured.csv")
    words = ["the", "quick", "brown", "fox", "jumps", "over", "a", "lazy", "dog"]
    text = " ".join(np.random.default_rng(0).choice(words, 600).tolist())
    (folder / "t.txt").write_text(text)
    table = ("--dataset", str(folder / "measured.csv"), "--task", "regression")
    network = ("--architecture", "attention", "--width", "16", "--heads", "2", "--depth", "1")
    for asked in (
        (*table, "--hidden", "32", "32", "--budget", "0.25", "--epochs", "4", "--name", "table"),
        (
            *("--dataset", f"text:{folder / 't.txt'}", *network, "--context", "16"),
            *("--budget", "0.5", "--epochs", "1", "--name", "text"),
        ),
    ):
        assert run(["compare", *asked, *QUICK, "--db", str(folder / "runs.db")]) == 0
    return folder / "runs.db"


@pytest.mark.server
def test_a_server_has_the_same_views_and_the_same_report(
    here: Here, both: Path, postgres: PostgresServer
) -> None:
    url = postgres.new_database()
    merge_database(url, str(both))
    keys = ("comparison_id", "comparison_line_id", "run_id")
    for view in ("comparisons", "differences", "comparison_accuracies", "comparison_rates"):
        file, server = (
            [
                {name: value for name, value in row.items() if name not in keys}
                for row in stored(open_for_reading(where), f"SELECT * FROM {view}")
            ]
            for where in (str(both), url)
        )
        assert file == server
        assert len(file) >= 6
    for name in ("table", "text"):
        asked = ("report", "--compare", "--name", name, "--db")
        assert here(*asked, str(both)).out == here(*asked, url).out


@pytest.mark.long
def test_a_regression_and_a_text_are_compared_from_the_command_line(here: Here, both: Path) -> None:
    shutil.copy(both, here.folder / "runs.db")
    path = here.folder / "runs.db"
    for name, measure, value in (
        ("table", R2, "test_r2"),
        ("text", BITS_PER_CHARACTER, f"test_loss / {math.log(2)!r}"),
    ):
        shown = here("report", "--compare", "--name", name)
        assert f"Comparison {name}: test {measure.noun} at each model's" in shown.out
        assert "ccuracy" not in shown.out
        as_csv = here("report", "--compare", "--name", name, "--format", "csv").out
        as_json = here("report", "--compare", "--name", name, "--format", "json").out
        record = json.loads(as_json)["records"][0]
        first = next(csv.DictReader(io.StringIO(as_csv)))
        ((mean,),) = rows(
            path,
            f"SELECT avg(runs.{value}) FROM comparison_accuracies AS own JOIN runs "
            f"ON runs.run_id = own.run_id WHERE own.name = '{name}' AND own.role = 'dense'",
        )
        assert float(first[measure.name]) == record[measure.name] == pytest.approx(mean, rel=1e-12)
        lead = json.loads(as_json)["found"][0]
        best = max(
            (own for own in json.loads(as_json)["records"] if own["role"] != "dense"),
            key=lambda own: measure.merit(own[measure.name]),
        )
        assert f" is best, with {measure.tell(best[measure.name])}." in lead
        assert best["model"] in lead
        stored = f"SELECT DISTINCT measure, accuracy FROM comparisons WHERE name = '{name}'"
        assert rows(path, stored) == [(measure.name, None)]
        drawn = here("plot", "--compare", "--name", name, "--format", "svg")
        assert drawn.out == "wrote figures/pareto.svg\nwrote figures/rate-curves.svg\n", drawn.err
    for command in ("report", "plot"):
        answer = here(command, "--compare", "--name", "table", "text")
        assert (answer.code, answer.err) == (
            2,
            "cdbench: the comparisons are of different measures, table by R² and text by "
            "bits per character; expected --name of comparisons of one measure\n",
        )


def test_the_view_of_reported_runs_has_none_that_diverged() -> None:
    database = open_for_reading(str(released_database()))
    with database.transaction() as connection:
        found = connection.exec_driver_sql(
            "SELECT run.status, count(*) FROM comparison_accuracies AS a JOIN run "
            "ON run.run_id = a.run_id GROUP BY run.status"
        ).fetchall()
        ((n_lost,),) = connection.exec_driver_sql(
            "SELECT count(*) FROM comparison_run JOIN run USING (run_id) "
            "WHERE stage = 'reported' AND status = 'diverged'"
        ).fetchall()
    assert [status for status, _ in found] == ["completed"]
    assert n_lost > 0
