"""Arrays (z, y, x) that are read from a file when they are sliced."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Span = tuple[int, int]
Box = tuple[Span, Span, Span]
"""Voxels from start to stop (not in it), by axis (z, y, x)."""


class LazyArray:
    """Base of arrays in files; a format gives `read`.

    Args:
        shape: voxels, (z, y, x).
        dtype: what `read` returns.
        name: for messages.
        chunks: voxels that can only be read together, (z, y, x); None where any can be read.
        axis_order: the axes from the slowest to the quickest in the file; (0, 1, 2): x lies together.
    """

    ndim = 3

    def __init__(
        self,
        shape: Sequence[int],
        dtype: Any,
        name: str,
        *,
        chunks: Sequence[int] | None = None,
        axis_order: tuple[int, int, int] = (0, 1, 2),
    ) -> None:
        z, y, x = shape
        self.shape = (int(z), int(y), int(x))
        self.dtype = np.dtype(dtype)
        self.name = name
        self.chunks = None if chunks is None else tuple(int(size) for size in chunks)
        self.axis_order = axis_order

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: Any) -> NDArray[Any]:
        """The voxels of slices and whole numbers, as NumPy gives them."""
        box, rest = _box(index, self.shape)
        if any(start >= stop for start, stop in box):
            return np.empty([max(0, stop - start) for start, stop in box], self.dtype)[rest]
        return self.read(box)[rest]

    def read(self, box: Box) -> NDArray[Any]:
        """The voxels of a box that is not empty and inside the array."""
        raise NotImplementedError


class Reordered(LazyArray):
    """A sliceable array whose axes stand in another order, or which has axes of length 1 besides.

    Args:
        array: an h5py dataset, a Zarr array ...
        axes: where z, y and x stand in it.
    """

    def __init__(self, array: Any, axes: tuple[int, int, int], name: str) -> None:
        chunks = getattr(array, "chunks", None)
        super().__init__(
            [array.shape[axis] for axis in axes],
            array.dtype,
            name,
            chunks=None if chunks is None else [chunks[axis] for axis in axes],
            axis_order=tuple(sorted((0, 1, 2), key=lambda own: axes[own])),  # type: ignore[arg-type]
        )
        self._array, self._axes = array, axes

    def read(self, box: Box) -> NDArray[Any]:
        where: list[Any] = [0] * self._array.ndim
        for (start, stop), axis in zip(box, self._axes, strict=True):
            where[axis] = slice(start, stop)
        values = np.asarray(self._array[tuple(where)])
        kept = sorted(self._axes)
        return values.transpose([kept.index(axis) for axis in self._axes])


class Placed(LazyArray):
    """A sliceable array (z, y, x) that lies in a larger frame; outside it there are zeros.

    Args:
        array: the labels of a part of a volume.
        start: the voxel of the frame at which it begins.
        shape: of the frame.
    """

    def __init__(self, array: Any, start: tuple[int, int, int], shape: tuple[int, int, int], name: str) -> None:
        # The chunks are those of the array; they lie shifted in the frame, so that a few are read twice.
        super().__init__(
            shape,
            array.dtype,
            name,
            chunks=getattr(array, "chunks", None),
            axis_order=getattr(array, "axis_order", (0, 1, 2)),
        )
        self._array, self._start = array, start

    def read(self, box: Box) -> NDArray[Any]:
        values = np.zeros([stop - start for start, stop in box], self.dtype)
        inner, target = [], []
        for (start, stop), first, size in zip(box, self._start, self._array.shape, strict=True):
            low, high = max(start, first), min(stop, first + size)
            if low >= high:
                return values
            inner.append(slice(low - first, high - first))
            target.append(slice(low - start, high - start))
        values[tuple(target)] = self._array[tuple(inner)]
        return values


def _box(index: Any, shape: tuple[int, int, int]) -> tuple[Box, tuple[Any, ...]]:
    """The box that an index touches, and the index of what is wanted of it."""
    parts = list(index) if isinstance(index, tuple) else [index]
    if Ellipsis in parts:
        place = parts.index(Ellipsis)
        parts[place : place + 1] = [slice(None)] * (4 - len(parts))
    if len(parts) > 3:
        raise IndexError(f"{len(parts)} indices for an array of three axes")
    parts += [slice(None)] * (3 - len(parts))
    spans, rest = [], []
    for part, size in zip(parts, shape, strict=True):
        if isinstance(part, slice):
            start, stop, step = part.indices(size)
            if step < 1:
                raise IndexError("steps below 1 are not supported")
            spans.append((start, max(start, stop)))
            rest.append(slice(None, None, step))
        else:
            place = range(size)[int(part)]
            spans.append((place, place + 1))
            rest.append(0)  # type: ignore[arg-type]
    return (spans[0], spans[1], spans[2]), tuple(rest)
