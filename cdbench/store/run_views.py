"""The views of runs and of models."""

from math import log

from cdbench.config.families import BASELINE
from cdbench.records.run import REMOVED
from cdbench.store.changed_knobs import CHANGES
from cdbench.store.view import View

NATS_A_BIT = log(2)
"""ln 2."""

_IS_LATEST = """run.status = 'completed' AND NOT EXISTS (
            SELECT 1 FROM configuration AS same
            JOIN run AS newer ON newer.configuration_id = same.configuration_id
            WHERE same.group_digest = configuration.group_digest AND newer.seed = run.seed
                AND newer.status = 'completed'
                AND (newer.sequence, newer.run_id) > (run.sequence, run.run_id))"""
"""SQL condition that no completed run of the same configuration and seed was written later."""

LATEST_RUN = View(
    "The newest completed run of each configuration: what reports use.",
    f"""
    SELECT run.run_id, run.config_digest
    FROM run JOIN configuration ON configuration.configuration_id = run.configuration_id
    WHERE {_IS_LATEST}
    """,
)

_RUNS_WHERE = f"""
    SELECT run.run_id, {{status}} AS status,
        run.layer || coalesce(' B=' || run."B", ' ' || run.structure, '') AS model,
        {CHANGES} AS changes, run.seed,
        run.layer AS family, run.structure, run."B", run.dataset, run.widths, run.n_parameters,
        epoch.epoch AS epochs_trained, epoch.training_loss, epoch.test_loss, epoch.test_accuracy,
        (SELECT avg(kappa) FROM condition_number AS k WHERE k.run_id = run.run_id
            AND k.kind = 'published' AND k.epoch = epoch.epoch AND k.step = 0) AS published_kappa,
        (SELECT avg(kappa) FROM condition_number AS k WHERE k.run_id = run.run_id
            AND k.kind = 'weight' AND k.epoch = epoch.epoch AND k.step = 0) AS weight_kappa,
        (SELECT avg(duration_s) FROM epoch AS e WHERE e.run_id = run.run_id) AS seconds_per_epoch,
        epoch.validation_loss, epoch.validation_accuracy, epoch.test_r2,
        CASE run.task WHEN 'language' THEN epoch.test_loss / {NATS_A_BIT} END
            AS bits_per_character,
        (SELECT avg(c.accuracy) FROM class_accuracy AS c WHERE c.run_id = run.run_id)
            AS balanced_accuracy,
        run.task, run.input, run.architecture, run.hidden, run.width, run.depth, run.channels,
        run.kernel, run.heads, run.context, run.activation, run.head, run.normalization, run.epochs,
        run.validation,
        run.early_stopping, run.batch_size, run.learning_rate,
        run.learning_rate_scaling, run.momentum, run.optimizer, run.weight_decay, run.schedule,
        run.warmup, run.clip, run.label_smoothing, run.dropout, run.fisher_weight,
        run.fisher_form, run.fisher_epsilon, run.dtype, run.product, run.product_used,
        run.started_at, run.duration_s, run.error, run.uuid, run.sweep_id, run.environment_id,
        run.config_digest, configuration.group_digest, configuration.baseline_digest,
        {_IS_LATEST}
            AS is_latest
    FROM run JOIN configuration ON configuration.configuration_id = run.configuration_id
    LEFT JOIN epoch ON epoch.run_id = run.run_id
        AND epoch.epoch = (SELECT max(epoch) FROM epoch AS e WHERE e.run_id = run.run_id)
    {{where}}
    """

RUNS = View(
    "One row a run, with its last epoch and, averaged over its layers, its condition numbers. "
    "What tells two rows apart is in model, changes and seed. Runs in the trash are left out.",
    _RUNS_WHERE.format(status="run.status", where=f"WHERE run.status <> '{REMOVED}'"),
)

REMOVED_RUNS = _RUNS_WHERE.format(
    status="trash.status", where="JOIN trash ON trash.run_id = run.run_id"
)
"""The same of the runs in the trash, as a query: they are in no view."""

_KINDS = ("weight", "layer_hessian", "published", "block_power", "theorem1")

MODELS = View(
    "One row a model: all knobs but the seed. Statistics are over the newest completed run of each "
    "seed. A κ is a run's mean over its layers, of which the median is taken; of layer_hessian it "
    "is that of the non-null part. Only weight and layer_hessian can be compared between families.",
    f"""
    WITH latest AS (SELECT * FROM runs WHERE is_latest), mean AS (
        SELECT group_digest, count(*) AS n_seeds, avg(test_accuracy) AS accuracy,
            avg(training_loss) AS loss, avg(test_r2) AS r2, avg(bits_per_character) AS bits
        FROM latest GROUP BY group_digest
    ), kappas AS (
        SELECT latest.group_digest, k.kind, k.run_id,
            avg(CASE k.kind WHEN 'layer_hessian' THEN k.kappa_nonnull ELSE k.kappa END) AS kappa
        FROM latest JOIN condition_number AS k ON k.run_id = latest.run_id
            AND k.epoch = latest.epochs_trained AND k.step = 0
        GROUP BY latest.group_digest, k.kind, k.run_id
    ), ranked AS (
        SELECT group_digest, kind, kappa,
            count(*) OVER (PARTITION BY group_digest, kind) AS n,
            row_number() OVER (PARTITION BY group_digest, kind ORDER BY kappa) AS place
        FROM kappas
    ), medians AS (
        SELECT group_digest,
            {", ".join(f"avg(CASE kind WHEN '{kind}' THEN kappa END) AS {kind}" for kind in _KINDS)}
        FROM ranked WHERE 2 * place IN (n, n + 1, n + 2) GROUP BY group_digest
    )
    SELECT latest.model, latest.changes, latest.dataset, mean.n_seeds,
        mean.accuracy AS test_accuracy_mean,
        sqrt(avg((test_accuracy - mean.accuracy) * (test_accuracy - mean.accuracy)))
            AS test_accuracy_sd,
        min(test_accuracy) AS test_accuracy_min, max(test_accuracy) AS test_accuracy_max,
        mean.r2 AS test_r2_mean,
        sqrt(avg((test_r2 - mean.r2) * (test_r2 - mean.r2))) AS test_r2_sd,
        mean.bits AS bits_per_character_mean,
        sqrt(avg((bits_per_character - mean.bits) * (bits_per_character - mean.bits)))
            AS bits_per_character_sd,
        mean.loss AS training_loss_mean,
        sqrt(avg((training_loss - mean.loss) * (training_loss - mean.loss))) AS training_loss_sd,
        max(latest.n_parameters) AS n_parameters,
        {", ".join(f"max(medians.{kind}) AS {kind}_kappa_median" for kind in _KINDS)},
        avg(seconds_per_epoch) AS seconds_per_epoch_mean,
        max(latest.family) AS family, max(latest.structure) AS structure, max(latest."B") AS "B",
        max(latest.architecture) AS architecture, max(latest.hidden) AS hidden,
        max(latest.epochs) AS epochs, max(latest.learning_rate) AS learning_rate,
        max(latest.dropout) AS dropout, latest.group_digest
    FROM latest JOIN mean ON mean.group_digest = latest.group_digest
    LEFT JOIN medians ON medians.group_digest = latest.group_digest
    GROUP BY latest.group_digest, latest.model, latest.changes, latest.dataset, mean.n_seeds,
        mean.accuracy, mean.r2, mean.bits, mean.loss
    """,
)

AGAINST_DENSE = View(
    "One row a run that has a dense counterpart, all knobs and the seed being equal: both side by "
    "side. Ratios of κ are dense / own, so that above 1 the run is the better conditioned one.",
    f"""
    SELECT own.run_id, dense.run_id AS baseline_run_id, own.model, own.changes, own.dataset,
        own.seed, own.test_accuracy, dense.test_accuracy AS baseline_test_accuracy,
        own.test_accuracy - dense.test_accuracy AS accuracy_difference,
        own.test_r2, dense.test_r2 AS baseline_test_r2,
        own.test_r2 - dense.test_r2 AS r2_difference,
        own.training_loss, dense.training_loss AS baseline_training_loss,
        own.n_parameters, dense.n_parameters AS baseline_n_parameters,
        dense.weight_kappa / own.weight_kappa AS weight_kappa_ratio, own.group_digest
    FROM runs AS own JOIN runs AS dense ON dense.group_digest = own.baseline_digest
        AND dense.seed = own.seed AND dense.is_latest
    WHERE own.is_latest AND own.family <> '{BASELINE}'
    """,
)

EPOCHS = View(
    "One row an epoch, with its run's model, changes and seed.",
    f"""
    SELECT epoch.run_id, runs.model, runs.changes, runs.dataset, runs.seed, runs.is_latest,
        epoch.epoch, epoch.training_loss, epoch.test_loss, epoch.test_accuracy, epoch.duration_s,
        epoch.validation_loss, epoch.validation_accuracy, epoch.test_r2,
        CASE runs.task WHEN 'language' THEN epoch.test_loss / {NATS_A_BIT} END
            AS bits_per_character
    FROM epoch JOIN runs ON runs.run_id = epoch.run_id
    """,
)

CLASS_ACCURACIES = View(
    "One row a completed run and class, with its run's model, changes and seed.",
    """
    SELECT c.run_id, runs.model, runs.changes, runs.dataset, runs.seed, runs.is_latest, c.label,
        c.n_samples, c.accuracy AS class_accuracy, c.position
    FROM class_accuracy AS c JOIN runs ON runs.run_id = c.run_id
    """,
)

LAYER_GAINS = View(
    "One row a run and weight layer, of runs whose learning rate is scaled by mean or sharp: the "
    "layer's gain and the step on its weights.",
    """
    SELECT g.run_id, runs.model, runs.changes, runs.dataset, runs.seed, runs.is_latest, g.layer,
        runs.learning_rate_scaling, g.gain, runs.learning_rate / g.gain AS step_size
    FROM layer_gain AS g JOIN runs ON runs.run_id = g.run_id
    """,
)

EPOCHS_TO_ACCURACY = View(
    "One row a classification and level: the first epoch whose test accuracy is at least that, or "
    "NULL for a run that never arrives: such runs count, so no mean of epochs alone tells the "
    "story.",
    """
    SELECT runs.run_id, runs.model, runs.changes, runs.dataset, runs.seed, runs.is_latest,
        level.accuracy, (SELECT min(epoch.epoch) FROM epoch WHERE epoch.run_id = runs.run_id
            AND epoch.test_accuracy >= level.accuracy) AS epochs
    FROM runs CROSS JOIN (
        SELECT CAST(0.8 AS double precision) AS accuracy UNION ALL SELECT 0.9 UNION ALL SELECT 0.95
        UNION ALL SELECT 0.97 UNION ALL SELECT 0.98 UNION ALL SELECT 0.99
    ) AS level
    WHERE runs.status = 'completed' AND runs.task = 'classification'
    """,
)

TABLE1 = View(
    "The paper's Table 1 as measured: its recipe, models and seeds; deviations with ddof 0. "
    "published_kappa is not comparable between models; weight_kappa_median is.",
    f"""
    WITH paper AS (
        SELECT * FROM runs
        WHERE is_latest AND dataset = 'digits' AND (family = '{BASELINE}' OR "B" IN (4, 8))
            AND seed IN (0, 1, 2) AND hidden = '64 64' AND epochs = 25 AND batch_size = 64
            AND learning_rate = 0.1 AND momentum = 0.9 AND optimizer = 'sgd' AND dropout = 0
            AND fisher_weight = 0 AND dtype = 'float64' AND input = 'scale'
            AND normalization = 'none' AND learning_rate_scaling = 'raw'
            AND product = 'auto' AND head = 'structured' AND validation = 0
    ), mean AS (
        SELECT model, avg(training_loss) AS loss, avg(test_accuracy) AS accuracy
        FROM paper GROUP BY model
    ), ranked AS (
        SELECT model, weight_kappa, count(*) OVER (PARTITION BY model) AS n,
            row_number() OVER (PARTITION BY model ORDER BY weight_kappa) AS place
        FROM paper
    ), median AS (
        SELECT model, avg(weight_kappa) AS weight_kappa FROM ranked
        WHERE 2 * place IN (n, n + 1, n + 2) GROUP BY model
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
