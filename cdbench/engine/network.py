"""A chain or a small graph of layers over one flat vector of parameters."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from cdbench.engine.bound_network import Backward, BoundNetwork, NetworkPullback
from cdbench.engine.graph import (
    INPUT,
    Sources,
    bind_graph,
    chained,
    checked_sources,
    consumers_of,
    rows_after,
    taken,
)
from cdbench.engine.layers import (
    EVALUATION,
    Arrangement,
    BatchNorm,
    Context,
    Layer,
    Params,
    Slice,
    ToRows,
    ToVertices,
    WeightLayer,
)
from cdbench.engine.layers.base import Moments
from cdbench.engine.layers.normalization import moments, moments_of_chunks
from cdbench.engine.products.base import Array
from cdbench.engine.products.layout import to_rows
from cdbench.engine.products.workspace import aligned
from cdbench.engine.samples import Samples, parts_of, samples_at_once


@dataclass(frozen=True)
class WeightPlace:
    """The position of a weight layer in a network, and the part of its matrix that acts.

    Attributes
    ----------
    position : int
        Index into the network's layers.
    layer : WeightLayer
        The layer.
    n_in_acting, n_out_acting : int
        Numbers of leading columns and rows of its W that act: without columns of padded inputs and
        rows of sliced-off logits.
    """

    position: int
    layer: WeightLayer
    n_in_acting: int
    n_out_acting: int


class Network:
    """A chain or a graph of layers. Its parameters are one flat vector that is passed to it.

    Its inputs and logits are rows, (N, n). In between, activations may be in the other layout, if
    the weight layers' product needs it. ``build_network`` inserts the layers that convert between
    layouts; nothing else needs to know.

    Parameters
    ----------
    layers : sequence of Layer
        The input of each matches the output of the one before in width and layout.
    sources : sequence of tuple of int, optional
        For each layer the indices of those whose outputs it takes, all before it; -1 is the
        network's input. A layer takes one, a Join several. By default each takes the output of the
        one before, a chain. The last layer's output are the logits.

    Raises
    ------
    ShapeError
        If a source does not exist before its layer, or has another width.
    """

    def __init__(self, layers: Sequence[Layer], sources: Sources | None = None) -> None:
        self.layers = tuple(layers)
        self.is_chain = sources is None
        self.sources = chained(self.layers) if sources is None else checked_sources(layers, sources)
        self._consumers = consumers_of(self.sources)
        self.n_in, self.n_out = self.layers[0].n_in, self.layers[-1].n_out
        self.rows = rows_after(self.layers, self.sources)
        self.rows_per_sample = max(self.rows)  # its tokens, for example, or its pixels
        self._shapes = [layer.parameter_shapes() for layer in self.layers]
        self.n_parameters = sum(prod(s) for shapes in self._shapes for s in shapes.values())
        self._n_leading = self._count_leading()
        self._n_without_parameters = [bool(shapes) for shapes in self._shapes].index(True)

    def _count_leading(self) -> int:
        """Return how many leading layers only rearrange the inputs, for nobody but the next."""
        for position, layer in enumerate(self.layers):
            alone = self._consumers[position - 1] == [position]
            if not (isinstance(layer, Arrangement) and alone):
                return position
        return len(self.layers)

    @property
    def product(self) -> str | None:
        """Name of the product of layers that have several; None if there are no such layers."""
        return self.weight_layers[0].layer.product_name

    @property
    def weight_layers(self) -> list[WeightPlace]:
        """The weight layers in order, each with the acting part of its matrix."""
        return [
            WeightPlace(
                position, layer, self._acting_inputs(position), self._acting_outputs(position)
            )
            for position, layer in enumerate(self.layers)
            if isinstance(layer, WeightLayer)
        ]

    def _acting_inputs(self, position: int) -> int:
        """Return how many of a layer's inputs there are before zeros are appended to them."""
        n = self.layers[position].n_in
        (source,) = self.sources[position]
        while source != INPUT and isinstance(self.layers[source], Arrangement):
            n = self.layers[source].n_in
            (source,) = self.sources[source]
        return n

    def _acting_outputs(self, position: int) -> int:
        """Return how many of a layer's outputs there are after surplus ones are cut off."""
        n = self.layers[position].n_out
        after = self._consumers[position]
        while len(after) == 1 and isinstance(self.layers[after[0]], Slice | ToRows):
            n = self.layers[after[0]].n_out
            after = self._consumers[after[0]]
        return n

    @property
    def widths(self) -> tuple[int, ...]:
        """Widths of the weight layers from input to logits: 64, 64, 64, 12 for B = 4."""
        places = self.weight_layers
        return (places[0].layer.n_in, *(place.layer.n_out for place in places))

    def views(self, flat: Array) -> list[Params]:
        """Return each layer's parameters as views of ``flat``, ([S,] n_parameters), ([S,] ...)."""
        views: list[Params] = []
        start, lead = 0, flat.ndim - 1
        for layer, shapes in zip(self.layers, self._shapes, strict=True):
            views.append({})
            for name, shape in shapes.items():
                stop = start + prod(shape)
                order = layer.memory_order.get(name, tuple(range(len(shape))))
                in_memory = [shape[axis] for axis in order]
                memory = flat[..., start:stop].reshape((*flat.shape[:-1], *in_memory))
                views[-1][name] = memory.transpose(*range(lead), *lead + np.argsort(order))
                start = stop
        return views

    def initial_parameters(self, rng: np.random.Generator, dtype: str = "float64") -> Array:
        """Draw all parameters, layer by layer from the input on, as one vector (n_parameters,).

        They are drawn in float64 and rounded to the dtype.
        """
        flat = aligned(self.n_parameters, dtype)
        for layer, params in zip(self.layers, self.views(flat), strict=True):
            layer.initialize(params, rng)
        return flat

    def prepare(self, X: Array) -> Array:
        """Return inputs (N, n_in) in the form that ``forward`` takes with ``prepared=True``.

        The leading layers that only rearrange are applied here once instead of in every pass.
        Samples lie along ``sample_axis`` of the result.
        """
        for layer in self.layers[: self._n_leading]:
            X, _ = layer.forward({}, X, EVALUATION)
        return X

    @property
    def sample_axis(self) -> int:
        """The axis of samples in prepared inputs."""
        return 2 if isinstance(self.layers[max(0, self._n_leading - 1)], ToVertices) else 0

    def bind(
        self, params: list[Params], x: Array, context: Context, *, prepared: bool = False
    ) -> BoundNetwork:
        """Return the network bound to these parameters and inputs (N, n_in), ready to run."""
        skipped = self._n_leading if prepared else 0
        if not self.is_chain:
            return bind_graph(self.layers, self.sources, params, x, context, skipped)
        runs, pullbacks = [], []
        for layer, own in zip(self.layers[skipped:], params[skipped:], strict=True):
            x, run, pullback = layer.bind(own, x, context)
            runs.append(run)
            pullbacks.append(pullback)
        return BoundNetwork(
            x, runs, NetworkPullback(pullbacks, self._n_without_parameters - skipped)
        )

    def forward(
        self,
        params: list[Params],
        x: Array,
        context: Context = EVALUATION,
        *,
        prepared: bool = False,
    ) -> tuple[Array, Backward]:
        """Return the logits (N, n_out) for ``x`` (N, n_in), and the pullback to it."""
        bound = self.bind(params, x, context, prepared=prepared)
        bound.run()
        return bound.logits, bound.pullback

    def inputs(self, params: list[Params], x: Array, context: Context = EVALUATION) -> list[Array]:
        """Return the inputs of each layer as rows (N, layer.n_in); of a Join, its first."""
        entering = (into[0] for _, into in self._passes(params, x, context))
        return [x if x.ndim == 2 else to_rows(x) for x in entering]

    def _passes(
        self, params: list[Params], x: Array, context: Context
    ) -> Iterator[tuple[int, list[Array]]]:
        """Yield each layer's place and what enters it, before it is applied.

        What no later layer takes is let go.
        """
        values = {INPUT: x}
        for place, (layer, sources) in enumerate(zip(self.layers, self.sources, strict=True)):
            into = [values[source] for source in sources]
            for source in sources:
                if self._consumers[source][-1] == place:
                    values.pop(source, None)
            yield place, into
            values[place], _ = layer.forward(params[place], taken(layer, into), context)

    def evaluation(self, params: list[Params], X_train: Array | Samples) -> Context:
        """Return the context in which the network with these parameters is measured.

        It has the statistics of each BatchNorm over the whole training split (N, n_in). They are
        taken layer by layer, each with those before it in evaluation. Without BatchNorm it is
        EVALUATION.
        """
        if not any(isinstance(layer, BatchNorm) for layer in self.layers):
            return EVALUATION
        statistics: dict[Layer, Moments] = {}
        context = Context(statistics=statistics)
        if isinstance(X_train, Samples) or self.rows_per_sample > 1:
            for place, layer in enumerate(self.layers):
                if isinstance(layer, BatchNorm):
                    parts = parts_of(X_train, samples_at_once(self.rows_per_sample))
                    entering = (self._entering(place, params, x, context) for x in parts)
                    statistics[layer] = moments_of_chunks(entering)
            return context
        for place, into in self._passes(params, X_train, context):
            layer = self.layers[place]
            if isinstance(layer, BatchNorm):
                statistics[layer] = moments(into[0], layer.axis)
        return context

    def _entering(self, place: int, params: list[Params], x: Array, context: Context) -> Array:
        """Return what enters the layer at this place for the inputs ``x`` (N, n_in)."""
        return next(into[0] for here, into in self._passes(params, x, context) if here == place)
