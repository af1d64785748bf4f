"""What is drawn of a neuron: round cones in space, each with a class."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuropil.morphology.soma import effective_somata
from neuropil.morphology.tree import APICAL, AXON, BASAL, SOMA, Neuron

CLASSES = ("background", "soma", "axon", "basal", "apical", "other")
"""The classes of a mask, by value."""

OTHER = 5
_CLASS_OF_TYPE = {SOMA: 1, AXON: 2, BASAL: 3, APICAL: 4}


class Segments(NamedTuple):
    """Round cones: segment i is the union of the spheres between two ends, their radii interpolated.

    Attributes:
        starts, ends: (m, 3) float64, (x, y, z), micrometres; equal for a sphere.
        start_radii, end_radii: (m,) float64, micrometres.
        classes: (m,) uint8, 1 soma, 2 axon, 3 basal, 4 apical, 5 other.
    """

    starts: NDArray[np.float64]
    ends: NDArray[np.float64]
    start_radii: NDArray[np.float64]
    end_radii: NDArray[np.float64]
    classes: NDArray[np.uint8]

    @property
    def lengths(self) -> NDArray[np.float64]:
        """(m,) micrometres of cable."""
        return np.linalg.norm(self.ends - self.starts, axis=1)


def segments_of(neuron: Neuron) -> Segments:
    """The round cones of a neuron: every edge of every component, cell bodies as spheres.

    An edge has the class of its child. One that leaves a cell body starts at the centre of the body's sphere with
    the child's radius: with the parent's it would be a giant cone. A root without children is a sphere.
    """
    somata = effective_somata(neuron)
    classes = class_of_type(neuron.types)
    children, parents = neuron.edges
    drawn = ~((somata.members[children] >= 0) & (somata.members[parents] == somata.members[children]))
    children, parents = children[drawn], parents[drawn]
    starts, start_radii = neuron.points[parents], neuron.radii[parents]
    body = somata.members[parents]
    starts = np.where((body >= 0)[:, None], _take(somata.centres, body), starts)
    start_radii = np.where(body >= 0, neuron.radii[children], start_radii)
    alone = _alone(neuron, somata.members)
    return Segments(
        np.concatenate([starts, somata.centres, neuron.points[alone]]),
        np.concatenate([neuron.points[children], somata.centres, neuron.points[alone]]),
        np.concatenate([start_radii, somata.radii, neuron.radii[alone]]),
        np.concatenate([neuron.radii[children], somata.radii, neuron.radii[alone]]),
        np.concatenate([classes[children], np.full(len(somata.radii), SOMA, np.uint8), classes[alone]]),
    )


def class_of_type(types: NDArray[np.int32]) -> NDArray[np.uint8]:
    """Mask classes of SWC types, (n,) uint8: 1 to 4 as they are, undefined and custom types are 5 (other)."""
    classes = np.full(len(types), OTHER, np.uint8)
    for swc_type, number in _CLASS_OF_TYPE.items():
        classes[types == swc_type] = number
    return classes


def _take(values: NDArray[np.float64], places: NDArray[np.int64]) -> NDArray[np.float64]:
    """values[places], anything where a place is -1."""
    return values[np.maximum(places, 0)] if len(values) else np.zeros((len(places), 3))


def _alone(neuron: Neuron, members: NDArray[np.int64]) -> NDArray[np.int64]:
    """Roots without children that no cell body stands for."""
    childless = np.ones(len(neuron), bool)
    childless[neuron.parents[neuron.parents >= 0]] = False
    return np.flatnonzero(childless & (neuron.parents < 0) & (members < 0))
