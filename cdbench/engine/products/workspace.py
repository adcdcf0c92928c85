"""Arrays that a repeated computation reuses."""

import numpy as np
from numpy.typing import DTypeLike

from cdbench.engine.products.base import Array

Key = tuple[object, ...]

CACHE_LINE = 64
"""Bytes. In arrays that begin on a cache line, the widest vector instructions never span two."""


class Workspace:
    """Lends memory in the order of requests, and the same memory again after each ``restart``.

    What a pass returned therefore stays valid only until the next pass reuses it. Passes should
    request the same arrays in the same order. A pass over fewer samples gets arrays in the same
    memory. One that needs more gets new memory, which passes bound later also use; passes bound
    earlier keep theirs.
    """

    overwriting = True

    def __init__(self) -> None:
        self._kept: list[_Memory] = []
        self._scratch: dict[int, _Memory] = {}
        self._next = 0

    def restart(self) -> None:
        """Begin the next pass."""
        self._next = 0

    def kept(self, shape: tuple[int, ...], dtype: DTypeLike) -> Array:
        """Return an uninitialised array that keeps what is written to it until the next pass."""
        index = self._next
        self._next = index + 1
        if index == len(self._kept):
            self._kept.append(_Memory())
        return self._kept[index].array(shape, dtype)

    def scratch(self, slot: int, shape: tuple[int, ...], dtype: DTypeLike) -> Array:
        """Return an array that the next caller using the same slot may overwrite."""
        memory = self._scratch.get(slot)
        if memory is None:
            memory = self._scratch[slot] = _Memory()
        return memory.array(shape, dtype)

    @property
    def n_bytes(self) -> int:
        """Size of all memory lent so far."""
        return sum(memory.bytes.nbytes for memory in (*self._kept, *self._scratch.values()))


class _Memory:
    """A piece of memory, as large as the largest array requested from it."""

    def __init__(self) -> None:
        self.bytes = aligned(0, np.uint8)
        self.arrays: dict[Key, Array] = {}

    def array(self, shape: tuple[int, ...], dtype: DTypeLike) -> Array:
        """Return an array in this memory, the same one for the same shape and dtype."""
        array = self.arrays.get((shape, dtype))
        return self._new(shape, dtype) if array is None else array

    def _new(self, shape: tuple[int, ...], dtype: DTypeLike) -> Array:
        n_bytes = np.dtype(dtype).itemsize * int(np.prod(shape))
        if n_bytes > self.bytes.nbytes:
            self.arrays.clear()
            self.bytes = aligned(n_bytes, np.uint8)
        array: Array = self.bytes[:n_bytes].view(dtype).reshape(shape)
        self.arrays[shape, dtype] = array
        return array


def aligned(shape: int | tuple[int, ...], dtype: DTypeLike) -> Array:
    """Return zeros that begin on a cache line; NumPy's own arrays begin anywhere.

    The small ufuncs of a training step are up to twice as fast on them.
    """
    n_bytes = int(np.prod(shape)) * np.dtype(dtype).itemsize
    memory = np.zeros(n_bytes + CACHE_LINE, np.uint8)
    start = -memory.ctypes.data % CACHE_LINE
    zeros: Array = memory[start : start + n_bytes].view(dtype).reshape(shape)
    return zeros
