"""The sparse contingency table of two segmentations: how many voxels carry each pair of ids."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.uint64]
_SLAB = 1 << 22  # voxels cast to 64 bit at a time


@dataclass(frozen=True)
class Contingency:
    """How many voxels carry each pair of ids; pairs that do not occur are not stored. Tables of blocks add up.

    Attributes:
        truth: (pairs,) uint64, ids of the truth; pairs are sorted by truth, then by prediction.
        predicted: (pairs,) uint64, ids of the prediction.
        voxels: (pairs,) int64.
        runs: (pairs,) int64, the longest run of voxels along x that carries the pair, or None.
        places: (pairs, 3) int64, the middle voxel (z, y, x) of that run, or None: a place to look at, inside the
            overlap itself, which its centre of mass need not be.
    """

    truth: Ids
    predicted: Ids
    voxels: NDArray[np.int64]
    runs: NDArray[np.int64] | None = None
    places: NDArray[np.int64] | None = None

    @classmethod
    def of(
        cls, truth: NDArray[np.integer], predicted: NDArray[np.integer], *, origin: Sequence[int] = (0, 0, 0)
    ) -> Contingency:
        """Count the pairs of two arrays of one shape, (z, y, x) or fewer axes, none of whose ids is negative.

        Args:
            truth: ids of the truth.
            predicted: ids of the prediction.
            origin: where the arrays begin in the whole volume, voxels (z, y, x); added to the places.

        Raises:
            ValueError: the shapes differ.
        """
        from neuropil.em.metrics.kernels import count_pairs

        if truth.shape != predicted.shape:
            raise ValueError(f"shapes differ: {truth.shape} and {predicted.shape}")
        if truth.ndim > 3:
            raise ValueError(f"{truth.ndim} axes; at most three (z, y, x) are counted")
        shape = (1,) * (3 - truth.ndim) + truth.shape
        first, second = truth.reshape(shape), predicted.reshape(shape)
        step = max(1, _SLAB // max(1, shape[1] * shape[2]))
        tables = []
        for z in range(0, shape[0], step):
            pair = (np.ascontiguousarray(a[z : z + step], np.uint64) for a in (first, second))
            ids, facts = count_pairs(*pair)
            places = facts[:, 2:] + (np.asarray(origin, np.int64) + (z, 0, 0))
            tables.append(cls(ids[:, 0], ids[:, 1], facts[:, 0], facts[:, 1], places))
        return cls.total(tables)

    @classmethod
    def of_blocks(cls, truth: Any, predicted: Any, blocks: Iterable[tuple[slice, ...]]) -> Contingency:
        """Count the pairs of two arrays on disk, block after block: memory holds one block and the table.

        Args:
            truth: anything sliced like an array, (z, y, x).
            predicted: the same, of one shape.
            blocks: boxes that do not overlap.
        """
        whole = cls.total(())
        for block in blocks:
            origin = [part.start or 0 for part in block]
            whole = whole + cls.of(np.asarray(truth[block]), np.asarray(predicted[block]), origin=origin)
        return whole

    @classmethod
    def total(cls, tables: Iterable[Contingency]) -> Contingency:
        """The table of all blocks together."""
        found = list(tables)
        if len(found) == 1:
            return found[0]
        if not found:
            none = np.empty(0, np.uint64)
            return cls(none, none, np.empty(0, np.int64), np.empty(0, np.int64), np.empty((0, 3), np.int64))
        truth, predicted, voxels = (
            np.concatenate([getattr(table, name) for table in found]) for name in ("truth", "predicted", "voxels")
        )
        order = np.lexsort((predicted, truth))
        truth, predicted, voxels = truth[order], predicted[order], voxels[order]
        starts = np.flatnonzero(_begins(truth, predicted))
        summed = np.add.reduceat(voxels, starts) if len(starts) else voxels
        if any(table.runs is None for table in found):
            return cls(truth[starts], predicted[starts], summed)
        runs = np.concatenate([table.runs for table in found if table.runs is not None])[order]
        places = np.concatenate([table.places for table in found if table.places is not None])[order]
        # the longest run of each pair; the first in the order of the places where two are as long
        pair = np.cumsum(_begins(truth, predicted))
        best = np.lexsort((places[:, 2], places[:, 1], places[:, 0], -runs, pair))[starts]
        return cls(truth[starts], predicted[starts], summed, runs[best], places[best])

    def __add__(self, other: Contingency) -> Contingency:
        return Contingency.total((self, other))

    def without_background(self) -> Contingency:
        """The pairs whose truth is not 0."""
        counts = self.truth > 0
        runs = None if self.runs is None else self.runs[counts]
        places = None if self.places is None else self.places[counts]
        return Contingency(self.truth[counts], self.predicted[counts], self.voxels[counts], runs, places)


def _begins(truth: Ids, predicted: Ids) -> NDArray[np.bool_]:
    """Where a new pair begins among sorted ones."""
    new = np.ones(len(truth), bool)
    new[1:] = (truth[1:] != truth[:-1]) | (predicted[1:] != predicted[:-1])
    return new
