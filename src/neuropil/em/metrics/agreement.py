"""Adapted Rand error, variation of information and the CREMI score, from a contingency table."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neuropil.em.metrics.contingency import Contingency


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


def cremi_score(table: Contingency) -> float:
    """sqrt((VOI split + VOI merge) * adapted Rand error), lower is better (the CREMI challenge, 2016)."""
    return float(np.sqrt(sum(variation_of_information(table)) * adapted_rand(table).error))


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
