"""Passing over an array block by block, in the order in which it lies in its file, with bounded memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from neuropil.em.container import CHUNK

BLOCK_BYTES = 256 << 20
"""Of the source, held at once."""
PIECE_BYTES = 32 << 20
"""Of a block, turned into another type at once."""

Place = tuple[slice, slice, slice]


def storage_blocks(array: Any, *, most: int = BLOCK_BYTES) -> Iterator[Place]:
    """Blocks (z, y, x) that cover an array, each made of whole chunks of the file to be written (`CHUNK`).

    A block holds whole chunks of the source too, and more of the axis that lies together than of the others, so that
    little is read twice: slabs of sections for most files, columns through all sections for one whose z lies together.

    Args:
        array: with shape, dtype and, where it has them, `chunks` and `axis_order` (see `LazyArray`).
        most: bytes of a block.
    """
    shape = tuple(int(size) for size in array.shape)
    order = getattr(array, "axis_order", (0, 1, 2))
    size = block_shape(shape, array.dtype.itemsize, getattr(array, "chunks", None), order, most)
    counts = [range(0, length, step) for length, step in zip(shape, size, strict=True)]
    for z in counts[0]:
        for y in counts[1]:
            for x in counts[2]:
                yield tuple(
                    slice(start, min(start + step, length))
                    for start, step, length in zip((z, y, x), size, shape, strict=True)
                )  # type: ignore[misc]


def block_shape(
    shape: Sequence[int], itemsize: int, chunks: Sequence[int] | None, order: Sequence[int], most: int
) -> tuple[int, int, int]:
    """The size (z, y, x) of the blocks of an array: multiples of `CHUNK`, or the array's own length.

    Args:
        shape: voxels, (z, y, x).
        itemsize: bytes of a voxel.
        chunks: of the source, (z, y, x); None where it has none.
        order: the axes from the slowest to the quickest of the source.
        most: bytes of a block; more only where `CHUNK` itself is more.
    """
    size = [
        min(length, _up(max(own, other), own))
        for length, own, other in zip(shape, CHUNK, chunks or (1, 1, 1), strict=True)
    ]

    def weight() -> int:
        return itemsize * int(np.prod(size, dtype=np.int64))

    for axis in order:  # chunks of the source that are too large together: its slowest axis is cut first
        while weight() > most and size[axis] > CHUNK[axis]:
            size[axis] = max(CHUNK[axis], _up(size[axis] // 2, CHUNK[axis]))
    for axis in reversed(order):
        fitting = most * size[axis] // weight() // CHUNK[axis] * CHUNK[axis]
        size[axis] = min(shape[axis], max(size[axis], fitting))
    return size[0], size[1], size[2]


def pieces(block: Place, itemsize: int, *, most: int = PIECE_BYTES) -> Iterator[tuple[Place, Place]]:
    """A block in pieces of whole chunks of the file to be written: (place in the array, place in the block).

    Args:
        block: as `storage_blocks` gives it.
        itemsize: bytes of a voxel of what is made of it.
        most: bytes of a piece.
    """
    shape = [part.stop - part.start for part in block]
    size = block_shape(shape, itemsize, None, (0, 1, 2), most)
    for z in range(0, shape[0], size[0]):
        for y in range(0, shape[1], size[1]):
            for x in range(0, shape[2], size[2]):
                inner = tuple(
                    slice(start, min(start + step, length))
                    for start, step, length in zip((z, y, x), size, shape, strict=True)
                )
                outer = tuple(
                    slice(part.start + own.start, part.start + own.stop) for part, own in zip(block, inner, strict=True)
                )
                yield outer, inner  # type: ignore[misc]


def _up(length: int, multiple: int) -> int:
    """The next multiple."""
    return -(-length // multiple) * multiple
