"""Cell bodies: what the type-1 nodes of an SWC file stand for.

An SWC node is a sphere and an edge a truncated cone, so a cell body is written by one of four conventions, told
apart here by shape:

* `point`: one node, its radius is the cell body's.
* `three_point`: a root and two children at plus and minus its radius in y (neuromorpho.org, "Soma representation in
  NeuroMorpho.Org as of version 5.3"). Drawn as two cones it would be twice as tall as wide; it means one sphere, and
  the two cylinders of radius r and height r have that sphere's surface, 4 pi r^2.
* `contour`: a closed outline of at least five nodes with thin radii; the sphere's great circle has the outline's area.
* `cylinders`: anything else; the sphere has the surface of the cones between the nodes.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuropil.morphology.tree import SOMA, Neuron

POINT, THREE_POINT, CONTOUR, CYLINDERS = "point", "three_point", "contour", "cylinders"

_TOLERANCE = 0.05  # of the radius: files round to two decimals
_FARTHEST = 4.0  # radii: type-1 nodes farther apart than this are a mislabelled neurite, not a cell body


class Somata(NamedTuple):
    """The cell bodies of a neuron as spheres.

    Attributes:
        centres: (k, 3) float64, (x, y, z) in micrometres.
        radii: (k,) float64, micrometres.
        members: (n,) int64, for each node of the neuron the sphere it belongs to, or -1. A node with a sphere is
            drawn by that sphere alone: neither it nor the edge between two of its nodes is drawn besides. An edge
            from such a node to a neurite has the neurite's type and the neurite's radius at both ends.
        kinds: (k,) the convention of each: `point`, `three_point`, `contour` or `cylinders`.
    """

    centres: NDArray[np.float64]
    radii: NDArray[np.float64]
    members: NDArray[np.int64]
    kinds: tuple[str, ...]


def effective_somata(neuron: Neuron) -> Somata:
    """Read the type-1 nodes of a neuron as spheres, one for each connected group of them.

    A group that reaches farther than four radii of its sphere is a neurite with the wrong type (whole files of
    type 1 exist) and gets no sphere: it is to be drawn as it is.

    Returns:
        The spheres, in the order of their first nodes; none for a neuron without a soma.
    """
    first = _first_of_group(neuron)
    groups, inverse, sizes = np.unique(first[first >= 0], return_inverse=True, return_counts=True)
    centres, radii, kinds = neuron.points[groups].copy(), neuron.radii[groups].copy(), [POINT] * len(groups)
    nodes_of_groups = np.split(np.flatnonzero(first >= 0)[np.argsort(inverse, kind="stable")], np.cumsum(sizes)[:-1])
    body = np.ones(len(groups), bool)
    for group in np.flatnonzero(sizes > 1):
        nodes = nodes_of_groups[group]
        centres[group], radii[group], kinds[group] = _sphere(neuron, nodes)
        reach = np.linalg.norm(neuron.points[nodes] - centres[group], axis=1).max()
        body[group] = reach <= _FARTHEST * radii[group]
    numbers = np.where(body, np.cumsum(body) - 1, -1)
    members = np.full(len(neuron), -1, np.int64)
    members[first >= 0] = numbers[inverse]
    return Somata(centres[body], radii[body], members, tuple(np.array(kinds, object)[body]))


def soma_centre(neuron: Neuron) -> NDArray[np.float64]:
    """The centre of the largest cell body, (3,), micrometres; the first root where there is no soma."""
    somata = effective_somata(neuron)
    return somata.centres[np.argmax(somata.radii)] if len(somata.radii) else neuron.points[0]


def _first_of_group(neuron: Neuron) -> NDArray[np.int64]:
    """For each type-1 node the first node of its connected group, -1 for the others; O(n log n), no recursion."""
    soma = neuron.types == SOMA
    linked = soma & (neuron.parents >= 0) & soma[neuron.parents]
    first = np.where(linked, neuron.parents, np.arange(len(neuron)))
    while not np.array_equal(first[first], first):
        first = first[first]
    return np.where(soma, first, -1)


def _sphere(neuron: Neuron, nodes: NDArray[np.int64]) -> tuple[NDArray[np.float64], float, str]:
    """Centre, radius and convention of a group of at least two type-1 nodes."""
    points, radii = neuron.points[nodes], neuron.radii[nodes]
    parents = np.searchsorted(nodes, neuron.parents[nodes[1:]])
    if _is_three_point(points, radii, parents):
        return points[0], float(radii[0]), THREE_POINT
    if _is_contour(points, radii, parents):
        return points.mean(axis=0), float(np.sqrt(_outline_area(points) / np.pi)), CONTOUR
    surface = cone_surface(points[1:], points[parents], radii[1:], radii[parents])
    middle = (points[1:] + points[parents]) / 2
    if surface.sum() == 0:
        return points[0], float(radii.max()), CYLINDERS
    return np.average(middle, axis=0, weights=surface), float(np.sqrt(surface.sum() / (4 * np.pi))), CYLINDERS


def cone_surface(
    ends: NDArray[np.float64],
    starts: NDArray[np.float64],
    end_radii: NDArray[np.float64],
    start_radii: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Lateral surface of truncated cones, pi (r + R) sqrt((R - r)^2 + h^2), (n,), square micrometres."""
    height = np.linalg.norm(ends - starts, axis=1)
    return np.pi * (end_radii + start_radii) * np.hypot(end_radii - start_radii, height)


def _is_three_point(points: NDArray[np.float64], radii: NDArray[np.float64], parents: NDArray[np.int64]) -> bool:
    if len(points) != 3 or parents.any():
        return False
    offsets = points[1:] - points[0]
    expected = np.array([[0.0, radii[0], 0.0], [0.0, -radii[0], 0.0]])
    slack = _TOLERANCE * radii[0] + 0.02
    return bool(np.abs(offsets - expected).max() <= slack or np.abs(offsets + expected).max() <= slack)


def _is_contour(points: NDArray[np.float64], radii: NDArray[np.float64], parents: NDArray[np.int64]) -> bool:
    if len(points) < 5 or not np.array_equal(parents, np.arange(len(points) - 1)):
        return False
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    gap = float(np.linalg.norm(points[0] - points[-1]))
    extent = float(np.linalg.norm(np.ptp(points, axis=0)))
    return gap <= 2 * float(steps.max()) and gap < 0.5 * extent and float(np.median(radii)) < 0.2 * extent


def _outline_area(points: NDArray[np.float64]) -> float:
    """Area of a closed outline in space: half the length of Newell's vector, square micrometres."""
    points = points - points[0]
    return float(np.linalg.norm(np.cross(points, np.roll(points, -1, axis=0)).sum(axis=0)) / 2)
