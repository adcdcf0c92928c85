"""Trained networks in files."""

import os

from cdbench.trained import npz
from cdbench.trained.model import TrainedModel


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


def save_model(model: TrainedModel, path: str | os.PathLike[str]) -> None:
    """Write a trained network to a .npz file, replacing what is there.

    Parameters
    ----------
    model : TrainedModel
        The network.
    path : path
        The file.

    Raises
    ------
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
    npz.save(model, os.fspath(path))
