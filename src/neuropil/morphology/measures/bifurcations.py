"""Bifurcations: how their daughters part, in tips, in thickness and in angle."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from neuropil.compiled import compiled
from neuropil.morphology.measures.topology import Floats, Ints, Topology
from neuropil.morphology.tree import SOMA, Neuron


class Bifurcations:
    """The k nodes of a neuron with two children or more; NaN where a measure has no meaning there.

    Where a neurite has more than two daughters, the two with the most cable below them stand for all.

    A soma with more than two children is counted as L-Measure builds it, for neuromorpho.org's means contain it so:
    on one side one child, soma itself where there is such a one, on the other all the rest, as thick as the soma.

    Attributes:
        nodes: (k,) the nodes.
        first, second: (k,) the two daughters.
        hub: (k,) which of the nodes are somata that are counted so.
    """

    def __init__(self, neuron: Neuron, tree: Topology) -> None:
        self._neuron, self._tree = neuron, tree
        self.nodes: Ints = np.flatnonzero(tree.bifurcation)
        self.first: Ints = tree.longest[self.nodes]
        self.second: Ints = tree.second[self.nodes]
        soma = neuron.types == SOMA
        side, one, other = _soma_children(np.ascontiguousarray(neuron.parents), soma)
        self.hub: NDArray[np.bool_] = soma[self.nodes] & (tree.degree[self.nodes] > 2)
        self._side, self._neurites = side[self.nodes], (one[self.nodes], other[self.nodes])

    @cached_property
    def tips(self) -> tuple[Ints, Ints]:
        """(k,) tips on both sides."""
        tips = self._tree.tips
        one = np.where(self.hub, tips[self._side], tips[self.first])
        return one, np.where(self.hub, tips[self.nodes] - one, tips[self.second])

    @cached_property
    def diameters(self) -> tuple[Floats, Floats, Floats]:
        """(k,) micrometres: of the node and of both sides."""
        thick = 2 * self._neuron.radii
        whole = thick[self.nodes]
        one = np.where(self.hub, thick[self._side], thick[self.first])
        return whole, one, np.where(self.hub, whole, thick[self.second])

    def asymmetry(self) -> Floats:
        """(k,) |n1 - n2| / (n1 + n2 - 2) of the tips on both sides; 0 for one and one (van Pelt et al. 1992)."""
        one, other = self.tips
        return np.abs(one - other) / np.maximum(one + other - 2, 1)

    def power_ratio(self, power: float) -> Floats:
        """(k,) (d1^p + d2^p) / d^p of the diameters of both daughters and the parent; Rall's law: 1 for p = 1.5."""
        whole, one, other = self.diameters
        return (one**power + other**power) / whole**power

    def amplitude_local(self) -> Floats:
        """(k,) degrees between the first segments of both daughters; at a hub only between exactly two neurites."""
        daughters = zip(self._neurites, (self.first, self.second), strict=True)
        one, other = (np.where(self.hub, neurite, daughter) for neurite, daughter in daughters)
        found = angle(self._from(one), self._from(other))
        return np.where(self.hub & (self._neurites[1] < 0), np.nan, found)

    def amplitude_remote(self) -> Floats:
        """(k,) degrees between the ends of both daughter branches, seen from the bifurcation; NaN at a hub."""
        ends = (self._from(self._tree.below[daughter]) for daughter in (self.first, self.second))
        return np.where(self.hub, np.nan, angle(*ends))

    def tilt(self, *, remote: bool) -> Floats:
        """(k,) the smaller angle, degrees, between the way back and a daughter; NaN at a root."""
        parents = self._neuron.parents[self.nodes]
        back = self._from(self._tree.above[self.nodes] if remote else parents)
        ways = (self._from(self._reached(daughter, remote)) for daughter in (self.first, self.second))
        return np.where(parents < 0, np.nan, np.minimum(*(angle(back, way) for way in ways)))

    def torque(self, *, remote: bool) -> Floats:
        """(k,) degrees between the plane of a bifurcation and that of the one above; NaN where that is the soma.

        The daughters are taken in the order of the nodes, so the angle goes up to 180.
        """
        in_row = np.minimum(self.first, self.second), np.maximum(self.first, self.second)
        one, other = (self._from(self._reached(daughter, remote)) for daughter in in_row)
        normals = np.full((len(self._neuron), 3), np.nan)
        normals[self.nodes] = np.cross(one, other)
        normals[self._neuron.types == SOMA] = np.nan
        found = angle(normals[self.nodes], normals[self._tree.above[self.nodes]])
        return np.where(self._neuron.parents[self.nodes] < 0, np.nan, found)

    def _reached(self, daughters: Ints, remote: bool) -> Ints:
        return self._tree.below[daughters] if remote else daughters

    def _from(self, nodes: Ints) -> Floats:
        return self._neuron.points[nodes] - self._neuron.points[self.nodes]


def angle(one: Floats, other: Floats) -> Floats:
    """Degrees between rows of vectors, (k, 3) each; NaN where one has no length."""
    lengths = np.sqrt(np.einsum("ij,ij->i", one, one) * np.einsum("ij,ij->i", other, other))
    with np.errstate(invalid="ignore", divide="ignore"):
        cosine = np.einsum("ij,ij->i", one, other) / lengths
    return np.degrees(np.arccos(np.clip(cosine, -1, 1)))


@compiled
def _soma_children(parents: Ints, soma: NDArray[np.bool_]) -> tuple[Ints, Ints, Ints]:
    """For each node the child that L-Measure puts on one side, and its neurites where they are exactly two, else -1.

    A node there has two places. Its first two children take them; a later one that is soma takes the first place.
    """
    n = len(parents)
    side, one, other = np.full(n, -1, np.int64), np.full(n, -1, np.int64), np.full(n, -1, np.int64)
    seen, neurites = np.zeros(n, np.int64), np.zeros(n, np.int64)
    for node in range(n):
        parent = parents[node]
        if parent < 0:
            continue
        if seen[parent] == 0 or (soma[node] and seen[parent] > 1):
            side[parent] = node
        seen[parent] += 1
        if not soma[node]:
            neurites[parent] += 1
            if neurites[parent] == 1:
                one[parent] = node
            else:
                other[parent] = node if neurites[parent] == 2 else -1
    return side, one, other
