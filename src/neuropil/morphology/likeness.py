"""Whether two files hold the same tracing: told by geometry, whatever its name, place, numbering or axes.

Landmarks are the branch points and tips outside the cell body. They stay where they are when nodes are renumbered,
when a section is traced with more or fewer nodes, and when the cell body is written by another convention (point,
three points, outline); so their number, their extents along their own principal axes and their distances from their
centre are alike in all copies of one tracing, wherever it lies and however it is turned or mirrored. Two neurons that
agree in these numbers are laid over each other, and it is looked whether their landmarks, and their nodes, coincide.

Not recognised: a copy that was pruned, rooted elsewhere, scaled (shrinkage corrected, pixels for micrometres) or
smoothed at its branch points, and another tracing of the same cell; each moves landmarks or changes their number.
"""

from __future__ import annotations

import itertools
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuropil.morphology.soma import effective_somata
from neuropil.morphology.tree import Neuron

VERSION = 1
FEWEST = 3
"""Points below which a neuron is too small to be told from others."""
APART = 0.5
"""Micrometres that two landmarks of one tracing may lie apart; files round to 0.01."""
SAME_NODE = 0.05
"""Micrometres that two nodes may lie apart to count as one."""

_FEW_LANDMARKS = 6  # with fewer, all nodes are landmarks, so that single neurites are told apart
_REFINEMENTS = 50
_QUERIED = 20_000  # nodes of a neuron that are looked at
_SAMPLED = 200_000  # points along the segments of the other
_SPACING = 0.25  # micrometres between these, where they are fewer

Floats = NDArray[np.float64]


class Fingerprint(NamedTuple):
    """What all copies of a tracing have in common; lengths in micrometres.

    Attributes:
        landmarks: how many branch points and tips there are (all nodes, where these are fewer than six).
        tips: how many of them are tips.
        long, middle, short: standard deviation of the landmarks along their principal axes.
        mean, farthest: distance of the landmarks from their centre.
    """

    landmarks: int
    tips: int
    long: float
    middle: float
    short: float
    mean: float
    farthest: float


class Likeness(NamedTuple):
    """How one neuron lies over another that holds the same tracing.

    Attributes:
        same_nodes: every node of each, outside the cell body, coincides with one of the other.
        moved: micrometres from centre to centre.
        turned: degrees by which it must be turned, 0 to 180; of a mirrored one, beside the mirror.
        mirrored: one is the mirror image of the other.
        median, largest: micrometres from the nodes of each to the neurites of the other, laid over it.
    """

    same_nodes: bool
    moved: float
    turned: float
    mirrored: bool
    median: float
    largest: float


def fingerprint(neuron: Neuron) -> Fingerprint | None:
    """The fingerprint of a neuron; None of one that is too small to be told from others (see `FEWEST`)."""
    points, tips = landmarks(neuron)
    if len(points) < FEWEST:
        return None
    centred = points - points.mean(axis=0)
    distances = np.linalg.norm(centred, axis=1)
    extents = np.sqrt(np.maximum(np.linalg.eigvalsh(centred.T @ centred / len(points)), 0.0))
    short, middle, long = (float(extent) for extent in extents)
    return Fingerprint(len(points), tips, long, middle, short, float(distances.mean()), float(distances.max()))


def landmarks(neuron: Neuron) -> tuple[Floats, int]:
    """Branch points and tips outside the cell body, (k, 3), and how many of them are tips.

    Roots are none: whether one is a cell body, an end or a branch depends on who wrote the file.
    """
    outside = _outside(neuron)
    inner = np.flatnonzero(outside & (neuron.parents >= 0))
    children = np.bincount(neuron.parents[inner], minlength=len(neuron))[inner]
    chosen = inner[children != 1]
    tips = int((children == 0).sum())
    return neuron.points[chosen if len(chosen) >= _FEW_LANDMARKS else np.flatnonzero(outside)], tips


def likeness(one: Neuron, other: Neuron) -> Likeness | None:
    """Lay `other` over `one`; None where their landmarks do not coincide.

    The turn is sought from the axes as they are and from the principal axes with all signs, then refined by matching
    each landmark with the nearest and solving for the rotation (Kabsch 1976, Acta Cryst. A32:922).
    """
    points, tips = landmarks(one)
    others, other_tips = landmarks(other)
    if len(points) < FEWEST or (len(points), tips) != (len(others), other_tips):
        return None
    centre, other_centre = points.mean(axis=0), others.mean(axis=0)
    turn = _turn(points - centre, others - other_centre)
    if turn is None:
        return None
    here, there = one.points - centre, (other.points - other_centre) @ turn.T
    same, distances = _distances(one, other, here, there)
    mirrored = bool(np.linalg.det(turn) < 0)
    cosine = (np.trace(-turn if mirrored else turn) - 1) / 2
    return Likeness(
        same_nodes=same,
        moved=float(np.linalg.norm(centre - other_centre)),
        turned=float(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0)))),
        mirrored=mirrored,
        median=float(np.median(distances)),
        largest=float(distances.max()),
    )


def _outside(neuron: Neuron) -> NDArray[np.bool_]:
    """The nodes that are no cell body."""
    return effective_somata(neuron).members < 0


def _turn(points: Floats, others: Floats) -> Floats | None:
    """The rotation, or rotation with mirror, (3, 3), that lays centred `others` over centred `points`."""
    from scipy.spatial import KDTree

    tree = KDTree(points)
    for start in _starts(points, others):
        turn, error = start, np.inf
        for _ in range(_REFINEMENTS):
            distances, nearest = tree.query(others @ turn.T)
            now = float(np.sqrt((distances**2).mean()))
            if now >= error * (1 - 1e-6):
                break
            error, turn = now, _rotation(points[nearest], others, mirrored=np.linalg.det(start) < 0)
        laid = others @ turn.T
        if tree.query(laid)[0].max() <= APART and KDTree(laid).query(points)[0].max() <= APART:
            return turn
    return None


def _starts(points: Floats, others: Floats) -> list[Floats]:
    """Turns to begin with: none, then those of the principal axes, without a mirror first, the least turn first."""
    frame, other_frame = (np.linalg.eigh(cloud.T @ cloud)[1] for cloud in (points, others))
    signs = (np.diag(one) for one in itertools.product((1.0, -1.0), repeat=3))
    turns = [frame @ sign @ other_frame.T for sign in signs]
    return [np.eye(3), *sorted(turns, key=lambda turn: (np.linalg.det(turn) < 0, -np.trace(turn)))]


def _rotation(points: Floats, others: Floats, *, mirrored: bool) -> Floats:
    """The best rotation of `others` onto `points`, row by row, with a mirror or without."""
    left, _, right = np.linalg.svd(points.T @ others)
    sign = np.sign(np.linalg.det(left @ right)) * (-1.0 if mirrored else 1.0)
    return np.asarray(left @ np.diag([1.0, 1.0, sign]) @ right, np.float64)


def _distances(one: Neuron, other: Neuron, here: Floats, there: Floats) -> tuple[bool, Floats]:
    """Whether all nodes coincide, and from the nodes of each neuron how far the other is."""
    from scipy.spatial import KDTree

    kept, kept_other = here[_outside(one)], there[_outside(other)]
    gaps = [KDTree(kept_other).query(_some(kept))[0], KDTree(kept).query(_some(kept_other))[0]]
    same = len(kept) == len(kept_other) and bool(max(gap.max() for gap in gaps) <= SAME_NODE)
    if not same:
        gaps = [
            KDTree(_sampled(other, there)).query(_some(kept))[0],
            KDTree(_sampled(one, here)).query(_some(kept_other))[0],
        ]
    return same, np.concatenate(gaps)


def _some(points: Floats) -> Floats:
    """Not more than so many of the points, evenly from all."""
    return points[:: -(-len(points) // _QUERIED)]


def _sampled(neuron: Neuron, points: Floats) -> Floats:
    """Points along the segments of a neuron whose nodes lie at `points`, close enough to measure distances from."""
    children, parents = neuron.edges
    if not len(children):
        return points
    steps = points[children] - points[parents]
    lengths = np.linalg.norm(steps, axis=1)
    spacing = max(_SPACING, float(lengths.sum()) / _SAMPLED)
    counts = np.maximum(1, np.ceil(lengths / spacing)).astype(np.int64)
    segment = np.repeat(np.arange(len(children)), counts)
    place = (np.arange(len(segment)) - np.repeat(np.cumsum(counts) - counts, counts)) / counts[segment]
    return np.concatenate([points, points[parents[segment]] + place[:, None] * steps[segment]])
