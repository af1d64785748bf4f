"""Cerebellar granule cells: a tiny soma, a few short dendrites that end in claws, an axon that splits like a T."""

from __future__ import annotations

import numpy as np

from neuropil.morphology.synthesis.arbor import Arbor
from neuropil.morphology.synthesis.cortex import pick
from neuropil.morphology.synthesis.plan import CellClass, Grown
from neuropil.morphology.synthesis.steering import UP, towards
from neuropil.morphology.synthesis.walk import Habit, directions, trunk, unit, walk
from neuropil.morphology.tree import AXON, BASAL

SIZES = {"mouse": 1.0, "rat": 1.15}
ALONG = np.array([[1.0, 0.0, 0.0]])


def grow(rng: np.random.Generator) -> Grown:
    """One granule cell; the soma at the origin, the pia at +y, the parallel fibre along x."""
    species = pick(rng, {"mouse": 1, "rat": 1})
    scale = SIZES[species]
    arbor = Arbor(scale * rng.uniform(2.6, 3.3))
    heading = directions(rng, int(rng.integers(3, 6)), (0, -0.1, 0))
    stalk = Habit(BASAL, 1.2, wander=0.2)
    arms = [
        trunk(arbor, arbor.sprout_one(way[None], BASAL), way[None], scale * rng.uniform(12, 30), stalk, rng)[-1]
        for way in heading
    ]
    claw = Habit(BASAL, 1.0, segments=(1.5 * scale,), forks=(0.6,), tip=8 * scale, wander=0.5, angle=1.6, symmetry=0.5)
    for arm, way in zip(arms, heading, strict=True):
        fingers = unit(way + 0.9 * directions(rng, 3))
        walk(arbor, np.repeat(arm, 3), fingers, claw, rng)
    _axon(arbor, scale, rng)
    return Grown(arbor, species, ("cerebellum", "cerebellar cortex", "granular layer"))


def _axon(arbor: Arbor, scale: float, rng: np.random.Generator) -> None:
    """Up to the molecular layer, then both ways along the folium."""
    height = scale * rng.uniform(80, 170)
    climb = Habit(AXON, 1.6 * scale, wander=0.18)
    top = int(trunk(arbor, arbor.sprout_one(UP, AXON), UP, height, climb, rng, towards(UP, 0.06))[-1])
    fibre = Habit(AXON, 1.8 * scale, wander=0.06)
    for way in (ALONG, -ALONG):
        trunk(arbor, top, unit(way + 0.3 * UP), scale * rng.uniform(130, 320), fibre, rng, towards(way, 0.08))


GRANULE = CellClass("granule", ("granule", "principal cell"), grow)
