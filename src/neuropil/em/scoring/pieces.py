"""Connected components of equal ids in a box of any size: labelled block by block, joined where blocks meet."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuropil.em.scoring.held_out import BLOCK
from neuropil.em.stitching import joined, neighbours
from neuropil.em.windows import Spans, blocks, slices

Read = Callable[[Spans], NDArray[Any]]
"""Ids of a box, 0 = none."""


def write_pieces(read: Read, shape: Sequence[int], target: Any, *, block: Sequence[int] = BLOCK) -> int:
    """Number the connected components (by faces) of equal ids from 1 on.

    An object that leaves the box and comes back is two here. Memory holds a block and one number for each component
    of each block. A block is labelled alone and written; then the planes on both sides of each face are compared;
    then the numbers are replaced.

    Args:
        read: the ids; of instances other than those of `classes` any numbers.
        shape: voxels (z, y, x).
        target: array of this shape that can be sliced and written, at least as wide as the number of components.
        block: voxels held at once.

    Returns:
        How many components there are.
    """
    import cc3d

    grid = list(blocks(((0, shape[0]), (0, shape[1]), (0, shape[2])), block))
    counts = []
    for box in grid:
        pieces, count = cc3d.connected_components(np.ascontiguousarray(read(box)), connectivity=6, return_N=True)
        target[slices(box)] = pieces
        counts.append(int(count))
    if len(grid) == 1:
        return counts[0]
    tables = joined(counts, _touching(read, target, grid))
    for box, table in zip(grid, tables, strict=True):
        where = slices(box)
        target[where] = table[np.asarray(target[where])]
    return int(max(table.max() for table in tables))


def _touching(read: Read, target: Any, grid: Sequence[Spans]) -> Iterator[tuple[int, int, NDArray[np.int64]]]:
    """Pairs of components of two blocks that touch and have one id."""
    for first, second in neighbours(grid):
        axis = next(
            i for i in range(3) if grid[first][i][1] == grid[second][i][0] and grid[first][i] != grid[second][i]
        )
        near, far = (_plane(grid[position], axis, last=position == first) for position in (first, second))
        one, other = read(near), read(far)
        same = (one == other) & (one > 0)
        pairs = [np.asarray(target[slices(plane)])[same].astype(np.int64) for plane in (near, far)]
        yield first, second, np.unique(np.stack(pairs, 1), axis=0)


def _plane(box: Spans, axis: int, *, last: bool) -> Spans:
    """The last or first plane of a box along an axis."""
    start, stop = box[axis]
    spans = list(box)
    spans[axis] = (stop - 1, stop) if last else (start, start + 1)
    return spans[0], spans[1], spans[2]
