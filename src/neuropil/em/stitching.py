"""Joining instances of overlapping blocks into instances of the volume."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from neuropil.em.windows import Spans


def grown(block: Spans, bounds: Spans, overlap: Sequence[int]) -> Spans:
    """A block with half the overlap added on every side, within the bounds."""
    z, y, x = (
        (max(low, start - more // 2), min(high, stop + more - more // 2))
        for (start, stop), (low, high), more in zip(block, bounds, overlap, strict=True)
    )
    return z, y, x


def neighbours(grid: Sequence[Spans]) -> Iterable[tuple[int, int]]:
    """Pairs of blocks that share a face, as positions in `grid`, the lower one first."""
    ends = {tuple(start for start, _ in block): position for position, block in enumerate(grid)}
    for position, block in enumerate(grid):
        for axis in range(3):
            start = [low for low, _ in block]
            start[axis] = block[axis][1]
            other = ends.get(tuple(start))
            if other is not None:
                yield position, other


def common(first: Spans, second: Spans) -> Spans:
    """The box that two boxes share."""
    z, y, x = ((max(a, c), min(b, d)) for (a, b), (c, d) in zip(first, second, strict=True))
    return z, y, x


def matches(first: NDArray[np.integer], second: NDArray[np.integer]) -> NDArray[np.int64]:
    """Ids that are one instance in two segmentations of the same voxels: (pairs, 2).

    Two ids match where each is the other's largest partner and they share at least half of the smaller one.
    Mutual choice keeps a single leak in one block from joining two instances of the other.
    """
    both = (first > 0) & (second > 0)
    if not both.any():
        return np.empty((0, 2), np.int64)
    pairs, counts = np.unique(np.stack([first[both], second[both]], 1).astype(np.int64), axis=0, return_counts=True)
    sizes = [np.bincount(pairs[:, side], counts) for side in (0, 1)]
    best = []
    for side in (0, 1):
        most = np.zeros(len(sizes[side]))
        np.maximum.at(most, pairs[:, side], counts)
        best.append(counts == most[pairs[:, side]])
    smaller = np.minimum(sizes[0][pairs[:, 0]], sizes[1][pairs[:, 1]])
    return pairs[best[0] & best[1] & (2 * counts >= smaller)]


def joined(counts: Sequence[int], pairs: Iterable[tuple[int, int, NDArray[np.int64]]]) -> list[NDArray[np.uint64]]:
    """Look-up tables from each block's ids to ids of the volume, 1..n in order of blocks.

    Args:
        counts: the highest id of each block.
        pairs: (block, block, matching ids).

    Returns:
        For each block an array of length count + 1 whose entry 0 is 0.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    base = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    edges = [np.empty((0, 2), np.int64)]
    for first, second, ids in pairs:
        edges.append(ids - 1 + base[[first, second]])
    ends = np.concatenate(edges)
    graph = coo_array((np.ones(len(ends), np.int8), (ends[:, 0], ends[:, 1])), shape=(base[-1], base[-1]))
    _, component = connected_components(graph, directed=False)
    _, earliest, member = np.unique(component, return_index=True, return_inverse=True)
    rank = np.empty(len(earliest), np.uint64)
    rank[np.argsort(earliest)] = np.arange(1, len(earliest) + 1, dtype=np.uint64)
    new = rank[member]
    zero = np.zeros(1, np.uint64)
    return [np.concatenate([zero, new[start:stop]]) for start, stop in pairwise(base)]
