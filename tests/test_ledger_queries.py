"""The ledger read back: what was judged last, what it rests on, and what came of a first rule."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from cdbench.records.judgement import (
    CONDITIONAL,
    CONTRADICTED,
    FIRST,
    HOLDS,
    REPLICATION,
    ClaimResult,
    Judgement,
    Measurement,
    Observation,
)
from cdbench.running.environment import current_environment
from cdbench.store.database import Database
from cdbench.store.ledger_queries import (
    decisive_measurements,
    first_audit,
    measurements_of,
    observations_of,
    stored_claims,
)
from cdbench.store.record import record_claim

JUDGED = Judgement(HOLDS, "2 of 2", "because")
DECIDES = Measurement("q", "a", "median", 2.5, 2, "SELECT 1", "b", 1.0, 3.0, "quartiles", "e", 0, 9)
OTHER = Measurement("q", "b", "mean", float("inf"), 1, "SELECT 2")
FOUND = (
    Observation("r", "a", 2, 0.25),
    Observation("q", "b", 1, float("inf")),
    Observation("q", "a", 2, -1.5),
    Observation("q", "a", 1, 7.0),
)


def result(claim: str, **values: Any) -> ClaimResult:
    """A judgement of a claim."""
    given: dict[str, Any] = {
        "position": 1,
        "published": "more",
        "rule": "r",
        "seeds": "0..9",
        "inputs_digest": "d",
        "judgement": JUDGED,
        "observations": FOUND,
        "measurements": (DECIDES, OTHER),
        "environment": current_environment(),
        "measured_at": datetime.now(UTC),
        "duration_s": 0.5,
    }
    return ClaimResult(claim, **given | values)


def test_a_judgement_comes_back_as_it_was_recorded(database: Database) -> None:
    conditional = Judgement(CONDITIONAL, "1 of 2", "so", "for B = 4")
    record_claim(database, result("later", position=2, judgement=conditional, p_value=0.25))
    key = record_claim(database, result("earlier", observations=(), measurements=()))
    ledger = stored_claims(database)
    assert list(ledger) == ["earlier", "later"]
    assert (ledger["earlier"].judgement, ledger["later"].judgement) == (JUDGED, conditional)
    assert (ledger["earlier"].p_value, ledger["later"].p_value) == (None, 0.25)
    assert ledger["earlier"].claim_result_id == key
    own = ledger["later"]
    assert (own.published, own.rule, own.seeds) == ("more", "r", "0..9")
    assert (own.inputs_digest, own.rule_version) == ("d", 1)


def test_numbers_behind_a_judgement_come_back_in_order(database: Database) -> None:
    record_claim(database, result("one"))
    record_claim(database, result("two", observations=FOUND[:1], measurements=(OTHER,)))
    assert measurements_of(database, "one") == (DECIDES, OTHER)
    assert measurements_of(database, "two") == (OTHER,)
    assert observations_of(database, "one") == tuple(
        sorted(FOUND, key=lambda o: (o.quantity, o.subject, o.place))
    )
    assert observations_of(database, "two") == FOUND[:1]
    assert observations_of(database, "three") == ()
    assert measurements_of(database, "three") == ()
    assert decisive_measurements(database) == {"one": DECIDES, "two": OTHER}


def test_the_newest_judgement_of_a_block_counts(database: Database) -> None:
    contradicted = replace(JUDGED, verdict=CONTRADICTED)
    record_claim(database, result("one", judgement=contradicted))
    record_claim(database, result("one"))
    record_claim(database, result("one", block=REPLICATION, judgement=contradicted))
    assert stored_claims(database, FIRST)["one"].judgement == JUDGED
    assert stored_claims(database, REPLICATION)["one"].judgement == contradicted


def test_a_replication_by_another_rule_is_none(database: Database) -> None:
    record_claim(database, result("one", block=REPLICATION))
    record_claim(database, result("one", rule_version=2))
    assert stored_claims(database, REPLICATION) == {}


def test_a_first_audit_is_told_where_there_is_a_later_rule(database: Database) -> None:
    record_claim(database, result("unchanged"))
    record_claim(database, result("plain", seeds="0..4"))
    record_claim(
        database, result("conditional", judgement=Judgement(CONDITIONAL, "1 of 2", "so", "if"))
    )
    for claim in ("plain", "conditional"):
        record_claim(database, result(claim, rule_version=2))
    assert first_audit(database) == {
        "plain": "by the first rule, seeds 0..4: holds (2 of 2)",
        "conditional": "by the first rule, seeds 0..9: holds under a condition: if (1 of 2)",
    }


@pytest.mark.parametrize("block", [FIRST, REPLICATION])
def test_an_empty_ledger_has_no_claims(database: Database, block: str) -> None:
    assert stored_claims(database, block) == {}
    assert first_audit(database) == {}
    assert decisive_measurements(database) == {}
