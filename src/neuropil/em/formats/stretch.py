"""An array that lies in a file in one piece, x quickest: NIfTI, NRRD, plain TIFF."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuropil.em.formats.lazy import Box, LazyArray
from neuropil.em.formats.streams import Bytes


class Stretch(LazyArray):
    """Voxels in the order (z, y, x), from a byte of a file on.

    Args:
        source: the file, plain or gzipped.
        offset: the byte of the first voxel.
        shape: voxels, (z, y, x).
        dtype: of a voxel in the file, with its byte order.
        name: for messages.
        scale: (slope, intercept) that make the value from the number in the file; None: they are the same.
    """

    def __init__(
        self,
        source: Bytes,
        offset: int,
        shape: Sequence[int],
        dtype: Any,
        name: str,
        *,
        scale: tuple[float, float] | None = None,
    ) -> None:
        self._kind = np.dtype(dtype)
        own = self._kind.newbyteorder("=") if scale is None else np.dtype(np.float64)
        super().__init__(shape, own, name)
        self._source, self._offset, self._scale = source, offset, scale

    def read(self, box: Box) -> NDArray[Any]:
        (z0, z1), (y0, y1), (x0, x1) = box
        _, rows, columns = self.shape
        # Whole rows are read and cut: they lie together, and a gzipped file has to be unpacked through them anyway.
        if (y0, y1) == (0, rows):
            values = self._rows(z0 * rows, (z1 - z0) * rows).reshape(z1 - z0, rows, columns)[:, :, x0:x1]
        else:
            values = np.empty((z1 - z0, y1 - y0, x1 - x0), self._kind)
            for z in range(z0, z1):
                values[z - z0] = self._rows(z * rows + y0, y1 - y0)[:, x0:x1]
        if self._scale is not None:
            slope, intercept = self._scale
            return values * slope + intercept
        return values.astype(self.dtype, copy=False)

    def _rows(self, first: int, count: int) -> NDArray[Any]:
        width = self.shape[2] * self._kind.itemsize
        data = self._source.read_at(self._offset + first * width, count * width)
        return np.frombuffer(data, self._kind).reshape(count, self.shape[2])
