"""How alike two neurons lie in space: points with tangents, compared as NBLAST compares them.

A neuron becomes points at even distances along its cable, each with the direction of the cable there. Every point of
one looks for the nearest of the other; a pair counts by how near it is and how parallel. Kohl et al., Cell 155 (2013),
score a pair by sqrt(|u . v| exp(-d^2 / 2 s^2)); NBLAST (Costa et al., Neuron 91, 2016) has replaced that by log odds
counted over known pairs of registered fly neurons. Those tables end at 40 micrometres in a template brain and mean
nothing for cells of a cortex that no template holds, so the smooth kernel is taken, with cells centred on their somata
and `s` a parameter.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neuropil.compiled import compiled
from neuropil.morphology.soma import soma_centre
from neuropil.morphology.tree import SOMA, Neuron

_FINE = 8  # points are sampled so many times as densely for the directions
_NEAR = 6  # of them give a direction, the point itself among them; NBLAST takes 5 neighbours


def tangents(neuron: Neuron, count: int) -> NDArray[np.float32]:
    """Points at even distances along the cable, with the direction of the cable at each.

    Args:
        neuron: the tree; the cable between two soma nodes is none.
        count: points.

    Returns:
        (count, 6): x, y, z in micrometres from the soma's centre, then a unit vector (its sign means nothing) along
        the first principal axis of the six nearest of eight times as many points. All NaN where there is no cable.
    """
    children, parents = neuron.edges
    cable = ~((neuron.types[children] == SOMA) & (neuron.types[parents] == SOMA))
    starts, ends = neuron.points[parents[cable]], neuron.points[children[cable]]
    lengths = np.linalg.norm(ends - starts, axis=1)
    total = float(lengths.sum())
    if not 0 < total < np.inf:
        return np.full((count, 6), np.nan, np.float32)
    fine = _along(starts, ends, lengths, count * _FINE) - soma_centre(neuron)
    chosen = np.arange(count) * _FINE + _FINE // 2
    return np.hstack([fine[chosen], _directions(fine, chosen)]).astype(np.float32)


def _along(
    starts: NDArray[np.float64], ends: NDArray[np.float64], lengths: NDArray[np.float64], count: int
) -> NDArray[np.float64]:
    """(count, 3) points at even distances along segments laid end to end."""
    before = np.concatenate([[0.0], np.cumsum(lengths)])
    places = (np.arange(count) + 0.5) * before[-1] / count
    segment = np.clip(np.searchsorted(before, places, side="right") - 1, 0, len(lengths) - 1)
    share = (places - before[segment]) / np.maximum(lengths[segment], 1e-12)
    return starts[segment] + np.clip(share, 0, 1)[:, None] * (ends[segment] - starts[segment])


def _directions(points: NDArray[np.float64], chosen: NDArray[np.int64]) -> NDArray[np.float64]:
    """(len(chosen), 3) unit vectors: local principal axes."""
    from scipy.spatial import cKDTree

    near = min(_NEAR, len(points))
    _, neighbours = cKDTree(points).query(points[chosen], k=near)
    around = points[neighbours.reshape(len(chosen), near)]
    around = around - around.mean(axis=1, keepdims=True)
    _, vectors = np.linalg.eigh(np.einsum("nki,nkj->nij", around, around))
    return np.asarray(vectors[:, :, 2])


def similarities(first: NDArray[np.float32], second: NDArray[np.float32], scale_um: float) -> NDArray[np.float32]:
    """How alike each neuron of one set is to each of another: the mean score of a pair, in both directions alike.

    Args:
        first, second: (a, n, 6) and (b, m, 6), as `tangents` gives them.
        scale_um: at which distance a parallel pair counts exp(-1/4) = .78, micrometres.

    Returns:
        (a, b), from 0 to 1; 1 for a neuron with itself, 0 where one has no cable. Symmetric: exchanging the sets
        transposes it.
    """
    found = np.zeros((len(first), len(second)), np.float32)
    _compare(np.ascontiguousarray(first), np.ascontiguousarray(second), np.float32(1 / (2 * scale_um**2)), found)
    return found


@compiled
def _compare(
    first: NDArray[np.float32], second: NDArray[np.float32], factor: np.float32, found: NDArray[np.float32]
) -> None:
    """All distances of a pair in one pass serve both directions; at some hundred points no tree is quicker."""
    n, m = first.shape[1], second.shape[1]
    near_first, at_first = np.empty(n, np.float32), np.empty(n, np.int64)
    near_second, at_second = np.empty(m, np.float32), np.empty(m, np.int64)
    for a in range(len(first)):
        for b in range(len(second)):
            near_first[:], at_first[:] = np.inf, -1
            near_second[:], at_second[:] = np.inf, -1
            for i in range(n):
                x, y, z = first[a, i, 0], first[a, i, 1], first[a, i, 2]
                for j in range(m):
                    dx, dy, dz = x - second[b, j, 0], y - second[b, j, 1], z - second[b, j, 2]
                    d = dx * dx + dy * dy + dz * dz
                    if d < near_first[i]:
                        near_first[i], at_first[i] = d, j
                    if d < near_second[j]:
                        near_second[j], at_second[j] = d, i
            forth = back = 0.0
            for i in range(n):
                if at_first[i] >= 0:
                    forth += _score(first[a, i], second[b, at_first[i]], near_first[i] * factor)
            for j in range(m):
                if at_second[j] >= 0:
                    back += _score(first[a, at_second[j]], second[b, j], near_second[j] * factor)
            found[a, b] = (forth / n + back / m) / 2


@compiled
def _score(u: NDArray[np.float32], v: NDArray[np.float32], exponent: float) -> float:
    parallel = abs(u[3] * v[3] + u[4] * v[4] + u[5] * v[5])
    return np.sqrt(parallel * np.exp(-exponent))
