"""Bootstrap intervals over neurons (or whatever the items are), and the figures they are taken of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Statistic = Callable[..., float]


def bootstrap(
    statistic: Statistic, *arrays: NDArray[Any], resamples: int = 1000, seed: int = 0, confidence: float = 0.95
) -> tuple[float, float]:
    """The percentile bootstrap interval of a figure (Efron 1979).

    Args:
        statistic: takes the arrays, resampled together, and returns the figure.
        arrays: of one length; row i of each belongs to item i.
        resamples: how many samples with replacement are drawn.
        seed: decides the draws.
        confidence: share of the resamples between the two ends.

    Returns:
        (low, high). Resamples on which the figure is not a number are left out.

    Raises:
        ValueError: there are fewer than two items, or the arrays differ in length.
    """
    n = len(arrays[0])
    if n < 2 or any(len(array) != n for array in arrays):
        raise ValueError("a bootstrap needs at least two items and arrays of one length")
    rng = np.random.default_rng([seed, n, resamples])
    figures = np.empty(resamples)
    for number in range(resamples):
        chosen = rng.integers(0, n, n)
        figures[number] = statistic(*(array[chosen] for array in arrays))
    tail = 50 * (1 - confidence)
    low, high = np.nanpercentile(figures, [tail, 100 - tail])
    return float(low), float(high)


def confusion(truth: NDArray[np.int64], predicted: NDArray[np.int64], classes: int) -> NDArray[np.int64]:
    """Counts [true class, predicted class]; both are class indices below `classes`."""
    return np.bincount(truth * classes + predicted, minlength=classes * classes).reshape(classes, classes)


def balanced_accuracy(truth: NDArray[np.int64], predicted: NDArray[np.int64]) -> float:
    """The mean recall over the classes that occur in `truth`."""
    classes = int(max(truth.max(), predicted.max())) + 1
    table = confusion(truth, predicted, classes)
    totals = table.sum(1)
    present = totals > 0
    return float((table.diagonal()[present] / totals[present]).mean())


def macro_f1(truth: NDArray[np.int64], predicted: NDArray[np.int64]) -> float:
    """The mean F1 over the classes that occur in `truth` (a class never predicted has 0)."""
    classes = int(max(truth.max(), predicted.max())) + 1
    table = confusion(truth, predicted, classes)
    sizes = table.sum(1) + table.sum(0)
    present = table.sum(1) > 0
    return float((2 * table.diagonal()[present] / sizes[present]).mean())


def chance_macro_f1(truth: NDArray[np.int64], classes: int) -> float:
    """About what macro-F1 uniform guessing among `classes` reaches: precision p and recall 1/k give 2p/(kp + 1)."""
    shares = np.bincount(truth, minlength=classes) / len(truth)
    shares = shares[shares > 0]
    return float((2 * shares / (classes * shares + 1)).mean())
