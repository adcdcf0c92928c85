"""Families over several comparisons: known ranks and probabilities, and the commands."""

import pytest

from cdbench.comparison.over_tasks import over_tasks
from cdbench.errors import ConfigurationError
from cdbench.records.comparison import NARROWER
from cdbench.statistics.measures import ACCURACY
from cdbench.store.comparison_queries import seed_scores, stored_comparison
from cdbench.store.database import open_for_reading
from tests.cli_tools import Here
from tests.released import released_database
from tests.test_compare import SMALL

BEST, SAME, WORST = [0.9, 0.91, 0.92, 0.93], [0.8, 0.81, 0.82, 0.83], [0.1, 0.2, 0.1, 0.2]
TASKS = {
    name: {"best": BEST, NARROWER: SAME, "same": SAME, "worst": WORST} for name in ("a", "b", "c")
}


def test_a_family_that_always_wins_is_first_and_surely_better() -> None:
    found = over_tasks(TASKS, ACCURACY)
    assert [one.family for one in found.standings] == ["best", NARROWER, "same", "worst"]
    assert [one.rank for one in found.standings] == [1.0, 2.5, 2.5, 4.0]
    by_family = {one.family: one for one in found.standings}
    best, same, worst = (by_family[name] for name in ("best", "same", "worst"))
    assert (best.improvement, best.low, best.high) == (1.0, 1.0, 1.0)
    assert (same.improvement, same.low, same.high) == (0.5, 0.5, 0.5)
    assert worst.improvement == 0.0
    assert by_family[NARROWER].improvement is None
    assert best.score == pytest.approx(0.915)


def test_families_count_that_every_task_has_over_seeds_that_all_have() -> None:
    three = {name: own[:3] for name, own in (("best", BEST), (NARROWER, SAME), ("worst", WORST))}
    found = over_tasks(dict(TASKS) | {"d": three | {"new": BEST[:3]}}, ACCURACY)
    assert {one.family for one in found.standings} == {"best", NARROWER, "worst"}
    assert found.n_seeds == 3


def test_a_family_that_lost_seeds_is_not_ranked_by_those_that_were_left() -> None:
    found = over_tasks(dict(TASKS) | {"d": TASKS["a"] | {"best": BEST[1:]}}, ACCURACY)
    assert {one.family for one in found.standings} == {NARROWER, "same", "worst"}


def test_one_task_or_two_families_have_no_ranks() -> None:
    with pytest.raises(ConfigurationError, match="1 comparisons have 4 families in common"):
        over_tasks({"a": TASKS["a"]}, ACCURACY)
    with pytest.raises(ConfigurationError, match="have 2 families in common"):
        over_tasks({name: {"best": BEST, NARROWER: SAME} for name in "ab"}, ACCURACY)


@pytest.mark.long
def test_two_comparisons_have_a_table_and_a_figure(here: Here) -> None:
    words = [word for word in SMALL if word not in ("--dataset", "iris")]
    assert here("compare", *words, "--dataset", "iris").code == 0
    assert here("compare", *words, "--dataset", "wine").code == 0
    answer = here("report", "--compare", "--name", "iris", "wine")
    assert answer.code == 0
    assert "Over 2 data sets at budget 0.5: iris, wine" in answer.out
    assert "narrower dense" in answer.out
    drawn = here("plot", "--compare", "--name", "iris", "wine", "--format", "svg")
    assert drawn.out == "wrote figures/standings.svg\n"
    assert "block-diagonal" in (here.folder / "figures/standings.svg").read_text()
    assert here("report", "--compare", "--name", "iris", "nosuch").err.count("\n") == 1


def test_runs_that_diverged_have_no_part_though_they_are_stored() -> None:
    database = open_for_reading(str(released_database()))
    n_lost = 0
    for name in ("digits", "wine", "breast_cancer", "iris"):
        found = stored_comparison(database, name)
        for budget in {line.budget for line in found.lines if line.role != "dense"}:
            scores = seed_scores(database, found.comparison_id, budget)
            lines = [line for line in found.lines if line.budget == budget]
            most = max(line.n_seeds for line in lines)
            for line in lines:
                own = scores[line.role, line.layer, line.structure]
                assert len(own) == line.n_seeds
                assert sum(own) / len(own) == pytest.approx(line.score, rel=1e-12)
                n_lost += most - len(own)
    assert n_lost > 0


def test_released_comparisons_some_of_whose_runs_diverged_have_a_table(here: Here) -> None:
    words = ("report", "--compare", "--name", "digits", "wine", "--db", str(released_database()))
    answer = here(*words)
    assert answer.code == 0, answer.err
    assert "toeplitz" not in answer.out  # it lost seeds on wine
