"""The view of trained networks that were kept."""

from cdbench.store.view import View

KEPT_MODELS = View(
    "One row a trained network that was kept (`--keep-weights`), with its run's model, changes, "
    "seed and last epoch; `cdbench model` lists, exports and applies them.",
    """
    SELECT w.run_id, runs.model, runs.changes, runs.dataset, runs.seed, runs.is_latest, runs.task,
        runs.test_accuracy, runs.test_r2, runs.test_loss, w.n_parameters, w.dtype, w.n_bytes,
        w.digest, runs.uuid
    FROM kept_weights AS w JOIN runs ON runs.run_id = w.run_id
    """,
)
