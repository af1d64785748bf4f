"""How long structures are along each axis, in voxels: what the voxel size must agree with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

_LAGS = (1, 2, 3, 4, 6, 8, 11, 16, 22, 32)
_RUNS, _DEPTH, _WINDOW = 3, 40, 384  # where it is measured: three runs of forty sections, 384 x 384 voxels
_PAIRS = 8  # of sections, at each lag of each run
_LEVEL, _LEAST_LEVEL = 0.5, 0.08

Curve = dict[int, float]


@dataclass(frozen=True)
class Proportions:
    """Lags (z, y, x), in voxels, at which the image has lost equally much of its correlation.

    Attributes:
        neighbours: correlation of a section with the next one.
        lengths: the three lags; where a structure is isotropic they go as one over the voxel size. At most 32. None
            where neighbouring sections or voxels share too little to tell.
    """

    neighbours: float
    lengths: tuple[float, float, float] | None

    def record(self) -> dict[str, Any]:
        """As plain values for JSON."""
        return {"neighbours": self.neighbours, "lengths": list(self.lengths) if self.lengths else None}


def measure_proportions(raw: Any) -> Proportions | None:
    """Compare how quickly the image changes along the three axes.

    Tissue is much the same in all directions when many neurites are taken together, so a step of one section should
    change the image as much as a step of (section thickness / voxel width) voxels in plane. The level of comparison
    is one half, or less where neighbouring sections share less; noise lowers all three curves alike.

    Args:
        raw: grey values, (z, y, x), an array or a dataset.

    Returns:
        What was measured; None where there are fewer than four sections with an image in them.
    """
    depth, height, width = raw.shape
    if depth < 4 or min(height, width) < 8:
        return None
    curves: tuple[list[Curve], list[Curve], list[Curve]] = ([], [], [])
    window = tuple(
        slice((size - min(size, _WINDOW)) // 2, (size + min(size, _WINDOW)) // 2) for size in (height, width)
    )
    for start in _starts(depth):
        stack = _normalised(np.asarray(raw[(slice(start, start + _DEPTH), *window)]))
        if len(stack) >= 4:
            for axis in range(3):
                curves[axis].append(_curve(stack, axis))
    means = [_mean(curve) for curve in curves]
    if not all(means):
        return None
    neighbours = round(means[0][1], 4)
    level = min(_LEVEL, *(mean[1] for mean in means))
    if level < _LEAST_LEVEL:
        return Proportions(neighbours, None)
    z, y, x = (round(_lag_at(mean, level), 3) for mean in means)
    return Proportions(neighbours, (z, y, x))


def _starts(depth: int) -> list[int]:
    runs = min(_RUNS, -(-depth // _DEPTH))
    return sorted({round(start) for start in np.linspace(0, max(0, depth - _DEPTH), runs)})


def _normalised(stack: NDArray[Any]) -> NDArray[np.float32]:
    """Each section with mean 0 and deviation 1; sections without an image are left out."""
    flat = stack.reshape(len(stack), -1).astype(np.float32)
    deviation = flat.std(1)
    kept = flat[deviation > 0]
    kept = (kept - kept.mean(1, keepdims=True)) / deviation[deviation > 0][:, None]
    return kept.reshape(-1, *stack.shape[1:])


def _curve(stack: NDArray[np.float32], axis: int) -> Curve:
    """Correlation at each lag along an axis that the stack is long enough for (half its size)."""
    if axis > 0:
        stack = stack[np.linspace(0, len(stack) - 1, min(len(stack), _PAIRS)).astype(int)]
    curve = {}
    for lag in _LAGS:
        count = stack.shape[axis] - lag
        if count < max(1, stack.shape[axis] // 2):
            break
        if axis == 0:
            firsts = np.unique(np.linspace(0, count - 1, min(count, _PAIRS)).astype(int))
            curve[lag] = float(np.mean([(stack[first] * stack[first + lag]).mean() for first in firsts]))
        else:
            moved = np.moveaxis(stack, axis, 0)
            curve[lag] = float((moved[lag:] * moved[:-lag]).mean())
    return curve


def _mean(curves: Sequence[Curve]) -> Curve:
    lags = set.intersection(*(set(curve) for curve in curves)) if curves else set()
    return {lag: float(np.mean([curve[lag] for curve in curves])) for lag in sorted(lags)}


def _lag_at(curve: Curve, level: float) -> float:
    """The first lag at which the curve has fallen to the level; the last lag where it has not."""
    points = list(curve.items())
    if points[0][1] <= level:
        return float(points[0][0])
    for (lag, value), (next_lag, next_value) in pairwise(points):
        if next_value <= level:
            return lag + (value - level) / (value - next_value) * (next_lag - lag)
    return float(points[-1][0])
