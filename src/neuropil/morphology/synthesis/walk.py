"""Growth of neurites tip by tip: persistent random walks that are steered, and fork."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuropil.morphology.synthesis.arbor import Arbor, Ids, Points

Steering = Callable[[Points, Points], Points]
"""From positions and directions, (k, 3) each, to what is added to the directions in one step, (k, 3)."""

_MEMORY = 0.6  # how much of a bend is kept from one step to the next: real neurites curve, they do not shake


@dataclass(frozen=True)
class Habit:
    """How a kind of neurite grows.

    Attributes:
        kind: SWC type.
        step: distance between nodes, micrometres.
        segments: mean length of a segment, by branch order; the last holds for all higher ones; micrometres.
        forks: the probability that a segment forks at its end, by branch order; beyond the last none does.
        tip: mean length of a segment that ends, micrometres.
        wander: how much the direction changes by chance in one step, radians.
        angle: mean angle between two daughters, radians.
        symmetry: 0.5 = both daughters turn alike, 0 = one goes straight on.
        purpose: how strongly a tip turns back to the direction in which its segment set out, in one step.
        regular: how alike the lengths of segments are: the shape of their gamma distribution.
    """

    kind: int
    step: float
    segments: tuple[float, ...] = (0.0,)
    forks: tuple[float, ...] = ()
    tip: float = 0.0
    wander: float = 0.12
    angle: float = 1.0
    symmetry: float = 0.35
    purpose: float = 0.12
    regular: float = 6.0


def walk(
    arbor: Arbor,
    starts: Ids,
    directions: Points,
    habit: Habit,
    rng: np.random.Generator,
    steer: Steering | None = None,
    most: int = 4000,
) -> Ids:
    """Grow neurites from nodes of the arbor, all tips a step at a time.

    Args:
        arbor: what grows.
        starts: (k,) the nodes to grow from.
        directions: (k, 3) unit vectors.
        habit: how.
        rng: the only source of chance.
        steer: what draws the tips, besides chance.
        most: no tip starts another step once the arbor has so many nodes.

    Returns:
        The numbers of the new nodes.
    """
    first = len(arbor)
    tips = _sent(starts, directions, np.zeros(len(starts), np.int64), habit, rng)
    while len(tips.nodes) and len(arbor) < most:
        _step(arbor, tips, habit, rng, steer)
        on = tips.left > 0
        if on.all():
            continue
        fork = ~on & tips.forking
        nodes, order = np.repeat(tips.nodes[fork], 2), np.repeat(tips.order[fork] + 1, 2)
        born = _sent(nodes, _daughters(tips.heading[fork], habit, rng), order, habit, rng)
        tips = _Tips(*(np.concatenate([old[on], new]) for old, new in zip(tips, born, strict=True)))
    return np.arange(first, len(arbor))


def trunk(
    arbor: Arbor,
    start: int,
    direction: Points,
    length: float,
    habit: Habit,
    rng: np.random.Generator,
    steer: Steering | None = None,
) -> Ids:
    """Grow one unbranched neurite of a length, in micrometres; arguments and result otherwise as for `walk`."""
    straight = replace(habit, segments=(length,), forks=(), tip=length, regular=1e6)
    return walk(arbor, np.array([start]), direction, straight, rng, steer)


def unit(vectors: Points) -> Points:
    """The vectors, (k, 3), at length 1."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)


def directions(rng: np.random.Generator, count: int, lean: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> Points:
    """`count` unit vectors, (count, 3), well apart from one another, drawn towards `lean`."""
    candidates = unit(rng.normal(size=(40 * count, 3)) + np.array(lean) * 1.8)
    chosen = [candidates[0]]
    for _ in range(count - 1):
        nearest = np.max(candidates @ np.array(chosen).T, axis=1)
        chosen.append(candidates[np.argmin(nearest + rng.uniform(0, 0.4, len(candidates)))])
    return np.array(chosen)


class _Tips(NamedTuple):
    """The growing tips: node, heading, where each is bound for, its bend, length to go, forking at its end, order."""

    nodes: Ids
    heading: Points
    bound: Points
    bend: Points
    left: NDArray[np.float64]
    forking: NDArray[np.bool_]
    order: Ids


def _sent(nodes: Ids, heading: Points, order: Ids, habit: Habit, rng: np.random.Generator) -> _Tips:
    """Tips that set out on their next segments."""
    chance = np.array([*habit.forks, 0.0])[np.minimum(order, len(habit.forks))]
    mean = np.array(habit.segments)[np.minimum(order, len(habit.segments) - 1)]
    forking = rng.random(len(order)) < chance
    left = np.where(forking, mean, habit.tip) * rng.gamma(habit.regular, 1 / habit.regular, len(order))
    return _Tips(nodes.copy(), heading.copy(), heading.copy(), np.zeros_like(heading), left, forking, order)


def _step(arbor: Arbor, tips: _Tips, habit: Habit, rng: np.random.Generator, steer: Steering | None) -> None:
    """Move all tips on by one step, in place."""
    tips.bend[:] = _MEMORY * tips.bend + rng.normal(0, habit.wander * (1 - _MEMORY**2) ** 0.5, tips.bend.shape)
    heading = tips.heading + tips.bend + habit.purpose * (tips.bound - tips.heading)
    if steer is not None:
        drawn = steer(arbor.points[tips.nodes], tips.heading)
        heading += drawn
        tips.bound[:] = unit(tips.bound + drawn)
    tips.heading[:] = unit(heading)
    tips.nodes[:] = arbor.add(arbor.points[tips.nodes] + habit.step * tips.heading, tips.nodes, habit.kind)
    tips.left[:] -= habit.step


def _daughters(heading: Points, habit: Habit, rng: np.random.Generator) -> Points:
    """The directions of both daughters of each fork, (2 k, 3), in a plane of chance."""
    side = unit(np.cross(heading, rng.normal(size=heading.shape)))
    angle = habit.angle * rng.gamma(9.0, 1 / 9.0, (len(heading), 1))
    share = np.clip(rng.normal(habit.symmetry, 0.12, (len(heading), 1)), 0, 0.5)
    one, other = share * angle, (1 - share) * angle
    pairs = (np.cos(one) * heading - np.sin(one) * side, np.cos(other) * heading + np.sin(other) * side)
    return np.stack(pairs, axis=1).reshape(-1, 3)
