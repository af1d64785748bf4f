"""Measures of a segmentation with their intervals: over sub-volumes, over objects."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from neuropil.em.metrics import (
    Contingency,
    Matching,
    adapted_rand,
    average_precision,
    faults,
    match_objects,
    panoptic_quality,
    variation_of_information,
)
from neuropil.statistics.jackknife import jackknife

LARGE = 1000
"""Objects (of neurons) of at most so many voxels are not counted."""
FAULT = 200
"""Overlaps under so many voxels are uncertain borders: neither merge nor split."""
SPECK = 100
"""Objects of other classes of at most so many voxels are not counted."""
RESAMPLES = 500

_BOUNDS = {
    "adapted Rand error": (0.0, 1.0),
    "adapted Rand precision": (0.0, 1.0),
    "adapted Rand recall": (0.0, 1.0),
}
_HIGHER = {"adapted Rand precision", "adapted Rand recall"}
_COUNTS = {"merges", "splits"}


@dataclass(frozen=True)
class Measure:
    """A figure, its 95 % interval, and what it rests on."""

    score: float
    low: float | None
    high: float | None
    n: int
    unit: str
    better: str = "lower"


def agreement(tiles: Sequence[Contingency]) -> dict[str, Measure]:
    """Adapted Rand error with its two sides, VOI with its two, CREMI score, counts of merges and splits.

    Intervals are those of the jackknife over sub-volumes (`statistics.jackknife`).

    Args:
        tiles: tables of the sub-volumes.
    """
    known: dict[frozenset[int], dict[str, float]] = {}

    def figures(chosen: frozenset[int]) -> dict[str, float]:
        if chosen not in known:
            known[chosen] = _figures(Contingency.total(tiles[place] for place in sorted(chosen)))
        return known[chosen]

    everything = frozenset(range(len(tiles)))
    whole = Contingency.total(tiles)
    voxels = int(whole.voxels[whole.truth > 0].sum())
    count = len(np.unique(whole.truth[whole.truth > 0]))
    measures = {}
    for name, score in figures(everything).items():
        low: float | None = None
        high: float | None = None
        if len(tiles) > 1:
            low, high = jackknife(
                [frozenset({place}) for place in range(len(tiles))],
                lambda sets: frozenset().union(*sets),
                lambda chosen, name=name: figures(chosen)[name],  # type: ignore[misc]
                bounds=_BOUNDS.get(name, (0.0, math.inf)),
            )
        better = "higher" if name in _HIGHER else "lower"
        n, unit = (count, "objects") if name in _COUNTS else (voxels, "voxels")
        measures[name] = _finite(Measure(score, low, high, n, unit, better))
    return measures


def _figures(table: Contingency) -> dict[str, float]:
    rand, (split, merge) = adapted_rand(table), variation_of_information(table)
    counted = faults(table, smallest=FAULT, worst=0)
    return {
        "adapted Rand error": rand.error,
        "adapted Rand precision": rand.precision,
        "adapted Rand recall": rand.recall,
        "VOI": split + merge,
        "VOI split": split,
        "VOI merge": merge,
        "CREMI score": math.sqrt((split + merge) * rand.error),  # as metrics.cremi_score, of what is known here
        "merges": float(counted.merges),
        "splits": float(counted.splits),
    }


_OBJECTS: tuple[tuple[str, float, Callable[[Matching], float]], ...] = (
    ("object recall", 0.5, lambda matching: matching.recall),
    ("object precision", 0.5, lambda matching: matching.precision),
    ("object recall at IoU .75", 0.75, lambda matching: matching.recall),
    ("object precision at IoU .75", 0.75, lambda matching: matching.precision),
    ("AP-50", 0.5, average_precision),
    ("AP-75", 0.75, average_precision),
    ("panoptic quality", 0.5, lambda matching: panoptic_quality(matching).quality),
    ("segmentation quality", 0.5, lambda matching: panoptic_quality(matching).segmentation),
    ("recognition quality", 0.5, lambda matching: panoptic_quality(matching).recognition),
)


def objects(table: Contingency, *, smallest: int, background_counts: bool, seed: int) -> dict[str, Measure]:
    """Recall and precision of objects at IoU .5 and .75, AP-50, AP-75, panoptic quality and its two sides.

    Intervals are percentile bootstraps over objects: over those found, missed and invented, drawn together. A measure
    that is not defined (no object) is left out.

    Args:
        table: of the whole part.
        smallest: objects of at most so many voxels do not count.
        background_counts: see `metrics.match_objects`.
        seed: of the bootstrap.
    """
    measures = {}
    for iou in (0.5, 0.75):
        matching = match_objects(table, iou=iou, smallest=smallest, background_counts=background_counts)
        drawn = list(resampled(matching, seed))
        for name, own, statistic in _OBJECTS:
            if own == iou and math.isfinite(score := statistic(matching)):
                low, high = _interval([statistic(sample) for sample in drawn])
                n = len(matching.segments) if "precision" in name else len(matching.truth)
                measures[name] = _finite(Measure(score, low, high, n, "objects", "higher"))
    return {name: measures[name] for name, _, _ in _OBJECTS if name in measures}


def class_iou(tiles: Sequence[Contingency]) -> Measure | None:
    """Voxels of a class in truth and prediction / voxels in either; None where there is none in either."""

    def share(counts: Sequence[float]) -> float:
        return counts[0] / counts[1] if counts[1] else float("nan")

    def add(parts: Sequence[tuple[int, int]]) -> tuple[int, int]:
        return sum(part[0] for part in parts), sum(part[1] for part in parts)

    counts = []
    for tile in tiles:
        true, found = tile.truth > 0, tile.predicted > 0
        counts.append((int(tile.voxels[true & found].sum()), int(tile.voxels[true | found].sum())))
    both, either = add(counts)
    if not either:
        return None
    low, high = jackknife(counts, add, share, bounds=(0.0, 1.0)) if len(counts) > 1 else (None, None)
    return _finite(Measure(both / either, low, high, either, "voxels", "higher"))


def resampled(matching: Matching, seed: int) -> Iterator[Matching]:
    """Matchings of objects drawn with replacement: pairs, missed objects and invented segments, together."""
    missed = len(matching.truth) - matching.matches
    items = len(matching.segments) + missed
    if items == 0:
        return
    hit = np.concatenate([matching.partner >= 0, np.zeros(missed, bool)])
    sizes = np.concatenate([matching.sizes, np.zeros(missed, np.int64)])
    iou = np.concatenate([matching.iou, np.zeros(missed)])
    rng = np.random.default_rng([seed, 1])
    for _ in range(RESAMPLES):
        chosen = rng.integers(items, size=items)
        segments = chosen[chosen < len(matching.segments)]
        found = hit[segments]
        truths = int(found.sum()) + int((chosen >= len(matching.segments)).sum())
        yield Matching(
            np.arange(1, truths + 1, dtype=np.uint64), segments.astype(np.uint64), sizes[segments],
            np.where(found, np.cumsum(found) - 1, -1), iou[segments],
        )  # fmt: skip


def _interval(values: Sequence[float]) -> tuple[float, float]:
    """Percentiles of those that are numbers."""
    finite = np.asarray(values, float)
    finite = finite[np.isfinite(finite)]
    if not len(finite):
        return float("nan"), float("nan")
    low, high = np.percentile(finite, [2.5, 97.5])
    return float(low), float(high)


def _finite(measure: Measure) -> Measure:
    """Without an interval where it is not a number."""
    ends = (measure.low, measure.high)
    if any(end is None or not math.isfinite(end) for end in ends):
        return replace(measure, low=None, high=None)
    return measure
