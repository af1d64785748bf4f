"""Which voxel pairs the affinity head judges."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuropil.compiled import compiled

Offsets = list[tuple[int, int, int]]


def affinity_offsets(reach_nm: Sequence[float], resolution_nm: Sequence[float], spatial_dims: int) -> Offsets:
    """Offsets (z, y, x) in voxels: the next voxel along each axis, then those about `reach_nm` away.

    Args:
        reach_nm: distances in nanometres; each becomes at least one voxel, and equal offsets are one.
        resolution_nm: voxel size, (z, y, x).
        spatial_dims: 3, or 2 for pairs within a section only.
    """
    offsets: Offsets = []
    for distance in (0.0, *reach_nm):
        for axis in range(3 - spatial_dims, 3):
            step = max(1, round(distance / float(resolution_nm[axis])))
            offset = (step if axis == 0 else 0, step if axis == 1 else 0, step if axis == 2 else 0)
            if offset not in offsets:
                offsets.append(offset)
    return offsets


def is_near(offset: Sequence[int]) -> bool:
    """Whether the pair are neighbours; the others are long-range."""
    return sum(abs(step) for step in offset) == 1


def pair(shape: Sequence[int], offset: Sequence[int]) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """The slices of the first and of the second voxels of all pairs that lie inside `shape`; there may be none."""
    steps = list(zip(shape, offset, strict=True))
    first = tuple(slice(max(0, -step), max(0, size - max(0, step))) for size, step in steps)
    second = tuple(slice(max(0, step), max(0, size - max(0, -step))) for size, step in steps)
    return first, second


def true_affinities(
    ids: NDArray[np.integer], offsets: Sequence[Sequence[int]], *, unknown: NDArray[np.bool_] | None = None
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """What the affinity head should say, and where that is known.

    Args:
        ids: instance ids, (z, y, x), 0 = none (background, boundary or unknown).
        offsets: voxel pairs, (z, y, x).
        unknown: where nobody looked for instances, (z, y, x): a pair that has a voxel there is not known.

    Returns:
        Affinities, uint8 (offset, z, y, x): 1 where both voxels of the pair carry one id that is not 0.
        Known, uint8 of the same shape: 1 where the pair lies inside and at least one of its voxels has an id.
    """
    affinities = np.zeros((len(offsets), *ids.shape), np.uint8)
    known = np.zeros_like(affinities)
    blind = unknown is not None and bool(unknown.any())
    hidden = np.ascontiguousarray(unknown) if blind else np.zeros((1, 1, 1), np.bool_)
    _judge(np.ascontiguousarray(ids), hidden, blind, np.array(offsets, np.int64).reshape(-1, 3), affinities, known)
    return affinities, known


@compiled
def _judge(ids: Any, unknown: Any, blind: bool, offsets: Any, affinities: Any, known: Any) -> None:
    """Fill in what is not 0; one pass for each offset."""
    depth, height, width = ids.shape
    for channel in range(len(offsets)):
        dz, dy, dx = offsets[channel]
        for z in range(max(0, -dz), depth - max(0, dz)):
            for y in range(max(0, -dy), height - max(0, dy)):
                for x in range(max(0, -dx), width - max(0, dx)):
                    one, other = ids[z, y, x], ids[z + dz, y + dy, x + dx]
                    if one <= 0 and other <= 0:
                        continue
                    if blind and (unknown[z, y, x] or unknown[z + dz, y + dy, x + dx]):
                        continue
                    known[channel, z, y, x] = 1
                    if one == other:
                        affinities[channel, z, y, x] = 1
