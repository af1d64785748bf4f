"""Counting pairs of ids: one pass over the runs along x, into a hash table that grows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neuropil.compiled import compiled

_EMPTY = -1
_FIRST = 1024  # slots


def count_pairs(
    truth: NDArray[np.uint64], predicted: NDArray[np.uint64]
) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """The pairs of ids of two arrays (z, y, x), sorted.

    Returns:
        (pairs, 2) uint64: true and predicted id. (pairs, 5) int64: voxels, length of the longest run along x, and
        the middle (z, y, x) of that run, the first in C order among runs of one length.
    """
    ids, facts = _count(truth, predicted)
    order = np.lexsort((ids[:, 1], ids[:, 0]))
    return ids[order], facts[order]


@compiled
def _count(truth, predicted):  # type: ignore[no-untyped-def]
    slots = np.full(_FIRST, _EMPTY, np.int64)
    ids = np.empty((_FIRST // 2, 2), np.uint64)
    facts = np.empty((_FIRST // 2, 5), np.int64)
    used = 0
    depth, height, width = truth.shape
    for z in range(depth):
        for y in range(height):
            x = 0
            while x < width:
                start, a, b = x, truth[z, y, x], predicted[z, y, x]
                x += 1
                while x < width and truth[z, y, x] == a and predicted[z, y, x] == b:
                    x += 1
                if used == len(ids):
                    slots, ids, facts = _grown(slots, ids, facts)
                slot = _slot(slots, ids, a, b)
                row = slots[slot]
                length = x - start
                if row == _EMPTY:
                    row = used
                    slots[slot] = row
                    ids[row, 0], ids[row, 1] = a, b
                    facts[row, 0], facts[row, 1] = 0, 0
                    used += 1
                facts[row, 0] += length
                if length > facts[row, 1]:
                    facts[row, 1], facts[row, 2], facts[row, 3] = length, z, y
                    facts[row, 4] = start + length // 2
    return ids[:used].copy(), facts[:used].copy()


@compiled
def _slot(slots, ids, a, b):  # type: ignore[no-untyped-def]
    """The slot of a pair, or the empty one where it belongs (linear probing)."""
    mask = len(slots) - 1
    mixed = (a * np.uint64(0x9E3779B97F4A7C15)) ^ (b * np.uint64(0xC2B2AE3D27D4EB4F))
    mixed ^= mixed >> np.uint64(29)
    slot = np.int64(mixed & np.uint64(mask))
    while slots[slot] != _EMPTY and not (ids[slots[slot], 0] == a and ids[slots[slot], 1] == b):
        slot = (slot + 1) & mask
    return slot


@compiled
def _grown(slots, ids, facts):  # type: ignore[no-untyped-def]
    """The table with twice the room."""
    count = len(ids)
    more_ids = np.empty((2 * count, 2), np.uint64)
    more_facts = np.empty((2 * count, 5), np.int64)
    more_ids[:count], more_facts[:count] = ids, facts
    more = np.full(2 * len(slots), _EMPTY, np.int64)
    for row in range(count):
        more[_slot(more, more_ids, ids[row, 0], ids[row, 1])] = row
    return more, more_ids, more_facts
