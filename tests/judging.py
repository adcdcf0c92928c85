"""Judging made-up observations, for the tests of claims."""

import sqlite3
from collections.abc import Iterable
from contextlib import closing

import pytest

from cdbench.claims.base import Claim, Measurements
from cdbench.records.judgement import CONDITIONAL, Judgement, Observation
from cdbench.statistics.estimates import Observations


def measured(claim: Claim, observations: Iterable[Observation]) -> Measurements:
    """What the claim measures; every estimate is derived by its query as well."""
    data = Observations(claim.name, observations)
    rows = [(claim.name, o.quantity, o.subject, o.place, o.value) for o in data]
    assert len({row[:4] for row in rows}) == len(rows)
    found = claim.measure(data)
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute("CREATE TABLE observations (claim, quantity, subject, place, value)")
        database.executemany("INSERT INTO observations VALUES (?, ?, ?, ?, ?)", rows)
        for one in found:
            (derived,) = database.execute(one.sql).fetchone()
            assert derived == pytest.approx(one.estimate, rel=1e-9, abs=1e-9), one
    return Measurements(found)


def judged(claim: Claim, observations: Iterable[Observation]) -> Judgement:
    """What the claim judges."""
    judgement = claim.judge(measured(claim, observations))
    assert len(judgement.measured) <= 70
    assert (judgement.condition is not None) == (judgement.verdict == CONDITIONAL)
    return judgement
