"""How well predicted classes and depths fit: counts by neuron, and the figures made of them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.float64]


@dataclass
class Overlap:
    """Counts of one method over the views of a test set, added up by neuron.

    Figures are ratios of sums over neurons, so that a class that a single view hardly holds does not decide, and so
    that resampling neurons gives an interval.

    Args:
        classes: number of classes, background included.
    """

    classes: int
    _counts: dict[str, Counts] = field(default_factory=dict)

    def add(
        self,
        neuron: str,
        predicted: NDArray[np.integer],
        truth: NDArray[np.integer],
        predicted_depth: NDArray[np.floating],
        depth: NDArray[np.floating],
    ) -> None:
        """Count a view: classes [H, W], depths [H, W] in [0, 1] with 0 for the background."""
        inside = depth > 0
        row = np.zeros((self.classes + 1, 3))
        row[:-1, 0] = np.bincount(truth[predicted == truth], minlength=self.classes)
        row[:-1, 1] = np.bincount(predicted.ravel(), minlength=self.classes)
        row[:-1, 2] = np.bincount(truth.ravel(), minlength=self.classes)
        row[-1, 0] = np.abs(predicted_depth - depth)[inside].sum()
        row[-1, 1] = inside.sum()
        self._counts[neuron] = self._counts.get(neuron, 0) + row

    def table(self) -> Counts:
        """[neurons, classes + 1, 3]: for each class intersection, predicted and true pixels; last the depth's
        summed error and its pixels."""
        if not self._counts:
            return np.zeros((0, self.classes + 1, 3))
        return np.stack(list(self._counts.values()))


def class_iou(table: Counts) -> NDArray[np.float64]:
    """Intersection over union of each class, [classes]; NaN for a class that is neither predicted nor true."""
    both, predicted, truth = table[:, :-1].sum(0).T
    with np.errstate(invalid="ignore"):
        return both / (predicted + truth - both)


def class_dice(table: Counts) -> NDArray[np.float64]:
    """2 |P T| / (|P| + |T|) of each class, [classes]; NaN for a class that is neither predicted nor true."""
    both, predicted, truth = table[:, :-1].sum(0).T
    with np.errstate(invalid="ignore"):
        return 2 * both / (predicted + truth)


def mean_iou(table: Counts) -> float:
    """Mean IoU over the foreground classes that the test views hold."""
    return _mean_present(class_iou(table), table)


def mean_dice(table: Counts) -> float:
    """Mean Dice over the foreground classes that the test views hold."""
    return _mean_present(class_dice(table), table)


def depth_mae(table: Counts) -> float:
    """Mean absolute error of the depth over the foreground, as a share of the neuron's extent in depth."""
    error, pixels = table[:, -1, :2].sum(0)
    return float(error / pixels) if pixels else float("nan")


def _mean_present(values: NDArray[np.float64], table: Counts) -> float:
    present = table[:, 1:-1, 2].sum(0) > 0
    return float(values[1:][present].mean()) if present.any() else float("nan")
