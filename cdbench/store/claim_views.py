"""The views of the ledger, and of benchmarks."""

from cdbench.store.view import View

CLAIMS = View(
    "The ledger: the newest judgement of each claim, in the paper's order.",
    """
    SELECT position, claim, verdict, condition, published, measured, reason, rule, seeds,
        claim_result_id, measured_at
    FROM claim_result
    WHERE claim_result_id = (
        SELECT newer_claim.claim_result_id FROM claim_result AS newer_claim
        WHERE newer_claim.claim = claim_result.claim
        ORDER BY newer_claim.sequence DESC, newer_claim.claim_result_id DESC LIMIT 1)
    ORDER BY position
    """,
)

MEASUREMENTS = View(
    "What the ledger rests on: statistics of observations, with their intervals.",
    """
    SELECT claims.claim, m.position, m.quantity, m.subject, m.baseline, m.statistic, m.estimate,
        m.low, m.high, m.interval, m.n, m.sql
    FROM measurement AS m JOIN claims ON claims.claim_result_id = m.claim_result_id
    """,
)

OBSERVATIONS = View(
    "What the measurements rest on: one row a number, with the run that it comes from.",
    """
    SELECT claims.claim, o.quantity, o.subject, o.place, o.value, o.run_id
    FROM observation AS o JOIN claims ON claims.claim_result_id = o.claim_result_id
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
