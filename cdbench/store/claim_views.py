"""The views of the ledger, and of benchmarks."""

from cdbench.store.view import View
from cdbench.store.written_out import WRITTEN_OUT


def _newest(block: str, further: str = "") -> str:
    """Return the SQL condition that a row of claim_result is its claim's newest of a block."""
    return f"""claim_result.claim_result_id = (
        SELECT newer_claim.claim_result_id FROM claim_result AS newer_claim
        WHERE newer_claim.claim = claim_result.claim AND newer_claim.block = '{block}' {further}
        ORDER BY newer_claim.sequence DESC, newer_claim.claim_result_id DESC LIMIT 1)"""


CLAIMS = View(
    "The ledger: the newest judgement of each claim, in the paper's order.",
    f"""
    SELECT position, claim, verdict, condition, published, measured, reason, rule, rule_version,
        seeds, p_value, claim_result_id, measured_at
    FROM claim_result
    WHERE {_newest("first")}
    ORDER BY position
    """,
)

REPLICATIONS = View(
    "The newest judgement of each claim on a second block of seeds, by the same rule, with the "
    "first block's beside.",
    f"""
    SELECT claim_result.position, claim_result.claim, claims.verdict AS first_verdict,
        claims.seeds AS first_seeds, claims.measured AS first_measured, claim_result.verdict,
        claim_result.condition, claim_result.seeds, claim_result.measured, claim_result.reason,
        claim_result.verdict = claims.verdict AS is_replicated, claim_result.claim_result_id
    FROM claim_result JOIN claims ON claims.claim = claim_result.claim
        AND claims.rule_version = claim_result.rule_version AND claims.rule = claim_result.rule
    WHERE {_newest("replication")}
    ORDER BY claim_result.position
    """,
)

FIRST_AUDIT = View(
    "The newest judgement of each claim by the first version of its rule, where there is a later.",
    f"""
    SELECT claim_result.position, claim_result.claim, claim_result.verdict,
        claim_result.condition, claim_result.measured, claim_result.reason, claim_result.rule,
        claim_result.seeds, claims.verdict AS verdict_now, claims.condition AS condition_now
    FROM claim_result JOIN claims ON claims.claim = claim_result.claim
        AND claims.rule_version > claim_result.rule_version
    WHERE {_newest("first", "AND newer_claim.rule_version = 1")}
    ORDER BY claim_result.position
    """,
)

MEASUREMENTS = View(
    "What the ledger rests on: statistics of observations, with their intervals.",
    f"""
    SELECT claims.claim, m.position, m.quantity, m.subject, m.baseline, m.statistic, m.estimate,
        m.low, m.high, m.interval, m.estimand, m.wide_low, m.wide_high, m.n,
        {WRITTEN_OUT} AS sql
    FROM measurement AS m JOIN claims ON claims.claim_result_id = m.claim_result_id
    JOIN statement ON statement.statement_id = m.statement_id
    """,
)

OBSERVATIONS = View(
    "What the measurements rest on: one row a number, with the run that it comes from.",
    """
    SELECT claims.claim, series.quantity, series.subject, o.place, o.value, o.run_id
    FROM claims JOIN series ON series.claim_result_id = claims.claim_result_id
    JOIN observation AS o ON o.series_id = series.series_id
    """,
)

BENCHMARKS = View(
    "One row a time that `cdbench bench` measured: a forward and backward pass of an n × n layer.",
    """
    SELECT benchmark_id, benchmark_id = (
            SELECT newer_benchmark.benchmark_id FROM benchmark AS newer_benchmark
            ORDER BY newer_benchmark.sequence DESC, newer_benchmark.benchmark_id DESC
            LIMIT 1) AS is_latest,
        dtype, "B", n_samples, n, product,
        round(CAST(1e6 * seconds AS numeric), 2) AS microseconds,
        round(CAST(1e6 * seconds_low AS numeric), 2) AS microseconds_low,
        round(CAST(1e6 * seconds_high AS numeric), 2) AS microseconds_high,
        round(CAST(speedup AS numeric), 3) AS speedup,
        round(CAST(speedup_low AS numeric), 3) AS speedup_low,
        round(CAST(speedup_high AS numeric), 3) AS speedup_high,
        seconds = min(seconds) OVER (PARTITION BY benchmark_id, dtype, "B", n_samples, n)
            AS is_fastest,
        is_planned, rounds, started_at, cpu, blas, blas_threads, cdbench_version
    FROM timing JOIN benchmark USING (benchmark_id) JOIN environment USING (environment_id)
    """,
)
