"""Martinotti cells: an axon that climbs to layer 1 and spreads there under the pia."""

from __future__ import annotations

import numpy as np

from neuropil.morphology.synthesis.arbor import Arbor
from neuropil.morphology.synthesis.cortex import LAYERS, SCALES, pick, soma_depth
from neuropil.morphology.synthesis.plan import CellClass, Grown
from neuropil.morphology.synthesis.steering import UP, below, both, level, towards
from neuropil.morphology.synthesis.walk import Habit, directions, trunk, unit, walk
from neuropil.morphology.tree import AXON, BASAL


def grow(rng: np.random.Generator) -> Grown:
    """One Martinotti cell of layer 2-3 or 5; the soma at the origin, the pia at +y."""
    species = pick(rng, {"mouse": 1, "rat": 1, "human": 1})
    layer = pick(rng, {"layer 2-3": 1, "layer 5": 2})
    scale, depth = SCALES[species], soma_depth(layer, species, rng)
    arbor = Arbor(scale * rng.uniform(5.5, 7.5))
    reach = scale * rng.uniform(0.85, 1.2)
    dendrite = Habit(
        BASAL, 4.5 * scale, segments=(20 * reach, 40 * reach), forks=(0.9, 0.6, 0.25), tip=95 * reach, wander=0.19
    )
    up, down = int(rng.integers(1, 3)), int(rng.integers(2, 4))
    heading = np.vstack([directions(rng, up, (0, 0.8, 0)), directions(rng, down, (0, -0.9, 0))])
    walk(arbor, arbor.sprout(heading, BASAL), heading, dendrite, rng)
    _axon(arbor, scale, depth, rng)
    return Grown(arbor, species, ("neocortex", "somatosensory", layer), layer)


def _axon(arbor: Arbor, scale: float, depth: float, rng: np.random.Generator) -> None:
    """The climb, collaterals around the soma, and the plexus in layer 1."""
    goal = depth - scale * LAYERS["layer 1"][1] * rng.uniform(0.5, 0.75)
    shaft = Habit(AXON, 5 * scale, wander=0.18)
    climb = trunk(arbor, arbor.sprout_one(UP, AXON), UP, goal, shaft, rng, towards(UP, 0.1))
    height = arbor.points[climb, 1]
    low = climb[(height > 15 * scale) & (height < max(0.45 * goal, 80 * scale))]
    origin = np.sort(rng.choice(low, min(len(low), int(rng.integers(5, 9))), replace=False))
    local = Habit(
        AXON, 5 * scale, segments=(45 * scale, 60 * scale), forks=(0.8, 0.55, 0.3), tip=80 * scale, wander=0.22
    )
    walk(arbor, origin, unit(directions(rng, len(origin)) * [1, 0.5, 1]), local, rng)
    top = climb[-5:]
    plexus = Habit(
        AXON,
        5 * scale,
        segments=(40 * scale, 65 * scale),
        forks=(0.95, 0.8, 0.55, 0.3),
        tip=140 * scale,
        wander=0.18,
        angle=0.9,
    )
    heading = unit(directions(rng, len(top)) * [1, 0.2, 1] + [0, 0.25, 0])
    walk(arbor, top, heading, plexus, rng, both(below(depth - 8 * scale, 25 * scale), level(0.14)), 2900)


MARTINOTTI = CellClass("martinotti", ("Martinotti", "interneuron"), grow)
