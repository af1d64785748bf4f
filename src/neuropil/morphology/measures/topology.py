"""The tree of a neuron in arrays: what lies above and below each node, in two passes over the nodes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuropil.compiled import compiled
from neuropil.morphology.tree import SOMA, Neuron

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Topology(NamedTuple):
    """Where each of the n nodes stands in its tree; all arrays are (n,).

    A corner is a root, a node with several children, or a tip; a branch goes from one corner to the next.

    Attributes:
        steps: length of the segment from the parent, micrometres; 0 for a root.
        path: length of the way from the root, micrometres.
        degree: number of children.
        above: the corner at the beginning of the node's branch, nearer to the root; a root itself.
        order: bifurcations above the node, those of the soma not counted; 0 for a soma node.
        tips: tips at and below the node.
        below: the corner at the end of the node's branch; a corner itself.
        longest, second: the two children with the most cable at and below them, -1 where there are none.
        strahler: Horton-Strahler order; 0 for a soma node, which counts for nothing above it.
    """

    steps: Floats
    path: Floats
    degree: Ints
    above: Ints
    order: Ints
    tips: Ints
    below: Ints
    longest: Ints
    second: Ints
    strahler: Ints

    @property
    def tip(self) -> NDArray[np.bool_]:
        """(n,) the nodes without children."""
        return self.degree == 0

    @property
    def bifurcation(self) -> NDArray[np.bool_]:
        """(n,) the nodes with two children or more."""
        return self.degree > 1


def topology(neuron: Neuron) -> Topology:
    """Follow the links of a neuron once downwards and once upwards: O(n) for a tree of any depth."""
    parents = np.ascontiguousarray(neuron.parents, np.int64)
    points = np.ascontiguousarray(neuron.points, np.float64)
    soma = neuron.types == SOMA
    downwards = _downwards(parents, points, soma)
    return Topology(*downwards, *_upwards(parents, soma, downwards[0], downwards[2]))


@compiled
def _downwards(parents: Ints, points: Floats, soma: NDArray[np.bool_]) -> tuple[Floats, Floats, Ints, Ints, Ints]:
    """(steps, path, degree, above, order): parents stand before their children, so one pass visits them first."""
    n = len(parents)
    steps, path = np.zeros(n), np.zeros(n)
    degree, above, order = np.zeros(n, np.int64), np.zeros(n, np.int64), np.zeros(n, np.int64)
    for node in range(n):
        parent = parents[node]
        if parent >= 0:
            dx = points[node, 0] - points[parent, 0]
            dy = points[node, 1] - points[parent, 1]
            dz = points[node, 2] - points[parent, 2]
            steps[node] = np.sqrt(dx * dx + dy * dy + dz * dz)
            path[node] = path[parent] + steps[node]
            degree[parent] += 1
    for node in range(n):
        parent = parents[node]
        if parent < 0:
            above[node] = node
            continue
        above[node] = parent if parents[parent] < 0 or degree[parent] > 1 else above[parent]
        if not soma[node]:
            order[node] = order[parent] + (1 if degree[parent] > 1 and not soma[parent] else 0)
    return steps, path, degree, above, order


@compiled
def _upwards(
    parents: Ints, soma: NDArray[np.bool_], steps: Floats, degree: Ints
) -> tuple[Ints, Ints, Ints, Ints, Ints]:
    """(tips, below, longest, second, strahler): from the last node to the first, children come before parents."""
    n = len(parents)
    tips, below = np.zeros(n, np.int64), np.arange(n)
    longest, second = np.full(n, -1, np.int64), np.full(n, -1, np.int64)
    cable = np.zeros(n)
    strahler, rivals = np.zeros(n, np.int64), np.zeros(n, np.int64)
    for node in range(n - 1, -1, -1):
        if degree[node] == 0:
            tips[node] = 1
        elif degree[node] == 1:
            below[node] = below[longest[node]]
        if soma[node]:
            strahler[node] = 0
        elif strahler[node] == 0:
            strahler[node] = 1
        elif rivals[node] > 1:
            strahler[node] += 1
        cable[node] += steps[node]
        parent = parents[node]
        if parent < 0:
            continue
        tips[parent] += tips[node]
        cable[parent] += cable[node]
        if longest[parent] < 0 or cable[node] >= cable[longest[parent]]:
            second[parent] = longest[parent]
            longest[parent] = node
        elif second[parent] < 0 or cable[node] >= cable[second[parent]]:
            second[parent] = node
        if strahler[node] > strahler[parent]:
            strahler[parent], rivals[parent] = strahler[node], 1
        elif strahler[node] == strahler[parent] and strahler[node] > 0:
            rivals[parent] += 1
    return tips, below, longest, second, strahler
