"""Branches: the pieces of a tree between corners (roots, bifurcations, tips)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from neuropil.compiled import compiled
from neuropil.morphology.measures.topology import Floats, Ints, Topology
from neuropil.morphology.tree import Neuron


class Branches(NamedTuple):
    """The m branches of a neuron, in the order of their ends.

    Attributes:
        ends, starts: (m,) nodes; a branch belongs to its end, and starts at the corner above it.
        length: (m,) micrometres along the branch.
        straight: (m,) micrometres between its ends.
        compartments: (m,) how many segments it has.
    """

    ends: Ints
    starts: Ints
    length: Floats
    straight: Floats
    compartments: Ints

    def contraction(self) -> Floats:
        """Straight distance over length of the branches that have a length; at most 1."""
        long = self.length > 0
        return np.minimum(self.straight[long] / self.length[long], 1.0)


def branches(neuron: Neuron, tree: Topology) -> Branches:
    """The branches of a neuron."""
    ends = np.flatnonzero((tree.degree != 1) & (neuron.parents >= 0))
    starts = tree.above[ends]
    segments = np.bincount(tree.below, minlength=len(neuron))
    return Branches(
        ends=ends,
        starts=starts,
        length=tree.path[ends] - tree.path[starts],
        straight=np.linalg.norm(neuron.points[ends] - neuron.points[starts], axis=1),
        compartments=segments[ends],
    )


def fractal_dimensions(neuron: Neuron, tree: Topology, found: Branches, *, as_program: bool = False) -> Floats:
    """How fast the way along a branch grows with the straight distance (Marks and Burke 2007), as L-Measure fits it.

    Seen from the end of the branch, its nodes lie at straight distances e and path distances p; the slope of log p
    against log e through the origin is sum(log e log p) / sum(log^2 e). Nodes nearer than 1 micrometre are left
    out, and branches of fewer than four segments are not measured.

    Args:
        neuron, tree, found: the branches.
        as_program: make the fault of L-Measure 5.3 too. It passes a node nearer than 1 micrometre and takes the next
            one without asking; where that lies behind the end it reads memory outside of its arrays, the same on
            both axes, and the branch counts as 1.

    Returns:
        (j,) one value for each branch that is measured; 1 is a straight line.
    """
    long = found.compartments >= _FEWEST
    slopes = _slopes(
        np.ascontiguousarray(neuron.points, np.float64),
        np.ascontiguousarray(neuron.parents, np.int64),
        tree.path,
        found.ends[long],
        found.starts[long],
        found.compartments[long],
        as_program,
    )
    return slopes[slopes > 0]


_FEWEST = 4


@compiled
def _slopes(
    points: Floats, parents: Ints, path: Floats, ends: Ints, starts: Ints, compartments: Ints, as_program: bool
) -> Floats:
    slopes = np.zeros(len(ends))
    most = 0
    for row in range(len(ends)):
        most = max(most, compartments[row])
    straight, along = np.empty(most), np.empty(most)
    for row in range(len(ends)):
        end, node, count = ends[row], ends[row], 0
        while node != starts[row]:
            node = parents[node]
            dx = points[node, 0] - points[end, 0]
            dy = points[node, 1] - points[end, 1]
            dz = points[node, 2] - points[end, 2]
            straight[count], along[count] = np.sqrt(dx * dx + dy * dy + dz * dz), path[end] - path[node]
            count += 1
        product, square, place, outside = 0.0, 0.0, count - 1, False
        while place >= 0 and not outside:
            if straight[place] < 1.0 or along[place] < 1.0:
                place -= 1
                if not as_program:
                    continue
                outside = place < 0
            if not outside and straight[place] > 0.0:
                product += np.log(straight[place]) * np.log(along[place])
                square += np.log(straight[place]) ** 2
            place -= 1
        if outside:
            slopes[row] = 1.0
        elif square > 0.0:
            slopes[row] = product / square
    return slopes
