"""The nodes of an ONNX graph as plain values, each with a name of its own."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cdbench.errors import ModelError


class Node(NamedTuple):
    """An operation of ONNX's default domain, with one output."""

    operator: str
    inputs: tuple[str, ...]
    output: str
    attributes: dict[str, Any]


class Rows(NamedTuple):
    """Rows of numbers that a node gives.

    Attributes
    ----------
    name : str
        The output's.
    width : int
        How many entries a row has. A layer that takes more takes zeros for the others.
    """

    name: str
    width: int


class Nodes:
    """Nodes in the order in which they are computed, and the constants that they take.

    Parameters
    ----------
    dtype : str
        Of all numbers that are not integers: ``float64`` or ``float32``.

    Attributes
    ----------
    nodes : list of Node
    constants : dict of array
        By name.
    scope : str
        What names of new nodes begin with.
    """

    def __init__(self, dtype: str) -> None:
        self.dtype = np.dtype(dtype)
        self.nodes: list[Node] = []
        self.constants: dict[str, NDArray[Any]] = {}
        self.scope = "inputs"
        self._shapes: dict[tuple[int, ...], str] = {}

    def add(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """Append a node and return the name of its output."""
        output = f"{self.scope}.{len(self.nodes)}.{operator}"
        self.nodes.append(Node(operator, inputs, output, attributes))
        return output

    def numbers(self, values: ArrayLike) -> str:
        """Return the name of a constant of real numbers, rounded to the graph's type.

        Raises
        ------
        ModelError
            If one is out of its range.
        """
        exact = np.asarray(values, np.float64)
        with np.errstate(over="ignore"):  # checked here
            rounded = exact.astype(self.dtype)
        if np.any(np.isinf(rounded) & np.isfinite(exact)):
            raise ModelError(
                f"a constant of {self.scope} is out of the range of {self.dtype}; expected a model "
                "trained in float64"
            )
        return self.constant(rounded)

    def integers(self, values: Sequence[int]) -> str:
        """Return the name of a constant list of integers; equal ones are one constant."""
        key = tuple(int(value) for value in values)
        if key not in self._shapes:
            self._shapes[key] = self.constant(np.array(key, np.int64))
        return self._shapes[key]

    def constant(self, array: NDArray[Any]) -> str:
        """Return the name of a constant of any type."""
        name = f"constant.{len(self.constants)}"
        self.constants[name] = array
        return name

    def reshaped(self, x: str, *shape: int) -> str:
        """Return x in a shape, of which one length is −1: what is left."""
        return self.add("Reshape", x, self.integers(shape))

    def transposed(self, x: str, *axes: int) -> str:
        """Return x with its axes in another order."""
        return self.add("Transpose", x, perm=list(axes))

    def over(self, reduction: str, x: str, *axes: int, keepdims: int = 0) -> str:
        """Return a reduction over axes, which are dropped or keep length 1."""
        return self.add(reduction, x, self.integers(axes), keepdims=keepdims)

    def widened(self, x: Rows, n: int) -> str:
        """Return the rows with zeros appended, or surplus entries cut off, so that they have n."""
        if x.width < n:
            return self.add("Pad", x.name, self.integers((0, 0, 0, n - x.width)))
        return self.cut(x.name, 1, n) if x.width > n else x.name

    def cut(self, x: str, axis: int, n: int) -> str:
        """Return the first n entries along an axis."""
        return self.add("Slice", x, *(self.integers([i]) for i in (0, n, axis)))

    def call(self, name: str, other: str) -> None:
        """Give an output another name."""

        def named(one: str) -> str:
            return other if one == name else one

        self.nodes = [
            node._replace(inputs=tuple(map(named, node.inputs)), output=named(node.output))
            for node in self.nodes
        ]
