"""Statistics of observations: known values, and the SQL that derives each of them by hand."""

import math
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from cdbench.claims import CLAIMS
from cdbench.errors import StoreError
from cdbench.records.judgement import (
    BOOTSTRAP,
    HOLDS,
    QUARTILES,
    ClaimResult,
    Judgement,
    Measurement,
    Observation,
)
from cdbench.running.environment import current_environment
from cdbench.statistics import estimates
from cdbench.statistics.estimates import (
    Observations,
    deviation,
    glass_delta,
    largest,
    mean,
    mean_difference,
    mean_ratio,
    median,
    median_ratio,
    smallest,
)
from cdbench.store.database import Database, open_for_reading
from cdbench.store.ledger_queries import measurements_of, observations_of, stored_claims
from cdbench.store.record import record_claim
from tests.released import released_database

ONE = [mean, median, largest, smallest, deviation]
PAIRED = [mean_difference, median_ratio, mean_ratio, glass_delta]
RELEASED = str(released_database())
ODD_NAME = "κ of 'layer''s' 50 % \"x\""


def data_of(a: Iterable[float], b: Iterable[float] = ()) -> Observations:
    found = [Observation(ODD_NAME, "a", place, value) for place, value in enumerate(a, 1)]
    found += [Observation(ODD_NAME, "b", place, value) for place, value in enumerate(b, 1)]
    return Observations("it's a claim", found)


def store(database: Database, data: Observations, measurements: list[Measurement]) -> int:
    return record_claim(
        database,
        ClaimResult(
            claim=data.claim,
            position=1,
            published="p",
            rule="r",
            seeds="0..9",
            inputs_digest="d",
            judgement=Judgement(HOLDS, "m", "because"),
            observations=data.all,
            measurements=tuple(measurements),
            environment=current_environment(),
            measured_at=datetime.now(UTC),
            duration_s=0.1,
        ),
    )


def asked(database: Database, question: str) -> list[tuple[Any, ...]]:
    (answer,) = answers(database, [question])
    return answer


def answers(database: Database, questions: Iterable[str]) -> list[list[tuple[Any, ...]]]:
    with database.transaction() as connection:
        return [
            [tuple(row) for row in connection.execute(text(question.replace(":", r"\:")))]
            for question in questions
        ]


def each_is_derived(database: Database, found: list[Measurement]) -> None:
    """Assert that every measurement's SQL gives its estimate."""
    derived = answers(database, [measurement.sql for measurement in found])
    for measurement, ((value,),) in zip(found, derived, strict=True):
        assert value == pytest.approx(measurement.estimate, rel=1e-9, abs=1e-9), measurement


def measured(function: Callable[..., Measurement], data: Observations) -> Measurement:
    pair = ("b",) if function in PAIRED else ()
    return function(data, ODD_NAME, "a", *pair)


def test_measurements_share_statements_and_come_back_with_their_own_names(
    database: Database,
) -> None:
    claim = "it's a claim"
    names = (ODD_NAME, "κ of 'b'", "a", ":quantit", "100 %", claim)
    for subject in names:
        both = [(quantity, one) for quantity in names for one in (subject, "b")]
        data = Observations(
            claim, [Observation(*one, i, i + 1.0) for one in both for i in (0, 1, 2)]
        )
        found = [f(data, q, subject) for q in names for f in ONE]
        found += [f(data, q, subject, "b") for q in names for f in PAIRED]
        store(database, data, found)
        assert measurements_of(database, claim) == tuple(found)
    n_measurements = len(names) ** 2 * (len(ONE) + len(PAIRED))
    assert asked(database, "SELECT count(*) FROM measurement") == [(n_measurements,)]
    # Five of each: all names may differ, or two of quantity, subject and claim be one, or all.
    assert asked(database, "SELECT count(*) FROM statement") == [(5 * len(ONE + PAIRED),)]


def test_a_query_with_a_parameter_of_ours_in_its_text_is_refused(database: Database) -> None:
    data = Observations("c", [Observation("q", "a", i, i + 1.0) for i in range(4)])
    with pytest.raises(StoreError) as caught:
        store(database, data, [replace(mean(data, "q", "a"), sql="SELECT ':subject'")])
    assert str(caught.value) == (
        "claim c: the query of 'q' has :quantity, :subject, :baseline or :claim in "
        "its text, which stand for names; expected others"
    )


@pytest.mark.parametrize("n", [3, 4, 10, 11])
def test_sql_of_every_statistic_gives_its_estimate(database: Database, n: int) -> None:
    rng = np.random.default_rng(n)
    data = data_of(rng.lognormal(3, 2, n), rng.lognormal(1, 1, n))
    found = [measured(function, data) for function in ONE + PAIRED]
    store(database, data, found)
    each_is_derived(database, found)


def test_texts_of_every_claim_fit_their_places() -> None:
    for claim in CLAIMS.values():
        assert max(len(claim.title), len(claim.published)) <= 60, claim.name
        for words in (claim.statement, claim.method, claim.rule, claim.overturn):
            assert words.removesuffix(")").endswith("."), claim.name


@pytest.mark.parametrize("claim", CLAIMS)
def test_sql_of_every_claim_gives_its_estimates(
    database: Database, claim: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(estimates, "RESAMPLES", 9)  # the intervals are not looked at
    data = Observations(claim, observations_of(open_for_reading(RELEASED), claim))
    found = CLAIMS[claim].measure(data)
    of_no_run = (replace(observed, run_id=None) for observed in data)
    store(database, Observations(claim, of_no_run), found)
    assert found
    each_is_derived(database, found)


def test_known_values() -> None:
    data = data_of([1, 2, 3, 10], [1, 4, 1, 10])
    expected: dict[Any, float] = {
        mean: 4,
        median: 2.5,
        largest: 10,
        smallest: 1,
        mean_difference: 0,
        median_ratio: 1,
        mean_ratio: 1,
    }
    for function, value in expected.items():
        assert measured(function, data).estimate == pytest.approx(value)


@pytest.mark.parametrize("function", [mean, *PAIRED])
def test_interval_holds_the_estimate_and_is_the_same_every_time(
    function: Callable[..., Measurement],
) -> None:
    rng = np.random.default_rng(0)
    data = data_of(rng.lognormal(0, 1, 30), rng.lognormal(0, 1, 30))
    found = measured(function, data)
    assert found.low is not None
    assert found.high is not None
    assert found.low < found.estimate < found.high
    assert found.interval == BOOTSTRAP
    assert measured(function, data) == found


def test_interval_of_a_mean_covers_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    covered = 0
    for _ in range(100):
        found = mean(data_of(rng.normal(5, 2, 30)), ODD_NAME, "a")
        assert found.low is not None
        assert found.high is not None
        covered += found.low <= 5 <= found.high
    assert 86 <= covered <= 100  # 95 expected; four standard deviations of a binomial below


def test_median_has_quartiles_that_were_observed() -> None:
    found = median(data_of([5, 1, 4, 2, 3, 1e9]), ODD_NAME, "a")
    assert (found.estimate, found.low, found.high, found.interval) == (3.5, 2, 5, QUARTILES)


def test_infinite_observations_stay_infinite_and_never_become_nan() -> None:
    inf = math.inf
    assert median(data_of([1, inf, inf, inf]), ODD_NAME, "a").estimate == inf
    assert median(data_of([1, 2, inf, inf]), ODD_NAME, "a").estimate == inf
    assert median(data_of([1, 2, 3, inf]), ODD_NAME, "a").estimate == 2.5
    found = mean(data_of([1, inf, 2]), ODD_NAME, "a")
    assert (found.estimate, found.low, found.high, found.interval) == (inf, None, None, None)


def test_equal_values_have_an_interval_of_no_width() -> None:
    found = mean(data_of([3.0] * 10), ODD_NAME, "a")
    assert (found.estimate, found.low, found.high) == (3, 3, 3)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30))
def test_median_is_numpys(values: list[float]) -> None:
    found = median(data_of(values), ODD_NAME, "a").estimate
    assert found == pytest.approx(float(np.median(values)), abs=1e-9)


def test_pairs_are_of_the_places_that_both_have() -> None:
    found = [Observation("q", "a", place, place) for place in (1, 2, 3, 4)]
    found += [Observation("q", "b", place, 10) for place in (2, 4, 9)]
    difference = mean_difference(Observations("c", found), "q", "a", "b")
    assert (difference.estimate, difference.n, difference.baseline) == (-7, 2, "b")


def test_claim_round_trip(database: Database) -> None:
    data = data_of([1, math.inf, 3], [4, 5, 6])
    found = [measured(function, data) for function in (mean, median, largest, mean_difference)]
    store(database, data, found)
    assert measurements_of(database, data.claim) == tuple(found)
    positions = asked(database, "select position from measurements order by position")
    assert positions == [(1,), (2,), (3,), (4,)]
    stored = observations_of(database, data.claim)
    assert sorted(stored, key=str) == sorted(data.all, key=str)
    ledger = stored_claims(database)
    assert ledger[data.claim].judgement == Judgement(HOLDS, "m", "because")


def test_observations_come_by_name_and_place_in_whatever_order_they_were_written(
    database: Database,
) -> None:
    ordered = [
        Observation(quantity, subject, place, 1.0)
        for quantity in ("Z", "a", "κ")
        for subject in ("B", "b")
        for place in (1.0, 2.0, 10.0)
    ]
    store(database, Observations("c", ordered[::-1]), [])
    assert observations_of(database, "c") == tuple(ordered)


def test_newest_judgement_is_the_ledger_and_older_ones_are_kept(database: Database) -> None:
    first = store(database, data_of([1, 2, 3]), [])
    second = store(database, data_of([4, 5]), [])
    assert stored_claims(database)["it's a claim"].claim_result_id == second > first
    assert [o.value for o in observations_of(database, "it's a claim")] == [4, 5]
    assert asked(database, "select count(*) from claim_result") == [(2,)]
