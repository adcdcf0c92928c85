"""What names a model: a file, or a run whose network was kept or is trained again."""

from pathlib import PurePath
from typing import TYPE_CHECKING, Annotated

import typer

from cdbench.cli.echo import complain
from cdbench.errors import ModelError
from cdbench.system.home_folders import expanded

if TYPE_CHECKING:
    from cdbench.records.run import Run
    from cdbench.trained.model import TrainedModel

ModelArgument = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        help="A run_id, a uuid or its first 4 characters or more, a tag, latest for the newest run "
        "whose network was kept, best for the best of a data set; or a .npz file of export.",
        show_default=False,
    ),
]

FILE = ".npz"
"""How the name of a model's file ends; what has no ending names a run."""

EXPECTED = "expected a run_id, a uuid's first 4 characters, a tag, latest, or a file of export"

LONG_S = 10
"""Seconds from which on it is said beforehand that a run is trained again."""


def model_named(name: str, db: str) -> "TrainedModel":
    """Return the model that a name stands for; a run without a kept network is trained again."""
    if is_file(name):
        from cdbench.trained.npz import load

        return load(expanded(name, ModelError))
    if PurePath(name).suffix:
        raise ModelError(f"{name}: is neither a run nor a {FILE} file; {EXPECTED}")
    return model_of_run(name, db)[0]


def is_file(name: str) -> bool:
    """Whether a name is that of a file of a model."""
    return PurePath(name).suffix.lower() == FILE


def model_of_run(name: str, db: str) -> tuple["TrainedModel", "Run"]:
    """Return the model of a run, with what is stored of it.

    If its network was not kept, the run is trained again and compared, and that is said.
    """
    from cdbench.store.database import open_for_reading
    from cdbench.store.model_queries import kept_weights
    from cdbench.store.run_names import run_named
    from cdbench.store.run_queries import stored_runs
    from cdbench.trained.runs import kept_model, trained_again

    database = open_for_reading(db)
    run_id = run_named(database, name, kept=True)
    ((_, run),) = stored_runs(database, [run_id])
    weights = kept_weights(database, run_id)
    if weights is not None:
        return kept_model(run, weights), run
    if run.duration_s > LONG_S:
        complain(
            f"run {run_id} is trained again, which took {run.duration_s:,.0f} s the first time"
        )
    model, words = trained_again(run, f"run {run_id}")
    complain(f"run {run_id}: its network was not kept, so it was trained again: {words}")
    return model, run
