"""A trained network whose weight layers are replaced by the nearest ones of another family."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np

from cdbench.config.matching import MOST_PADDED, NEAR, Entrant, off, settings
from cdbench.config.run_config import RunConfig
from cdbench.engine.building import build_network, structure_of
from cdbench.engine.layers import Params, WeightLayer
from cdbench.engine.network import Network
from cdbench.engine.products.base import Array
from cdbench.errors import ConfigurationError, ShapeError
from cdbench.projection.entrants import Setting, check_budget, nearest_matched
from cdbench.projection.matrices import Nearest, Projection, nearest_of
from cdbench.projection.network_matrices import acting, matrices_of_model
from cdbench.trained.model import TrainedModel

SETTLED: dict[str, Any] = {
    "structure": None,
    "B": None,
    "product": "auto",
    "plugin": None,
    "fisher_weight": 0.0,
}
"""What of a configuration is another family's: Fisher regularisers act on circulant blocks."""


@dataclass(frozen=True)
class Candidate:
    """A network of another family that could take a trained one's place.

    Attributes
    ----------
    config : RunConfig
        Its configuration.
    network : Network
        Its layers have the widths of the trained one's, but for padded inputs and outputs.
    n_weights : int
        Of all weight layers, without biases.
    padded : float
        How many times larger its matrices are than the trained one's.
    rank : int
        Sum of the ranks that its layers have.
    """

    config: RunConfig
    network: Network
    n_weights: int
    padded: float
    rank: int


@dataclass(frozen=True)
class ProjectedModel:
    """A trained network, projected to a family.

    Attributes
    ----------
    projection : Projection
        What became of its matrices.
    model : TrainedModel
        The network of the nearest layers, with all else that the trained one has.
    """

    projection: Projection
    model: TrainedModel


@dataclass(frozen=True)
class Unmatched:
    """A family without a setting near the budget.

    Attributes
    ----------
    entrant : Entrant
        The family.
    share : float or None
        Of the weights, that its nearest setting has; None if it has no setting.
    """

    entrant: Entrant
    share: float | None

    def __str__(self) -> str:
        """Return it in words."""
        if self.share is None:
            return f"{self.entrant} has no setting for these widths"
        return f"{self.entrant} comes nearest with {self.share:.3g}"


def project_model(
    model: TrainedModel,
    entrant: Entrant,
    budget: float,
    head: str | None = None,
    moments: Mapping[str, Array] | None = None,
) -> ProjectedModel | Unmatched:
    """Return the model with the nearest layers of a family, of one setting for the whole network.

    Its setting is the one whose weights, of all layers together, are nearest to the budget, as in
    a comparison.

    Parameters
    ----------
    model : TrainedModel
        Of any family.
    entrant : Entrant
        The family.
    budget : float
        Share of the weights that dense layers in their place have, above 0, below 1.
    head : str, optional
        Its last layer, ``structured`` or ``dense``; by default as the model's, structured where it
        is all dense.
    moments : mapping of str to (n_in, n_in), optional
        For each matrix the second moment of what it multiplies (``moments_of``), by which what is
        lost is weighted.

    Raises
    ------
    ConfigurationError
        If the budget is no share.
    NotDefinedError
        If the family has no nearest members, or none with moments.
    """
    check_budget(budget)
    matrices = matrices_of_model(model)
    n_dense = sum(W.size for W in matrices.values())
    target = budget * n_dense
    candidates = list(_candidates(model, entrant, head or model.config.head))
    found = nearest_matched(candidates, target)
    if found is None:
        return Unmatched(entrant, None)
    if not (entrant.is_settled and entrant.fixed) and off(found.n_weights, target) > NEAR:
        return Unmatched(entrant, found.n_weights / n_dense)
    flat = np.zeros(found.network.n_parameters, model.config.dtype)
    views = found.network.views(flat)
    _keep_others(model, found.network, views)
    each = _set_nearest(found, views, matrices, moments or {})
    _keep_biases(model, found.network, views)
    projected = replace(
        model,
        config=found.config,
        parameters=flat,
        product=found.network.product,
        run_uuid=None,
    )
    size = sum(one.size for one in each)
    return ProjectedModel(Projection(entrant, tuple(each), (), (), n_dense, size), projected)


def _candidates(model: TrainedModel, entrant: Entrant, head: str) -> Iterator[Candidate]:
    """Yield the networks of a family's settings whose layers take the place of the trained ones."""
    shapes = [acting(place) for place in model.network.weight_layers]
    for given in settings(entrant, large=True):
        text = ",".join(f"{name}={value}" for name, value in given.items())
        layer = ":".join(filter(None, (entrant.family, text)))
        try:
            config = replace(model.config, layer=layer, head=head, **SETTLED)
            network = build_network(config, model.n_features, model.n_outputs, model.image)
        except (ConfigurationError, ShapeError):
            continue
        places = network.weight_layers
        if [acting(place) for place in places] != shapes or _others(network) != _others(
            model.network
        ):
            continue
        layers = [place.layer.inner for place in places]
        padded = sum(own.n_in * own.n_out for own in layers) / sum(map(prod, shapes))
        n_weights = sum(_n_weights(own) for own in layers)
        if padded <= MOST_PADDED and n_weights < sum(map(prod, shapes)):
            rank = sum(
                min(own.expected_rank(), *shape) for own, shape in zip(layers, shapes, strict=True)
            )
            yield Candidate(config, network, n_weights, padded, rank)


def _set_nearest(
    found: Candidate,
    views: list[Params],
    matrices: Mapping[str, Array],
    moments: Mapping[str, Array],
) -> list[Nearest]:
    """Write the nearest weights of each layer into its views, and return them."""
    family, each = found.config.layer, []
    for (name, W), place in zip(matrices.items(), found.network.weight_layers, strict=True):
        layer = place.layer.inner
        is_own = layer.family == family  # else it is a dense head, or a dense first kernel
        structure = structure_of(found.config) if is_own else {}
        shape = (W.shape[0], W.shape[1])
        setting = Setting(family if is_own else layer.family, structure, layer, shape)
        each.append(nearest_of(name, W, setting, moments.get(name)))
        for key, value in each[-1].params.items():
            views[place.position][key][...] = value
    return each


def _keep_biases(model: TrainedModel, network: Network, views: list[Params]) -> None:
    """Write the biases of what acts."""
    before = model.views()
    for old, new in zip(model.network.weight_layers, network.weight_layers, strict=True):
        n = min(old.n_out_acting, new.n_out_acting)
        views[new.position]["bias"][:n] = before[old.position]["bias"][:n]


def _keep_others(model: TrainedModel, network: Network, views: list[Params]) -> None:
    """Write all parameters that are no weight layer's."""
    before = _of_others(model.network, model.views())
    for old, new in zip(before, _of_others(network, views), strict=True):
        for name, value in new.items():
            value[...] = old[name]


def _of_others(network: Network, views: list[Params]) -> list[Params]:
    """Return the views of the layers that have parameters but are no weight layers."""
    pairs = zip(network.layers, views, strict=True)
    return [own for layer, own in pairs if own and not isinstance(layer, WeightLayer)]


def _n_weights(layer: WeightLayer) -> int:
    return sum(map(prod, layer.weight_shapes.values()))


def _others(network: Network) -> list[dict[str, tuple[int, ...]]]:
    """Return the shapes of the parameters that are no weight layer's, in order."""
    others = (layer for layer in network.layers if not isinstance(layer, WeightLayer))
    shapes = (layer.parameter_shapes() for layer in others)
    return [own for own in shapes if own]
