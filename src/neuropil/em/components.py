"""Connected components of one class of a volume of any size: two passes over blocks, joined by union-find."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuropil.em.streaming import Place, block_shape

_BLOCK_BYTES = 32 << 20  # a voxel counted as a byte: the mask; its components take four times as much


def write_components(classes: Any, value: int, target: Any) -> int:
    """Number the connected components of a class, from 1 on, in the order in which they begin (z, y, x).

    Voxels are connected by faces: two mitochondria that a boundary of one voxel keeps apart stay apart. Blocks are
    labelled alone and joined where they meet (Hoshen and Kopelman 1976, with blocks for voxels); the second pass labels
    them again, which is less than keeping their numbers on disk. Memory holds a block, the last section of a layer of
    blocks and one number for each component of a block.

    Args:
        classes: the classes, (z, y, x), read when sliced.
        value: the class.
        target: where the ids are written, of the same shape.

    Returns:
        How many components there are.
    """
    blocks = list(_blocks(classes))
    parents = _Union()
    bottom = np.zeros(classes.shape[1:], np.int64)  # numbers in the last section of the layer above
    side = np.zeros((0, 0), np.int64)  # and in the last rows of the block before
    for place, labels, count in _labelled(classes, blocks, value):
        base = parents.grow(count)
        numbered = np.where(labels > 0, labels.astype(np.int64) + base, 0)
        plane = place[1], place[2]
        if place[0].start:
            parents.join(bottom[plane], numbered[0])
        if place[1].start:
            parents.join(side, numbered[:, 0])
        bottom[plane], side = numbered[-1], numbered[:, -1]
    ids, total = parents.numbers()
    base = 0
    for place, labels, count in _labelled(classes, blocks, value):
        lookup = np.concatenate([np.zeros(1, np.uint64), ids[base : base + count]])
        target[place] = lookup[labels]
        base += count
    return total


def _blocks(classes: Any) -> Iterator[Place]:
    """Blocks of whole rows, so that they meet in z and in y only."""
    shape = tuple(int(size) for size in classes.shape)
    depth, rows, _ = block_shape(shape, 1, (1, 1, shape[2]), (0, 1, 2), _BLOCK_BYTES)
    for z in range(0, shape[0], depth):
        for y in range(0, shape[1], rows):
            yield slice(z, min(z + depth, shape[0])), slice(y, min(y + rows, shape[1])), slice(0, shape[2])


def _labelled(classes: Any, blocks: list[Place], value: int) -> Iterator[tuple[Place, NDArray[Any], int]]:
    import cc3d

    for place in blocks:
        labels, count = cc3d.connected_components(classes[place] == value, connectivity=6, return_N=True)
        yield place, labels, int(count)


class _Union:
    """Disjoint sets of the numbers 1, 2, 3 ...; a set's smallest number stands for it."""

    def __init__(self) -> None:
        self._parent = np.zeros(1024, np.int64)
        self._count = 0

    def grow(self, count: int) -> int:
        """Add `count` numbers; return the number before the first."""
        before = self._count
        self._count += count
        if self._count >= len(self._parent):
            self._parent = np.concatenate([self._parent, np.zeros(max(len(self._parent), count) + 1, np.int64)])
        self._parent[before + 1 : self._count + 1] = np.arange(before + 1, self._count + 1)
        return before

    def join(self, one: NDArray[np.int64], other: NDArray[np.int64]) -> None:
        """Unite the numbers that stand at the same place in both; 0 is none."""
        both = (one > 0) & (other > 0)
        for a, b in np.unique(np.stack([one[both], other[both]], axis=1), axis=0).tolist():
            first, second = self._root(a), self._root(b)
            self._parent[max(first, second)] = min(first, second)

    def _root(self, number: int) -> int:
        parent = self._parent
        while parent[number] != number:
            parent[number] = parent[parent[number]]
            number = int(parent[number])
        return number

    def numbers(self) -> tuple[NDArray[np.uint64], int]:
        """The final id of each number, and how many ids there are."""
        # A parent is smaller than its child, so that one pass in order finds all roots.
        parent = self._parent[: self._count + 1]
        for number in range(1, len(parent)):
            parent[number] = parent[parent[number]]
        roots = np.unique(parent[1:])
        return (np.searchsorted(roots, parent[1:]) + 1).astype(np.uint64), len(roots)
