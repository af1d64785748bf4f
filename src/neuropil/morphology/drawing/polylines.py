"""A neuron as lines to draw: every segment in exactly one line, and as few points as a drawing needs."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuropil.morphology.compartments import compartment_of_type
from neuropil.morphology.drawing.simplification import significance
from neuropil.morphology.links import nearest
from neuropil.morphology.tree import Neuron

Ints = NDArray[np.int64]


class Polylines(NamedTuple):
    """Unbranched lines of one compartment each, put one behind the other.

    Attributes:
        nodes: (m,) int64, indices of nodes; the first of a line is the parent that the line leaves.
        starts: (k,) int64, where in `nodes` each line begins.
        compartments: (k,) uint8, of each line (see `compartments`); a segment has its child's.
        radii: (k,) float64, micrometres, the mean along each line.
        tolerance: micrometres between the lines and the nodes that were left out; 0 where none was.
        left_out: how many whole lines were left out, those with the least cable.
    """

    nodes: Ints
    starts: Ints
    compartments: NDArray[np.uint8]
    radii: NDArray[np.float64]
    tolerance: float
    left_out: int

    @property
    def lengths(self) -> Ints:
        """(k,) how many nodes each line has."""
        return np.diff(np.append(self.starts, len(self.nodes)))


def polylines(neuron: Neuron, *, most: int) -> Polylines:
    """The lines of a neuron with at most `most` points; every segment once where that many suffice.

    A line goes from a root, a branch point or a change of compartment to the next, or to a tip. Where there are too
    many nodes, each line is simplified (Douglas and Peucker, Cartographica 1973) with the smallest tolerance that is
    enough; its ends stay. Where the ends alone are too many, lines with the least cable below them go.

    Args:
        neuron: what to draw.
        most: points, one counted besides for the gap behind each line; at least 12.
    """
    whole = _whole_lines(neuron)
    if len(whole.nodes) + len(whole.starts) <= most:
        return whole
    lines = _main_lines(neuron, whole, most // 4) if len(whole.starts) > most // 4 else whole
    return _simplified(neuron, lines, most - len(lines.starts))


def _whole_lines(neuron: Neuron) -> Polylines:
    children, parents = neuron.edges
    compartment = compartment_of_type(neuron.types)
    degree = np.bincount(parents, minlength=len(neuron))
    goes_on = (neuron.parents[parents] >= 0) & (degree[parents] == 1) & (compartment[children] == compartment[parents])
    head = np.ones(len(neuron), bool)
    head[children] = ~goes_on
    first = nearest(neuron.parents, head)[children]
    order = np.lexsort((children, first))  # parents stand before children, so a line's nodes are in order
    children, first = children[order], first[order]
    begins = children == first
    places = np.arange(len(children)) + np.cumsum(begins)
    starts = places[begins] - 1
    nodes = np.empty(len(children) + len(starts), np.int64)
    nodes[places] = children
    nodes[starts] = neuron.parents[children[begins]]
    return Polylines(nodes, starts, compartment[children[begins]], _mean_radii(neuron, nodes, starts), 0.0, 0)


def _mean_radii(neuron: Neuron, nodes: Ints, starts: Ints) -> NDArray[np.float64]:
    """The mean radius of the nodes of each line, the parent that it leaves (often the soma) not counted."""
    if not len(starts):
        return np.zeros(0)
    radii = neuron.radii[nodes]
    radii[starts] = 0
    return np.add.reduceat(radii, starts) / (np.diff(np.append(starts, len(nodes))) - 1)


def _main_lines(neuron: Neuron, lines: Polylines, count: int) -> Polylines:
    """The `count` lines with the most cable from them on; what leads to a line that stays has more and stays too."""
    ends = lines.starts + lines.lengths
    steps = np.zeros(len(lines.nodes))
    steps[1:] = np.linalg.norm(np.diff(neuron.points[lines.nodes], axis=0), axis=1)
    steps[lines.starts] = 0
    cable = np.add.reduceat(steps, lines.starts).tolist()
    line_of_node = np.full(len(neuron), -1, np.int64)
    own = np.ones(len(lines.nodes), bool)
    own[lines.starts] = False
    line_of_node[lines.nodes[own]] = np.repeat(np.arange(len(ends)), lines.lengths - 1)
    before = line_of_node[lines.nodes[lines.starts]].tolist()
    for line in reversed(range(len(before))):  # the lines are in the order of their first nodes: parents first
        if before[line] >= 0:
            cable[before[line]] += cable[line]
    kept = np.sort(np.argsort(-np.array(cable), kind="stable")[:count])
    lengths = lines.lengths[kept]
    starts = np.cumsum(lengths) - lengths
    places = np.repeat(lines.starts[kept] - starts, lengths) + np.arange(lengths.sum())
    return Polylines(
        lines.nodes[places], starts, lines.compartments[kept], lines.radii[kept], 0.0, len(ends) - len(kept)
    )


def _simplified(neuron: Neuron, lines: Polylines, most: int) -> Polylines:
    """The same lines with at most `most` points, at least their ends."""
    if len(lines.nodes) <= most:
        return lines
    points = neuron.points[lines.nodes]
    meaning = significance(points, lines.starts)
    tolerance = float(np.partition(meaning, len(meaning) - most - 1)[len(meaning) - most - 1])
    kept = meaning > tolerance
    starts = (np.cumsum(kept) - 1)[lines.starts]
    return lines._replace(nodes=lines.nodes[kept], starts=starts, tolerance=tolerance)
