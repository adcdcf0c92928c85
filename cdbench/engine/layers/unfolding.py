"""The windows of images as rows, of which a matrix product makes a convolution."""

from typing import NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from cdbench.engine.products.base import Allocate, Array


class Geometry(NamedTuple):
    """How windows of k × k pixels lie in an image of height × width pixels.

    ``before`` and ``after`` are the rows and columns of zeros around it, (2,) each; ``dilation`` is
    the distance at which its own pixels are put, and ``stride`` that of the windows.
    """

    height: int
    width: int
    kernel: int
    stride: int
    before: tuple[int, int]
    after: tuple[int, int]
    dilation: int = 1

    @property
    def padded(self) -> tuple[int, int]:
        """Height and width with zeros."""
        first, second = (
            front + (n - 1) * self.dilation + 1 + back
            for n, front, back in zip(self[:2], self.before, self.after, strict=True)
        )
        return first, second

    @property
    def windows(self) -> tuple[int, int]:
        """How many windows there are, one below and one beside another."""
        height, width = ((n - self.kernel) // self.stride + 1 for n in self.padded)
        return height, width

    def turned(self) -> "Geometry":
        """Return the windows of the output's gradient, of which that of the input is made."""
        k, own, stride = self.kernel, self.windows, self.stride
        front = k - 1 - self.before[0], k - 1 - self.before[1]
        back = [
            n + k - 1 - f - ((m - 1) * stride + 1)
            for n, m, f in zip(self[:2], own, front, strict=True)
        ]
        return Geometry(*own, k, 1, front, (back[0], back[1]), stride)


class Unfolding:
    """Writes the windows of some images as rows, (windows, k² · channels), the channel fastest.

    Parameters
    ----------
    geometry : Geometry
        Where the windows are.
    n, channels : int
        How many images, and their channels.
    slots : tuple of int
        Of the scratch arrays for padded images and for rows.
    one : bool
        Whether each row ends with a 1, which a bias is multiplied by.
    """

    def __init__(
        self,
        geometry: Geometry,
        n: int,
        channels: int,
        slots: tuple[int, int],
        dtype: DTypeLike,
        allocate: Allocate,
        *,
        one: bool = False,
    ) -> None:
        k, size = geometry.kernel, geometry.kernel**2 * channels
        height, width = geometry.windows
        self._image = (geometry.height, geometry.width, channels)
        self._padded = allocate.scratch(slots[0], (n, *geometry.padded, channels), dtype)
        self._whole = allocate.scratch(slots[1], (n, height, width, size + one), dtype)
        self.rows = self._whole.reshape(-1, size + one)
        inside = [
            slice(front, front + (m - 1) * geometry.dilation + 1, geometry.dilation)
            for front, m in zip(geometry.before, geometry[:2], strict=True)
        ]
        self._inside = self._padded[:, inside[0], inside[1]]
        views = np.lib.stride_tricks.sliding_window_view(self._padded, (k, k), axis=(1, 2))
        step = geometry.stride
        source = views[:, ::step, ::step].transpose(0, 1, 2, 4, 5, 3)
        target = self._whole[..., :size].reshape(n, height, width, k, k, channels)
        # NumPy copies whole rows of a window, or one tap of all windows: whichever runs longer.
        taps = [(i, j) for i in range(k) for j in range(k)] if k * channels < width else [()]
        places = [(slice(None),) * 3 + tap for tap in taps]
        self._copies = [(target[place], source[place]) for place in places]
        self._ones = self._whole[..., size:]

    def prepare(self) -> None:
        """Write what no image changes: others may have used the same memory."""
        self._padded.fill(0)
        self._ones.fill(1)

    def unfold(self, x: Array) -> Array:
        """Return the rows of the images of ``x``, pixels (n · height · width, channels)."""
        images = x.reshape(-1, *self._image)
        n = len(images)
        np.copyto(self._inside[:n], images)
        for target, source in self._copies:
            np.copyto(target[:n], source[:n])
        return self.rows[: n * (len(self.rows) // len(self._whole))]
