"""Purkinje cells: a dendritic fan that fills a sheet of the molecular layer, no thicker than a few micrometres."""

from __future__ import annotations

import numpy as np

from neuropil.morphology.synthesis.arbor import Arbor
from neuropil.morphology.synthesis.cortex import pick
from neuropil.morphology.synthesis.plan import CellClass, Grown
from neuropil.morphology.synthesis.steering import UP, towards
from neuropil.morphology.synthesis.walk import Habit, directions, trunk, unit, walk
from neuropil.morphology.synthesis.wiring import scatter, wire
from neuropil.morphology.tree import AXON, BASAL

SIZES = {"mouse": 1.0, "rat": 1.2}


def grow(rng: np.random.Generator) -> Grown:
    """One Purkinje cell; the soma at the origin, the pia at +y, the fan in the x-y plane."""
    species = pick(rng, {"mouse": 1, "rat": 1})
    scale = SIZES[species]
    arbor = Arbor(scale * rng.uniform(8.5, 10.5))
    tall, half = scale * rng.uniform(150, 200), scale * rng.uniform(75, 125)
    for side in (0,) if rng.random() < 0.7 else (-1, 1):
        _fan(arbor, scale, tall, half, side, rng)
    _axon(arbor, scale, rng)
    return Grown(arbor, species, ("cerebellum", "cerebellar cortex", "Purkinje layer"))


def _fan(arbor: Arbor, scale: float, tall: float, half: float, side: int, rng: np.random.Generator) -> None:
    """A short trunk, then branches to every part of the fan, or of its left (-1) or right (1) half."""
    heading = unit(np.array([[0.6 * side + rng.normal(0, 0.12), 1.0, 0.0]]))
    shaft = Habit(BASAL, 3 * scale, wander=0.1)
    top = trunk(arbor, arbor.sprout_one(heading, BASAL), heading, scale * rng.uniform(12, 28), shaft, rng)[-1]
    foot = 20 * scale
    spots = np.column_stack(
        [rng.uniform(-half, half, 6000), rng.uniform(foot, tall, 6000), rng.normal(0, 3.5 * scale, 6000)]
    )
    height = (spots[:, 1] - foot) / (tall - foot)
    skew = rng.normal(0, 0.12) * half
    width = half * np.sqrt(np.clip(height * 1.6 + 0.12, 0, 1)) * np.sqrt(np.clip(1.04 - height**6, 0, 1))
    inside = np.abs(spots[:, 0] - skew * height) < width
    inside &= (spots[:, 0] - skew * height) * side >= 0
    targets = scatter(spots[inside], rng.uniform(6.3, 7.3) * scale)
    wire(arbor, int(top), targets, BASAL, balance=0.35, step=3.2 * scale, rng=rng)


def _axon(arbor: Arbor, scale: float, rng: np.random.Generator) -> None:
    """Down through the granular layer, with a recurrent collateral or two."""
    habit, length = (
        Habit(AXON, 5 * scale, segments=(30 * scale,), forks=(0.6, 0.4), tip=60 * scale, wander=0.19),
        scale * rng.uniform(150, 320),
    )
    main = trunk(arbor, arbor.sprout_one(-UP, AXON), -UP, length, habit, rng, towards(-UP, 0.04))
    origin = np.sort(rng.choice(main[8:], int(rng.integers(1, 4)), replace=False))
    heading = unit(directions(rng, len(origin)) * [1, 0.3, 0.4] + [0, 0.4, 0])
    walk(arbor, origin, heading, habit, rng)


PURKINJE = CellClass("purkinje", ("Purkinje", "principal cell"), grow)
