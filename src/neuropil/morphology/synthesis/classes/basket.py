"""Basket cells: long, sparse, smooth dendrites; a dense axon that spreads sideways and curls around its neighbours."""

from __future__ import annotations

import numpy as np

from neuropil.morphology.synthesis.arbor import Arbor
from neuropil.morphology.synthesis.cortex import SCALES, pick
from neuropil.morphology.synthesis.plan import CellClass, Grown
from neuropil.morphology.synthesis.steering import both, level, outward, within
from neuropil.morphology.synthesis.walk import Habit, directions, unit, walk
from neuropil.morphology.tree import AXON, BASAL


def grow(rng: np.random.Generator) -> Grown:
    """One basket cell of layer 2-3, 4 or 5; the soma at the origin, the pia at +y."""
    species = pick(rng, {"mouse": 1, "rat": 1, "human": 1})
    layer = pick(rng, {"layer 2-3": 1, "layer 4": 1, "layer 5": 1})
    scale = SCALES[species]
    arbor = Arbor(scale * rng.uniform(7.0, 9.0))
    reach = scale * rng.uniform(0.85, 1.2)
    dendrite = Habit(
        BASAL,
        5 * scale,
        segments=(25 * reach, 50 * reach),
        forks=(0.8, 0.45, 0.15),
        tip=130 * reach,
        wander=0.17,
        angle=0.8,
    )
    heading = directions(rng, int(rng.integers(5, 9)))
    walk(arbor, arbor.sprout(heading, BASAL), heading, dendrite, rng, outward(0.02))
    _axon(arbor, scale, rng)
    return Grown(arbor, species, ("neocortex", "somatosensory", layer), layer)


def _axon(arbor: Arbor, scale: float, rng: np.random.Generator) -> None:
    """A stem that soon splits into many curling branches, wider than tall."""
    heading = unit(rng.normal(size=(1, 3)) * [0.4, 0.2, 0.4] + [0, rng.choice([-1.0, 1.0]), 0])
    habit = Habit(
        AXON,
        5 * scale,
        segments=(25 * scale, 35 * scale, 50 * scale, 65 * scale),
        forks=(1.0, 1.0, 1.0, 0.95, 0.85, 0.65, 0.45, 0.3, 0.2),
        tip=75 * scale,
        wander=0.26,
        angle=1.2,
        symmetry=0.4,
    )
    wide = scale * rng.uniform(260, 380)
    territory = within((wide, scale * rng.uniform(150, 210), 0.8 * wide), (0, 0, 0))
    walk(arbor, arbor.sprout(heading, AXON), heading, habit, rng, both(territory, level(0.05), outward(0.02)), 2900)


BASKET = CellClass("basket", ("basket", "interneuron"), grow)
