"""Width, height and depth: the room a neuron takes along an axis, with the last 5 % of its cable left out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neuropil.compiled import compiled

Floats = NDArray[np.float64]

_LEFT_OUT = 0.05


def extents(points: Floats, steps: Floats) -> tuple[float, float, float]:
    """Width, height and depth as L-Measure 5.3 takes them.

    Along each axis the nodes are sorted, and from the far end nodes are passed until the segments that end in them
    make up more than 5 % of the whole length; the extent goes from the least node to the node so reached. The same
    with the least node left out is tried, and the smaller extent holds.

    Args:
        points: (n, 3) positions, micrometres.
        steps: (n,) length of the segment that ends in each node, micrometres.

    Returns:
        Extents along x, y and z, micrometres.
    """
    found = []
    longest_first = np.argsort(-steps, kind="stable")  # the order of nodes in one place, so that rows may be mixed
    for axis in range(3):
        order = longest_first[np.argsort(points[longest_first, axis], kind="stable")]
        found.append(float(_extent(points[order, axis], steps[order], _LEFT_OUT * float(steps.sum()))))
    return found[0], found[1], found[2]


@compiled
def _extent(positions: Floats, steps: Floats, spare: float) -> float:
    n = len(positions)
    least = np.inf
    passed = 0.0
    for first in range(min(2, n)):
        # L-Measure adds the first segment once and the second twice, and compares whole micrometres
        passed += (first + 1) * steps[first]
        if first > 0 and np.floor(passed - (first + 1) * steps[first]) > spare:
            break
        total, last = passed, n
        while np.floor(total) <= spare and last > 0:
            last -= 1
            total += steps[last]
        reached = positions[last] if last < n else positions[n - 1]
        least = min(least, abs(reached - positions[first]))
    return least
