"""Objects found: intersection over union of true objects and segments; recall, precision, AP, panoptic quality."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neuropil.em.metrics.contingency import Contingency, Ids


@dataclass(frozen=True)
class Objects:
    """Which objects of the truth were found.

    Attributes:
        ids: (objects,) those of more than `smallest` voxels.
        found: (objects,) bool: some segment reaches the demanded intersection over union.
    """

    ids: Ids
    found: NDArray[np.bool_]

    @property
    def recall(self) -> float:
        """The share that was found; NaN where there is no object."""
        return float(self.found.mean()) if len(self.found) else float("nan")


@dataclass(frozen=True)
class Matching:
    """True objects and segments, one to one where they match.

    Attributes:
        truth: (objects,) ids of the true objects that count.
        segments: (segments,) ids of the segments that count.
        sizes: (segments,) int64, their voxels.
        partner: (segments,) int64, row in `truth` of the object that a segment matches, -1 = none.
        iou: (segments,) intersection over union with that partner, 0 where there is none.
    """

    truth: Ids
    segments: Ids
    sizes: NDArray[np.int64]
    partner: NDArray[np.int64]
    iou: NDArray[np.float64]

    @property
    def matches(self) -> int:
        """How many pairs match."""
        return int((self.partner >= 0).sum())

    @property
    def recall(self) -> float:
        """Share of the true objects that a segment matches; NaN where there is no object."""
        return self.matches / len(self.truth) if len(self.truth) else float("nan")

    @property
    def precision(self) -> float:
        """Share of the segments that match a true object; NaN where there is no segment."""
        return self.matches / len(self.segments) if len(self.segments) else float("nan")


@dataclass(frozen=True)
class PanopticQuality:
    """Panoptic quality = segmentation quality x recognition quality (Kirillov et al. 2019); NaN without any object.

    Attributes:
        quality: sum of the matches' IoU / (matches + missed / 2 + invented / 2).
        segmentation: mean IoU of the matches.
        recognition: F1 of the matches.
    """

    quality: float
    segmentation: float
    recognition: float


def objects_found(table: Contingency, *, smallest: int = 1000, iou: float = 0.5) -> Objects:
    """Objects of the truth over `smallest` voxels that a segment covers with an intersection over union >= `iou`.

    Voxels whose truth is 0 do not count.
    """
    overlaps = _Overlaps.of(table, background_counts=False)
    best = np.zeros(len(overlaps.truth))
    np.maximum.at(best, overlaps.row, overlaps.iou)
    large = overlaps.truth_sizes > smallest
    return Objects(overlaps.truth[large], best[large] >= iou)


def match_objects(
    table: Contingency, *, iou: float = 0.5, smallest: int = 0, background_counts: bool = False
) -> Matching:
    """Pair true objects and segments, each at most once, the largest intersection over union first.

    From an IoU over .5 on no object can have two partners, so the order decides nothing.

    Args:
        table: of a volume.
        iou: the least intersection over union of a match, over 0.
        smallest: true objects and unmatched segments of at most so many voxels do not count.
        background_counts: whether voxels whose truth is 0 belong to a segment's size and segments without any true
            object count as invented: true where 0 means "no object" (mitochondria), false where it means
            "not annotated" or a membrane that nobody is to fill (neurons, SNEMI3D).

    Raises:
        ValueError: `iou` is not in (0, 1].
    """
    if not 0 < iou <= 1:
        raise ValueError(f"iou is {iou:g}; it must be over 0 and at most 1")
    overlaps = _Overlaps.of(table, background_counts=background_counts)
    partner = np.full(len(overlaps.segments), -1, np.int64)
    ratio = np.zeros(len(overlaps.segments))
    large = overlaps.truth_sizes > smallest
    taken = np.zeros(len(overlaps.truth), bool)
    close = np.flatnonzero(overlaps.iou >= iou)
    for pair in close[np.argsort(-overlaps.iou[close], kind="stable")]:
        row, column = overlaps.row[pair], overlaps.column[pair]
        if not taken[row] and partner[column] < 0:
            taken[row], partner[column], ratio[column] = True, row, overlaps.iou[pair]
    matched = partner >= 0
    ignored = matched.copy()
    ignored[matched] = ~large[partner[matched]]  # it matches an object that does not count: neither right nor wrong
    keep = ~ignored & (matched | (overlaps.segment_sizes > smallest))
    new = partner[keep]
    new[new >= 0] = (np.cumsum(large) - 1)[new[new >= 0]]
    return Matching(
        overlaps.truth[large],
        overlaps.segments[keep],
        overlaps.segment_sizes[keep],
        new,
        ratio[keep],
    )


def average_precision(matching: Matching, confidences: Mapping[int, float] | None = None) -> float:
    """Area under the precision-recall curve, precision made monotonous, all points (PASCAL VOC 2010 and COCO).

    AP-50 is that of `match_objects(table, iou=.5)`, AP-75 of `iou=.75`.

    Args:
        matching: of a volume.
        confidences: how sure each segment is; None = its size, as in MitoEM's evaluation where no score is given.

    Returns:
        0 to 1; NaN where there is no true object.
    """
    if len(matching.truth) == 0:
        return float("nan")
    sure = matching.sizes if confidences is None else [confidences[int(segment)] for segment in matching.segments]
    order = np.argsort(-np.asarray(sure, float), kind="stable")
    hits = np.cumsum(matching.partner[order] >= 0)
    recall = hits / len(matching.truth)
    precision = hits / np.arange(1, len(hits) + 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    return float((np.diff(recall, prepend=0) * envelope).sum())


def panoptic_quality(matching: Matching) -> PanopticQuality:
    """Panoptic quality; the published definition has matches with an IoU over .5."""
    missed = len(matching.truth) - matching.matches
    invented = len(matching.segments) - matching.matches
    whole = matching.matches + (missed + invented) / 2
    if whole == 0:
        return PanopticQuality(float("nan"), float("nan"), float("nan"))
    total = float(matching.iou[matching.partner >= 0].sum())
    segmentation = total / matching.matches if matching.matches else 0.0
    return PanopticQuality(total / whole, segmentation, matching.matches / whole)


@dataclass(frozen=True)
class _Overlaps:
    """Pairs of a true object and a segment that share a voxel."""

    truth: Ids
    truth_sizes: NDArray[np.int64]
    segments: Ids
    segment_sizes: NDArray[np.int64]
    row: NDArray[np.int64]
    column: NDArray[np.int64]
    iou: NDArray[np.float64]

    @classmethod
    def of(cls, table: Contingency, *, background_counts: bool) -> _Overlaps:
        pairs = table if background_counts else table.without_background()
        truth, row = np.unique(pairs.truth, return_inverse=True)
        segments, column = np.unique(pairs.predicted, return_inverse=True)
        truth_sizes = np.bincount(row, pairs.voxels, minlength=len(truth)).astype(np.int64)
        segment_sizes = np.bincount(column, pairs.voxels, minlength=len(segments)).astype(np.int64)
        real_truth, real_segment = truth > 0, segments > 0
        keep = real_truth[row] & real_segment[column]
        row, column, shared = row[keep], column[keep], pairs.voxels[keep]
        iou = shared / (truth_sizes[row] + segment_sizes[column] - shared)
        rows, columns = np.cumsum(real_truth) - 1, np.cumsum(real_segment) - 1
        return cls(
            truth[real_truth], truth_sizes[real_truth], segments[real_segment], segment_sizes[real_segment],
            rows[row], columns[column], iou,
        )  # fmt: skip
