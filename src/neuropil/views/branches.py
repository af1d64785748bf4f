"""The sections of a tree, and what hangs on what: one pass over the nodes, parents first."""
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neuropil.compiled import compiled
from neuropil.morphology.soma import effective_somata
from neuropil.morphology.tree import SOMA, Neuron


@dataclass(frozen=True)
class Branches:
    """What of a neuron's shape its changes need again and again.

    Attributes:
        sections: (n,) int64, the section of each node: what lies between two branch points, cell bodies, tips or
            changes of type bears one number.
        followers: (n,) int64, the only child of a node within a section, -1 where there is none or more than one.
        bodies: (n,) bool, nodes of type soma.
        lift: (n,) float64, micrometres: z of the middle of the cell body that a node belongs to; NaN outside bodies.
        centre: (3,) micrometres, the middle of the largest cell body, or the first root.
    """

    sections: NDArray[np.int64]
    followers: NDArray[np.int64]
    bodies: NDArray[np.bool_]
    lift: NDArray[np.float64]
    centre: NDArray[np.float64]

    @classmethod
    def of(cls, neuron: Neuron) -> Branches:
        """Find them."""
        followers = np.full(len(neuron), -1, np.int64)
        sections = np.zeros(len(neuron), np.int64)
        _find_sections(neuron.parents, neuron.types, sections, followers)
        somata = effective_somata(neuron)
        lift = np.full(len(neuron), np.nan)
        member = somata.members >= 0
        lift[member] = somata.centres[somata.members[member], 2]
        centre = somata.centres[np.argmax(somata.radii)] if len(somata.radii) else neuron.points[0]
        return cls(sections, followers, neuron.types == SOMA, lift, centre)

    @property
    def nbytes(self) -> int:
        """Bytes of the arrays."""
        return sum(one.nbytes for one in (self.sections, self.followers, self.bodies, self.lift))


def without(neuron: Neuron, lost: NDArray[np.bool_]) -> Neuron:
    """The neuron without some nodes and all that grows from them; the neuron itself where none is lost."""
    lost = lost.copy()
    if not lost.any():
        return neuron
    _lose_descendants(neuron.parents, lost)
    kept = np.flatnonzero(~lost)
    numbers = np.full(len(neuron) + 1, -1, np.int64)  # the last one stands for no parent, -1
    numbers[kept] = np.arange(len(kept))
    return Neuron(
        name=neuron.name,
        points=neuron.points[kept],
        radii=neuron.radii[kept],
        types=neuron.types[kept],
        parents=numbers[neuron.parents[kept]],
    )


@compiled
def _find_sections(parents, types, sections, followers):
    n = len(parents)
    children = np.zeros(n, np.int64)
    for i in range(n):
        if parents[i] >= 0:
            children[parents[i]] += 1
    number = 0
    for i in range(n):
        parent = parents[i]
        inside = parent >= 0 and children[parent] == 1 and types[parent] == types[i] and types[i] != 1
        if inside:
            sections[i] = sections[parent]
            followers[parent] = i
        else:
            sections[i] = number
            number += 1


@compiled
def _lose_descendants(parents, lost):
    for i in range(len(parents)):
        if parents[i] >= 0 and lost[parents[i]]:
            lost[i] = True


@compiled
def smoothed(points, parents, followers, passes):
    """Points (n, 3) after each node inside a section has moved half of the way between its neighbours, `passes` times.

    That is one step of a low-pass filter (1, 2, 1) / 4 along each section; its ends stay.
    """
    before, after = points.copy(), points.copy()
    for _ in range(passes):
        for i in range(len(points)):
            if followers[i] >= 0 and parents[i] >= 0 and followers[parents[i]] == i:
                for axis in range(3):
                    neighbours = before[parents[i], axis] + before[followers[i], axis]
                    after[i, axis] = 0.5 * before[i, axis] + 0.25 * neighbours
        before, after = after, before
    return before
