"""The measures of a neuron, under the conventions of L-Measure (Scorcioni, Polavaram, Ascoli, Nature Protocols 2008).

A segment is a cylinder from parent to child with the child's radius; it has the child's type. A branch goes from a
root or bifurcation to the next bifurcation or tip. What neuromorpho.org calls the same is measured the same, save
for the three extents, which agree to about 1 %.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neuropil.morphology.links import nearest, sum_to_root
from neuropil.morphology.soma import POINT, effective_somata
from neuropil.morphology.tree import APICAL, AXON, BASAL, SOMA, Neuron

VERSION = 1
COMPARTMENTS = {"axon": AXON, "basal": BASAL, "apical": APICAL}


def measure(neuron: Neuron) -> dict[str, float]:
    """Measure a neuron; lengths in micrometres, surfaces in square, volumes in cubic micrometres.

    Returns:
        By name, every value finite:
        soma_surface (0 without a soma), n_stems (neurites that leave the soma), n_bifs (nodes with two children or
        more, the soma among them), n_tips (nodes without children), n_branch (n_bifs + n_tips - 1),
        width, height, depth (x, y, z: from the least to the 95th percentile), diameter (mean), length, surface,
        volume, euclidean_distance and path_distance (the largest; from the soma's first node, from the root),
        branch_order (the largest number of bifurcations between the first root and a node, that root not counted),
        contraction (straight distance over path, the mean over branches; 1 where there is none), and for axon,
        basal and apical the length and tips (`axon_length`, `axon_tips`, 0 where the compartment is missing).
    """
    parents = neuron.parents
    children, starts = neuron.edges
    steps = np.zeros(len(neuron))
    steps[children] = np.linalg.norm(neuron.points[children] - neuron.points[starts], axis=1)
    degree = np.bincount(starts, minlength=len(neuron))
    path = sum_to_root(parents, steps)
    bifs, tips = int((degree > 1).sum()), int((degree == 0).sum())
    soma = neuron.types == SOMA
    origin = neuron.points[np.argmax(soma)]  # the first node where none is a soma
    sides = 2 * np.pi * neuron.radii * steps
    width, height, depth = _extents(neuron.points)
    return {
        "soma_surface": _soma_surface(neuron, sides),
        "n_stems": float((soma[starts] & ~soma[children]).sum()),
        "n_bifs": float(bifs),
        "n_tips": float(tips),
        "n_branch": float(bifs + tips - 1),
        "width": width,
        "height": height,
        "depth": depth,
        "diameter": float(2 * neuron.radii.mean()),
        "length": float(steps.sum()),
        "surface": float(sides.sum()),
        "volume": float((sides * neuron.radii).sum() / 2),
        "euclidean_distance": float(np.linalg.norm(neuron.points - origin, axis=1).max()),
        "path_distance": float(path.max()),
        "branch_order": float(_branch_order(parents, degree).max()),
        "contraction": _contraction(neuron, degree, path),
        **_by_compartment(neuron, steps, degree),
    }


def _soma_surface(neuron: Neuron, sides: NDArray[np.float64]) -> float:
    """The sides of the segments within the soma; the sphere's surface where the soma is one node."""
    somata = effective_somata(neuron)
    points = [radius for radius, kind in zip(somata.radii, somata.kinds, strict=True) if kind == POINT]
    return float(sides[neuron.types == SOMA].sum() + sum(4 * np.pi * radius**2 for radius in points))


def _extents(points: NDArray[np.float64]) -> tuple[float, float, float]:
    ordered = np.sort(points, axis=0)
    width, height, depth = ordered[int(0.95 * len(points))] - ordered[0]
    return float(width), float(height), float(depth)


def _branch_order(parents: NDArray[np.int64], degree: NDArray[np.int64]) -> NDArray[np.float64]:
    bifurcation = (degree > 1).astype(float)
    bifurcation[0] = 0
    return sum_to_root(parents, bifurcation) - bifurcation


def _contraction(neuron: Neuron, degree: NDArray[np.int64], path: NDArray[np.float64]) -> float:
    """The mean over branches with a length."""
    parents = neuron.parents
    corner = (degree != 1) | (parents < 0)
    ends = np.flatnonzero(corner & (parents >= 0))
    starts = nearest(parents, corner)[parents[ends]]
    along = path[ends] - path[starts]
    straight = np.linalg.norm(neuron.points[ends] - neuron.points[starts], axis=1)
    long = along > 0
    return float((straight[long] / along[long]).mean()) if long.any() else 1.0


def _by_compartment(neuron: Neuron, steps: NDArray[np.float64], degree: NDArray[np.int64]) -> dict[str, float]:
    found = {}
    for name, kind in COMPARTMENTS.items():
        own = neuron.types == kind
        found[f"{name}_length"] = float(steps[own].sum())
        found[f"{name}_tips"] = float((own & (degree == 0)).sum())
    return found
