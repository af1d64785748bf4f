"""From one voxel size to another: grey values by area or linearly, labels by the nearest voxel."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

TOLERANCE = 1.25
"""Voxel sizes that differ by no more on any axis are taken as they are."""


def needs_resampling(resolution_nm: Sequence[float], spacing_nm: Sequence[float], spatial_dims: int) -> bool:
    """Whether a volume is too different from the network's voxel size; sections (2) are compared in plane only."""
    ratios = [a / b for a, b in zip(resolution_nm, spacing_nm, strict=True)][3 - spatial_dims :]
    return max(max(ratios), 1 / min(ratios)) > TOLERANCE


def source_size(size: Sequence[int], resolution_nm: Sequence[float], spacing_nm: Sequence[float]) -> tuple[int, ...]:
    """How many voxels of `resolution_nm` span as much as `size` voxels of `spacing_nm`, at least 1."""
    return tuple(
        max(1, round(length * wanted / has))
        for length, has, wanted in zip(size, resolution_nm, spacing_nm, strict=True)
    )


def resampled_grey(values: NDArray[Any], size: Sequence[int]) -> NDArray[np.float32]:
    """Grey values (z, y, x) on another grid over the same space; see `grey_box`."""
    return grey_box(values, size, tuple((0, int(length)) for length in size))


def grey_box(values: Any, size: Sequence[int], box: Sequence[tuple[int, int]]) -> NDArray[np.float32]:
    """A box of grey values on another grid over the same space.

    Along an axis that loses voxels a new one is the mean of those it covers, weighted by the overlap; along one that
    gains voxels it lies on the line between the two nearest centres (the border's value beyond the last centre). A
    voxel has one value, whatever the box it is read in.

    Args:
        values: (z, y, x), an array or a dataset that gives arrays when it is sliced.
        size: of the new grid, voxels, (z, y, x).
        box: ((z0, z1), (y0, y1), (x0, x1)) of the new grid.
    """
    axes = [_weights(int(old), int(new), *span) for old, new, span in zip(values.shape, size, box, strict=True)]
    array = np.asarray(values[tuple(slice(first, first + matrix.shape[1]) for first, matrix in axes)], np.float32)
    for axis, (_, matrix) in enumerate(axes):
        if values.shape[axis] != size[axis]:
            array = np.moveaxis(np.tensordot(matrix, array, axes=(1, axis)), 0, axis)
    return np.ascontiguousarray(array, np.float32)


def resampled_labels(labels: NDArray[np.integer], size: Sequence[int]) -> NDArray[np.integer]:
    """Labels (z, y, x) on another grid over the same space: those of the voxel in which the new centre lies."""
    if labels.shape == tuple(size):
        return labels
    return label_box(labels, size, tuple((0, int(length)) for length in size))


def label_box(labels: Any, size: Sequence[int], box: Sequence[tuple[int, int]]) -> NDArray[np.integer]:
    """A box of labels on another grid over the same space; arguments as for `grey_box`."""
    picked = [nearest(int(old), int(new))[slice(*span)] for old, new, span in zip(labels.shape, size, box, strict=True)]
    array = np.asarray(labels[tuple(slice(int(index[0]), int(index[-1]) + 1) for index in picked)])
    return np.ascontiguousarray(array[np.ix_(*(index - index[0] for index in picked))])


@lru_cache(maxsize=64)
def nearest(old: int, new: int) -> NDArray[np.int64]:
    """For each of `new` voxels over an axis the one of `old` voxels in which its centre lies. Integers throughout."""
    return np.asarray((2 * np.arange(new, dtype=np.int64) + 1) * old // (2 * new))


@lru_cache(maxsize=256)
def _weights(old: int, new: int, start: int, stop: int) -> tuple[int, NDArray[np.float32]]:
    """How the values `start` to `stop` of `new` are made of `old`: the first old one, and weights (new, old)."""
    if new == old:
        return start, np.eye(stop - start, dtype=np.float32)
    step = old / new
    if new < old:
        edges = np.clip(np.arange(start, stop + 1) * step, 0, old)
        first, last = int(edges[0]), int(np.ceil(edges[-1]))
        voxels = np.arange(first, last)
        low, high = np.maximum(voxels, edges[:-1, None]), np.minimum(voxels + 1, edges[1:, None])
        matrix = np.maximum(high - low, 0)
    else:
        centres = np.clip((np.arange(start, stop) + 0.5) * step - 0.5, 0, old - 1)
        left = centres.astype(int)
        right = np.minimum(left + 1, old - 1)
        first, last = int(left[0]), int(right[-1]) + 1
        matrix = np.zeros((stop - start, last - first))
        rows = np.arange(stop - start)
        np.add.at(matrix, (rows, left - first), 1 - (centres - left))
        np.add.at(matrix, (rows, right - first), centres - left)
    return first, (matrix / matrix.sum(1, keepdims=True)).astype(np.float32)
