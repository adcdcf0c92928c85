"""The matrices of a trained network, as far as they act, and the moments of what they multiply."""

import numpy as np

from cdbench.engine.network import WeightPlace
from cdbench.engine.products.base import Array
from cdbench.trained.model import TrainedModel


def matrices_of_model(model: TrainedModel) -> dict[str, Array]:
    """Return what acts of the matrix of each weight layer, by its number from 1, in float64."""
    found, views = {}, model.views()
    for number, place in enumerate(model.network.weight_layers, 1):
        params = {name: own.astype(np.float64) for name, own in views[place.position].items()}
        n_out, n_in = acting(place)
        found[f"layer {number}"] = place.layer.inner.matrix(params)[:n_out, :n_in]
    return found


def moments_of(model: TrainedModel, X: Array) -> dict[str, Array]:
    """Return the second moment mean x xᵀ of what each matrix multiplies, by name, in float64.

    Parameters
    ----------
    model : TrainedModel
    X : (N, n_features)
        Inputs of its network.
    """
    found, places = {}, model.network.weight_layers
    entering = model.network.inputs(model.views(), X, model.context)
    for number, place in enumerate(places, 1):
        rows = place.layer.unfolded(entering[place.position]).astype(np.float64)
        _, n_in = acting(place)
        found[f"layer {number}"] = rows[:, :n_in].T @ rows[:, :n_in] / len(rows)
    return found


def acting(place: WeightPlace) -> tuple[int, int]:
    """Return (n_out, n_in) of the part of a layer's matrix that acts; of a kernel, all of it."""
    inner = place.layer.inner
    if inner is not place.layer:
        return inner.n_out, inner.n_in
    return place.n_out_acting, place.n_in_acting
