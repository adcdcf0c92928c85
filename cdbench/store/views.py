"""The views, which people read by hand and reports use too.

They are dropped before a migration and recreated after it, always as these files define them.
"""

from sqlalchemy import Connection

from cdbench.store.claim_views import (
    BENCHMARKS,
    CLAIMS,
    FIRST_AUDIT,
    MEASUREMENTS,
    OBSERVATIONS,
    REPLICATIONS,
)
from cdbench.store.comparison_views import (
    COMPARISON_ACCURACIES,
    COMPARISON_RATES,
    COMPARISONS,
    DIFFERENCES,
)
from cdbench.store.condition_views import (
    CONDITIONS,
    CURVATURES,
    KAPPA_EPOCHS,
    NOISE_FLOORS,
    SPECTRUM_VALUES,
)
from cdbench.store.model_views import KEPT_MODELS
from cdbench.store.run_views import (
    AGAINST_DENSE,
    CLASS_ACCURACIES,
    EPOCHS,
    EPOCHS_TO_ACCURACY,
    LATEST_RUN,
    LAYER_GAINS,
    MODELS,
    RUNS,
    TABLE1,
)
from cdbench.store.study_views import STUDIES
from cdbench.store.view import View

VIEWS: dict[str, View] = {
    "latest_run": LATEST_RUN,
    "runs": RUNS,
    "models": MODELS,
    "against_dense": AGAINST_DENSE,
    "epochs": EPOCHS,
    "class_accuracies": CLASS_ACCURACIES,
    "layer_gains": LAYER_GAINS,
    "kept_models": KEPT_MODELS,
    "epochs_to_accuracy": EPOCHS_TO_ACCURACY,
    "spectrum_values": SPECTRUM_VALUES,
    "table1": TABLE1,
    "conditions": CONDITIONS,
    "noise_floors": NOISE_FLOORS,
    "kappa_epochs": KAPPA_EPOCHS,
    "curvatures": CURVATURES,
    "claims": CLAIMS,
    "replications": REPLICATIONS,
    "first_audit": FIRST_AUDIT,
    "measurements": MEASUREMENTS,
    "observations": OBSERVATIONS,
    "benchmarks": BENCHMARKS,
    "comparisons": COMPARISONS,
    "differences": DIFFERENCES,
    "comparison_accuracies": COMPARISON_ACCURACIES,
    "comparison_rates": COMPARISON_RATES,
    "studies": STUDIES,
}
"""Views by name, each after those that it depends on."""


def create_views(connection: Connection) -> None:
    """Create every view."""
    for name, view in VIEWS.items():
        connection.exec_driver_sql(f"CREATE VIEW {name} AS {view.select.strip()}")
