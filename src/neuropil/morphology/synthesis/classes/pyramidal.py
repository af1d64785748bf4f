"""Pyramidal cells: an apical dendrite to layer 1 with a tuft there, a skirt of basal dendrites, an axon downwards."""

from __future__ import annotations

import numpy as np

from neuropil.morphology.synthesis.arbor import Arbor
from neuropil.morphology.synthesis.cortex import LAYERS, SCALES, pick, soma_depth
from neuropil.morphology.synthesis.plan import CellClass, Grown
from neuropil.morphology.synthesis.steering import UP, below, outward, towards
from neuropil.morphology.synthesis.walk import Habit, directions, trunk, unit, walk
from neuropil.morphology.tree import APICAL, AXON, BASAL


def grow(rng: np.random.Generator) -> Grown:
    """One pyramidal cell of layer 2-3 or 5; the soma at the origin, the pia at +y."""
    species = pick(rng, {"mouse": 1, "rat": 1, "human": 1})
    layer = pick(rng, {"layer 2-3": 1, "layer 5": 1})
    scale, depth = SCALES[species], soma_depth(layer, species, rng)
    arbor = Arbor(scale * rng.uniform(6.0, 7.5) * (1.25 if layer == "layer 5" else 1.0))
    _basal(arbor, scale, rng)
    _apical(arbor, scale, depth, rng)
    _axon(arbor, scale, rng)
    return Grown(arbor, species, ("neocortex", "somatosensory", layer), layer)


def _basal(arbor: Arbor, scale: float, rng: np.random.Generator) -> None:
    reach = scale * rng.uniform(0.8, 1.25)
    habit = Habit(
        BASAL,
        4 * scale,
        segments=(12 * reach, 25 * reach, 45 * reach),
        forks=(0.95, 0.8, 0.45, 0.15),
        tip=105 * reach,
        wander=0.18,
        angle=0.9,
    )
    heading = directions(rng, int(rng.integers(4, 8)), lean=(0, -0.35, 0))
    heading = unit(heading - [0, 0.25, 0])
    walk(arbor, arbor.sprout(heading, BASAL), heading, habit, rng, outward(0.03))


def _apical(arbor: Arbor, scale: float, depth: float, rng: np.random.Generator) -> None:
    """A trunk that ends below layer 1, obliques from its lower part, and the tuft at its end."""
    border = depth - scale * LAYERS["layer 1"][1] * rng.uniform(0.95, 1.3)
    shaft = Habit(APICAL, 5 * scale, wander=0.06)
    nodes = trunk(arbor, arbor.sprout_one(UP, APICAL), UP, border, shaft, rng, towards(UP, 0.05))
    height = arbor.points[nodes, 1]
    low = nodes[(height > 25 * scale) & (height < max(0.5 * border, 90 * scale))]
    count = min(len(low), int(rng.integers(3, 8)) + int(border > 400 * scale) * 3)
    origin = np.sort(rng.choice(low, count, replace=False))
    oblique = Habit(
        APICAL,
        5.2 * scale,
        segments=(30 * scale, 50 * scale),
        forks=(0.6, 0.35),
        tip=110 * scale,
        wander=0.18,
        angle=0.9,
    )
    heading = unit(directions(rng, count) * [1, 0.3, 1] + [0, 0.35, 0])
    walk(arbor, origin, heading, oblique, rng)
    spread = scale * rng.uniform(0.8, 1.3)
    tuft = Habit(
        APICAL,
        5.2 * scale,
        segments=(28 * spread, 40 * spread, 55 * spread),
        forks=(1.0, 0.9, 0.7, 0.35),
        tip=120 * spread,
        wander=0.18,
        angle=1.1,
        symmetry=0.45,
    )
    ceiling = below(depth - 6.5 * scale, 30 * scale)
    end = nodes[-1:]
    walk(arbor, np.repeat(end, 2), unit(UP + rng.normal(0, 0.35, (2, 3)) * [1, 0.2, 1]), tuft, rng, ceiling)


def _axon(arbor: Arbor, scale: float, rng: np.random.Generator) -> None:
    """A main axon towards the white matter with collaterals that wander off sideways."""
    length = scale * rng.uniform(350, 650)
    main = Habit(AXON, 6.5 * scale, wander=0.1)
    nodes = trunk(arbor, arbor.sprout_one(-UP, AXON), -UP, length, main, rng, towards(-UP, 0.05))
    origin = np.sort(rng.choice(nodes[10:], int(rng.integers(3, 7)), replace=False))
    collateral = Habit(
        AXON,
        6.5 * scale,
        segments=(70 * scale, 90 * scale),
        forks=(0.75, 0.5, 0.25),
        tip=140 * scale,
        wander=0.2,
        angle=0.9,
    )
    heading = unit(directions(rng, len(origin)) * [1, 0.35, 1] - [0, 0.3, 0])
    walk(arbor, origin, heading, collateral, rng)


PYRAMIDAL = CellClass("pyramidal", ("pyramidal", "principal cell"), grow)
