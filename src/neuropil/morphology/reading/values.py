"""The values of nodes that a file left out or got wrong: positions, radii, types. Parents stand before children."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from neuropil.errors import InputError
from neuropil.morphology.links import Ints, first_child, nearest, sum_to_root
from neuropil.morphology.tree import APICAL, AXON, BASAL, SOMA, UNDEFINED

FALLBACK_RADIUS = 0.5
"""Micrometres, where no node of the tree has a radius."""

_FARTHEST = 1e9  # micrometres (a kilometre): beyond any animal, also where the file is in nanometres
_NO_KIND = re.compile(
    r"\b(fork|bifurcation|branch(ing)?|end(ing)?|terminal|tip)[ -]?(point|node|s\b|$)"
    r"|\b(custom|other|undefined|unspecified|unknown)\b",
    re.I,
)
_MEANINGS = (
    (re.compile(r"\bapical\b", re.I), APICAL),
    (re.compile(r"\baxon", re.I), AXON),
    (re.compile(r"\b(basal|dendrit)", re.I), BASAL),
    (re.compile(r"\b(soma|cell body)\b", re.I), SOMA),
)
_MEANING = re.compile(r"(?:^|[,;(])\W*(?:type\s*)?(\d{1,9})\s*(?:[:=]|->|means)\s*([A-Za-z][\w /-]*)", re.I)


def mend_positions(
    points: NDArray[np.float64], parents: Ints, repairs: Counter[str], ids: NDArray[np.float64], file: Path | str
) -> NDArray[np.float64]:
    """Put nodes without a position evenly between the nearest nodes above and below that have one.

    Raises:
        InputError: a node without a position has no such node above it (a root) or below it (a tip).
    """
    points = np.ascontiguousarray(points)
    if np.abs(points).max() < _FARTHEST:  # false for NaN too
        return points
    good = np.asarray((np.abs(points) < _FARTHEST).all(axis=1))
    depth = sum_to_root(parents, np.ones(len(parents)))
    bad = np.flatnonzero(~good)
    above, below = nearest(parents, good)[bad], nearest(_child_towards(parents, good), good)[bad]
    alone = (above < 0) | (below < 0)
    if alone.any():
        place = "before" if (above < 0)[alone][0] else "behind"
        raise InputError(
            f"{file}: node {ids[bad[alone][0]]:.17g} has no position, and no node {place} it has one; mend the file"
        )
    share = (depth[bad] - depth[above]) / (depth[below] - depth[above])
    points = points.copy()
    points[bad] = points[above] + (points[below] - points[above]) * share[:, None]
    repairs["position"] += len(bad)
    return points


def _child_towards(parents: Ints, good: NDArray[np.bool_]) -> Ints:
    """For each node its first child that is good or has a good node below it, -1 where there is none."""
    leads = good.copy()
    inner = parents >= 0
    leads[parents[good & inner]] = True
    for node in np.flatnonzero(~good & inner)[::-1].tolist():  # children before their parents
        if leads[node]:
            leads[parents[node]] = True
    return first_child(parents, leads)


def mend_radii(
    radii: NDArray[np.float64], parents: Ints, types: NDArray[np.int32], repairs: Counter[str]
) -> NDArray[np.float64]:
    """Give nodes without a radius above 0 that of the nearest node above, else below, else 0.5 micrometres.

    A neurite takes none from the soma: where a file has a radius for the soma only, its branches are thin.
    """
    good = (radii > 0) & (radii < _FARTHEST)
    if good.all():
        return np.ascontiguousarray(radii)
    soma = types == SOMA
    source = np.where(soma, _nearest_radius(parents, good), _nearest_radius(parents, good & ~soma))
    repairs["radius"] += int((~good).sum())
    return np.where(source >= 0, radii[source], FALLBACK_RADIUS)


def _nearest_radius(parents: Ints, good: NDArray[np.bool_]) -> Ints:
    above = nearest(parents, good)
    return np.where(above >= 0, above, nearest(first_child(parents), good))


def mend_types(
    types: NDArray[np.float64], parents: Ints, comments: tuple[str, ...], repairs: Counter[str]
) -> NDArray[np.int32]:
    """Give nodes of a type that is none of 0 to 4 the header's meaning of it, else their parent's type.

    A custom type (5 and above) stays where the header says that it is something else than a neurite of the four
    kinds or a point of one, and where it is a root or hangs from the soma or another custom type: it is a neurite of
    its own kind. What is no whole number of 0 or above becomes 0 at a root and at the soma.
    """
    kinds = np.where((types >= 0) & (types < 2**31) & (np.floor(types) == types), types, -1).astype(np.int32)
    if ((kinds >= 0) & (kinds <= APICAL)).all():
        return kinds
    meanings = _header_meanings(comments)
    for number, meaning in meanings.items():
        if meaning is not None:
            kinds[types == number] = meaning
    for node in np.flatnonzero((kinds < 0) | (kinds > APICAL)).tolist():  # parents before their children
        if int(kinds[node]) in meanings:
            continue
        above = kinds[parents[node]] if parents[node] >= 0 else SOMA
        if above != SOMA and (kinds[node] < 0 or above <= APICAL):
            kinds[node] = above
        elif kinds[node] < 0:
            kinds[node] = UNDEFINED
    changed = int((kinds != types).sum())
    if changed:
        repairs["type"] += changed
    return kinds


def _header_meanings(comments: tuple[str, ...]) -> dict[int, int | None]:
    """Custom types that the header explains ("5 = apical dendrite"): standard types, None for what is none of them.

    "Fork point", "end point" and "custom" mean none: such a node is one of its parent's.
    """
    found: dict[int, int | None] = {}
    for comment in comments:
        for number, meaning in _MEANING.findall(comment):
            if int(number) > APICAL and not _NO_KIND.search(meaning):
                known = (kind for pattern, kind in _MEANINGS if pattern.search(meaning))
                found.setdefault(int(number), next(known, None))
    return found
