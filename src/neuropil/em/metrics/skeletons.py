"""True skeletons out of true labels, where nobody has traced any."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray

from neuropil.em.metrics.run_length import Skeletons

_HALF = [step for step in product((-1, 0, 1), repeat=3) if step > (0, 0, 0)]  # each neighbour pair once


def skeletons_of(labels: NDArray[np.integer], resolution_nm: Sequence[float], *, smallest: int = 1000) -> Skeletons:
    """Thin every true object to its medial lines (Lee et al. 1994, by scikit-image) and join them to trees.

    Nodes are voxel centres, edges join touching voxels (26 neighbours); of each loop of edges the longest is left out
    (a minimum spanning tree), so that a length is not counted twice where the lines are thick.

    Args:
        labels: true ids, (z, y, x), 0 = none.
        resolution_nm: voxel size (z, y, x).
        smallest: objects of at most so many voxels have no skeleton.
    """
    from scipy.ndimage import find_objects

    ids, compact = np.unique(labels, return_inverse=True)
    compact = compact.reshape(labels.shape).astype(np.int64) + (ids[0] > 0)
    step = np.asarray(resolution_nm, float)
    points: list[NDArray[np.float64]] = []
    edges: list[NDArray[np.int64]] = []
    owner: list[NDArray[np.int64]] = []
    count = 0
    for number, box in enumerate(find_objects(compact), start=1):
        if box is None or (inside := compact[box] == number).sum() <= smallest:
            continue
        lines = _thinned(inside)
        voxels = np.argwhere(lines)
        start = np.array([part.start for part in box])
        points.append((voxels + start) * step)
        edges.append(_tree(lines, voxels, step) + count)
        owner.append(np.full(len(voxels), len(owner) + 1, np.int64))
        count += len(voxels)
    if not points:
        return Skeletons(np.empty((0, 3)), np.empty((0, 2), np.int64), np.empty(0, np.int64))
    return Skeletons(np.concatenate(points), np.concatenate(edges), np.concatenate(owner))


def _thinned(inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Medial lines of one object.

    scikit-image thins some objects of even thickness (a block of 4 x 4 x 22) to nothing. Without one layer of voxels,
    on one side of each axis along which something is left then, they keep their lines.
    """
    from skimage.morphology import skeletonize

    padded = np.pad(inside, 1)
    lines = skeletonize(padded)
    if not lines.any():
        for axis in range(3):
            less = padded & np.roll(padded, 1, axis)
            padded = less if less.any() else padded
        lines = skeletonize(padded)
    return np.asarray(lines[1:-1, 1:-1, 1:-1])


def _tree(lines: NDArray[np.bool_], voxels: NDArray[np.int64], step: NDArray[np.float64]) -> NDArray[np.int64]:
    """Edges (rows of `voxels`) of the minimum spanning tree of touching voxels."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import minimum_spanning_tree

    row = np.full(np.add(lines.shape, 2), -1, np.int64)
    row[tuple((voxels + 1).T)] = np.arange(len(voxels))
    first, second, lengths = [], [], []
    for offset in _HALF:
        other = row[tuple((voxels + 1 + offset).T)]
        here = np.flatnonzero(other >= 0)
        first.append(here)
        second.append(other[here])
        lengths.append(np.full(len(here), np.linalg.norm(step * offset)))
    pairs = coo_matrix(
        (np.concatenate(lengths), (np.concatenate(first), np.concatenate(second))), shape=(len(voxels), len(voxels))
    )
    tree = minimum_spanning_tree(pairs.tocsr()).tocoo()
    return np.stack([tree.row, tree.col], 1).astype(np.int64)
