"""The passes of a network whose layers are a graph: an output may enter several others."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from cdbench.engine.bound_network import BoundNetwork
from cdbench.engine.layers import Context, Join, Layer, Params
from cdbench.engine.products.base import Allocate, Array
from cdbench.errors import ShapeError

INPUT = -1
"""Index of the network's input among the sources of layers."""

Sources = Sequence[tuple[int, ...]]


class Preserving:
    """A source of arrays for layers that must not overwrite their input.

    Parameters
    ----------
    source : Allocate
        Where the arrays come from.
    """

    overwriting = False

    def __init__(self, source: Allocate) -> None:
        self._source = source

    def kept(self, shape: tuple[int, ...], dtype: DTypeLike) -> Array:
        """Return the source's."""
        return self._source.kept(shape, dtype)

    def scratch(self, slot: int, shape: tuple[int, ...], dtype: DTypeLike) -> Array:
        """Return the source's."""
        return self._source.scratch(slot, shape, dtype)


def chained(layers: Sequence[Layer]) -> tuple[tuple[int, ...], ...]:
    """Return the sources of a chain: each layer takes the output of the one before."""
    return tuple((position - 1,) for position in range(len(layers)))


def checked_sources(layers: Sequence[Layer], sources: Sources) -> tuple[tuple[int, ...], ...]:
    """Return the sources of a graph, or raise ShapeError if they are not those of these layers."""
    if len(sources) != len(layers):
        raise ShapeError(f"network got {len(sources)} sources, expected one for each layer")
    for position, (layer, own) in enumerate(zip(layers, sources, strict=True)):
        name = f"layer {position}, {type(layer).__name__},"
        if not own or (len(own) > 1) != isinstance(layer, Join):
            raise ShapeError(f"{name} got {len(own)} sources, expected one, or several of a Join")
        for source in own:
            if not INPUT <= source < position:
                raise ShapeError(f"{name} got source {source}, expected one before it")
            n = layers[source].n_out if source != INPUT else layers[0].n_in
            if n != layer.n_in:
                raise ShapeError(f"{name} got {n} inputs, expected {layer.n_in}")
    taken = {source for own in sources for source in own}
    for position in range(INPUT, len(layers) - 1):
        if position not in taken:
            name = "the input" if position == INPUT else f"layer {position}'s output"
            raise ShapeError(f"network got sources without {name}, expected a layer that takes it")
    return tuple(map(tuple, sources))


def consumers_of(sources: Sources) -> dict[int, list[int]]:
    """Return for each layer, and the input, the layers that take its output, in order."""
    found: dict[int, list[int]] = {position: [] for position in range(INPUT, len(sources))}
    for position, own in enumerate(sources):
        for source in own:
            found[source].append(position)
    return found


def rows_after(layers: Sequence[Layer], sources: Sources) -> tuple[int, ...]:
    """Return how many rows of a sample leave each layer."""
    found = {INPUT: 1}
    for position, (layer, own) in enumerate(zip(layers, sources, strict=True)):
        found[position] = layer.rows_after(found[own[0]])
    return tuple(found[position] for position in range(len(layers)))


def multiply_adds(layers: Sequence[Layer], rows: Sequence[int]) -> int:
    """Return the real multiply-adds of a sample, without biases and fixed transforms.

    ``rows`` are those of a sample that leave each layer.
    """
    return sum(n * layer.multiply_adds() for n, layer in zip(rows, layers, strict=True))


def taken(layer: Layer, into: Sequence[Array]) -> Any:
    """Return what a layer is bound to, of the arrays that enter it: a Join to a tuple of them."""
    return tuple(into) if isinstance(layer, Join) else into[0]


def bind_graph(
    layers: Sequence[Layer],
    sources: Sources,
    params: list[Params],
    x: Array,
    context: Context,
    skipped: int,
) -> BoundNetwork:
    """Return the network bound to parameters and inputs; its first layers may have been applied.

    Outputs that several layers take are overwritten by none of them.
    """
    consumers = consumers_of(sources)
    values: dict[int, Array] = {skipped - 1: x}
    shared = [x] if len(consumers[skipped - 1]) > 1 else []
    preserving = replace(context, allocate=Preserving(context.allocate))
    runs, pullbacks = [], []
    for position in range(skipped, len(layers)):
        layer, own = layers[position], sources[position]
        into = tuple(values[source] for source in own)
        # Views count too: a layer may pass on a part of what it takes.
        guarded = any(np.may_share_memory(a, b) for a in into for b in shared)
        own_context = preserving if guarded else context
        y, run, pullback = layer.bind(params[position], taken(layer, into), own_context)
        runs.append(run)
        pullbacks.append(pullback)
        values[position] = y
        if len(consumers[position]) > 1:
            shared.append(y)
    sums = {
        position: context.allocate.kept(value.shape, value.dtype)
        for position, value in values.items()
        if len(consumers[position]) > 1
    }
    return BoundNetwork(
        values[len(layers) - 1], runs, GraphPullback(layers, sources, pullbacks, skipped, sums)
    )


class GraphPullback:
    """The graph's pullback: ``(dlogits, grads) -> dx``, with one ``grads`` dict per layer.

    Parameters
    ----------
    layers, sources
        Of the network.
    pullbacks : list of Pullback
        Of its layers but those that were applied before.
    skipped : int
        How many these are.
    sums : dict
        For each output that several layers take, memory for the sum of their gradients.
    """

    def __init__(
        self,
        layers: Sequence[Layer],
        sources: Sources,
        pullbacks: list[Any],
        skipped: int,
        sums: dict[int, Array],
    ) -> None:
        self._sums, self._last, self._entry = sums, len(layers) - 1, skipped - 1
        numbered = list(enumerate(pullbacks, skipped))[::-1]
        self._all = [
            _Step(position, sources[position], _giving_tuple(layers[position], pullback))
            for position, pullback in numbered
        ]
        leads = dict.fromkeys((INPUT, skipped - 1), False)  # back to parameters
        for position in range(skipped, len(layers)):
            own = bool(layers[position].parameter_shapes())
            leads[position] = own or any(leads[source] for source in sources[position])
        self._needed = []
        for step in self._all:
            kept = tuple(source if leads[source] else None for source in sources[step.position])
            if any(source is not None for source in kept):
                self._needed.append(step._replace(sources=kept))
            elif leads[step.position]:
                pullback = _unwanted(pullbacks[step.position - skipped])
                self._needed.append(_Step(step.position, (), pullback))

    def __call__(self, dy: Array, grads: list[Params]) -> Array:
        """Write all gradients into ``grads``, return dL/dx (N, n_in); not for prepared inputs."""
        return self._pull(self._all, dy, grads)[self._entry]

    def to_parameters(self, dy: Array, grads: list[Params]) -> None:
        """Write all gradients into ``grads`` without computing that of the inputs."""
        self._pull(self._needed, dy, grads)

    def _pull(self, steps: "list[_Step]", dy: Array, grads: list[Params]) -> dict[int, Array]:
        """Return the gradients of outputs that nothing has pulled back, by position."""
        found: dict[int, Array] = {self._last: dy}
        for position, sources, pullback in steps:
            given = pullback(found.pop(position), grads[position])
            for source, gradient in zip(sources, given, strict=True):
                if source is None:
                    continue
                total = self._sums.get(source)
                if total is None:
                    found[source] = gradient
                elif source in found:
                    np.add(total, gradient, out=total)
                else:  # copied, as the next pullback may overwrite it
                    np.copyto(total, gradient)
                    found[source] = total
        return found


class _Step(NamedTuple):
    """A layer's part in the way back; what leads to no parameters has no source."""

    position: int
    sources: tuple[int | None, ...]
    pullback: Callable[[Array, Params], tuple[Array, ...]]


def _giving_tuple(layer: Layer, pullback: Any) -> Callable[[Array, Params], tuple[Array, ...]]:
    """Return a pullback whose result is a tuple, whatever the layer."""
    if isinstance(layer, Join):
        return pullback  # type: ignore[no-any-return]
    return lambda dy, grads: (pullback(dy, grads),)


def _unwanted(pullback: Any) -> Callable[[Array, Params], tuple[Array, ...]]:
    """Return a pullback that writes the parameters' gradients only."""

    def call(dy: Array, grads: Params) -> tuple[Array, ...]:
        pullback(dy, grads, wanted=False)
        return ()

    return call
