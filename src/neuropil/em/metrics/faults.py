"""Merges and splits: how many there are, and where the worst are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from neuropil.em.metrics.contingency import Contingency, Ids


@dataclass(frozen=True)
class Fault:
    """One merge or split.

    Attributes:
        kind: "merge": a segment covers two true objects; "split": a true object is cut into two segments.
        whole: id of the segment that merges, or of the true object that is cut.
        main: id of its largest part: a true object of the merge, a segment of the split.
        part: id of the part that is one too many.
        voxels: of that part.
        place: a voxel (z, y, x) inside that part; None where the table holds no places.
    """

    kind: Literal["merge", "split"]
    whole: int
    main: int
    part: int
    voxels: int
    place: tuple[int, int, int] | None


@dataclass(frozen=True)
class Faults:
    """Counts of merges and splits, and the worst of them.

    Attributes:
        merges: sum over segments of (true objects in it - 1).
        splits: sum over true objects of (segments in it - 1).
        merging_segments: segments that hold more than one true object.
        split_objects: true objects that lie in more than one segment.
        worst: the largest parts that are one too many, largest first.
    """

    merges: int
    splits: int
    merging_segments: int
    split_objects: int
    worst: tuple[Fault, ...]


def faults(table: Contingency, *, smallest: int = 200, worst: int = 10) -> Faults:
    """Count merges and splits among overlaps of at least `smallest` voxels: smaller ones are uncertain borders.

    Voxels whose truth or prediction is 0 belong to nothing and cannot merge or split.

    Args:
        table: of a volume.
        smallest: voxels that an overlap must have to count.
        worst: how many faults are named, of each kind.
    """
    keep = (table.truth > 0) & (table.predicted > 0) & (table.voxels >= smallest)
    rows = np.flatnonzero(keep)
    merges = _extra(table, rows, table.predicted, table.truth, "merge", worst)
    splits = _extra(table, rows, table.truth, table.predicted, "split", worst)
    return Faults(merges[0], splits[0], merges[1], splits[1], (*merges[2], *splits[2]))


def _extra(
    table: Contingency, rows: NDArray[np.int64], wholes: Ids, parts: Ids, kind: Literal["merge", "split"], worst: int
) -> tuple[int, int, list[Fault]]:
    """Parts beyond the largest of each whole: how many, in how many wholes, and the largest of them."""
    order = rows[np.lexsort((parts[rows], -table.voxels[rows], wholes[rows]))]
    first = np.ones(len(order), bool)
    first[1:] = wholes[order][1:] != wholes[order][:-1]
    main = order[first][np.cumsum(first) - 1] if len(order) else order
    extra = order[~first]
    mains = main[~first]
    largest = np.argsort(-table.voxels[extra], kind="stable")[:worst]
    named = [
        Fault(
            kind, int(wholes[extra[i]]), int(parts[mains[i]]), int(parts[extra[i]]), int(table.voxels[extra[i]]),
            None if table.places is None else _place(table.places[extra[i]]),
        )
        for i in largest
    ]  # fmt: skip
    return len(extra), len(np.unique(wholes[extra])), named


def _place(position: NDArray[np.int64]) -> tuple[int, int, int]:
    z, y, x = (int(value) for value in position)
    return z, y, x
