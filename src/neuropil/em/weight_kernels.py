"""Compiled kernels of the voxel weights: where labels meet, and how far each voxel is from another label."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuropil.compiled import compiled

INFINITE = np.float32(np.inf)


@compiled
def meets_other(ids: NDArray[np.int64], meets: NDArray[np.bool_]) -> None:  # pragma: no cover
    """Mark the voxels whose 3x3x3 neighbourhood (as far as it lies inside) holds more than one id.

    A neighbourhood is of one id if its three lines are, one axis after the other: six comparisons a voxel in
    place of 26. `ids` and `meets` are (z, y, x).
    """
    depth, height, width = ids.shape
    rows = np.empty((height, width), np.bool_)
    for z in range(depth):
        for y in range(height):
            for x in range(width):
                here = ids[z, y, x]
                before = x > 0 and ids[z, y, x - 1] != here
                rows[y, x] = before or (x + 1 < width and ids[z, y, x + 1] != here)
        for y in range(height):
            for x in range(width):
                here = ids[z, y, x]
                found = rows[y, x]
                if y > 0:
                    found = found or rows[y - 1, x] or ids[z, y - 1, x] != here
                if y + 1 < height:
                    found = found or rows[y + 1, x] or ids[z, y + 1, x] != here
                meets[z, y, x] = found
    before_this = np.empty((height, width), np.bool_)  # what a section was before its neighbours marked it
    for z in range(depth):
        for y in range(height):
            for x in range(width):
                here = ids[z, y, x]
                own = meets[z, y, x]
                found = own
                if z > 0:
                    found = found or before_this[y, x] or ids[z - 1, y, x] != here
                if z + 1 < depth:
                    found = found or meets[z + 1, y, x] or ids[z + 1, y, x] != here
                before_this[y, x] = own
                meets[z, y, x] = found


@compiled
def squared_distances(ids: NDArray[np.int64], step_nm: NDArray[np.float64], squared: NDArray[np.float32]) -> None:
    """Squared distance of each voxel to the nearest voxel of another id, nanometres, (z, y, x).

    The exact Euclidean distance transform of all labels at once (lower envelope of parabolas, Felzenszwalb and
    Huttenlocher 2012, one axis after the other and within runs of one id). The border of the array is no edge:
    an id that fills it is infinitely far from another. Voxels of id 0 get 0.

    Args:
        ids: (z, y, x).
        step_nm: voxel size, (z, y, x).
        squared: the result, of the shape of `ids`.
    """
    depth, height, width = ids.shape
    for z in range(depth):
        for y in range(height):
            _first_axis(ids[z, y], step_nm[2], squared[z, y])
    longest = max(depth, height)
    sites = np.empty(longest + 2, np.int64)
    heights = np.empty(longest + 2, np.float64)
    starts = np.empty(longest + 3, np.float64)
    # Lines across the rows are gathered for a whole row at once, so that memory is read in its order.
    labels = np.empty((width, height), np.int64)
    values = np.empty((width, height), np.float32)
    for z in range(depth):
        _gather(ids[z], squared[z], labels, values)
        for x in range(width):
            _next_axis(labels[x], values[x], step_nm[1], sites, heights, starts)
        for y in range(height):
            for x in range(width):
                squared[z, y, x] = values[x, y]
    if depth == 1:
        return
    labels = np.empty((width, depth), np.int64)
    values = np.empty((width, depth), np.float32)
    for y in range(height):
        _gather(ids[:, y], squared[:, y], labels, values)
        for x in range(width):
            _next_axis(labels[x], values[x], step_nm[0], sites, heights, starts)
        for z in range(depth):
            for x in range(width):
                squared[z, y, x] = values[x, z]


@compiled
def _gather(ids: Any, squared: Any, labels: NDArray[np.int64], values: NDArray[np.float32]) -> None:  # pragma: no cover
    for row in range(ids.shape[0]):
        for x in range(ids.shape[1]):
            labels[x, row] = ids[row, x]
            values[x, row] = squared[row, x]


@compiled
def _first_axis(labels: NDArray[np.int64], step: float, squared: NDArray[np.float32]) -> None:  # pragma: no cover
    """Squared distances along one line: to the nearer end of the run, where another id follows."""
    size = len(labels)
    start = 0
    while start < size:
        stop = start + 1
        while stop < size and labels[stop] == labels[start]:
            stop += 1
        for x in range(start, stop):
            if labels[start] == 0:
                squared[x] = 0
                continue
            left = x - start + 1 if start > 0 else size + 1
            right = stop - x if stop < size else size + 1
            near = min(left, right)
            squared[x] = (near * step) ** 2 if near <= size else INFINITE
        start = stop


@compiled
def _next_axis(
    labels: NDArray[np.int64],
    values: NDArray[np.float32],
    step: float,
    sites: NDArray[np.int64],
    heights: NDArray[np.float64],
    starts: NDArray[np.float64],
) -> None:  # pragma: no cover
    """Squared distances after one more axis, in place: in each run the lower envelope of the parabolas over it."""
    size, scale = len(labels), step * step
    start = 0
    while start < size:
        stop = start + 1
        while stop < size and labels[stop] == labels[start]:
            stop += 1
        if labels[start] == 0:
            start = stop
            continue
        count = 0
        first, last = (start - 1 if start > 0 else start), (stop if stop < size else stop - 1)
        for place in range(first, last + 1):
            height = np.float64(values[place]) if start <= place < stop else 0.0  # 0: the first voxel of another id
            if height == np.inf:
                continue
            cut = -np.inf
            while count > 0:
                gap = place - sites[count - 1]
                cut = ((height - heights[count - 1]) / (scale * gap) + place + sites[count - 1]) / 2
                if cut > starts[count - 1]:
                    break
                count -= 1
            if count == 0:
                cut = -np.inf
            sites[count], heights[count], starts[count] = place, height, cut
            count += 1
        if count > 0:
            starts[count] = np.inf
            lowest = 0
            for place in range(start, stop):
                while starts[lowest + 1] <= place:
                    lowest += 1
                values[place] = heights[lowest] + scale * (place - sites[lowest]) ** 2
        start = stop


@compiled
def weighted(
    ids: NDArray[np.int64],
    meets: NDArray[np.bool_],
    squared: NDArray[np.float32],
    largest: int,
    weight_edge: float,
    weight_bone: float,
    weights: NDArray[np.float32],
) -> None:  # pragma: no cover
    """Edge weight times bone weight of each voxel, all arrays flat; `largest` is the highest id. Id 0 weighs 0."""
    widest = np.zeros(largest + 1, np.float32)
    for place in range(len(ids)):
        if widest[ids[place]] < squared[place]:
            widest[ids[place]] = squared[place]
    for place in range(len(ids)):
        value = ids[place]
        if value == 0:
            weights[place] = 0
            continue
        most = widest[value]
        share = np.sqrt(squared[place] / most) if 0 < most < np.inf else np.float32(0)
        edge = weight_edge if meets[place] else 1.0
        weights[place] = edge * (1 + share * (weight_bone - 1))
