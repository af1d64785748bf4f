"""What the affinities say of each pair of supervoxels, gathered in one pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neuropil.compiled import compiled
from neuropil.em.offsets import is_near

BINS = 16
"""Bins of the histogram of near affinities."""
AREA, SUM, SQUARES, HISTOGRAM = 0, 1, 2, 3
"""Columns of `RegionGraph.pairs`: near pairs of voxels, their affinities, the squares; then the histogram."""
FAR = HISTOGRAM + BINS
"""From here on: number and sum of the far affinities of each distance, then of the extra ones (near, far)."""

_RATIO = 1.4  # distances that differ by less are one
_EMPTY = -1
_FIRST = 4096  # slots of the hash table


@dataclass(frozen=True)
class RegionGraph:
    """Supervoxels and the pairs that voxel pairs run between. All columns are sums, so regions merge by adding.

    Attributes:
        ends: (pairs, 2) int32, the lower id first; sorted. Ids 1..n; 0 is no region.
        pairs: (pairs, columns) float64, see `AREA` ... `FAR`; affinities count 0..1. A pair without contact has area 0.
        nodes: (n + 1, 3) float64: voxels, near voxel pairs inside, their affinities.
        distances: how many distances the far affinities have.
        extra: whether the last four columns are there.
    """

    ends: NDArray[np.int32]
    pairs: NDArray[np.float64]
    nodes: NDArray[np.float64]
    distances: int
    extra: bool

    @property
    def regions(self) -> int:
        """How many supervoxels there are."""
        return len(self.nodes) - 1


def distance_groups(offsets: Sequence[Sequence[int]], spacing_nm: Sequence[float]) -> NDArray[np.int64]:
    """Which distance each offset has: -1 for neighbours, else 0, 1 ... from short to long; about equal ones are one."""
    lengths = [sum((step * size) ** 2 for step, size in zip(offset, spacing_nm, strict=True)) ** 0.5
               for offset in offsets]  # fmt: skip
    groups = np.full(len(offsets), -1, np.int64)
    group, first = -1, 0.0
    for channel in np.argsort(lengths, kind="stable"):
        if is_near(offsets[channel]):
            continue
        if group < 0 or lengths[channel] > _RATIO * first:
            group, first = group + 1, lengths[channel]
        groups[channel] = group
    return groups


def region_graph(
    regions: NDArray[np.int32],
    affinities: NDArray[np.uint8],
    offsets: Sequence[Sequence[int]],
    spacing_nm: Sequence[float],
    extra: NDArray[np.uint8] | None = None,
) -> RegionGraph:
    """The region graph of a block: one pass over the voxel pairs, in memory that grows with the pairs of regions.

    Args:
        regions: ids 1..n, (z, y, x), 0 = none.
        affinities: uint8 (offset, z, y, x), 0..255.
        offsets: the voxel pairs, non-negative steps shorter than the block.
        spacing_nm: voxel size (z, y, x): far offsets of about one length are counted together.
        extra: a second opinion on the same voxel pairs (affinities of the embedding), of the same shape.
    """
    groups = distance_groups(offsets, spacing_nm)
    distances = int(groups.max(initial=-1)) + 1
    columns = FAR + 2 * distances + (0 if extra is None else 4)
    count = int(regions.max(initial=0))
    steps = np.array(offsets, np.int64).reshape(-1, 3)
    second = affinities[:0] if extra is None else extra
    ends, sums, nodes = _gather(
        np.ascontiguousarray(regions), affinities, second, steps, groups, count, columns, FAR + 2 * distances
    )
    order = np.lexsort((ends[:, 1], ends[:, 0]))
    return RegionGraph(ends[order], _as_shares(sums[order]), nodes, distances, extra is not None)


def _as_shares(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sums of 0..255 as sums of 0..1 (whole numbers until here, so that the order of adding does not matter)."""
    sums[:, SUM] /= 255
    sums[:, SQUARES] /= 255**2
    sums[:, FAR + 1 :: 2] /= 255
    return sums


@compiled
def _gather(regions, affinities, extra, steps, groups, count, columns, last):  # type: ignore[no-untyped-def]
    """Ends, sums (affinities 0..255) and nodes (0..1), pairs in the order in which they are met."""
    slots = np.full(_FIRST, _EMPTY, np.int64)
    ends, sums = np.empty((_FIRST // 2, 2), np.int32), np.zeros((_FIRST // 2, columns), np.float64)
    nodes = np.zeros((count + 1, 3), np.float64)
    depth, height, width = regions.shape
    used, doubled = 0, len(extra) > 0
    for z in range(depth):
        for y in range(height):
            for x in range(width):
                nodes[regions[z, y, x], 0] += 1
    for channel in range(len(steps)):
        dz, dy, dx = steps[channel]
        group, previous_a, previous_b, row = groups[channel], 0, 0, -1
        for z in range(depth - dz):
            for y in range(height - dy):
                for x in range(width - dx):
                    a, b = regions[z, y, x], regions[z + dz, y + dy, x + dx]
                    if a == 0 or b == 0:
                        continue
                    value = np.float64(affinities[channel, z, y, x])
                    if a == b:
                        if group < 0:
                            nodes[a, 1] += 1
                            nodes[a, 2] += value
                        continue
                    if a > b:
                        a, b = b, a
                    if a != previous_a or b != previous_b:  # along x the pair often stays the same
                        if used == len(ends):
                            slots, ends, sums = _grown(slots, ends, sums)
                        slot = find_slot(slots, ends, a, b)
                        if slots[slot] == _EMPTY:
                            slots[slot] = used
                            ends[used, 0], ends[used, 1] = a, b
                            used += 1
                        row, previous_a, previous_b = slots[slot], a, b
                    if group < 0:
                        sums[row, AREA] += 1
                        sums[row, SUM] += value
                        sums[row, SQUARES] += value * value
                        sums[row, HISTOGRAM + np.int64(value) * BINS // 256] += 1
                    else:
                        sums[row, FAR + 2 * group] += 1
                        sums[row, FAR + 2 * group + 1] += value
                    if doubled:
                        column = last if group < 0 else last + 2
                        sums[row, column] += 1
                        sums[row, column + 1] += extra[channel, z, y, x]
    nodes[:, 2] /= 255.0
    return ends[:used].copy(), sums[:used].copy(), nodes


@compiled
def find_slot(slots, ends, a, b):  # type: ignore[no-untyped-def]
    """The slot of a pair of ids, or the empty one where it belongs (linear probing)."""
    mask = len(slots) - 1
    mixed = (np.uint64(a) * np.uint64(0x9E3779B97F4A7C15)) ^ (np.uint64(b) * np.uint64(0xC2B2AE3D27D4EB4F))
    mixed ^= mixed >> np.uint64(29)
    slot = np.int64(mixed & np.uint64(mask))
    while slots[slot] != _EMPTY and not (ends[slots[slot], 0] == a and ends[slots[slot], 1] == b):
        slot = (slot + 1) & mask
    return slot


@compiled
def _grown(slots, ends, sums):  # type: ignore[no-untyped-def]
    """The table with twice the room."""
    count = len(ends)
    more_ends = np.empty((2 * count, 2), np.int32)
    more_sums = np.zeros((2 * count, sums.shape[1]), np.float64)
    more_ends[:count], more_sums[:count] = ends, sums
    more = np.full(2 * len(slots), _EMPTY, np.int64)
    for row in range(count):
        more[find_slot(more, more_ends, ends[row, 0], ends[row, 1])] = row
    return more, more_ends, more_sums
