"""The views of comparisons."""

from cdbench.records.run import REMOVED
from cdbench.store.view import View


def _scaled(run: str) -> str:
    """Return SQL for the knob that makes a network narrower, as `hidden` of a line has it."""
    return f"coalesce({run}.channels, CAST({run}.width AS text), {run}.hidden)"


COMPARISONS = View(
    "One row a model of a comparison, at each budget the best first.",
    """
    SELECT c.name, l.position, l.budget, l.role, l.model, l.hidden, l.n_parameters,
        l.multiply_adds, CASE c.measure WHEN 'accuracy' THEN l.score END AS accuracy,
        l.low, l.high, l.wide_low, l.wide_high, l.learning_rate,
        l.usable_low, l.usable_high, l.is_at_edge, l.n_trials, l.n_seeds, l.weight_kappa,
        l.hessian_kappa, l.seconds_per_epoch, l.prediction_us, l.layer AS family, l.structure,
        l."B", l.comparison_id, l.comparison_line_id, c.measure, l.score
    FROM comparison_line AS l JOIN comparison AS c ON c.comparison_id = l.comparison_id
    """,
)

DIFFERENCES = View(
    "One row a model of a comparison and dense network that it is measured against.",
    """
    SELECT c.name, l.budget, l.model, l.hidden, l.n_parameters, d.against, d.difference, d.low,
        d.high, d.p_holm, d.wide_low, d.wide_high, d.wide_p_holm, d.improvement, l.comparison_id,
        l.comparison_line_id, c.measure
    FROM comparison_difference AS d
    JOIN comparison_line AS l ON l.comparison_line_id = d.comparison_line_id
    JOIN comparison AS c ON c.comparison_id = l.comparison_id
    """,
)

COMPARISON_ACCURACIES = View(
    "One row a completed run that a comparison reports.",
    f"""
    SELECT c.name, l.budget, l.role, l.model, l.hidden, runs.seed, runs.test_accuracy,
        runs.learning_rate, l.position, l.layer AS family, l.structure, c.comparison_id,
        runs.run_id, c.measure, runs.test_r2, runs.bits_per_character
    FROM comparison_line AS l JOIN comparison AS c ON c.comparison_id = l.comparison_id
    JOIN comparison_run AS r ON r.comparison_id = l.comparison_id AND r.stage = 'reported'
    JOIN runs ON runs.run_id = r.run_id AND runs.status = 'completed' AND runs.model = l.model
        AND {_scaled("runs")} = l.hidden AND runs.learning_rate = l.learning_rate
    """,
)

COMPARISON_RATES = View(
    "One row a model of a comparison and learning rate that was tried for it.",
    f"""
    SELECT c.name, run.layer || coalesce(' B=' || run."B", ' ' || run.structure, '') AS model,
        {_scaled("run")} AS hidden, run.learning_rate, count(run.run_id) AS n_trials,
        sum(CASE run.status WHEN 'completed' THEN 1 ELSE 0 END) AS n_completed,
        avg(epoch.validation_accuracy) AS validation_accuracy_mean,
        avg(epoch.validation_loss) AS validation_loss_mean, c.comparison_id
    FROM comparison_run AS r JOIN comparison AS c ON c.comparison_id = r.comparison_id
    JOIN run ON run.run_id = r.run_id AND run.status <> '{REMOVED}'
    LEFT JOIN epoch ON epoch.run_id = run.run_id AND run.status = 'completed'
        AND epoch.epoch = (SELECT max(e.epoch) FROM epoch AS e WHERE e.run_id = run.run_id)
    WHERE r.stage = 'tuning'
    GROUP BY c.comparison_id, c.name, run.layer, run."B", run.structure,
        {_scaled("run")}, run.learning_rate
    """,
)
