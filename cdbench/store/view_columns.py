"""What the columns of the views mean; a name means the same in all views, with few exceptions."""

from typing import Literal

from sqlalchemy import Boolean, DateTime, Integer, String

from cdbench.store.models import Base

Kind = Literal["text", "whole", "number", "truth", "time"]
"""What the values of a column are."""

MEANINGS = {
    "model": "Family and structure, such as `dense`, `cdlinear B=4` or `low-rank rank=8`.",
    "family": "Family of the weight layers, such as dense, cdlinear or low-rank.",
    "changes": "The other knobs that are not at their default, such as `learning_rate=0.05 "
    "dropout=0.2`; empty for the paper's recipe.",
    "is_latest": "Whether it is the newest completed run (or benchmark) of its configuration; "
    "true or 1, false or 0, as the client has it.",
    "epochs_trained": "Epochs that it was trained for.",
    "published_kappa": "κ of kind published, mean over the layers; not comparable "
    "between families.",
    "weight_kappa": "κ of kind weight, mean over the layers.",
    "seconds_per_epoch": "Mean wall time of an epoch's updates, seconds.",
    "n_seeds": "Number of runs, each of a seed of its own.",
    "test_accuracy_mean": "Mean over the seeds of the last epoch's test accuracy, 0 to 1.",
    "test_accuracy_sd": "Standard deviation of the same, ddof 0.",
    "test_accuracy_min": "The worst seed's.",
    "test_accuracy_max": "The best seed's.",
    "test_r2_mean": "Mean over the seeds of the last epoch's R² of the test split; NULL of a "
    "classification.",
    "test_r2_sd": "Standard deviation of the same, ddof 0.",
    "bits_per_character": "Test loss of a text / ln 2: bits for each character; NULL of other "
    "tasks.",
    "bits_per_character_mean": "Mean over the seeds of the last epoch's; NULL of other tasks.",
    "bits_per_character_sd": "Standard deviation of the same, ddof 0.",
    "training_loss_mean": "Mean over the seeds of the last epoch's training loss.",
    "training_loss_sd": "Standard deviation of the same, ddof 0.",
    "published_kappa_mean": 'Mean over the seeds of published_kappa: Table 1\'s "Hessian κ".',
    "weight_kappa_median": "Median over the seeds of κ of kind weight.",
    "layer_hessian_kappa_median": "Median over the seeds of the non-null κ of kind layer_hessian.",
    "published_kappa_median": "Median over the seeds of κ of kind published; not comparable "
    "between families.",
    "block_power_kappa_median": "Median over the seeds of κ of kind block_power; not comparable.",
    "theorem1_kappa_median": "Median over the seeds of κ of kind theorem1.",
    "seconds_per_epoch_mean": "Mean over the seeds of seconds_per_epoch.",
    "balanced_accuracy": "Mean of the classes' test accuracies, 0 to 1; NULL for runs of schemas "
    "before 0010.",
    "class_accuracy": "Share of the class's test samples classified correctly, 0 to 1.",
    "step_size": "The learning rate over the gain: the step on the layer's weights, biases not "
    "included.",
    "baseline_run_id": "The dense run that it is compared with.",
    "baseline_test_accuracy": "The dense run's test accuracy.",
    "accuracy_difference": "Own test accuracy less the dense run's.",
    "baseline_test_r2": "The dense run's R² of the test split; NULL of a classification.",
    "r2_difference": "Own R² less the dense run's.",
    "baseline_training_loss": "The dense run's training loss.",
    "baseline_n_parameters": "The dense run's number of parameters.",
    "weight_kappa_ratio": "The dense run's weight_kappa over its own; above 1 it is conditioned "
    "better than dense.",
    "first_verdict": "The ledger's verdict, on the first block of seeds.",
    "first_seeds": "The first block of seeds.",
    "first_measured": "What was measured on the first block.",
    "is_replicated": "Whether both blocks have the same verdict.",
    "verdict_now": "The ledger's verdict, by the rule as it is now.",
    "condition_now": "The condition under which it holds by that rule; else NULL.",
    "n_completed": "How many of these runs completed.",
    "validation_accuracy_mean": "Mean of their validation accuracies, 0 to 1; NULL of a "
    "regression.",
    "validation_loss_mean": "Mean of their validation losses, nats; of a regression squared "
    "errors.",
    "microseconds": "Of one pass: median of the rounds.",
    "microseconds_low": "Lower quartile of the rounds.",
    "microseconds_high": "Upper quartile of the rounds.",
    "is_fastest": "Whether no rival at this size was faster.",
}
"""Meanings of columns that no table has, or that mean something else in views."""

OF_VIEWS = {
    ("epochs_to_accuracy", "accuracy"): "Level of test accuracy that is asked for, 0 to 1.",
    ("studies", "comparison"): "Name of the comparison that the part is; NULL if it is not here.",
    ("comparisons", "accuracy"): "Mean test accuracy, 0 to 1; NULL where another measure ranks.",
    ("comparison_rates", "n_trials"): "Runs that tried this rate.",
    ("epochs_to_accuracy", "epochs"): "First epoch at or above that accuracy; NULL: never.",
    ("measurements", "sql"): "Query that gives the estimate from observations.",
    ("noise_floors", "level"): "The floor d, as a share of the sum of the numbers (the trace).",
    ("noise_floors", "damped_kappa"): "(largest + d) / (smallest + d).",
    ("noise_floors", "cut_kappa"): "largest / smallest of the numbers that are at least d; 1 if "
    "one is left.",
    ("noise_floors", "n_left"): "How many numbers are at least d.",
    ("kappa_epochs", "kappa"): "κ of the kind, mean over the layers.",
    ("kappa_epochs", "kappa_nonnull"): "Non-null κ of the kind, mean over the layers.",
    ("kappa_epochs", "test_accuracy"): "Test accuracy after that epoch; NULL before the first.",
    ("kappa_epochs", "test_r2"): "R² of the test split after that epoch; NULL of a classification.",
}
"""Meanings that a column has in one view only."""

SOURCES = {
    "epochs": ("epoch",),
    "class_accuracies": ("class_accuracy",),
    "layer_gains": ("layer_gain",),
    "kept_models": ("kept_weights",),
    "spectrum_values": ("spectrum_value", "spectrum"),
    "conditions": ("condition_number",),
    "noise_floors": ("noise_floor",),
    "kappa_epochs": ("condition_number",),
    "curvatures": ("curvature",),
    "claims": ("claim_result",),
    "replications": ("claim_result",),
    "first_audit": ("claim_result",),
    "measurements": ("measurement", "claim_result"),
    "observations": ("observation", "series", "claim_result"),
    "benchmarks": ("timing", "benchmark", "environment"),
    "comparisons": ("comparison_line", "comparison"),
    "differences": ("comparison_difference", "comparison_line", "comparison"),
    "comparison_accuracies": ("comparison_line", "comparison"),
    "comparison_rates": ("comparison", "run"),
    "studies": ("study_part", "study", "comparison"),
}
"""Tables whose comments explain a view's other columns; then those of runs and epochs are tried."""


_TYPES: tuple[tuple[type, Kind], ...] = (
    (Boolean, "truth"),
    (Integer, "whole"),
    (String, "text"),
    (DateTime, "time"),
)

_COMPUTED: dict[str, Kind] = {
    "model": "text",
    "changes": "text",
    "family": "text",
    "is_latest": "truth",
    "epochs_trained": "whole",
}
"""Kinds of the views' columns that no table has; the others are numbers."""


def column_kind(view: str, column: str) -> Kind:
    """Return what the values of a column of a view are."""
    if column in _COMPUTED:
        return _COMPUTED[column]
    for name in _tables(view):
        columns = Base.metadata.tables[name].columns
        if column in columns:
            own = columns[column].type
            return next((kind for type_, kind in _TYPES if isinstance(own, type_)), "number")
    return "number"


def column_meaning(view: str, column: str) -> str:
    """Return what a column of a view means.

    Raises
    ------
    KeyError
        If its meaning is written nowhere.
    """
    found = OF_VIEWS.get((view, column)) or MEANINGS.get(column)
    for name in _tables(view):
        if found is None and column in Base.metadata.tables[name].columns:
            found = Base.metadata.tables[name].columns[column].comment
    if found is None:
        raise KeyError(f"{view}.{column}")
    return found


def _tables(view: str) -> tuple[str, ...]:
    return (*SOURCES.get(view, ()), "run", "configuration", "epoch")
