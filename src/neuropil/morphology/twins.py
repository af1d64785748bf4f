"""A neuron without what its tracing says and its shape does not: the twin without axon and with constant radius.

Whether the axon was traced, how radii were measured and how the cell body was outlined tell laboratories apart almost
perfectly. A score that falls far for the twin was a score for knowing the laboratory.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neuropil.morphology.soma import effective_somata
from neuropil.morphology.tree import AXON, Neuron

RADIUS = 0.5
"""Micrometres: the radius of every node of a twin, its soma's too."""


def twin(neuron: Neuron) -> Neuron:
    """The neuron without axon, with constant radius and a soma of one point."""
    return constant_radius(without_axon(neuron))


def without_axon(neuron: Neuron) -> Neuron:
    """The neuron without its axon's nodes; a dendrite that hung on one becomes a tree of its own.

    A neuron of axon alone keeps its first node, so that it can still be measured and drawn.
    """
    keep = neuron.types != AXON
    if not keep.any():
        keep[:1] = True
    parents = np.where((neuron.parents >= 0) & keep[neuron.parents], neuron.parents, -1)
    return _kept(neuron, keep, parents)


def constant_radius(neuron: Neuron, radius: float = RADIUS) -> Neuron:
    """The neuron with one radius for all nodes, every cell body drawn together to one point at its centre.

    Args:
        neuron: the tree.
        radius: micrometres, above 0.
    """
    somata = effective_somata(neuron)
    members = somata.members
    nodes = np.flatnonzero(members >= 0)
    # Parents stand before children: the first node of a body is the one that its others hang on.
    bodies, first = np.unique(members[nodes], return_index=True)
    centre_of = np.full(len(somata.radii), -1, np.int64)
    centre_of[bodies] = nodes[first]
    points = neuron.points.copy()
    points[centre_of[bodies]] = somata.centres[bodies]
    keep = members < 0
    keep[centre_of[bodies]] = True
    parents = neuron.parents.copy()
    inside = (parents >= 0) & (members[parents] >= 0)
    parents[inside] = centre_of[members[parents[inside]]]
    flat = Neuron(neuron.name, points, np.full(len(neuron), float(radius)), neuron.types, neuron.parents)
    return _kept(flat, keep, parents)


def _kept(neuron: Neuron, keep: NDArray[np.bool_], parents: NDArray[np.int64]) -> Neuron:
    """The nodes of a mask, (n,), their parents renumbered; `parents` names kept nodes or -1."""
    number = np.cumsum(keep) - 1
    chosen = parents[keep]
    renumbered = np.where(chosen >= 0, number[chosen], -1)
    return Neuron(neuron.name, neuron.points[keep], neuron.radii[keep], neuron.types[keep], renumbered, neuron.comments)
