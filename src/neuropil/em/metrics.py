"""How well a segmentation agrees with the truth: adapted Rand error, variation of information, objects found.

All measures come from a sparse contingency table that adds up over blocks, so they are exact at any size.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.uint64]


@dataclass(frozen=True)
class Contingency:
    """How many voxels carry each pair of ids; pairs that do not occur are not stored.

    Attributes:
        truth: (pairs,) uint64, ids of the truth.
        predicted: (pairs,) uint64, ids of the prediction.
        voxels: (pairs,) int64.
    """

    truth: Ids
    predicted: Ids
    voxels: NDArray[np.int64]

    @classmethod
    def of(cls, truth: NDArray[np.integer], predicted: NDArray[np.integer]) -> Contingency:
        """Count the pairs of two arrays of one shape."""
        if truth.shape != predicted.shape:
            raise ValueError(f"shapes differ: {truth.shape} and {predicted.shape}")
        true_ids, rows = np.unique(truth, return_inverse=True)
        predicted_ids, columns = np.unique(predicted, return_inverse=True)
        codes, counts = np.unique(rows.ravel() * len(predicted_ids) + columns.ravel(), return_counts=True)
        row, column = np.divmod(codes, max(1, len(predicted_ids)))
        return cls(true_ids[row].astype(np.uint64), predicted_ids[column].astype(np.uint64), counts.astype(np.int64))

    def __add__(self, other: Contingency) -> Contingency:
        pairs = np.stack(
            [np.concatenate([self.truth, other.truth]), np.concatenate([self.predicted, other.predicted])], 1
        )
        unique, index = np.unique(pairs, axis=0, return_inverse=True)
        voxels = np.bincount(index.ravel(), np.concatenate([self.voxels, other.voxels])).astype(np.int64)
        return Contingency(unique[:, 0], unique[:, 1], voxels)


@dataclass(frozen=True)
class RandScores:
    """Adapted Rand error and its two sides.

    Attributes:
        error: 1 - harmonic mean of precision and recall.
        precision: of the voxel pairs that the prediction joins, the share that the truth joins; low = merges.
        recall: of the voxel pairs that the truth joins, the share that the prediction joins; low = splits.
    """

    error: float
    precision: float
    recall: float


def adapted_rand(table: Contingency) -> RandScores:
    """Adapted Rand error in the form of SNEMI3D (Arganda-Carreras et al. 2015).

    Voxels whose truth is 0 do not count; a voxel whose prediction is 0 is a segment of its own.
    """
    total, joint, truth, predicted, alone = _marginals(table)
    if total == 0:
        return RandScores(0.0, 1.0, 1.0)
    both = float((joint**2).sum() + alone)
    precision = both / float((predicted**2).sum() + alone)
    recall = both / float((truth**2).sum())
    return RandScores(1 - 2 * precision * recall / (precision + recall), precision, recall)


def variation_of_information(table: Contingency) -> tuple[float, float]:
    """(split, merge) in bits: H(prediction | truth) and H(truth | prediction) (Meila 2007).

    Voxels whose truth is 0 do not count; a voxel whose prediction is 0 is a segment of its own.
    """
    total, joint, truth, predicted, alone = _marginals(table)
    if total == 0:
        return 0.0, 0.0
    together = _entropy(joint, total) + alone / total * np.log2(total)
    of_prediction = _entropy(predicted, total) + alone / total * np.log2(total)
    split = together - _entropy(truth, total)
    merge = together - of_prediction
    return max(0.0, float(split)), max(0.0, float(merge))


@dataclass(frozen=True)
class Objects:
    """Which objects of the truth were found.

    Attributes:
        ids: (objects,) those of at least `smallest` voxels.
        found: (objects,) bool: some segment reaches the demanded intersection over union.
    """

    ids: Ids
    found: NDArray[np.bool_]

    @property
    def recall(self) -> float:
        """The share that was found; NaN where there is no object."""
        return float(self.found.mean()) if len(self.found) else float("nan")


def objects_found(table: Contingency, *, smallest: int = 1000, iou: float = 0.5) -> Objects:
    """Objects of the truth over `smallest` voxels that a segment covers with an intersection over union >= `iou`."""
    counts = table.truth > 0
    true_ids, row = np.unique(table.truth[counts], return_inverse=True)
    sizes = np.bincount(row, table.voxels[counts], minlength=len(true_ids))
    segment_ids, column = np.unique(table.predicted[counts], return_inverse=True)
    segment_sizes = np.bincount(column, table.voxels[counts], minlength=len(segment_ids))
    overlap = table.voxels[counts]
    ratio = overlap / (sizes[row] + segment_sizes[column] - overlap)
    ratio = np.where(table.predicted[counts] > 0, ratio, 0)
    best = np.zeros(len(true_ids))
    np.maximum.at(best, row, ratio)
    large = sizes > smallest
    return Objects(true_ids[large], best[large] >= iou)


def _marginals(
    table: Contingency,
) -> tuple[float, NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], float]:
    """Voxels in all, of each pair, of each true id, of each segment, and of prediction 0; where the truth is not 0."""
    counts = table.truth > 0
    voxels = table.voxels[counts].astype(np.float64)
    _, row = np.unique(table.truth[counts], return_inverse=True)
    inside = table.predicted[counts] > 0
    _, column = np.unique(table.predicted[counts][inside], return_inverse=True)
    truth = np.bincount(row, voxels).astype(np.float64)
    predicted = np.bincount(column, voxels[inside]).astype(np.float64)
    return float(voxels.sum()), voxels[inside], truth, predicted, float(voxels[~inside].sum())


def _entropy(counts: NDArray[np.float64], total: float) -> float:
    shares = counts[counts > 0] / total
    return float(-(shares * np.log2(shares)).sum())
