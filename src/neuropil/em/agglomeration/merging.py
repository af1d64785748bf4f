"""Joining regions from the surest pair down; statistics are merged with the regions."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuropil.compiled import compiled
from neuropil.em.agglomeration.classifier import Classifier
from neuropil.em.agglomeration.features import describe, feature_count
from neuropil.em.agglomeration.region_graph import AREA, FAR, SUM, RegionGraph, find_slot

_EMPTY = -1


@dataclass(frozen=True)
class Merges:
    """What was joined, in order. A threshold keeps the merges before the first one whose score is below it.

    So a higher threshold gives a refinement of what a lower one gives, and one pass serves all thresholds.

    Attributes:
        pairs: (merges, 2) int32, a region of each of the two sides.
        scores: (merges,) float64, 0..1.
        regions: how many there were.
    """

    pairs: NDArray[np.int32]
    scores: NDArray[np.float64]
    regions: int

    def segments(self, threshold: float) -> NDArray[np.int32]:
        """The segment 1..n of each region, (regions + 1,), in the order of their first regions; entry 0 is 0."""
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components

        lowest = np.minimum.accumulate(self.scores) if len(self.scores) else self.scores
        kept = self.pairs[: int(np.searchsorted(-lowest, -threshold, side="right"))]
        size = self.regions + 1
        graph = coo_array((np.ones(len(kept), np.int8), (kept[:, 0], kept[:, 1])), shape=(size, size))
        _, component = connected_components(graph, directed=False)
        return in_order(component)


def in_order(segments: NDArray[np.integer]) -> NDArray[np.int32]:
    """Ids 0..n in the order in which they first occur; entry 0 comes first and so becomes 0."""
    _, first, member = np.unique(segments, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int32)
    rank[np.argsort(first)] = np.arange(len(first), dtype=np.int32)
    return np.asarray(rank[member])


def merge_by_mean(graph: RegionGraph, *, far_weight: float, lowest: float = 0.0) -> Merges:
    """Average linkage: a pair's score is the mean affinity of the voxel pairs between its regions.

    With `far_weight` 0 these are the neighbours across the contact (mean affinity, Funke et al. 2019). With more, the
    far affinities that cross the pair count too, each as much as `far_weight` of a near one; then it is average
    linkage of signed weights (GASP, Bailoni et al. 2022), whose signs the threshold gives. Only regions in contact are
    joined, but what the far affinities say of regions without contact is kept until their unions meet.

    Args:
        graph: of the supervoxels.
        far_weight: see above.
        lowest: merges below this score are not needed.
    """
    return _merge(graph, far_weight, None, lowest)


def merge_by_classifier(graph: RegionGraph, classifier: Classifier, *, lowest: float = 0.0) -> Merges:
    """Join by the probability that both regions are of one instance.

    It is asked anew where the statistics of the pair changed, and where only those of its regions did once the pair's
    turn comes: a pair that has become less likely waits for its new turn.
    """
    return _merge(graph, 0.0, classifier, lowest)


def walk(
    graph: RegionGraph, truth: NDArray[np.int64], far_weight: float, classifier: Classifier | None
) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.float64]]:
    """Agglomerate as the truth says and note each question that came up on the way (as GALA, Nunez-Iglesias 2013).

    Pairs are met in the order of the score, so regions have the sizes and statistics that they have when it decides;
    a pair is joined where both are of one instance, else left until its statistics change.

    Args:
        graph: of the supervoxels.
        truth: (regions + 1,) the instance of each, -1 = not known: such regions are never asked for.
        far_weight: of the mean affinity, where there is no classifier yet.
        classifier: gives the order; None = mean affinity.

    Returns:
        Features (questions, features); whether both are of one instance; voxels of the smaller region.
    """
    _, _, features, answers, sizes = _run(graph, far_weight, classifier, -1.0, truth.astype(np.int64))
    return features, answers, sizes


def _merge(graph: RegionGraph, far_weight: float, classifier: Classifier | None, lowest: float) -> Merges:
    pairs, scores, *_ = _run(graph, far_weight, classifier, lowest, np.empty(0, np.int64))
    return Merges(pairs, scores, graph.regions)


def _run(graph, far_weight, classifier, lowest, truth):  # type: ignore[no-untyped-def]
    layers = Classifier.none() if classifier is None else classifier
    count = feature_count(graph.distances, graph.extra)
    if len(layers.mean) not in (0, count):
        raise ValueError(f"the classifier was taught {len(layers.mean)} features, the region graph has {count}")
    shape = np.array([graph.distances, int(graph.extra), count])
    return _agglomerate(
        graph.ends.copy(), graph.pairs.copy(), graph.nodes.copy(), shape, float(far_weight), layers.arrays(),
        float(lowest), truth,
    )  # fmt: skip


@compiled
def _agglomerate(ends, pairs, nodes, shape, far_weight, layers, lowest, truth):  # type: ignore[no-untyped-def]
    count, edges, taught = len(nodes), len(ends), len(truth) > 0
    how = (shape, far_weight, layers)
    lists = _lists(ends, count)
    lengths = lists[3]
    slots, filled = _table(ends), edges
    alive, version = np.ones(edges, np.bool_), np.zeros(edges, np.int64)
    features, hidden = np.empty(shape[2]), np.empty((2, len(layers[3])))
    learned = len(layers[3]) > 0
    merges, scores = np.empty((count, 2), np.int32), np.empty(count)
    merged, asked = 0, 0
    changed, seen = np.zeros(count, np.int64), np.zeros(edges, np.int64)  # after how many merges
    room = max(1024, 4 * edges) if taught else 0
    questions, answers, sizes = np.empty((room, shape[2])), np.empty(room, np.bool_), np.empty(room)
    heap: Any = [(np.float64(2.0), np.int64(-1), np.int64(0))]
    heap.pop()
    for edge in range(edges):
        if pairs[edge, AREA] > 0:
            score = _score(pairs[edge], nodes, ends[edge], how, features, hidden)
            heap.append((-score, edge, np.int64(0)))
    heapq.heapify(heap)
    while len(heap) > 0:
        negative, row, made = heapq.heappop(heap)
        if not alive[row] or version[row] != made:
            continue
        if -negative < lowest:
            break
        keep, gone = ends[row, 0], ends[row, 1]
        if learned and max(changed[keep], changed[gone]) > seen[row]:
            # A region changed since the pair was scored; of all its pairs only the surest is worth asking again.
            seen[row] = merged
            score = _score(pairs[row], nodes, ends[row], how, features, hidden)
            if score < -negative:
                version[row] += 1
                heapq.heappush(heap, (-score, row, version[row]))
                continue
        if taught:
            if truth[keep] < 0 or truth[gone] < 0:
                continue
            if asked == len(sizes):
                break
            describe(pairs[row], nodes[keep], nodes[gone], shape[0], shape[1], questions[asked])
            answers[asked] = truth[keep] == truth[gone]
            sizes[asked] = min(nodes[keep, 0], nodes[gone, 0])
            asked += 1
            if not answers[asked - 1]:
                continue  # not asked again before the pair's own statistics change
        merges[merged, 0], merges[merged, 1], scores[merged] = keep, gone, -negative
        merged += 1
        if lengths[keep] < lengths[gone]:
            keep, gone = gone, keep
        alive[row] = False
        ends[row] = 0
        changed[keep] = merged
        _add_region(nodes, keep, gone, pairs[row])
        state = (alive, version, seen, merged)
        filled += _take_over(keep, gone, ends, pairs, nodes, slots, lists, state, heap, how, features, hidden)
        if 2 * filled > len(slots):
            slots, filled = _table(ends), edges
    return (
        merges[:merged].copy(),
        scores[:merged].copy(),
        questions[:asked].copy(),
        answers[:asked].copy(),
        sizes[:asked].copy(),
    )


@compiled
def _add_region(nodes, keep, gone, between):  # type: ignore[no-untyped-def]
    """The statistics of one region to those of another; what was between them is inside now."""
    for column in range(nodes.shape[1]):
        nodes[keep, column] += nodes[gone, column]
    nodes[keep, 1] += between[AREA]
    nodes[keep, 2] += between[SUM]


@compiled
def _take_over(keep, gone, ends, pairs, nodes, slots, lists, state, heap, how, features, hidden):  # type: ignore[no-untyped-def]
    """The pairs of `gone` become pairs of `keep`; one that `keep` has too is added to it and waits for a new turn.

    Returns how many slots of the table were filled.
    """
    following, heads, tails, lengths = lists
    alive, version, seen, merged = state
    filled = 0
    half = heads[gone]
    while half >= 0:
        one = half >> 1
        half = following[half]
        if not alive[one]:
            continue
        other = ends[one, 1] if ends[one, 0] == gone else ends[one, 0]
        first, second = min(keep, other), max(keep, other)
        slot = find_slot(slots, ends, first, second)
        if slots[slot] == _EMPTY:
            ends[one, 0], ends[one, 1] = first, second
            slots[slot] = one
            filled += 1
            continue
        same = slots[slot]
        for column in range(pairs.shape[1]):
            pairs[same, column] += pairs[one, column]
        alive[one] = False
        ends[one] = 0
        version[same] += 1
        seen[same] = merged
        if pairs[same, AREA] > 0:
            score = _score(pairs[same], nodes, ends[same], how, features, hidden)
            heapq.heappush(heap, (-score, same, version[same]))
    following[tails[keep]] = heads[gone]
    tails[keep] = tails[gone]
    lengths[keep] += lengths[gone]
    return filled


@compiled
def _score(row, nodes, pair, how, features, hidden):  # type: ignore[no-untyped-def]
    """How sure it is that a pair is one, 0..1; `how` is (shape, far_weight, layers) of `_agglomerate`."""
    shape, far_weight, layers = how
    if len(layers[3]) == 0:
        total, weight = row[SUM], row[AREA]
        for column in range(FAR, FAR + 2 * shape[0], 2):
            weight += far_weight * row[column]
            total += far_weight * row[column + 1]
        return total / weight
    describe(row, nodes[pair[0]], nodes[pair[1]], shape[0], shape[1], features)
    mean, spread, weights, biases, inner, inner_biases, last, last_bias = layers
    for unit in range(len(biases)):
        value = biases[unit]
        for place in range(len(mean)):
            value += weights[unit, place] * (features[place] - mean[place]) / spread[place]
        hidden[0, unit] = max(value, 0.0)
    value = last_bias[0]
    for unit in range(len(inner_biases)):
        deep = inner_biases[unit]
        for place in range(len(biases)):
            deep += inner[unit, place] * hidden[0, place]
        value += last[unit] * max(deep, 0.0)
    return 1.0 / (1.0 + np.exp(-value))


@compiled
def _lists(ends, count):  # type: ignore[no-untyped-def]
    """The pairs of each region as linked lists of half edges (2 row + side)."""
    following = np.full(2 * len(ends), -1, np.int64)
    heads, tails = np.full(count, -1, np.int64), np.full(count, -1, np.int64)
    lengths = np.zeros(count, np.int64)
    for row in range(len(ends)):
        for side in range(2):
            node, half = ends[row, side], 2 * row + side
            if tails[node] < 0:
                heads[node] = half
            else:
                following[tails[node]] = half
            tails[node] = half
            lengths[node] += 1
    return following, heads, tails, lengths


@compiled
def _table(ends):  # type: ignore[no-untyped-def]
    """A hash table from pairs of ids to rows; rows whose ids are 0 are dead."""
    size = 1024
    while size < 8 * len(ends):
        size *= 2
    slots = np.full(size, _EMPTY, np.int64)
    for row in range(len(ends)):
        if ends[row, 0] > 0:
            slots[find_slot(slots, ends, ends[row, 0], ends[row, 1])] = row
    return slots
