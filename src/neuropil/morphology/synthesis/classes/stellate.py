"""Spiny stellate cells of layer 4: short dendrites to all sides, no apical one, an axon in a narrow column."""

from __future__ import annotations

import numpy as np

from neuropil.morphology.synthesis.arbor import Arbor
from neuropil.morphology.synthesis.cortex import SCALES, pick
from neuropil.morphology.synthesis.plan import CellClass, Grown
from neuropil.morphology.synthesis.steering import UP, both, towards, within
from neuropil.morphology.synthesis.walk import Habit, directions, trunk, unit, walk
from neuropil.morphology.tree import AXON, BASAL


def grow(rng: np.random.Generator) -> Grown:
    """One spiny stellate cell; the soma at the origin, the pia at +y."""
    species = pick(rng, {"mouse": 1, "rat": 1})
    scale = SCALES[species]
    arbor = Arbor(scale * rng.uniform(5.0, 6.5))
    reach = scale * rng.uniform(0.85, 1.25)
    dendrite = Habit(
        BASAL,
        3 * scale,
        segments=(10 * reach, 18 * reach, 28 * reach),
        forks=(0.95, 0.8, 0.45, 0.15),
        tip=62 * reach,
        wander=0.2,
    )
    heading = directions(rng, int(rng.integers(4, 8)))
    walk(arbor, arbor.sprout(heading, BASAL), heading, dendrite, rng, within((150 * reach,) * 3))
    _axon(arbor, scale, rng)
    return Grown(arbor, species, ("neocortex", "somatosensory", "layer 4"), "layer 4")


def _axon(arbor: Arbor, scale: float, rng: np.random.Generator) -> None:
    """Down a little, then branches that turn up to layer 2-3 and stay within the column."""
    habit = Habit(
        AXON,
        5 * scale,
        segments=(50 * scale, 60 * scale),
        forks=(0.95, 0.8, 0.5, 0.25),
        tip=220 * scale,
        wander=0.18,
        angle=0.8,
    )
    stem = trunk(arbor, arbor.sprout_one(-UP, AXON), -UP, 90 * scale, habit, rng)
    origin = np.sort(rng.choice(stem[3:], int(rng.integers(3, 6)), replace=False))
    heading = unit(directions(rng, len(origin)) * [1, 0.3, 1] + [0, 0.5, 0])
    steer = both(within((130 * scale, 450 * scale, 130 * scale), (0, 200 * scale, 0)), towards(UP, 0.05))
    walk(arbor, origin, heading, habit, rng, steer)


SPINY_STELLATE = CellClass("spiny-stellate", ("spiny stellate", "principal cell"), grow)
