"""Trained models of runs: of one whose network was kept, or of one that is trained again."""

import shlex
from dataclasses import replace

from cdbench.config.diagnostics import Diagnostics
from cdbench.errors import ModelError
from cdbench.records.run import COMPLETED, INTERRUPTED, Run
from cdbench.records.weights import Weights
from cdbench.running.environment import current_environment
from cdbench.running.execution import execute
from cdbench.running.instructions import as_stored
from cdbench.running.reproduction import (
    DIFFERENT,
    PRINTED_EQUAL,
    TRAINING_FAILED,
    compare_runs,
)
from cdbench.trained.model import TrainedModel


def kept_model(run: Run, weights: Weights) -> TrainedModel:
    """Return the model of a stored run whose network was kept.

    Raises
    ------
    ModelError
        If the weights are not those of a network of the run's configuration.
    PluginError
        If it has plug-ins that are not here.
    """
    version = run.environment.cdbench_version
    return TrainedModel.of(weights, run.config, run.uuid, cdbench_version=version)


def trained_again(run: Run, name: str) -> tuple[TrainedModel, str]:
    """Train a stored run again; return its model, and in words how equal the two are.

    Parameters
    ----------
    run : Run
        A stored run.
    name : str
        What the user calls it, such as ``run 5``.

    Raises
    ------
    ModelError
        If it did not complete, cannot be trained, or what is found is not what is stored, at the
        precision that reports print.
    PluginError
        If it has plug-ins that are not here.
    KeyboardInterrupt
        If it is interrupted.
    """
    if run.status != COMPLETED:
        raise ModelError(f"{name} is {run.status}, so it has no network; expected a completed run")
    history = run.diagnostics is None or run.diagnostics.history
    asked = Diagnostics(spectra=False, weights=True, history=history)
    found = execute(run.config, diagnostics=asked, blas_threads=run.environment.blas_threads)
    compared = compare_runs(replace(run, spectra=(), curvature=()), found)
    if compared.verdict == TRAINING_FAILED:
        raise ModelError(
            f"{name}: its network was not kept, and it cannot be trained again: {compared.words}"
        )
    if found.status == INTERRUPTED:
        raise KeyboardInterrupt
    if compared.verdict == DIFFERENT or found.weights is None:
        hint = _by_its_instructions(run)
        raise ModelError(
            f"{name}: its network was not kept, and trained again it is another "
            f"({compared.words}){hint}; to train a new run and keep its network: cdbench train "
            "--keep-weights"
        )
    words = f"equal to what is stored {compared.verdict}"
    if compared.verdict == PRINTED_EQUAL:
        words = f"equal to what is stored at the precision that is printed ({compared.words})"
    return TrainedModel.of(found.weights, run.config, run.uuid), words


def _by_its_instructions(run: Run) -> str:
    """Return what to type so that a run is computed as it was, if this process does not do so."""
    variables = as_stored(run.environment, current_environment())
    if not variables:
        return ""
    given = " ".join(f"{name}={shlex.quote(value)}" for name, value in variables.items())
    return f"; with the processor's instructions that it had: {given} cdbench model ..."
