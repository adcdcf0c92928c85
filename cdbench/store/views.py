"""The views: what people read by hand, and what the reports read too.

They are dropped before a migration and made again after it, always as they stand here.
"""

from typing import NamedTuple

from sqlalchemy import Connection


class View(NamedTuple):
    """A view's purpose, in a sentence, and its SELECT."""

    purpose: str
    select: str


LATEST_RUN = View(
    "The newest completed run of each configuration: what reports use.",
    """
    SELECT run_id, config_digest FROM run WHERE run_id = (
        SELECT newer.run_id FROM run AS newer
        WHERE newer.config_digest = run.config_digest AND newer.status = 'completed'
        ORDER BY newer.sequence DESC, newer.run_id DESC LIMIT 1)
    """,
)

RUNS = View(
    "One row a run, with its last epoch and, averaged over its layers, its condition numbers.",
    """
    SELECT run.run_id, run.status,
        CASE WHEN run."B" IS NULL THEN run.layer ELSE run.layer || ' B=' || run."B" END AS model,
        run.layer, run."B", run.seed, run.dataset, run.widths, run.n_parameters,
        epoch.epoch AS epochs_trained, epoch.training_loss, epoch.test_loss, epoch.test_accuracy,
        (SELECT avg(kappa) FROM condition_number AS k WHERE k.run_id = run.run_id
            AND k.kind = 'published' AND k.epoch = epoch.epoch AND k.step = 0) AS published_kappa,
        (SELECT avg(kappa) FROM condition_number AS k WHERE k.run_id = run.run_id
            AND k.kind = 'weight' AND k.epoch = epoch.epoch AND k.step = 0) AS weight_kappa,
        (SELECT avg(duration_s) FROM epoch AS e WHERE e.run_id = run.run_id) AS seconds_per_epoch,
        run.input, run.hidden, run.normalization, run.epochs, run.batch_size, run.learning_rate,
        run.learning_rate_scaling, run.momentum, run.optimizer, run.dropout, run.fisher_weight,
        run.fisher_form, run.fisher_epsilon, run.dtype, run.product, run.product_used,
        run.started_at, run.duration_s, run.error, run.config_digest, run.group_digest,
        coalesce(run.run_id = (SELECT newer.run_id FROM run AS newer
            WHERE newer.config_digest = run.config_digest AND newer.status = 'completed'
            ORDER BY newer.sequence DESC, newer.run_id DESC LIMIT 1), run.run_id IS NULL)
            AS is_latest
    FROM run LEFT JOIN epoch ON epoch.run_id = run.run_id
        AND epoch.epoch = (SELECT max(epoch) FROM epoch AS e WHERE e.run_id = run.run_id)
    """,
)

EPOCHS = View(
    "One row an epoch, with its run's model and seed.",
    """
    SELECT epoch.run_id, runs.model, runs.dataset, runs.seed, runs.is_latest, epoch.epoch,
        epoch.training_loss, epoch.test_loss, epoch.test_accuracy, epoch.duration_s
    FROM epoch JOIN runs ON runs.run_id = epoch.run_id
    """,
)

SPECTRUM_VALUES = View(
    "One row a spectral number, with its run's model and seed.",
    """
    SELECT spectrum.run_id, runs.model, runs.dataset, runs.seed, runs.is_latest, spectrum.layer,
        spectrum.kind, spectrum.epoch, spectrum_value.position, spectrum_value.value
    FROM spectrum_value
    JOIN spectrum ON spectrum.spectrum_id = spectrum_value.spectrum_id
    JOIN runs ON runs.run_id = spectrum.run_id
    """,
)

TABLE1 = View(
    "The paper's Table 1 as measured: its recipe, models and seeds; deviations with ddof 0. "
    "published_kappa is not comparable between models; weight_kappa_median is.",
    """
    WITH paper AS (
        SELECT * FROM runs
        WHERE is_latest AND dataset = 'digits' AND ("B" IS NULL OR "B" IN (4, 8))
            AND seed IN (0, 1, 2) AND hidden = '64 64' AND epochs = 25 AND batch_size = 64
            AND learning_rate = 0.1 AND momentum = 0.9 AND optimizer = 'sgd' AND dropout = 0
            AND fisher_weight = 0 AND dtype = 'float64' AND input = 'scale'
            AND normalization = 'none' AND learning_rate_scaling = 'raw'
            AND product = 'auto'
    ), mean AS (
        SELECT model, avg(training_loss) AS loss, avg(test_accuracy) AS accuracy
        FROM paper GROUP BY model
    ), ranked AS (
        SELECT model, weight_kappa, count(*) OVER (PARTITION BY model) AS n,
            row_number() OVER (PARTITION BY model ORDER BY weight_kappa) AS place
        FROM paper
    ), median AS (
        SELECT model, avg(weight_kappa) AS weight_kappa FROM ranked
        WHERE place IN ((n + 1) / 2, (n + 2) / 2) GROUP BY model
    )
    SELECT paper.model, max(widths) AS widths, max(n_parameters) AS n_parameters,
        count(*) AS n_seeds,
        mean.loss AS training_loss_mean,
        sqrt(avg((training_loss - mean.loss) * (training_loss - mean.loss))) AS training_loss_sd,
        mean.accuracy AS test_accuracy_mean,
        sqrt(avg((test_accuracy - mean.accuracy) * (test_accuracy - mean.accuracy)))
            AS test_accuracy_sd,
        avg(published_kappa) AS published_kappa_mean,
        median.weight_kappa AS weight_kappa_median
    FROM paper
    JOIN mean ON mean.model = paper.model
    JOIN median ON median.model = paper.model
    GROUP BY paper.model, mean.loss, mean.accuracy, median.weight_kappa
    ORDER BY max("B") IS NOT NULL, max("B")
    """,
)

CONDITIONS = View(
    "One row a layer, kind and epoch: its condition, with its run's model and seed.",
    """
    SELECT k.run_id, runs.model, runs.dataset, runs.seed, runs.is_latest, k.layer, k.kind,
        k.epoch, k.step, k.sample, k.kappa, k.kappa_nonnull, k.rank, k.size, k.largest,
        k.smallest, k.flatness
    FROM condition_number AS k JOIN runs ON runs.run_id = k.run_id
    """,
)

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

VIEWS: dict[str, View] = {
    "latest_run": LATEST_RUN,
    "runs": RUNS,
    "epochs": EPOCHS,
    "spectrum_values": SPECTRUM_VALUES,
    "table1": TABLE1,
    "conditions": CONDITIONS,
    "claims": CLAIMS,
    "measurements": MEASUREMENTS,
    "observations": OBSERVATIONS,
    "benchmarks": BENCHMARKS,
}
"""In the order in which they depend on each other."""


def create_views(connection: Connection) -> None:
    """Create every view."""
    for name, view in VIEWS.items():
        connection.exec_driver_sql(f"CREATE VIEW {name} AS {view.select.strip()}")
