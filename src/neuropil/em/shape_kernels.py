"""Compiled kernels of the shape descriptors: moments of each instance in a Gaussian window about each of its voxels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuropil.compiled import compiled

MOMENTS = 10
"""Of an instance about a voxel, in this order: 1, x, xx, y, xy, yy, z, zx, zy, zz."""


@compiled
def moments(
    ids: NDArray[np.int64],
    count: int,
    along_z: NDArray[np.float32],
    along_y: NDArray[np.float32],
    along_x: NDArray[np.float32],
    result: NDArray[np.float32],
) -> None:  # pragma: no cover
    """Sum weight, weight * place and weight * place * place over the voxels of a voxel's own instance.

    Weights and places are products over the axes, so each instance is filtered along x, y and z one after the other,
    inside its own bounding box, with the orders 0, 1, 2 of each axis as far as the sum of the orders is at most 2.

    Args:
        ids: (z, y, x), 0..count; 0 = no instance.
        count: the highest id.
        along_z, along_y, along_x: (3, 2 r + 1): the weights of the places -r..r times the place to the power 0, 1, 2.
        result: (MOMENTS, z, y, x); written where there is an instance.
    """
    boxes = _boxes(ids, count)
    for value in range(1, count + 1):
        z0, z1, y0, y1, x0, x1 = boxes[value]
        if z1 > z0:
            _instance(ids[z0:z1, y0:y1, x0:x1], value, along_z, along_y, along_x, result[:, z0:z1, y0:y1, x0:x1])


@compiled
def _boxes(ids: NDArray[np.int64], count: int) -> NDArray[np.int64]:  # pragma: no cover
    """(count + 1, 6): first and behind the last voxel along z, y and x; the last is 0 of an id that does not occur."""
    depth, height, width = ids.shape
    boxes = np.zeros((count + 1, 6), np.int64)
    for value in range(count + 1):
        boxes[value, 0], boxes[value, 2], boxes[value, 4] = depth, height, width
    for z in range(depth):
        for y in range(height):
            for x in range(width):
                box = boxes[ids[z, y, x]]
                box[0], box[1] = min(box[0], z), max(box[1], z + 1)
                box[2], box[3] = min(box[2], y), max(box[3], y + 1)
                box[4], box[5] = min(box[4], x), max(box[5], x + 1)
    return boxes


@compiled
def _instance(ids: Any, value: int, along_z: Any, along_y: Any, along_x: Any, result: Any) -> None:  # pragma: no cover
    """The moments of one instance, all arrays cut to its bounding box.

    What is added goes from a voxel of the instance outwards, so rows that hold none cost nothing.
    """
    depth, height, width = ids.shape
    lines = np.zeros((3, depth, height, width), np.float32)
    held = np.zeros((depth, height), np.bool_)
    reach = along_x.shape[1] // 2
    for z in range(depth):
        for y in range(height):
            for x in range(width):
                if ids[z, y, x] == value:
                    held[z, y] = True
                    first, last = max(0, x - reach), min(width, x + reach + 1)
                    for order in range(3):
                        for place in range(first, last):
                            lines[order, z, y, place] += along_x[order, reach + x - place]
    planes = np.zeros((6, depth, height, width), np.float32)
    reach = along_y.shape[1] // 2
    for z in range(depth):
        for y in range(height):
            if held[z, y]:
                for place in range(max(0, y - reach), min(height, y + reach + 1)):
                    one, two, three = along_y[:, reach + y - place]
                    for x in range(width):
                        plain, lever, square = lines[0, z, y, x], lines[1, z, y, x], lines[2, z, y, x]
                        planes[0, z, place, x] += one * plain
                        planes[1, z, place, x] += one * lever
                        planes[2, z, place, x] += one * square
                        planes[3, z, place, x] += two * plain
                        planes[4, z, place, x] += two * lever
                        planes[5, z, place, x] += three * plain
    _last_axis(ids, value, held, planes, along_z, result)


@compiled
def _last_axis(ids: Any, value: int, held: Any, planes: Any, along_z: Any, result: Any) -> None:  # pragma: no cover
    """Along z, row by row, only for rows that hold a voxel of the instance."""
    depth, height, width = ids.shape
    reach = along_z.shape[1] // 2
    row = np.empty((10, width), np.float32)
    for z in range(depth):
        for y in range(height):
            if not held[z, y]:
                continue
            row[:] = 0
            for source in range(max(0, z - reach), min(depth, z + reach + 1)):
                one, two, three = along_z[:, reach + source - z]
                for x in range(width):
                    plain = planes[0, source, y, x]
                    row[0, x] += one * plain
                    row[1, x] += one * planes[1, source, y, x]
                    row[2, x] += one * planes[2, source, y, x]
                    row[3, x] += one * planes[3, source, y, x]
                    row[4, x] += one * planes[4, source, y, x]
                    row[5, x] += one * planes[5, source, y, x]
                    row[6, x] += two * plain
                    row[7, x] += two * planes[1, source, y, x]
                    row[8, x] += two * planes[3, source, y, x]
                    row[9, x] += three * plain
            for x in range(width):
                if ids[z, y, x] == value:
                    for order in range(10):
                        result[order, z, y, x] = row[order, x]
