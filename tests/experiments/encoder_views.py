"""Views whose neurons are also traced anew: with other distances between their nodes, as in another laboratory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuropil.compiled import compiled
from neuropil.morphology.tree import Neuron
from neuropil.rendering.frame import Frame
from neuropil.rendering.segments import Segments, segments_of
from neuropil.views.access import ViewAccess
from neuropil.views.branches import Branches
from neuropil.views.online import OnlineViews, Tree
from neuropil.views.parameters import ViewsParameters
from neuropil.views.sources import Moment, PlaneSource

_STREAM = 101  # of random numbers; those of `views.changes` are below 10


@dataclass(frozen=True)
class Sampling:
    """How often a neuron is sampled anew, and the distances between its nodes, micrometres, drawn evenly."""

    probability: float
    least: float
    most: float


@dataclass(frozen=True)
class ResampledAccess(ViewAccess):
    """Views drawn online, with `sampling` as one more change of the neuron; None is a plain `ViewAccess`."""

    sampling: Sampling | None = None

    def _source(self, once: bool) -> PlaneSource:
        if self.sampling is None or self.neuron_store is None:
            return super()._source(once)
        return _ResampledViews(self.neuron_store, self.parameters, self.sampling)


class _ResampledViews(OnlineViews):
    def __init__(self, neuron_store: Path, parameters: ViewsParameters, sampling: Sampling) -> None:
        super().__init__(neuron_store, parameters)
        self._sampling = sampling

    def _changed(self, tree: Tree, frame: Frame, record: Mapping[str, Any], moment: Moment) -> tuple[Frame, Segments]:
        rng = np.random.default_rng([moment.seed, moment.epoch, moment.view, _STREAM])
        if rng.random() < self._sampling.probability:
            neuron = coarsened(tree.neuron, tree.branches, rng.uniform(self._sampling.least, self._sampling.most))
            tree = Tree(neuron, tree.branches, segments_of(neuron))
        return super()._changed(tree, frame, record, moment)


def coarsened(neuron: Neuron, branches: Branches, step: float) -> Neuron:
    """The neuron as it would be with a node every `step` micrometres of each section only.

    Ends of sections and cell bodies keep their places. The nodes between are not removed but moved onto the straight
    line between those that are kept, their radii too, so that `branches` still holds.
    """
    points, radii = _coarsened(neuron.points, neuron.radii, neuron.parents, branches.followers, float(step))
    return replace(
        neuron,
        points=np.where(branches.bodies[:, None], neuron.points, points),
        radii=np.where(branches.bodies, neuron.radii, radii),
    )


@compiled
def _coarsened(points: NDArray[np.float64], radii: NDArray[np.float64], parents, followers, step):
    n = len(points)
    along = np.zeros(n)  # micrometres from the first node of the section
    before, after = np.arange(n), np.arange(n)  # the nearest kept node on either side; itself where it is kept
    for i in range(n):
        parent = parents[i]
        if parent >= 0 and followers[parent] == i:
            along[i] = along[parent] + np.sqrt(((points[i] - points[parent]) ** 2).sum())
            if followers[i] >= 0 and int(along[i] / step) == int(along[parent] / step):
                before[i] = before[parent]
    for i in range(n - 1, -1, -1):
        if before[i] != i:
            after[i] = after[followers[i]]
    moved, thick = points.copy(), radii.copy()
    for i in range(n):
        first, last = before[i], after[i]
        if first != i:
            span = along[last] - along[first]
            share = (along[i] - along[first]) / span if span > 0 else 0.0
            moved[i] = points[first] + share * (points[last] - points[first])
            thick[i] = radii[first] + share * (radii[last] - radii[first])
    return moved, thick
