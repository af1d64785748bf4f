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

_FARTHEST = 1e7  # micrometres (10 m): beyond any animal, so not a position
_MEANINGS = (
    (re.compile(r"\bapical\b", re.I), APICAL),
    (re.compile(r"\baxon\b", re.I), AXON),
    (re.compile(r"\b(basal|dendrite)\b", re.I), BASAL),
    (re.compile(r"\b(soma|cell body)\b", re.I), SOMA),
)
_MEANING = re.compile(r"^\W*(?:type\s*)?(\d+)\s*(?:[:=]|->|means)\s*([A-Za-z][\w ]*)", re.I)


def mend_positions(
    points: NDArray[np.float64], parents: Ints, repairs: Counter[str], file: Path
) -> NDArray[np.float64]:
    """Put nodes without a position evenly between the nearest nodes above and below that have one.

    Raises:
        InputError: a node without a position has no such node above it (a root) or below it (a tip).
    """
    good = np.asarray((np.abs(points) < _FARTHEST).all(axis=1))  # false for NaN too
    if good.all():
        return np.ascontiguousarray(points)
    depth = sum_to_root(parents, np.ones(len(parents)))
    bad = np.flatnonzero(~good)
    above, below = nearest(parents, good)[bad], nearest(first_child(parents), good)[bad]
    if (above < 0).any() or (below < 0).any():
        raise InputError(f"{file}: a node has no position and none can be told from its neighbours; mend the file")
    share = (depth[bad] - depth[above]) / (depth[below] - depth[above])
    points = points.copy()
    points[bad] = points[above] + (points[below] - points[above]) * share[:, None]
    repairs["position"] += len(bad)
    return points


def mend_radii(radii: NDArray[np.float64], parents: Ints, repairs: Counter[str]) -> NDArray[np.float64]:
    """Give nodes without a radius above 0 that of the nearest node above, else below, else 0.5 micrometres."""
    good = (radii > 0) & (radii < _FARTHEST)
    if good.all():
        return np.ascontiguousarray(radii)
    above, below = nearest(parents, good), nearest(first_child(parents), good)
    source = np.where(above >= 0, above, below)
    repairs["radius"] += int((~good).sum())
    return np.where(source >= 0, radii[source], FALLBACK_RADIUS)


def mend_types(
    types: NDArray[np.float64], parents: Ints, comments: tuple[str, ...], repairs: Counter[str]
) -> NDArray[np.int32]:
    """Give nodes of a type that is none of 0 to 4 the header's meaning of it, else their parent's type.

    A custom type (5 and above) that hangs from the soma or is a root keeps its number: it is a neurite of its own
    kind. What is no whole number of 0 or above becomes 0 there.
    """
    valid = (types >= 0) & (types < 2**31) & (np.floor(types) == types)
    kinds = np.where(valid, types, UNDEFINED).astype(np.int32)
    for number, meaning in _header_meanings(comments).items():
        kinds = np.where(valid & (types == number), meaning, kinds).astype(np.int32)
    standard = valid & (kinds <= APICAL)
    if not standard.all():
        above = nearest(parents, standard)
        inherited = np.where(above >= 0, kinds[above], SOMA)
        kinds = np.where(standard | (inherited == SOMA), kinds, inherited).astype(np.int32)
    changed = int((kinds != types).sum())
    if changed:
        repairs["type"] += changed
    return kinds


def _header_meanings(comments: tuple[str, ...]) -> dict[int, int]:
    """Custom types that the header explains ("5 = apical dendrite"), as standard types."""
    found: dict[int, int] = {}
    for comment in comments:
        match = _MEANING.match(comment)
        if match and int(match[1]) > APICAL:
            for pattern, kind in _MEANINGS:
                if pattern.search(match[2]):
                    found.setdefault(int(match[1]), kind)
                    break
    return found
