"""Cutting a block into supervoxels: seeds far from every boundary, grown along the surest affinities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuropil.compiled import compiled
from neuropil.em.offsets import is_near, pair

_BOUNDARY = 0.85 * 255
"""A voxel whose mean affinity to its neighbours (0..255) is at most this is boundary: seeds are to be too many rather
than too few, for what a supervoxel joins wrongly stays joined."""
_LEVELS = 256


def supervoxels(
    affinities: NDArray[np.uint8],
    offsets: Sequence[Sequence[int]],
    spacing_nm: Sequence[float],
    seed_nm: float,
    mask: NDArray[np.bool_] | None = None,
) -> NDArray[np.int32]:
    """An over-segmentation in which agglomeration finds its pieces.

    Seeds are the places that are farther from a boundary than all others within `seed_nm` (Funke et al. 2019); they
    grow over the affinities of neighbours, the surest first, which cuts the maximum spanning forest (Cousty et al.
    2009). Of the ways to over-segment it is the one whose pieces follow boundaries in each direction (affinities, not a
    boundary map, decide, so thin sections need no treatment of their own), and it takes a small part of the time of a
    mutex watershed, whose many repulsive edges are not needed for pieces that are joined later anyway.

    Args:
        affinities: uint8 (offset, z, y, x), 0..255; only those of neighbours are read.
        offsets: the voxel pairs; without one along z the sections are cut one by one.
        spacing_nm: voxel size (z, y, x).
        seed_nm: two seeds are at least about half of this apart.
        mask: voxels outside become 0.

    Returns:
        int32 (z, y, x), 1..n; every voxel of the mask belongs to a supervoxel that the mask's voxels connect.
    """
    near = np.zeros((3, *affinities.shape[1:]), np.uint8)
    present = np.zeros(3, np.bool_)
    for channel, offset in enumerate(offsets):
        if is_near(offset):
            axis = int(np.argmax(offset))
            near[axis], present[axis] = affinities[channel], True
    inside = np.ones(affinities.shape[1:], np.bool_) if mask is None else np.ascontiguousarray(mask)
    seeds = _seeds(near, present, np.asarray(spacing_nm, np.float64), seed_nm, inside)
    _flood(near, present, inside, seeds.ravel())
    return seeds


def _seeds(
    near: NDArray[np.uint8],
    present: NDArray[np.bool_],
    spacing_nm: NDArray[np.float64],
    seed_nm: float,
    inside: NDArray[np.bool_],
) -> NDArray[np.int32]:
    import cc3d
    import edt
    from scipy.ndimage import maximum_filter

    mean = _mean_of_neighbours(near, present)
    # A network that is sure of nothing would leave no seed: the surer half of its voxels then has them.
    cells = (mean > min(_BOUNDARY, float(np.median(mean[inside])) if inside.any() else _BOUNDARY)) & inside
    window = [max(3, 2 * round(seed_nm / 2 / step) + 1) if has else 1
              for step, has in zip(spacing_nm, present, strict=True)]  # fmt: skip
    if present[0]:
        away = edt.edt(cells, anisotropy=tuple(spacing_nm), parallel=1)
        peaks = (away == maximum_filter(away, window)) & cells
        return np.asarray(cc3d.connected_components(peaks, connectivity=6)).astype(np.int32)
    seeds, count = np.zeros(cells.shape, np.int32), 0
    for z, section in enumerate(cells):
        away = edt.edt(section, anisotropy=tuple(spacing_nm[1:]), parallel=1)
        peaks = (away == maximum_filter(away, window[1:])) & section
        found, more = cc3d.connected_components(peaks, connectivity=4, return_N=True)
        seeds[z] = np.where(found > 0, found.astype(np.int32) + count, 0)
        count += int(more)
    return seeds


def _mean_of_neighbours(near: NDArray[np.uint8], present: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Mean affinity of each voxel to the neighbours it has."""
    total = np.zeros(near.shape[1:], np.float32)
    count = np.zeros(near.shape[1:], np.uint8)
    for axis in np.flatnonzero(present):
        step = [int(other == axis) for other in range(3)]
        first, second = pair(total.shape, step)
        for side in (first, second):
            total[side] += near[axis][first]
            count[side] += 1
    return np.asarray(total / np.maximum(count, 1), np.float32)


@compiled
def _flood(near: Any, present: Any, inside: Any, labels: Any) -> None:
    """Grow `labels` (flat) over all of `inside`; what no seed reaches becomes supervoxels of its own.

    One queue for each of the 256 levels, first in first out: on a plateau the fronts of two seeds meet half-way. A
    voxel waits in one queue at a time, in that of the surest offer, with the label -owner.
    """
    shape, edges = np.array(inside.shape), near.reshape(3, -1)
    cells = inside.ravel()
    heads, tails = np.full(_LEVELS, -1, np.int32), np.full(_LEVELS, -1, np.int32)
    before, after = np.full(cells.size, -1, np.int32), np.full(cells.size, -1, np.int32)
    level = np.full(cells.size, -1, np.int16)
    queues = (heads, tails, before, after, level)
    count = 0
    for voxel in range(cells.size):
        if labels[voxel] > 0:
            count = max(count, labels[voxel])
            _offer(voxel, shape, edges, present, cells, labels, queues)
    _drain(shape, edges, present, cells, labels, queues)
    for voxel in range(cells.size):
        if cells[voxel] and labels[voxel] == 0:
            count += 1
            labels[voxel] = count
            _offer(voxel, shape, edges, present, cells, labels, queues)
            _drain(shape, edges, present, cells, labels, queues)


@compiled
def _drain(shape: Any, edges: Any, present: Any, cells: Any, labels: Any, queues: Any) -> None:
    """Give each waiting voxel to its owner, the surest first."""
    heads = queues[0]
    current = _LEVELS - 1
    while current >= 0:
        voxel = heads[current]
        if voxel < 0:
            current -= 1
            continue
        _take(voxel, queues)
        labels[voxel] = -labels[voxel]
        current = max(current, _offer(voxel, shape, edges, present, cells, labels, queues))


@compiled
def _offer(voxel: Any, shape: Any, edges: Any, present: Any, cells: Any, labels: Any, queues: Any) -> Any:
    """Let the free neighbours of a labelled voxel wait for its owner where it offers more; return the highest level."""
    level = queues[4]
    step = labels.size
    highest: Any = -1
    for axis in range(3):
        step //= shape[axis]
        if not present[axis]:
            continue
        place = voxel // step % shape[axis]
        for forward in range(2):
            if (place + 1 == shape[axis]) if forward else (place == 0):
                continue
            other = voxel + step if forward else voxel - step
            value = np.int64(edges[axis, voxel if forward else other])
            if not cells[other] or labels[other] > 0 or level[other] >= value:
                continue
            if level[other] >= 0:
                _take(other, queues)
            labels[other] = -labels[voxel]
            _put(other, value, queues)
            highest = max(highest, value)
    return highest


@compiled
def _put(voxel: Any, value: Any, queues: Any) -> None:
    heads, tails, before, after, level = queues
    level[voxel] = value
    before[voxel], after[voxel] = tails[value], -1
    if tails[value] >= 0:
        after[tails[value]] = voxel
    else:
        heads[value] = voxel
    tails[value] = voxel


@compiled
def _take(voxel: Any, queues: Any) -> None:
    heads, tails, before, after, level = queues
    first, second, value = before[voxel], after[voxel], level[voxel]
    if first >= 0:
        after[first] = second
    else:
        heads[value] = second
    if second >= 0:
        before[second] = first
    else:
        tails[value] = first
    level[voxel] = -1
