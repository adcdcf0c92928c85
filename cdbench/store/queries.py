"""What reports, figures and sweeps read from the database, as frozen dataclasses.

They use the same views that people read by hand.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BindParameter, Connection, bindparam, text

from cdbench.config.run_config import RunConfig
from cdbench.records.run import EpochMetrics, Scored
from cdbench.records.spectra import Condition, Spectrum
from cdbench.store.database import Database
from cdbench.store.stored_json import asked_config, stored_config

CHUNK = 500
"""Configurations looked up per statement; SQLite allows only some thousands of parameters."""


@dataclass(frozen=True)
class StoredRun(Scored):
    """A completed run, with its last epoch and its condition numbers averaged over the layers.

    Attributes
    ----------
    run_id : int
        Its key in the database.
    config : RunConfig
        What was trained.
    widths : str
        Widths as built, such as ``64→64→64→12``.
    n_parameters : int
        Weights and biases.
    training_loss, test_loss : float
        Losses of the last epoch, in nats, or of a regression in the target's unit squared.
    test_accuracy, test_r2 : float or None
        After the last epoch: the accuracy, 0 to 1, or of a regression R²; the other is None.
    published_kappa, weight_kappa : float or None
        Condition numbers of those kinds, averaged over the weight layers; None if not measured.
    seconds_per_epoch : float
        Mean wall time of an epoch's updates.
    """

    run_id: int
    config: RunConfig
    widths: str
    n_parameters: int
    training_loss: float
    test_loss: float
    test_accuracy: float | None
    published_kappa: float | None
    weight_kappa: float | None
    seconds_per_epoch: float
    test_r2: float | None = None


ASKED = """run.config_digest IN :digests AND run.seed IN :seeds
        AND run.configuration_id IN (
            SELECT configuration_id FROM configuration WHERE group_digest IN :groups)"""
"""SQL condition that a run is of one of some configurations; ``asked`` gives its values.

The digests alone would do, but it is their seeds and what these share that an index finds.
"""

OF_ASKED: tuple[BindParameter[Any], ...] = tuple(
    bindparam(name, expanding=True) for name in ("digests", "seeds", "groups")
)

_NEWEST = text(
    f"""
    SELECT runs.run_id, runs.seed, c.config_json, runs.config_digest, runs.widths,
        runs.n_parameters, runs.training_loss, runs.test_loss, runs.test_accuracy, runs.test_r2,
        runs.published_kappa, runs.weight_kappa, runs.seconds_per_epoch
    FROM runs JOIN run ON run.run_id = runs.run_id
    JOIN configuration AS c ON c.configuration_id = run.configuration_id
    WHERE {ASKED} AND runs.status = 'completed' AND runs.is_latest
    """
).bindparams(*OF_ASKED)

_COMPLETED = text(
    f"SELECT DISTINCT config_digest FROM run WHERE {ASKED} AND status = 'completed'"
).bindparams(*OF_ASKED)

_EPOCHS = text(
    """
    SELECT epoch, training_loss, test_loss, test_accuracy, test_r2, duration_s
    FROM epoch WHERE run_id = :run_id ORDER BY epoch
    """
)

_CONDITIONS = text(
    """
    SELECT layer, kind, epoch, sample, largest, smallest, kappa, kappa_nonnull, rank, size,
        threshold, flatness, effective_rank
    FROM condition_number WHERE run_id = :run_id AND step = 0 ORDER BY layer, kind, epoch
    """
)

_SPECTRA = text(
    """
    SELECT spectrum_id, layer, kind, epoch, multiplicity, n_numbers
    FROM spectrum WHERE run_id = :run_id
    """
)

_VALUES = text(
    "SELECT value FROM spectrum_value WHERE spectrum_id = :spectrum_id ORDER BY position"
)


def newest_runs(database: Database, configs: Iterable[RunConfig]) -> dict[RunConfig, StoredRun]:
    """Return the newest completed run of each configuration that has one."""
    by_digest = {config.digest(): config for config in configs}
    found: dict[RunConfig, StoredRun] = {}
    with database.transaction() as connection:
        for values in asked(by_digest):
            for row in connection.execute(_NEWEST, values).mappings():
                fields = dict(row)
                config = stored_config(fields, database)
                del fields["seed"], fields["config_json"], fields["config_digest"]
                found[config] = StoredRun(config=config, **fields)
    return found


def completed_configs(database: Database, configs: Iterable[RunConfig]) -> set[RunConfig]:
    """Return the configurations that have a completed run."""
    by_digest = {config.digest(): config for config in configs}
    with database.transaction() as connection:
        return {
            asked_config(by_digest, digest, database)
            for values in asked(by_digest)
            for digest in connection.execute(_COMPLETED, values).scalars()
        }


def epochs_of(database: Database, run_id: int) -> tuple[EpochMetrics, ...]:
    """Return a run's epochs in order."""
    with database.transaction() as connection:
        rows = connection.execute(_EPOCHS, {"run_id": run_id}).mappings()
        return tuple(EpochMetrics(**row) for row in rows)


def spectra_of(database: Database, run_id: int) -> tuple[Spectrum, ...]:
    """Return a run's spectra with their conditions, ordered by layer and by name of the kind."""
    with database.transaction() as connection:
        values = _values_of(connection, run_id)
        spectra = []
        for row in connection.execute(_CONDITIONS, {"run_id": run_id}).mappings():
            fields = dict(row)
            key = (fields.pop("layer"), fields.pop("kind"), fields.pop("epoch"))
            sample = fields.pop("sample")
            multiplicity, n_numbers, numbers = values.get(key, (1, None, []))
            condition = Condition(**fields)
            spectra.append(
                Spectrum(
                    *(*key, tuple(numbers), condition, sample),
                    multiplicity=multiplicity,
                    n_numbers=n_numbers,
                )
            )
        return tuple(spectra)


def _values_of(
    connection: Connection, run_id: int
) -> dict[tuple[int, str, int], tuple[int, int | None, list[float]]]:
    """Return each spectrum's multiplicity, the count of its numbers, and those that were kept."""
    return {
        (layer, kind, epoch): (
            multiplicity,
            n_numbers,
            # One query per spectrum, with one number per row: a run may have 100,000 of them.
            list(connection.execute(_VALUES, {"spectrum_id": spectrum_id}).scalars()),
        )
        for spectrum_id, layer, kind, epoch, multiplicity, n_numbers in connection.execute(
            _SPECTRA, {"run_id": run_id}
        ).all()
    }


def asked(by_digest: Mapping[str, RunConfig]) -> Iterator[dict[str, list[Any]]]:
    """Yield the values of ``ASKED`` for configurations by their digests, some at a time."""
    for some in chunks(list(by_digest.items())):
        yield {
            "digests": [digest for digest, _ in some],
            "seeds": sorted({config.seed for _, config in some}),
            "groups": sorted({config.group_digest() for _, config in some}),
        }


def chunks(items: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """Yield the items in slices small enough for one statement."""
    for start in range(0, len(items), CHUNK):
        yield items[start : start + CHUNK]
