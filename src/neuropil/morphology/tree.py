"""One neuron as a tree of nodes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

UNDEFINED, SOMA, AXON, BASAL, APICAL = 0, 1, 2, 3, 4
"""SWC types; 5 and above are custom."""


@dataclass(frozen=True)
class Neuron:
    """A traced neuron. Parents stand before their children, so one pass in order visits the tree downwards.

    Attributes:
        name: the neuron's name, without a suffix.
        points: (n, 3) float64, (x, y, z) in micrometres.
        radii: (n,) float64, micrometres, above 0.
        types: (n,) int32, SWC types (0 undefined, 1 soma, 2 axon, 3 basal dendrite, 4 apical dendrite, 5+ custom).
        parents: (n,) int64, the index (not the id) of each node's parent; -1 for a root. parents[i] < i.
        comments: the header's lines without `#`.
    """

    name: str
    points: NDArray[np.float64]
    radii: NDArray[np.float64]
    types: NDArray[np.int32]
    parents: NDArray[np.int64]
    comments: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        n = len(self.points)
        if self.points.shape != (n, 3) or not len(self.radii) == len(self.types) == len(self.parents) == n:
            raise ValueError(f"{self.name}: arrays of a neuron must have one length, points three columns")
        if n and not (self.parents < np.arange(n)).all():
            raise ValueError(f"{self.name}: a parent must stand before its children")

    def __len__(self) -> int:
        return len(self.points)

    def renamed(self, name: str) -> Neuron:
        """The same neuron under another name."""
        return replace(self, name=name)

    @property
    def edges(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """(children, parents): the indices at both ends of every segment."""
        children = np.flatnonzero(self.parents >= 0)
        return children, self.parents[children]
