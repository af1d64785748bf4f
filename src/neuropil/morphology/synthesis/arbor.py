"""A neuron while it grows: nodes are only ever added, each after its parent."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neuropil.morphology.tree import AXON, SOMA, Neuron

Points = NDArray[np.float64]
Ids = NDArray[np.int64]

_VARICOSITY = 0.25  # spread of an axon's radius from node to node, as a logarithm; a dendrite's is a quarter of it


class Arbor:
    """Nodes of a growing neuron, around a soma of three points at the origin; (x, y, z), micrometres, y to the pia."""

    def __init__(self, soma_radius: float) -> None:
        self.soma_radius = soma_radius
        self._size = 0
        self._points = np.zeros((4096, 3))
        self._parents = np.zeros(4096, np.int64)
        self._types = np.zeros(4096, np.int32)
        self.add(np.zeros((1, 3)), np.array([-1]), SOMA)
        self.add(np.array([[0, soma_radius, 0], [0, -soma_radius, 0]]), np.array([0, 0]), SOMA)

    def __len__(self) -> int:
        return self._size

    @property
    def points(self) -> Points:
        """(n, 3), a view: to be changed by smoothing only."""
        return self._points[: self._size]

    @property
    def parents(self) -> Ids:
        """(n,), -1 for the soma."""
        return self._parents[: self._size]

    @property
    def types(self) -> NDArray[np.int32]:
        """(n,) SWC types."""
        return self._types[: self._size]

    def add(self, points: Points, parents: Ids, kind: int) -> Ids:
        """Add nodes; return their numbers."""
        start, self._size = self._size, self._size + len(points)
        while self._size > len(self._parents):
            self._points, self._types = np.concatenate([self._points] * 2), np.concatenate([self._types] * 2)
            self._parents = np.concatenate([self._parents] * 2)
        self._points[start : self._size] = points
        self._parents[start : self._size] = parents
        self._types[start : self._size] = kind
        return np.arange(start, self._size)

    def sprout(self, directions: Points, kind: int) -> Ids:
        """Add the first node of a neurite where each direction, (k, 3), leaves the soma; return their numbers."""
        return self.add(directions * self.soma_radius, np.zeros(len(directions), np.int64), kind)

    def sprout_one(self, direction: Points, kind: int) -> int:
        """As `sprout`, for one direction, (1, 3)."""
        return int(self.sprout(direction, kind)[0])

    def turn(self, rotation: Points) -> None:
        """Turn the neurites about the soma; its three points stay upright, as their convention has it."""
        self.points[3:] = self.points[3:] @ rotation.T

    def finish(
        self, name: str, tips: dict[int, float], exponents: dict[int, float], rng: np.random.Generator
    ) -> Neuron:
        """Give every node its radius and return the neuron, in hundredths of a micrometre.

        The radius follows from the cable beyond a node: r^p = r_tip^p (1 + cable / 80 micrometres). So it tapers
        along a branch, and where one forks r^p is nearly the sum over the daughters (Rall 1959: p = 3/2).

        Args:
            name: the neuron's name.
            tips: radius at the tips, by type, micrometres.
            exponents: p, by type.
            rng: for the small unevenness of real neurites.
        """
        radii = np.full(len(self), self.soma_radius)
        beyond = self._cable_beyond()
        for kind, tip in tips.items():
            own = self.types == kind
            unevenness = _VARICOSITY * (1.0 if kind == AXON else 0.25)
            radii[own] = tip * (1 + beyond[own] / 80) ** (1 / exponents[kind])
            radii[own] *= rng.lognormal(0, unevenness, own.sum())
        radii = np.clip(radii, 0.1, self.soma_radius)
        return Neuron(name, self.points.round(2), radii.round(3), self.types.copy(), self.parents.copy())

    def _cable_beyond(self) -> NDArray[np.float64]:
        """The length of all neurite that hangs on each node, (n,), micrometres."""
        steps = np.linalg.norm(self.points - self.points[np.maximum(self.parents, 0)], axis=1).tolist()
        parents = self.parents.tolist()
        beyond = [0.0] * len(self)
        for node in range(len(self) - 1, 0, -1):
            beyond[parents[node]] += beyond[node] + steps[node]
        return np.array(beyond)
