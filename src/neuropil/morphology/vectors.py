"""A neuron as one row of numbers of fixed length, for methods that learn no features of their own."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neuropil.morphology.measures.branches import branches
from neuropil.morphology.measures.persistence import barcode, persistence_image
from neuropil.morphology.measures.sholl import Sholl, sholl
from neuropil.morphology.measures.topology import topology
from neuropil.morphology.morphometry import measure
from neuropil.morphology.tree import APICAL, AXON, BASAL, SOMA, Neuron

SHOLL_RADII = np.arange(50.0, 1501.0, 50.0)
"""Micrometres at which the Sholl profile is read; beyond the farthest sphere there are no crossings."""

STRAHLER_ORDERS = 8
"""Orders 1 to 8; higher ones are counted with the last."""


def morphometric_vector(neuron: Neuron) -> NDArray[np.float32]:
    """L-Measure's measures, the Sholl profile at fixed radii, branches and cable of each Strahler order.

    Returns:
        (len(MEASURES) + 30 + 2 * 8,): measures in the order of `MEASURES`, crossings at `SHOLL_RADII`, branches and
        then micrometres of cable of orders 1 to 8.
    """
    tree = topology(neuron)
    ends = branches(neuron, tree).ends
    orders = np.minimum(tree.strahler, STRAHLER_ORDERS)
    counts = np.bincount(orders[ends], minlength=STRAHLER_ORDERS + 1)[1:]
    lengths = np.bincount(orders, weights=tree.steps, minlength=STRAHLER_ORDERS + 1)[1:]
    measures = np.array(list(measure(neuron).values()))
    return np.concatenate([measures, _at(sholl(neuron)), counts, lengths]).astype(np.float32)


def persistence_vector(neuron: Neuron) -> NDArray[np.float32]:
    """The persistence image of the whole neuron, (400,); it does not change when the neuron is scaled."""
    return persistence_image(barcode(neuron)).ravel().astype(np.float32)


def apart_vector(neuron: Neuron) -> NDArray[np.float32]:
    """The persistence images of dendrites and of axon apart, each followed by its scale, (802,).

    The scale is the farthest tip's path distance in millimetres; 0, with an empty image, where there is no such part.
    """
    parts = []
    for kinds in ((BASAL, APICAL), (AXON,)):
        bars = barcode(_only(neuron, kinds))
        scale = float(bars.tips.max()) / 1000 if len(bars.tips) else 0.0
        parts += [persistence_image(bars).ravel(), np.array([scale])]
    return np.concatenate(parts).astype(np.float32)


def _at(profile: Sholl) -> NDArray[np.float64]:
    """Crossings at `SHOLL_RADII`, between spheres by straight lines."""
    if not len(profile.radii):
        return np.zeros(len(SHOLL_RADII))
    return np.interp(SHOLL_RADII, profile.radii, profile.crossings.astype(float), right=0.0)


def _only(neuron: Neuron, kinds: tuple[int, ...]) -> Neuron:
    """The neuron cut down to some types and what they hang on; the rest counts as soma, which bears no bars.

    The way to the root stays, so that distances are those of the whole neuron.
    """
    own = np.isin(neuron.types, kinds)
    needed = own.copy()
    parents = neuron.parents
    for node in np.flatnonzero(own & (parents >= 0) & ~own[parents]):
        while (parent := parents[node]) >= 0 and not needed[parent]:
            needed[parent] = True
            node = parent
    needed[:1] = True
    number = np.cumsum(needed) - 1
    types = np.where(own, neuron.types, SOMA)[needed].astype(np.int32)
    above = parents[needed]
    kept = np.where(above >= 0, number[above], -1)
    return Neuron(neuron.name, neuron.points[needed], neuron.radii[needed], types, kept)
