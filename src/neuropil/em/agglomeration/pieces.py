"""A block cut into supervoxels: what can be joined, and what it then looks like."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neuropil.em.agglomeration.merging import Merges, in_order, merge_by_classifier, merge_by_mean
from neuropil.em.agglomeration.region_graph import AREA, SUM, RegionGraph, region_graph
from neuropil.em.agglomeration.supervoxels import supervoxels
from neuropil.em.calibrations import MergeCalibration


@dataclass(frozen=True)
class Pieces:
    """Supervoxels of a block and what the affinities say of them.

    Attributes:
        regions: int32 (z, y, x), 1..n, 0 outside the mask.
        graph: of the regions.
    """

    regions: NDArray[np.int32]
    graph: RegionGraph

    @classmethod
    def of(
        cls,
        affinities: NDArray[np.uint8],
        offsets: Sequence[Sequence[int]],
        spacing_nm: Sequence[float],
        seed_nm: float,
        *,
        mask: NDArray[np.bool_] | None = None,
        extra: NDArray[np.uint8] | None = None,
    ) -> Pieces:
        """Cut a block; see `supervoxels` and `region_graph` for the arguments."""
        regions = supervoxels(affinities, offsets, spacing_nm, seed_nm, mask)
        return cls(regions, region_graph(regions, affinities, offsets, spacing_nm, extra))

    def merges(self, calibration: MergeCalibration, *, lowest: float | None = None) -> Merges:
        """What is joined, down to the calibration's threshold (or `lowest`)."""
        end = calibration.threshold if lowest is None else lowest
        if calibration.classifier is not None:
            return merge_by_classifier(self.graph, calibration.classifier, lowest=end)
        return merge_by_mean(self.graph, far_weight=calibration.far_weight, lowest=end)

    def painted(self, segments: NDArray[np.int32], min_size: int) -> NDArray[np.uint32]:
        """The segment of each voxel, those under `min_size` voxels given to a neighbour (`without_small`)."""
        return without_small(self.graph, segments, min_size).astype(np.uint32)[self.regions]


def without_small(graph: RegionGraph, segments: NDArray[np.int32], min_size: int) -> NDArray[np.int32]:
    """Segments under `min_size` voxels joined to the one in contact with the highest mean affinity, until none is left.

    Those that touch nothing stay, and so do all where none is large enough to give them to.

    Args:
        graph: of the supervoxels.
        segments: (regions + 1,) the segment of each, 0 = none.
        min_size: voxels.

    Returns:
        (regions + 1,), ids 1..n in the order of their first regions.
    """
    touching = graph.pairs[:, AREA] > 0
    ends, area, total = graph.ends[touching], graph.pairs[touching, AREA], graph.pairs[touching, SUM]
    while True:
        sizes = np.bincount(segments, graph.nodes[:, 0])
        small = sizes < min_size
        small[0] = True
        if small.all():
            return segments
        pairs = np.sort(segments[ends], axis=1)
        asked = (pairs[:, 0] != pairs[:, 1]) & small[pairs].any(1)
        if not asked.any():
            return segments
        between, member = np.unique(pairs[asked], axis=0, return_inverse=True)
        means = np.bincount(member.ravel(), total[asked]) / np.bincount(member.ravel(), area[asked])
        segments = _joined(segments, between, means, small)


def _joined(
    segments: NDArray[np.int32], between: NDArray[np.int32], means: NDArray[np.float64], small: NDArray[np.bool_]
) -> NDArray[np.int32]:
    """Each small segment joined to its best partner."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    both = np.concatenate([between, between[:, ::-1]])
    order = np.lexsort((-both[:, 1], np.tile(means, 2)))  # the best comes last, and of equal ones the lowest id
    partner = np.full(len(small), -1, np.int64)
    partner[both[order, 0]] = both[order, 1]
    from_small = np.flatnonzero(small & (partner >= 0))
    shape = (len(small), len(small))
    graph = coo_array((np.ones(len(from_small), np.int8), (from_small, partner[from_small])), shape=shape)
    _, component = connected_components(graph, directed=False)
    return in_order(component[segments])
