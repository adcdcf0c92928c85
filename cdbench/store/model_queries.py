"""Reading trained networks that were kept, and the runs that have one."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select, text

from cdbench.errors import StoreError
from cdbench.records.run import Scored
from cdbench.records.weights import Weights
from cdbench.store import models
from cdbench.store.database import Database
from cdbench.store.insert import table_of
from cdbench.store.weights_rows import weights_from

_KEPT = table_of(models.KeptWeights)

_LIST = text(
    """
    SELECT run_id, uuid, model, changes, dataset, seed, task, test_accuracy, test_r2, test_loss,
        n_parameters, dtype, n_bytes, digest
    FROM kept_models ORDER BY run_id
    """
)


@dataclass(frozen=True)
class KeptModel(Scored):
    """A run whose network was kept.

    Attributes
    ----------
    run_id, uuid
        Its key in the database, and its identity in any.
    model, changes, dataset, seed, task
        As in the view runs.
    test_accuracy, test_r2, test_loss : float or None
        Of its last epoch; the accuracy is None of a regression, and R² of others.
    n_parameters : int
        Weights and biases.
    dtype, digest : str
        Type and SHA-256 of the parameters.
    n_bytes : int
        What they take in the database.
    """

    run_id: int
    uuid: str
    model: str
    changes: str
    dataset: str
    seed: int
    task: str
    test_accuracy: float | None
    test_r2: float | None
    test_loss: float
    n_parameters: int
    dtype: str
    n_bytes: int
    digest: str


def kept_models(database: Database) -> Sequence[KeptModel]:
    """Return the runs whose networks were kept, ordered by run_id."""
    with database.transaction() as connection:
        return [KeptModel(**row) for row in connection.execute(_LIST).mappings()]


def kept_weights(database: Database, run_id: int) -> Weights | None:
    """Return the network of a run, or None if it was not kept.

    Raises
    ------
    StoreError
        If it is damaged.
    """
    with database.transaction() as connection:
        question = select(_KEPT).where(_KEPT.c.run_id == run_id)
        row = connection.execute(question).mappings().first()
    try:
        return None if row is None else weights_from(dict(row))
    except ValueError as error:
        raise StoreError(
            f"{database.name}: the network of run {run_id} is damaged ({error}); to see what else "
            f"is: cdbench db check --db {database.name}"
        ) from None
