"""The mutex watershed (Wolf et al. 2018) on one block."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from neuropil.em.offsets import is_near, pair

Affinities = NDArray[np.uint8]

_DRAW = 1


def mutex_watershed(
    affinities: Affinities,
    offsets: Sequence[Sequence[int]],
    bias_near: float,
    bias_far: float,
    stride: int,
    seed: int,
    mask: NDArray[np.bool_] | None,
) -> NDArray[np.uint32]:
    """Connected components by attractive edges, before small ones are given away.

    Args:
        affinities: uint8 (offset, z, y, x), 0..255.
        offsets: the voxel pairs, none longer than the block.
        bias_near: added to the affinities of neighbours, moved to -.5...+.5.
        bias_far: added to the long ones.
        stride: one in stride^dims of the long affinities is taken.
        seed: orders equal affinities.
        mask: voxels outside become 0.
    """
    import fastremap
    import mwatershed

    dims = 2 if all(offset[0] == 0 for offset in offsets) else 3
    edges = np.empty(affinities.shape, np.float64)
    steps = []
    for channel, offset in enumerate(offsets):
        near = is_near(offset)
        steps.append([1, 1, 1] if near else [1] * (3 - dims) + [stride] * dims)
        edges[channel] = affinities[channel]
        edges[channel] /= 255.0
        edges[channel] += (bias_near if near else bias_far) - 0.5
        if mask is not None:
            first, second = pair(mask.shape, offset)
            edges[channel][first] = np.where(mask[first] & mask[second], edges[channel][first], -1.0 if near else 0.0)
        # Equal affinities (they come from 256 levels) are ordered by the seed, not by their place in the array.
        rng = np.random.default_rng([seed, _DRAW, channel])
        edges[channel] += (rng.random(affinities.shape[1:], dtype=np.float32) - 0.5) * 1e-3 * (edges[channel] != 0)
    found = mwatershed.agglom(edges, [list(offset) for offset in offsets], strides=steps)
    labels, _ = fastremap.renumber(found)
    if mask is not None:
        labels[~mask] = 0
    return labels.astype(np.uint32)


def without_specks(
    labels: NDArray[np.uint32],
    affinities: Affinities,
    offsets: Sequence[Sequence[int]],
    min_size: int,
    mask: NDArray[np.bool_] | None,
) -> NDArray[np.uint32]:
    """Fragments under `min_size` voxels given to the neighbours they touch, by a watershed on near affinities."""
    if not len(offsets) or all(offset[0] == 0 for offset in offsets):  # 2D: sections have no edges between them
        return _filled_2d(labels, affinities, offsets, min_size, mask)
    return _filled(labels, affinities, offsets, min_size, mask)


def _filled_2d(
    labels: NDArray[np.uint32],
    affinities: Affinities,
    offsets: Sequence[Sequence[int]],
    min_size: int,
    mask: NDArray[np.bool_] | None,
) -> NDArray[np.uint32]:
    """As `_filled`, section by section."""
    sections = [
        _filled(
            labels[z : z + 1], affinities[:, z : z + 1], offsets, min_size, None if mask is None else mask[z : z + 1]
        )
        for z in range(len(labels))
    ]
    highest = np.cumsum([0, *(int(section.max()) for section in sections[:-1])])
    joined = [np.where(part > 0, part + np.uint32(more), 0) for part, more in zip(sections, highest, strict=True)]
    return np.concatenate(joined).astype(np.uint32)


def _filled(
    labels: NDArray[np.uint32],
    affinities: Affinities,
    offsets: Sequence[Sequence[int]],
    min_size: int,
    mask: NDArray[np.bool_] | None,
) -> NDArray[np.uint32]:
    import fastremap
    from skimage.segmentation import watershed

    sizes = np.bincount(labels.ravel())
    small = sizes < min_size
    small[0] = True
    if small.all():  # nothing to give the fragments to
        return labels
    seeds = np.where(small[labels], 0, labels)
    if (seeds == 0).any():
        near = [channel for channel, offset in enumerate(offsets) if is_near(offset)]
        height = 255 - affinities[near].mean(0)
        seeds = watershed(height, seeds.astype(np.int32), mask=mask)
    filled, _ = fastremap.renumber(seeds.astype(np.uint32))
    return filled
