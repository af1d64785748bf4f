"""Chandelier cells: axonal branches hung with short vertical rows of boutons, the candles."""

from __future__ import annotations

import numpy as np

from neuropil.morphology.synthesis.arbor import Arbor
from neuropil.morphology.synthesis.cortex import SCALES, pick
from neuropil.morphology.synthesis.plan import CellClass, Grown
from neuropil.morphology.synthesis.steering import UP, both, level, outward, towards, within
from neuropil.morphology.synthesis.walk import Habit, directions, unit, walk
from neuropil.morphology.tree import AXON, BASAL


def grow(rng: np.random.Generator) -> Grown:
    """One chandelier cell of layer 2-3; the soma at the origin, the pia at +y."""
    species = pick(rng, {"mouse": 1, "rat": 1, "human": 1})
    scale = SCALES[species]
    arbor = Arbor(scale * rng.uniform(5.5, 7.0))
    reach = scale * rng.uniform(0.85, 1.2)
    dendrite = Habit(
        BASAL,
        4.5 * scale,
        segments=(18 * reach, 35 * reach),
        forks=(0.9, 0.5, 0.2),
        tip=90 * reach,
        wander=0.18,
        angle=0.7,
    )
    heading = np.vstack([directions(rng, 3, (0, 1.4, 0)), directions(rng, int(rng.integers(1, 4)), (0, -1.4, 0))])
    walk(arbor, arbor.sprout(heading, BASAL), heading, dendrite, rng)
    _axon(arbor, scale, rng)
    return Grown(arbor, species, ("neocortex", "somatosensory", "layer 2-3"), "layer 2-3")


def _axon(arbor: Arbor, scale: float, rng: np.random.Generator) -> None:
    """Branches that run sideways below the soma, and candles that stand on them and hang from them."""
    wide, low = scale * rng.uniform(140, 200), scale * rng.uniform(50, 90)
    habit = Habit(
        AXON,
        4 * scale,
        segments=(35 * scale, 40 * scale, 55 * scale),
        forks=(1.0, 1.0, 0.95, 0.8, 0.5, 0.2),
        tip=60 * scale,
        wander=0.2,
        angle=1.2,
        symmetry=0.4,
    )
    steer = both(within((wide, 90 * scale, 0.8 * wide), (0, -low, 0)), level(0.08), outward(0.02))
    branches = walk(arbor, arbor.sprout(-UP, AXON), -UP, habit, rng, steer, 1300)
    candles = int(rng.integers(50, 75))
    origin = np.sort(rng.choice(branches[12:], min(candles, len(branches) - 12), replace=False))
    heading = np.where(rng.random((len(origin), 1)) < 0.6, -UP, UP) + rng.normal(0, 0.06, (len(origin), 3))
    candle = Habit(AXON, 3.5 * scale, segments=(8 * scale,), forks=(0.5,), tip=36 * scale, wander=0.08, angle=0.5)
    for direction in (UP, -UP):
        own = (heading * direction).sum(axis=1) > 0
        walk(arbor, origin[own], unit(heading[own]), candle, rng, towards(direction, 0.45))


CHANDELIER = CellClass("chandelier", ("chandelier", "interneuron"), grow)
