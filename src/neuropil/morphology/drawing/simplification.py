"""Lines with fewer points: how much each point of a line matters to its shape."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neuropil.compiled import compiled

_DEEPEST = 48  # splits within splits; a line that needs more (a spiral) is split in the middle from there on
_WAITING = _DEEPEST + 66  # halves of a stretch that wait at most: halving ends after 64 more


def significance(points: NDArray[np.float64], starts: NDArray[np.int64]) -> NDArray[np.float64]:
    """The tolerance below which the algorithm of Douglas and Peucker (Cartographica 1973) keeps each point.

    The points with a significance above t are those that the algorithm keeps at tolerance t, so one pass serves
    every tolerance. A line is split at its point farthest from the chord (the first of several), and no point counts
    for more than the split that it lies within. Nothing recurs, and a line of m points takes O(m log m) or, for a
    spiral, at most 48 m steps more.

    Args:
        points: (m, 3), the lines one behind the other.
        starts: (k,) where each line begins, ascending, the first 0.

    Returns:
        (m,) in the unit of the points; infinite at both ends of a line.
    """
    ends = np.append(starts[1:], len(points)) - 1
    return np.asarray(_significance(np.ascontiguousarray(points, np.float64), starts, ends))


@compiled
def _significance(
    points: NDArray[np.float64], starts: NDArray[np.int64], ends: NDArray[np.int64]
) -> NDArray[np.float64]:
    found = np.zeros(len(points))
    stretches = np.empty((_WAITING, 3), np.int64)  # first point, last point, how deep
    limits = np.empty(_WAITING)
    for line in range(len(starts)):
        found[starts[line]] = found[ends[line]] = np.inf
        stretches[0] = starts[line], ends[line], 0
        limits[0] = np.inf
        waiting = 1
        while waiting:
            waiting -= 1
            low, high, deep = stretches[waiting]
            if high - low < 2:
                continue
            split, away = _farthest(points, low, high)
            if away == 0.0:  # a stretch on its chord: what is left of it matters nothing
                continue
            if deep >= _DEEPEST:
                split = (low + high) // 2
            limit = min(limits[waiting], away)
            found[split] = limit
            stretches[waiting] = low, split, deep + 1
            stretches[waiting + 1] = split, high, deep + 1
            limits[waiting] = limits[waiting + 1] = limit
            waiting += 2
    return found


@compiled
def _farthest(points: NDArray[np.float64], low: int, high: int) -> tuple[int, float]:
    """The inner point farthest from the segment between two points of a line, and how far it is."""
    ax, ay, az = points[low, 0], points[low, 1], points[low, 2]
    cx, cy, cz = points[high, 0] - ax, points[high, 1] - ay, points[high, 2] - az
    square = cx * cx + cy * cy + cz * cz
    split, most = low + 1, 0.0
    for place in range(low + 1, high):
        x, y, z = points[place, 0] - ax, points[place, 1] - ay, points[place, 2] - az
        share = min(max((x * cx + y * cy + z * cz) / square, 0.0), 1.0) if square > 0.0 else 0.0
        x, y, z = x - share * cx, y - share * cy, z - share * cz
        away = x * x + y * y + z * z
        if away > most:
            split, most = place, away
    return split, np.sqrt(most)
