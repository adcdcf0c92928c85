"""A network that is put together layer by layer, each with its sources."""

from collections.abc import Sequence

from cdbench.engine.graph import INPUT
from cdbench.engine.layers import Layer
from cdbench.engine.network import Network


class Assembly:
    """Layers with their sources, one after the other."""

    def __init__(self) -> None:
        self._layers: list[Layer] = []
        self._sources: list[tuple[int, ...]] = []

    def add(self, layer: Layer, *sources: int) -> int:
        """Append a layer and return its index."""
        self._layers.append(layer)
        self._sources.append(sources)
        return len(self._layers) - 1

    def chain(self, layers: Sequence[Layer], source: int = INPUT) -> int:
        """Append layers, each after the one before; return the index of the last."""
        for layer in layers:
            source = self.add(layer, source)
        return source

    def network(self) -> Network:
        """Return the network of all layers; the last one's output are its logits."""
        return Network(self._layers, self._sources)
