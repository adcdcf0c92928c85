"""A trained network as modules of PyTorch, one after the other: names, options, arrays. No torch.

What they take are raw features, (N, n_features), and what they give are logits, or of a regression
the quantity in its own unit.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cdbench.config import families
from cdbench.engine.building import structure_of
from cdbench.engine.graph import INPUT
from cdbench.engine.layers import (
    GELU,
    Activation,
    Add,
    Arrangement,
    BatchNorm,
    Dropout,
    Join,
    Layer,
    Normalization,
    Params,
    ReLU,
    Tanh,
)
from cdbench.engine.layers.convolution import Convolution
from cdbench.engine.layers.normalization import EPSILON
from cdbench.engine.layers.pooling import SIZE, AveragePooling, Flatten, MaxPooling, Pooling
from cdbench.engine.layers.tokens import MeanOfTokens, Patches
from cdbench.engine.network import WeightPlace
from cdbench.errors import ModelError
from cdbench.records.weights import Array
from cdbench.trained.model import TrainedModel
from cdbench.trained.torch_module import (
    RESIDUAL,
    Module,
    convolution,
    linear,
    normalization_of,
)

ACTIVATIONS: dict[type[Activation], tuple[str, dict[str, Any]]] = {
    ReLU: ("ReLU", {}),
    Tanh: ("Tanh", {}),
    GELU: ("GELU", {"approximate": "tanh"}),
}
POOLING: dict[type[Pooling], str] = {MaxPooling: "MaxPool2d", AveragePooling: "AvgPool2d"}

REFUSED = "expected --format onnx, or npz"


def modules_of(model: TrainedModel, *, own: bool = False) -> list[Module]:
    """Return the modules of a model's network in evaluation, without dropout.

    Parameters
    ----------
    model : TrainedModel
    own : bool
        Whether weight layers keep their family's parameters; otherwise they are W, as in
        ``nn.Linear`` and ``nn.Conv2d``, without what pads its widths.

    Raises
    ------
    ModelError
        If the network has a layer, or its inputs something, that no such module does.
    """
    return _Walk(model, own).modules()


class _Walk:
    """From the input to the logits; it knows what the last module's output is.

    ``order`` says which of the network's entries comes where in it, or None: flattened pixels are
    channel by channel in PyTorch, and raw features come in their own order. ``is_image`` is whether
    it is (N, channels, height, width).
    """

    def __init__(self, model: TrainedModel, own: bool) -> None:
        self._model, self._own = model, own
        self._views = model.views()
        self._places = {place.position: place for place in model.network.weight_layers}
        self._order: NDArray[np.intp] | None = None
        self._is_image = False

    def modules(self) -> list[Module]:
        """Return all modules."""
        layers = self._model.network.layers
        if any(isinstance(layer, Join) and not isinstance(layer, Add) for layer in layers):
            raise ModelError(
                f"a network with attention is no sequence of modules of torch.nn; {REFUSED}"
            )
        found = [*self._inputs(), *self._between(INPUT, len(layers) - 1)]
        target = self._model.target
        if target is not None:
            found.append(linear(np.array([[target.unit]]), np.array([target.mean])))
        return found

    def _inputs(self) -> Iterator[Module]:
        inputs = self._model.inputs
        if inputs.encoding is not None:
            raise ModelError(f"text and blanks were encoded, which torch.nn has not; {REFUSED}")
        if inputs.order is not None:
            self._order = np.argsort(inputs.order)
        affine = inputs.affine
        found = normalization_of(affine, self._model.n_features, self._model.config.dtype)
        if found is not None:
            moments = self._ordered(found.arrays) | {"num_batches_tracked": np.array(0)}
            yield found._replace(arrays=moments)
        if affine.matrix is not None:
            yield linear(self._columns(affine.matrix.T), None)
            self._order = None

    def _between(self, start: int, end: int) -> list[Module]:
        """Return the modules of the layers after one, up to another."""
        network, path = self._model.network, []
        while end != start:
            layer, own = network.layers[end], network.sources[end]
            path.append((end, layer, own))
            end = own[0]
        found: list[Module] = []
        for position, layer, own in reversed(path):
            if isinstance(layer, Add):
                inner = tuple(self._between(own[0], own[1]))
                found.append(Module(RESIDUAL, {"scale": layer.scale}, {}, inner))
            else:
                found += self._of_layer(position, layer)
        return found

    def _of_layer(self, position: int, layer: Layer) -> Iterable[Module]:
        """Return the modules of one layer."""
        params = self._views[position]
        if position in self._places:
            return self._weights(self._places[position], params)
        if isinstance(layer, Arrangement | Dropout):
            return ()
        if isinstance(layer, Activation):
            return (Module(*ACTIVATIONS[type(layer)]),)
        if isinstance(layer, Normalization):
            return (self._normalization(layer, params),)
        if isinstance(layer, Pooling):
            return (Module(POOLING[type(layer)], {"kernel_size": SIZE}),)
        return self._of_image(layer)

    def _of_image(self, layer: Layer) -> Iterable[Module]:
        """Return the modules where images begin and end."""
        if isinstance(layer, Patches) and layer.tokens * layer.n_out == layer.n_in:
            channels, height, one, width, other = layer.parts
            if one == other == 1:
                self._is_image = True
                shape = [channels, height, width]
                return (
                    *self._in_order(),
                    Module("Unflatten", {"dim": 1, "unflattened_size": shape}),
                )
        if isinstance(layer, MeanOfTokens) and self._is_image:
            self._is_image = False
            return Module("AdaptiveAvgPool2d", {"output_size": 1}), Module("Flatten", {})
        if isinstance(layer, Flatten):
            self._is_image = False
            self._order = np.arange(layer.n_out).reshape(layer.pixels, -1).T.ravel()
            return (Module("Flatten", {}),)
        raise ModelError(f"torch.nn has no module for {type(layer).__name__} layers; {REFUSED}")

    def _weights(self, place: WeightPlace, params: Params) -> Iterable[Module]:
        layer, n_out, n_in = place.layer, place.n_out_acting, place.n_in_acting
        is_dense = layer.family == families.BASELINE
        if self._own and not is_dense:
            return *self._in_order(), self._of_family(place, params)
        exact: Params = {name: one.astype(np.float64) for name, one in params.items()}
        W, bias = layer.matrix(exact), exact["bias"][:n_out]
        if isinstance(layer, Convolution):
            return (convolution(layer, W, bias),)
        columns = self._columns(W[:n_out, :n_in])
        self._order = None
        return (linear(columns, bias),)

    def _of_family(self, place: WeightPlace, params: Params) -> Module:
        """Return a layer of cdbench.torch."""
        config = self._model.config
        if isinstance(place.layer, Convolution) or config.layer not in families.FAMILIES:
            what = "plug-ins' layers" if config.layer not in families.FAMILIES else "convolutions"
            raise ModelError(f"--own has no {what}; expected --format torch without it")
        options = {"in_features": place.n_in_acting, "out_features": place.n_out_acting}
        arrays = dict(params) | {"bias": params["bias"][: place.n_out_acting]}
        return Module(config.layer, options | dict(structure_of(config)), arrays)

    def _normalization(self, layer: Normalization, params: Params) -> Module:
        """Return a normalisation with its gain and shift and, of a BatchNorm, its moments."""
        arrays = {"weight": params["gain"], "bias": params["shift"]}
        if isinstance(layer, BatchNorm):
            assert self._model.context.statistics is not None
            mean, variance = self._model.context.statistics[layer]
            arrays |= {"running_mean": mean.ravel(), "running_var": variance.ravel()}
            name = "BatchNorm2d" if self._is_image else "BatchNorm1d"
            moments = self._ordered(arrays) | {"num_batches_tracked": np.array(0)}
            return Module(name, {"num_features": layer.n_in, "eps": EPSILON}, moments)
        if self._is_image:
            raise ModelError(f"torch.nn has no LayerNorm over the channels of a pixel; {REFUSED}")
        options = {"normalized_shape": layer.n_in, "eps": EPSILON}
        return Module("LayerNorm", options, self._ordered(arrays))

    def _ordered(self, arrays: dict[str, Array]) -> dict[str, NDArray[Any]]:
        """Return arrays (n,) of the network's entries in the order of the last module's."""
        order = self._order
        return {name: a if order is None else a.take(order) for name, a in arrays.items()}

    def _columns(self, W: Array) -> Array:
        return W if self._order is None else W.take(self._order, axis=1)

    def _in_order(self) -> list[Module]:
        """Return what puts entries into the network's order, if they are in another."""
        if self._order is None:
            return []
        matrix = self._columns(np.eye(len(self._order)))
        self._order = None
        return [linear(matrix, None)]
