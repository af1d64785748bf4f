"""Sholl analysis: how many neurites cross spheres about the soma (Sholl, Journal of Anatomy 87, 1953)."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from neuropil.compiled import compiled
from neuropil.morphology.measures.topology import Floats, Ints
from neuropil.morphology.soma import soma_centre
from neuropil.morphology.tree import SOMA, Neuron

STEP = 10.0
"""Micrometres between spheres, where that makes no more than `MOST` of them."""

MOST = 256


class Sholl(NamedTuple):
    """Attributes: radii: (k,) micrometres, rising; crossings: (k,) how often neurites cross each sphere."""

    radii: Floats
    crossings: Ints


def sholl(neuron: Neuron, step: float | None = None) -> Sholl:
    """Count the crossings of spheres about the centre of the soma (the first root, where there is none).

    A segment is a straight line: one that comes nearer and goes away again between its ends crosses a sphere twice.
    Segments between two nodes of the soma are not neurites and do not count.

    Args:
        neuron: the tree.
        step: micrometres between spheres; None: 10, or 20, 50, 100 ... where 10 makes more than 256 spheres.

    Returns:
        The profile from the first sphere to the last that lies within the farthest node; empty where none does.
    """
    centre = np.ascontiguousarray(soma_centre(neuron), np.float64)
    offsets = neuron.points - centre
    farthest = float(np.sqrt(np.einsum("ij,ij->i", offsets, offsets).max()))
    if not math.isfinite(farthest):  # coordinates beyond 1e150: their squares are no numbers
        return Sholl(np.zeros(0), np.zeros(0, np.int64))
    step = step if step is not None else _step(farthest)
    count = int(farthest / step)
    crossings = _crossings(
        np.ascontiguousarray(offsets), np.ascontiguousarray(neuron.parents), neuron.types == SOMA, step, count
    )
    return Sholl(step * np.arange(1.0, count + 1.0, dtype=np.float64), crossings)


def _step(farthest: float) -> float:
    step = STEP
    while farthest / step > MOST:
        digit = step / 10 ** math.floor(math.log10(step) + 1e-9)
        step *= 2.5 if round(digit) == 2 else 2
    return step


@compiled
def _crossings(offsets: Floats, parents: Ints, soma: np.ndarray, step: float, count: int) -> Ints:
    """Crossings of the spheres of radius step, 2 step ... count step.

    From its nearest point to the centre a segment only goes outwards, to both sides; a piece from a to b outwards
    crosses the spheres with a < radius <= b, so that a node on a sphere counts once on the way through.
    """
    change = np.zeros(count + 2, np.int64)
    for node in range(len(parents)):
        parent = parents[node]
        if parent < 0 or (soma[node] and soma[parent]):
            continue
        along, length, here, there = 0.0, 0.0, 0.0, 0.0
        for axis in range(3):
            side = offsets[node, axis] - offsets[parent, axis]
            along -= side * offsets[parent, axis]
            length += side * side
            here += offsets[node, axis] ** 2
            there += offsets[parent, axis] ** 2
        here, there = np.sqrt(here), np.sqrt(there)
        nearest = min(here, there)
        if 0.0 < along < length:
            nearest = np.sqrt(max(there * there - along * along / length, 0.0))
        first = int(nearest / step) + 1
        for reached in (here, there):
            last = min(int(reached / step), count)
            if last >= first:
                change[first] += 1
                change[last + 1] -= 1
    return np.cumsum(change)[1 : count + 1]
