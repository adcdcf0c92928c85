"""Queries of the ledger: judgements as they are stored, and the numbers behind them."""

from dataclasses import dataclass

from sqlalchemy import text

from cdbench.errors import MissingResultsError
from cdbench.records.judgement import FIRST, REPLICATION, Judgement, Measurement, Observation
from cdbench.store.database import Database


@dataclass(frozen=True)
class StoredClaim:
    """The newest judgement of a claim, as stored in the database."""

    claim_result_id: int
    claim: str
    position: int
    published: str
    rule: str
    seeds: str
    inputs_digest: str
    judgement: Judgement
    rule_version: int
    p_value: float | None


_COLUMNS = """
    SELECT claim_result.claim_result_id, claim_result.claim, claim_result.position,
        claim_result.published, claim_result.rule, claim_result.seeds,
        claim_result.inputs_digest, claim_result.verdict, claim_result.measured,
        claim_result.reason, claim_result.condition, claim_result.rule_version,
        claim_result.p_value
    FROM claim_result JOIN """
_BY_POSITION = " USING (claim_result_id) ORDER BY claim_result.position"
_FIRST = _COLUMNS + "claims" + _BY_POSITION
_REPLICATION = _COLUMNS + "replications" + _BY_POSITION
_CLAIMS = {FIRST: text(_FIRST), REPLICATION: text(_REPLICATION)}

_MEASURED = """
    SELECT claim, quantity, subject, statistic, estimate, n, sql, baseline, low, high, interval,
        estimand, wide_low, wide_high
    FROM measurements """
_DECISIVE = _MEASURED + "WHERE position = 1"
_OF_CLAIM = _MEASURED + "WHERE claim = :claim ORDER BY position"


def stored_claims(database: Database, block: str = FIRST) -> dict[str, StoredClaim]:
    """Return the ledger: the newest judgement of each claim, by name, in the paper's order.

    Of a replication, those that were judged by the same rule as the first block.
    """
    claims = {}
    with database.transaction() as connection:
        for row in connection.execute(_CLAIMS[block]).mappings():
            values = dict(row)
            judgement = Judgement(
                values.pop("verdict"),
                values.pop("measured"),
                values.pop("reason"),
                values.pop("condition"),
            )
            claims[row["claim"]] = StoredClaim(**values, judgement=judgement)
    return claims


def judged_claim(database: Database, claim: str) -> StoredClaim:
    """Return the newest judgement of a claim.

    Raises
    ------
    MissingResultsError
        If it has not been judged.
    """
    judged = stored_claims(database).get(claim)
    if judged is None:
        raise MissingResultsError(
            f"{database.name}: claim {claim} has not been judged; to do so: cdbench audit --claim "
            f"{claim}"
        )
    return judged


def first_audit(database: Database) -> dict[str, str]:
    """Return the verdict of each claim by the first version of its rule, where there is a later."""
    query = text("SELECT claim, seeds, verdict, condition, measured FROM first_audit")
    with database.transaction() as connection:
        return {
            row.claim: f"by the first rule, seeds {row.seeds}: {row.verdict}"
            + (f": {row.condition}" if row.condition else "")
            + f" ({row.measured})"
            for row in connection.execute(query)
        }


def decisive_measurements(database: Database) -> dict[str, Measurement]:
    """Return the first measurement of each claim's newest judgement, which decides first."""
    with database.transaction() as connection:
        rows = [dict(row) for row in connection.execute(text(_DECISIVE)).mappings()]
    return {row.pop("claim"): Measurement(**row) for row in rows}


def measurements_of(database: Database, claim: str) -> tuple[Measurement, ...]:
    """Return the measurements behind a claim's newest judgement, in order."""
    with database.transaction() as connection:
        rows = [
            dict(row) for row in connection.execute(text(_OF_CLAIM), {"claim": claim}).mappings()
        ]
    return tuple(Measurement(**{k: v for k, v in row.items() if k != "claim"}) for row in rows)


def observations_of(database: Database, claim: str) -> tuple[Observation, ...]:
    """Return the observations behind a claim's newest judgement."""
    query = text(
        "SELECT quantity, subject, place, value, run_id FROM observations WHERE claim = :claim"
    )
    with database.transaction() as connection:
        rows = connection.execute(query, {"claim": claim}).mappings()
        found = [Observation(**row) for row in rows]
    # Sorted here because databases order text differently.
    return tuple(sorted(found, key=lambda o: (o.quantity, o.subject, o.place)))
