"""Teaching the classifier on pairs of regions whose true instances are known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from neuropil.em.agglomeration.classifier import Classifier, teach
from neuropil.em.agglomeration.merging import walk
from neuropil.em.agglomeration.region_graph import RegionGraph
from neuropil.em.metrics import Contingency

UNKNOWN = -1
_ROUNDS = 2
_FAR_WEIGHT = 0.1  # of the mean affinity that leads the first round
_UNITS = 16

Taught = tuple[RegionGraph, NDArray[np.int64]]
"""A block's region graph and the true instance of each region (`majority`)."""


def majority(regions: NDArray[np.integer], truth: NDArray[np.integer], count: int) -> NDArray[np.int64]:
    """The instance that most voxels of each region 0..count carry; `UNKNOWN` where most carry none.

    Equal shares go to the lower id.
    """
    table = Contingency.of(regions.astype(np.uint64), truth.astype(np.uint64))
    owner = np.full(count + 1, UNKNOWN, np.int64)
    order = np.lexsort((-table.predicted.astype(np.int64), table.voxels))  # the last one written stays
    of = table.truth[order].astype(np.int64)
    owner[of] = table.predicted[order].astype(np.int64)
    owner[owner == 0] = UNKNOWN
    owner[0] = UNKNOWN
    return owner


def learn(blocks: Sequence[Taught], *, seed: int) -> Classifier:
    """A classifier taught on the questions that agglomeration asks.

    The first round meets pairs in the order of their mean affinity, the second in the order of what was learned from
    the first; the answers of both teach. A pair counts by the square root of its smaller region: joining or parting
    two large regions wrongly costs more, but there are few of them.

    Args:
        blocks: of the training part.
        seed: of the classifier's first weights.

    Raises:
        ValueError: no pair of regions, or none of one kind, is known.
    """
    found: list[tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.float64]]] = []
    classifier: Classifier | None = None
    for _ in range(_ROUNDS):
        found += [walk(graph, owners, _FAR_WEIGHT, classifier) for graph, owners in blocks]
        features, answers, sizes = (np.concatenate([one[column] for one in found]) for column in range(3))
        if not len(answers):
            raise ValueError("no pair of regions is known: nothing to learn")
        classifier = teach(features, answers, np.sqrt(sizes), units=_UNITS, seed=seed)
    assert classifier is not None
    return classifier
