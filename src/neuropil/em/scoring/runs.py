"""Expected run length along skeletons of the truth, in a part of any size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuropil.em.metrics import Skeletons, expected_run_length, skeletons_of
from neuropil.em.scoring.held_out import BLOCK
from neuropil.em.scoring.measures import LARGE, RESAMPLES, Measure
from neuropil.em.windows import Spans, blocks, slices
from neuropil.statistics.intervals import bootstrap

STEP_NM = 40.0
"""Skeletons are thinned on a grid of about this step, coarser than the voxels where these are finer."""
TOLERATED = 2
"""Nodes of another skeleton that do not make a segment a merger: the ends of thinned lines touch the border."""

_MOST = 1 << 24  # voxels of that grid; a larger part gets a coarser one


@dataclass(frozen=True)
class Traced:
    """Skeletons of the truth.

    Attributes:
        skeletons: points in nanometres from the part's first voxel on.
        voxels: (nodes, 3), the voxel (z, y, x) of each node.
        step_nm: of the grid they were thinned on, (z, y, x).
    """

    skeletons: Skeletons
    voxels: NDArray[np.int64]
    step_nm: tuple[float, float, float]


def trace(truth: Any, resolution_nm: Sequence[float], *, block: Sequence[int] = BLOCK, most: int = _MOST) -> Traced:
    """Thin the true objects over `LARGE` voxels on a grid of every n-th voxel, so that memory is bounded.

    Neurites thinner than the grid's step lose some of their length, for all methods alike; the step is told.

    Args:
        truth: ids (z, y, x), read when sliced.
        resolution_nm: voxel size (z, y, x).
        block: voxels read at once.
        most: voxels of the grid.
    """
    stride = _stride(truth.shape, resolution_nm, most)
    first = [step // 2 for step in stride]
    coarse = np.zeros(
        [len(range(zero, size, step)) for size, zero, step in zip(truth.shape, first, stride, strict=True)], np.uint64
    )
    for box in blocks(_whole(truth.shape), block):
        inner, outer = [], []
        for (start, stop), zero, step in zip(box, first, stride, strict=True):
            begin = -(-(start - zero) // step) if start > zero else 0  # the first grid plane inside the block
            places = range(zero + begin * step, stop, step)
            inner.append(slice(places.start - start, None, step))
            outer.append(slice(begin, begin + len(places)))
        if all(part.stop > part.start for part in outer):
            coarse[tuple(outer)] = np.asarray(truth[slices(box)])[tuple(inner)]
    step_nm = [float(length * step) for length, step in zip(resolution_nm, stride, strict=True)]
    found = skeletons_of(coarse, step_nm, smallest=LARGE // int(np.prod(stride)))
    voxels = np.rint(found.points / step_nm).astype(np.int64) * stride + first
    moved = Skeletons(voxels * np.asarray(resolution_nm, float), found.edges, found.owner)
    return Traced(moved, voxels, (step_nm[0], step_nm[1], step_nm[2]))


def under(labels: Any, voxels: NDArray[np.int64], *, block: Sequence[int] = BLOCK) -> NDArray[np.uint64]:
    """The id at each voxel, (nodes,), read block by block (`metrics.segments_at` reads whole sections)."""
    found = np.zeros(len(voxels), np.uint64)
    size = np.asarray(block)
    _, member = np.unique(voxels // size, axis=0, return_inverse=True)
    order = np.argsort(member.ravel(), kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(member.ravel()[order])) + 1):
        if not len(rows):
            continue
        start = voxels[rows[0]] // size * size
        values = np.asarray(labels[tuple(slice(int(a), int(a + b)) for a, b in zip(start, size, strict=True))])
        found[rows] = values[tuple((voxels[rows] - start).T)]
    return found


def run_lengths(traced: Traced, segments: NDArray[np.uint64], seed: int) -> Mapping[str, Measure]:
    """Expected run length in micrometres, and its share of what a segmentation without error reaches.

    Intervals are bootstraps over skeletons; which segments merge stays as it was found. Empty where the skeletons have
    no length.

    Args:
        traced: the truth.
        segments: at each node.
        seed: of the bootstrap.
    """
    skeletons = traced.skeletons
    whole = expected_run_length(skeletons, segments, tolerated=TOLERATED)
    if not np.isfinite(whole.normalised):
        return {}
    squares, lengths = _by_skeleton(skeletons, segments, whole.merging)

    def interval(below: NDArray[np.float64], scale: float) -> tuple[float, float] | tuple[None, None]:
        if len(squares) < 2:
            return None, None
        return bootstrap(lambda a, b: float(a.sum() / b.sum()) * scale, squares, below, resamples=RESAMPLES, seed=seed)

    measures = {}
    for name, score, below, scale in (
        ("ERL (um)", whole.erl_nm / 1e3, lengths, 1e-3),
        ("normalised ERL", whole.normalised, lengths**2, 1.0),
    ):
        low, high = interval(below, scale)
        measures[name] = Measure(score, low, high, len(squares), "skeletons", "higher")
    return measures


def _by_skeleton(
    skeletons: Skeletons, segments: NDArray[np.uint64], merging: NDArray[np.uint64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """For each skeleton that has a length: sum over segments of the squared run in it, and its length (nm)."""
    lengths = skeletons.lengths()
    _, owner = np.unique(skeletons.owner[skeletons.edges[:, 0]], return_inverse=True)
    one, other = segments[skeletons.edges[:, 0]], segments[skeletons.edges[:, 1]]
    right = (one == other) & (one > 0) & ~np.isin(one, merging)
    pairs, run = np.unique(np.stack([owner[right].astype(np.uint64), one[right]], 1), axis=0, return_inverse=True)
    runs = np.bincount(run.ravel(), lengths[right], minlength=len(pairs))
    total = np.bincount(owner, lengths).astype(np.float64)
    squares = np.bincount(pairs[:, 0].astype(np.int64), runs**2, minlength=len(total)).astype(np.float64)
    return squares, total


def _stride(shape: Sequence[int], resolution_nm: Sequence[float], most: int) -> NDArray[np.int64]:
    step = STEP_NM
    while True:
        stride = np.maximum(1, np.rint(step / np.asarray(resolution_nm, float))).astype(np.int64)
        if np.prod(-(-np.asarray(shape) // stride), dtype=np.float64) <= most:
            return np.minimum(stride, shape)
        step *= 1.25


def _whole(shape: Sequence[int]) -> Spans:
    z, y, x = shape
    return (0, int(z)), (0, int(y)), (0, int(x))
