"""The views of spectra and condition numbers."""

from cdbench.records.noise_floors import FLOORS
from cdbench.store.floor_columns import CUT_COLUMNS, LEFT_COLUMNS
from cdbench.store.view import View

SPECTRUM_VALUES = View(
    "One row a spectral number, with its run's model, changes and seed.",
    """
    SELECT spectrum.run_id, runs.model, runs.changes, runs.dataset, runs.seed, runs.is_latest,
        spectrum.layer, spectrum.kind, spectrum.epoch, spectrum_value.position,
        spectrum_value.value, spectrum.n_numbers
    FROM spectrum_value
    JOIN spectrum ON spectrum.spectrum_id = spectrum_value.spectrum_id
    JOIN runs ON runs.run_id = spectrum.run_id
    """,
)

CONDITIONS = View(
    "One row a layer, kind and epoch: its condition, with its run's model, changes and seed.",
    """
    SELECT k.run_id, runs.model, runs.changes, runs.dataset, runs.seed, runs.is_latest, k.layer,
        k.kind, k.epoch, k.step, k.sample, k.kappa, k.kappa_nonnull, k.rank, k.size, k.largest,
        k.smallest, k.flatness, k.effective_rank
    FROM condition_number AS k JOIN runs ON runs.run_id = k.run_id
    """,
)

_LEVELS = " UNION ALL ".join(
    f"SELECT {place} AS place, CAST({level!r} AS double precision) AS level"
    for place, level in enumerate(FLOORS, 1)
)


def _at_place(columns: tuple[str, ...]) -> str:
    """Return the SQL of the one of these columns that belongs to the level."""
    cases = " ".join(f"WHEN {place} THEN f.{name}" for place, name in enumerate(columns, 1))
    return f"CASE levels.place {cases} END"


NOISE_FLOORS = View(
    "One row a layer, kind and noise floor: κ after the last epoch, damped and of what is above "
    "the floor, of runs that were trained with --noise-floors.",
    f"""
    SELECT f.run_id, runs.model, runs.changes, runs.dataset, runs.seed, runs.is_latest, f.layer,
        f.kind, f.epoch, levels.level,
        CASE WHEN k.smallest + levels.level * k.trace <= 0 THEN k.kappa
            ELSE (k.largest + levels.level * k.trace) / (k.smallest + levels.level * k.trace)
            END AS damped_kappa,
        {_at_place(CUT_COLUMNS)} AS cut_kappa,
        {_at_place(LEFT_COLUMNS)} AS n_left
    FROM noise_floor AS f JOIN runs ON runs.run_id = f.run_id
    JOIN (SELECT run_id, layer, kind, epoch, largest, smallest, kappa,
            effective_rank * largest AS trace
        FROM condition_number WHERE step = 0) AS k
        ON k.run_id = f.run_id AND k.layer = f.layer AND k.kind = f.kind AND k.epoch = f.epoch
    CROSS JOIN ({_LEVELS}) AS levels
    """,
)

KAPPA_EPOCHS = View(
    "One row a run, kind and epoch: κ over training, averaged over the layers, with the knobs and "
    "the test accuracy or R² of that epoch beside. Epochs are those of --spectra-every, and the "
    "last.",
    """
    SELECT k.run_id, runs.model, runs.changes, runs.dataset, runs.seed, runs.is_latest, k.epoch,
        k.kind, avg(k.kappa) AS kappa, avg(k.kappa_nonnull) AS kappa_nonnull,
        max(epoch.test_accuracy) AS test_accuracy, runs.family, runs.structure, runs."B",
        runs.learning_rate, runs.normalization, runs.input, runs.dropout,
        max(epoch.test_r2) AS test_r2
    FROM condition_number AS k JOIN runs ON runs.run_id = k.run_id
    LEFT JOIN epoch ON epoch.run_id = k.run_id AND epoch.epoch = k.epoch
    WHERE k.step = 0
    GROUP BY k.run_id, runs.model, runs.changes, runs.dataset, runs.seed, runs.is_latest, k.epoch,
        k.kind, runs.family, runs.structure, runs."B", runs.learning_rate, runs.normalization,
        runs.input, runs.dropout
    """,
)

CURVATURES = View(
    "One row a matrix of the whole network, with its run's model, changes and seed.",
    """
    SELECT c.run_id, runs.model, runs.changes, runs.dataset, runs.seed, runs.is_latest, c.matrix,
        c.coordinates, c.epoch, c.sample, c.method, c.largest, c.smallest, c.trace, c.trace_error,
        c.effective_rank, c.damping, c.damped_kappa, c.rank, c.size
    FROM curvature AS c JOIN runs ON runs.run_id = c.run_id
    """,
)
