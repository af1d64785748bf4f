"""The topological morphology descriptor: a neuron's branches as a barcode, and the barcode as a picture.

Kanari et al., A topological representation of branching neuronal morphologies, Neuroinformatics 16 (2018).
Adams et al., Persistence images, Journal of Machine Learning Research 18 (2017).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from neuropil.compiled import compiled
from neuropil.morphology.measures.topology import Floats, Ints, Topology, topology
from neuropil.morphology.tree import SOMA, Neuron

SIZE = 20
"""Pixels along each axis of a persistence image."""

SPREAD = 0.05
"""Standard deviation of a bar's spot, as a share of the largest distance; the axes go 3 of it beyond 0 and 1."""


class Barcode(NamedTuple):
    """The bars of a neuron, one for each tip that is not soma, the longest first.

    Attributes:
        tips: (k,) distance of the tip where a bar is born, micrometres.
        joins: (k,) distance of the bifurcation where a bar that reaches farther takes over; a root's for the last.
    """

    tips: Floats
    joins: Floats

    @property
    def lengths(self) -> Floats:
        """(k,) micrometres; below 0 only where the distance falls on the way out."""
        return self.tips - self.joins


def barcode(neuron: Neuron, tree: Topology | None = None, *, radial: bool = False) -> Barcode:
    """Follow every tip towards the root until it meets one that is farther out (the elder rule), in one pass.

    Args:
        neuron: the tree; the soma's own nodes bear no bars.
        tree: its topology, if it is at hand.
        radial: take the straight distance from the first node in place of the distance along the neurites.
    """
    tree = tree if tree is not None else topology(neuron)
    distance = np.linalg.norm(neuron.points - neuron.points[0], axis=1) if radial else tree.path
    tips, joins = _bars(np.ascontiguousarray(neuron.parents), distance, neuron.types == SOMA, tree.degree)
    order = np.lexsort((-tips, joins - tips))
    return Barcode(tips[order], joins[order])


def persistence_image(bars: Barcode, size: int = SIZE, spread: float = SPREAD) -> Floats:
    """A barcode as a picture of fixed size that does not change when the neuron is scaled.

    All distances are divided by the largest at a tip. Each bar is a round Gaussian spot at (where it joins, how long
    it is) and weighs its length, so that the sum over the plane is the sum of the bars in units of the largest
    distance. A pixel holds the integral over its square; both axes go from -3 spreads to 1 + 3 spreads, so that the
    spots lie within them.

    Args:
        bars: the bars.
        size: pixels along each axis.
        spread: standard deviation of a spot, as a share of the largest distance.

    Returns:
        (size, size) float64: rows by length, columns by the distance of the join, both rising; all 0 for no bars.
    """
    from scipy.special import ndtr

    scale = float(bars.tips.max()) if len(bars.tips) else 0.0
    if scale <= 0:
        return np.zeros((size, size))
    lengths = np.maximum(bars.lengths / scale, 0.0)
    borders = np.linspace(-3 * spread, 1 + 3 * spread, size + 1)
    columns = np.diff(ndtr((borders - (bars.joins / scale)[:, None]) / spread), axis=1)
    rows = np.diff(ndtr((borders - lengths[:, None]) / spread), axis=1)
    return np.asarray((rows * lengths[:, None]).T @ columns)


@compiled
def _bars(parents: Ints, distance: Floats, soma: np.ndarray, degree: Ints) -> tuple[Floats, Floats]:
    n = len(parents)
    tips, joins = np.empty(n), np.empty(n)
    best = np.full(n, -1.0)  # the farthest tip at or below the node; distances are never below 0
    count = 0
    for node in range(n - 1, -1, -1):
        if degree[node] == 0 and not soma[node]:
            best[node] = distance[node]
        if best[node] < 0.0:
            continue
        parent = parents[node]
        if parent < 0:
            tips[count], joins[count] = best[node], distance[node]
            count += 1
        elif best[parent] < 0.0:
            best[parent] = best[node]
        else:
            tips[count], joins[count] = min(best[node], best[parent]), distance[parent]
            best[parent] = max(best[node], best[parent])
            count += 1
    return tips[:count], joins[:count]
