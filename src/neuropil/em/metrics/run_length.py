"""Expected run length: how far one can follow a neuron in a segmentation before an error (Januszewski et al. 2018)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Skeletons:
    """True skeletons as one graph.

    Attributes:
        points: (nodes, 3) float64, (z, y, x), nanometres.
        edges: (edges, 2) int64, rows of `points`; both ends of an edge belong to one skeleton.
        owner: (nodes,) int64, the skeleton of each node.
    """

    points: NDArray[np.float64]
    edges: NDArray[np.int64]
    owner: NDArray[np.int64]

    def lengths(self) -> NDArray[np.float64]:
        """(edges,) nanometres."""
        ends = self.points[self.edges]
        return np.asarray(np.linalg.norm(ends[:, 0] - ends[:, 1], axis=1))


@dataclass(frozen=True)
class RunLength:
    """Expected run length.

    Attributes:
        erl_nm: the length of the error-free run around a point drawn evenly from all skeletons, nanometres, on average.
        most_nm: what a segmentation without any error reaches.
        normalised: erl_nm / most_nm; NaN where the skeletons have no length.
        merging: ids of segments that hold two skeletons or more: no run goes through them.
    """

    erl_nm: float
    most_nm: float
    normalised: float
    merging: NDArray[np.uint64]


def expected_run_length(skeletons: Skeletons, segments: NDArray[np.integer], *, tolerated: int = 0) -> RunLength:
    """ERL = sum over skeletons and segments of (length of the skeleton's edges inside the segment)^2 / total length.

    An edge is inside a segment where both ends carry its id; edges from one segment to another, or to 0, are errors
    and belong to no run. A segment that more than one skeleton runs through (with more than `tolerated` nodes each)
    merges them: all runs in it count as 0, as in the paper.

    Args:
        skeletons: the truth.
        segments: (nodes,) the segment at each node, 0 = none.
        tolerated: nodes of another skeleton that do not make a segment a merger (nodes near a border).

    Raises:
        ValueError: `segments` has not one entry a node.
    """
    if segments.shape != (len(skeletons.points),):
        raise ValueError(f"{len(segments)} segments for {len(skeletons.points)} nodes")
    ids = segments.astype(np.uint64)
    lengths = skeletons.lengths()
    owners = skeletons.owner[skeletons.edges[:, 0]] if len(skeletons.edges) else np.empty(0, np.int64)
    total = float(lengths.sum())
    if total == 0:
        return RunLength(0.0, 0.0, float("nan"), np.empty(0, np.uint64))
    merging = _merging(skeletons.owner, ids, tolerated)
    first, second = ids[skeletons.edges[:, 0]], ids[skeletons.edges[:, 1]]
    right = (first == second) & (first > 0) & ~np.isin(first, merging)
    erl = _squared(owners[right], first[right], lengths[right]) / total
    most = _squared(owners, np.zeros(len(owners), np.uint64), lengths) / total
    return RunLength(erl, most, erl / most, merging)


def segments_at(
    points_nm: NDArray[np.float64],
    labels: Any,
    resolution_nm: Sequence[float],
    *,
    offset_nm: Sequence[float] = (0.0, 0.0, 0.0),
) -> NDArray[np.uint64]:
    """The segment under each point; 0 outside the volume. A voxel reaches half its size to either side of its centre,
    which lies at index * resolution + offset.

    Args:
        points_nm: (nodes, 3), (z, y, x).
        labels: array or dataset (z, y, x); read section by section, so that it may lie on disk.
        resolution_nm: voxel size (z, y, x).
        offset_nm: of the first voxel's centre.
    """
    voxel = np.rint((points_nm - np.asarray(offset_nm)) / np.asarray(resolution_nm)).astype(np.int64)
    inside = ((voxel >= 0) & (voxel < np.asarray(labels.shape))).all(1)
    found = np.zeros(len(points_nm), np.uint64)
    for z in np.unique(voxel[inside, 0]):
        here = np.flatnonzero(inside & (voxel[:, 0] == z))
        found[here] = np.asarray(labels[int(z)])[voxel[here, 1], voxel[here, 2]]
    return found


def _merging(owner: NDArray[np.int64], ids: NDArray[np.uint64], tolerated: int) -> NDArray[np.uint64]:
    """Segments with more than `tolerated` nodes of each of two skeletons or more."""
    real = ids > 0
    if not real.any():
        return np.empty(0, np.uint64)
    _, row = np.unique(owner[real], return_inverse=True)
    segments, column = np.unique(ids[real], return_inverse=True)
    pair, count = np.unique(column * (int(row.max()) + 1) + row, return_counts=True)
    skeletons = np.bincount(pair[count > tolerated] // (int(row.max()) + 1), minlength=len(segments))
    return segments[skeletons > 1]


def _squared(owner: NDArray[np.int64], segment: NDArray[np.uint64], lengths: NDArray[np.float64]) -> float:
    """Sum over (skeleton, segment) of the squared length."""
    if len(owner) == 0:
        return 0.0
    _, row = np.unique(owner, return_inverse=True)
    _, column = np.unique(segment, return_inverse=True)
    runs = np.bincount(row * (int(column.max()) + 1) + column, lengths)
    return float((runs**2).sum())
