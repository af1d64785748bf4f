"""Retinal ganglion cells: a flat dendritic disc in one stratum of the retina, an axon along it."""

from __future__ import annotations

import numpy as np

from neuropil.morphology.synthesis.arbor import Arbor
from neuropil.morphology.synthesis.cortex import pick
from neuropil.morphology.synthesis.plan import CellClass, Grown
from neuropil.morphology.synthesis.steering import towards
from neuropil.morphology.synthesis.walk import Habit, trunk, unit
from neuropil.morphology.synthesis.wiring import scatter, wire
from neuropil.morphology.tree import AXON, BASAL

SIZES = {"mouse": 1.0, "rat": 1.25}


def grow(rng: np.random.Generator) -> Grown:
    """One ganglion cell; the soma at the origin, the retina in the x-y plane, the photoreceptors at +z."""
    species = pick(rng, {"mouse": 1, "rat": 1})
    scale = SIZES[species]
    arbor = Arbor(scale * rng.uniform(6.0, 9.5))
    stratum, radius = scale * rng.uniform(14, 40), scale * rng.uniform(75, 165)
    _disc(arbor, scale, stratum, radius, rng)
    way = unit(np.array([[*rng.normal(size=2), 0.0]]))
    length = scale * rng.uniform(250, 500)
    start = arbor.sprout_one(unit(way - [0, 0, 0.4]), AXON)
    trunk(arbor, start, way, length, Habit(AXON, 5 * scale, wander=0.08), rng, towards(way, 0.06))
    return Grown(arbor, species, ("retina", "ganglion cell layer"))


def _disc(arbor: Arbor, scale: float, stratum: float, radius: float, rng: np.random.Generator) -> None:
    """Primary dendrites that rise to the stratum and share the disc out among them."""
    count = int(rng.integers(3, 7))
    turn = rng.uniform(0, 2 * np.pi) + np.arange(count) * 2 * np.pi / count + rng.normal(0, 0.15, count)
    reach = np.sqrt(rng.uniform(0.02, 1, 6000)) * radius
    angle = rng.uniform(0, 2 * np.pi, 6000)
    lobes = 1 + 0.12 * np.cos(2 * angle + rng.uniform(0, 6)) + 0.1 * np.cos(3 * angle + rng.uniform(0, 6))
    offset = rng.normal(0, 0.15 * radius, 2)
    spots = np.column_stack(
        [reach * lobes * np.cos(angle), reach * lobes * np.sin(angle), rng.normal(stratum, 1.0, 6000)]
    )
    spots[:, :2] += offset
    targets = scatter(spots, rng.uniform(0.1, 0.14) * radius)
    sector = np.argmin(
        np.abs(np.angle(np.exp(1j * (np.arctan2(targets[:, 1], targets[:, 0])[:, None] - turn)))), axis=1
    )
    for number in range(count):
        if (sector == number).any():
            flat = [np.cos(turn[number]), np.sin(turn[number]), 0.5]
            start = arbor.sprout_one(unit(np.array([flat])), BASAL)
            wire(arbor, start, targets[sector == number], BASAL, balance=0.4, step=3.5 * scale, rng=rng)


GANGLION = CellClass("ganglion", ("retinal ganglion", "principal cell"), grow)
