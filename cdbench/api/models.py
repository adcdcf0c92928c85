"""Trained networks, of stored runs and in files."""

import os

from cdbench.errors import UnknownNameError
from cdbench.store.database import Database
from cdbench.store.model_queries import kept_weights
from cdbench.store.run_names import run_named
from cdbench.store.run_queries import stored_runs
from cdbench.trained import npz
from cdbench.trained.formats import FORMATS, format_of, writer
from cdbench.trained.model import TrainedModel
from cdbench.trained.runs import kept_model, trained_again


def load_model(path: str | os.PathLike[str]) -> TrainedModel:
    """Read a trained network from a .npz file.

    Parameters
    ----------
    path : path
        A file of ``save_model`` or of ``cdbench model export``. It holds numbers and text only;
        nothing of it is run.

    Returns
    -------
    TrainedModel
        ``predict``, ``probabilities`` and ``logits`` take raw features, (N, n_columns), as in the
        data set that it was trained on.

    Raises
    ------
    ModelError
        If it cannot be read, holds Python objects, or its parts do not fit each other.
    PluginError
        If it has plug-ins that are not here.

    Examples
    --------
    >>> import cdbench
    >>> kept = cdbench.Diagnostics(weights=True)
    >>> run = cdbench.execute(cdbench.RunConfig(dataset="iris", B=2), diagnostics=kept)
    >>> model = cdbench.TrainedModel.of(run.weights, run.config, run.uuid)
    >>> cdbench.save_model(model, "iris.npz")
    >>> import numpy as np
    >>> flowers = np.array([[5.1, 3.5, 1.4, 0.2], [6.3, 3.3, 6.0, 2.5]])
    >>> list(cdbench.load_model("iris.npz").predict(flowers))
    ['0', '2']
    """
    return npz.load(os.fspath(path))


def save_model(
    model: TrainedModel,
    path: str | os.PathLike[str],
    *,
    format: str | None = None,  # noqa: A002
) -> None:
    """Write a trained network to a file, replacing what is there, as ``cdbench model export``.

    Parameters
    ----------
    model : TrainedModel
        The network.
    path : path
        The file.
    format : str, optional
        ``"npz"``, which ``load_model`` reads; ``"torch"``, a safetensors file; or ``"onnx"``; by
        default that of the ending, .npz, .safetensors or .onnx. docs/exports.md says what is in
        them.

    Raises
    ------
    UnknownNameError
        If there is no such format.
    ConfigurationError
        If the ending means none, or the format's package is not installed.
    OutputError
        If it cannot be written.

    Examples
    --------
    >>> import cdbench
    >>> kept = cdbench.Diagnostics(weights=True)
    >>> run = cdbench.execute(cdbench.RunConfig(dataset="iris", epochs=1), diagnostics=kept)
    >>> cdbench.save_model(cdbench.TrainedModel.of(run.weights, run.config), "iris.npz")
    >>> cdbench.load_model("iris.npz").config == run.config
    True
    """
    if format is not None and format not in FORMATS:
        raise UnknownNameError("format", format, FORMATS)
    target = os.fspath(path)
    writer(format_of(target, format), own=False)(model, target)


def model_of_run(database: Database, name: str) -> TrainedModel:
    """Return the network of a run, which is trained again and compared if it was not kept.

    Raises
    ------
    ConfigurationError
        If the name is of no run, or of several.
    ModelError
        If the run did not complete, or training it again gives something else.
    StoreError
        If the name is ``latest``, and no network was kept.
    """
    run_id = run_named(database, name, kept=True)
    ((_, run),) = stored_runs(database, [run_id])
    weights = kept_weights(database, run_id)
    if weights is not None:
        return kept_model(run, weights)
    model, _ = trained_again(run, f"run {run_id}")
    return model
