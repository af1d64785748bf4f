"""The measures of a neuron, under the conventions of L-Measure (Scorcioni, Polavaram, Ascoli, Nature Protocols 2008).

A segment is a cylinder from parent to child with the child's radius; it has the child's type. A branch goes from a
root or bifurcation to the next bifurcation or tip. A soma of one point is measured as the three points that
neuromorpho.org and L-Measure put in its place, so that both forms of one cell measure the same. What neuromorpho.org
calls the same is measured the same; docs/morphometry.md has the formulas, and how far each agrees.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neuropil.morphology.measures.bifurcations import Bifurcations
from neuropil.morphology.measures.branches import Branches, branches, fractal_dimensions
from neuropil.morphology.measures.extents import extents
from neuropil.morphology.measures.lmeasure import soma_surface, with_soma_points
from neuropil.morphology.measures.persistence import barcode
from neuropil.morphology.measures.sholl import sholl
from neuropil.morphology.measures.topology import Floats, Topology, topology
from neuropil.morphology.tree import APICAL, AXON, BASAL, SOMA, Neuron

VERSION = 2
COMPARTMENTS = {"soma": (SOMA,), "axon": (AXON,), "basal": (BASAL,), "apical": (APICAL,), "dendrite": (BASAL, APICAL)}
"""Parts whose cable and tips are measured, with their SWC types; `other` is every type that is in none of them."""

MEASURES = (
    "soma_surface",
    "n_stems",
    "n_bifs",
    "n_tips",
    "n_branch",
    "width",
    "height",
    "depth",
    "diameter",
    "length",
    "surface",
    "volume",
    "euclidean_distance",
    "path_distance",
    "branch_order",
    "contraction",
    "fragmentation",
    "partition_asymmetry",
    "pk_classic",
    "bif_ampl_local",
    "bif_ampl_remote",
    "fractal_dimension",
    "tortuosity",
    "strahler_order",
    "sholl_peak",
    "sholl_peak_radius",
    "persistence_length",
    *(f"{part}_{what}" for part in (*COMPARTMENTS, "other") for what in ("length", "tips")),
)
"""The names of what `measure` gives, in its order."""


def measure(neuron: Neuron) -> dict[str, float]:
    """Measure a neuron; lengths in micrometres, surfaces in square, volumes in cubic micrometres, angles in degrees.

    Returns:
        By name (`MEASURES`), every value finite:
        soma_surface (0 without a soma), n_stems (neurites that leave the soma), n_bifs (nodes with two children or
        more, the soma among them), n_tips (nodes without children, those of the soma among them), n_branch,
        width, height, depth (x, y, z: with the last 5 % of the cable left out), diameter (mean), length, surface,
        volume, euclidean_distance and path_distance (the largest; from the soma's first node, from the root),
        branch_order (the largest number of bifurcations above a node, those of the soma not counted),
        contraction (straight distance over length of a branch, the mean; 1 where there is none), fragmentation (the
        number of compartments), partition_asymmetry, pk_classic, bif_ampl_local and bif_ampl_remote (means over
        bifurcations; 0 where there is none), fractal_dimension (the mean over branches of four segments or more; 1
        where there is none), tortuosity (length over straight distance, of all branches together), strahler_order
        (the largest), sholl_peak (the most crossings of a sphere about the soma) and sholl_peak_radius (of the
        first such sphere), persistence_length (the sum of the bars of the barcode, in units of the longest tip's
        path distance), and for soma, axon, basal, apical, dendrite (basal and apical) and other types the length
        and tips (`axon_length`, `axon_tips`; 0 where there is none; all but `dendrite` add up to the whole).
    """
    crossings = sholl(neuron)
    neuron = with_soma_points(neuron)
    tree = topology(neuron)
    found = branches(neuron, tree)
    measured = {
        **_size(neuron, tree),
        "n_branch": float(len(found.ends)),
        **_shape_of_branches(neuron, tree, found),
        **_shape_of_bifurcations(Bifurcations(neuron, tree)),
        "strahler_order": float(tree.strahler.max()),
        "sholl_peak": float(crossings.crossings.max(initial=0)),
        "sholl_peak_radius": float(crossings.radii[np.argmax(crossings.crossings)]) if len(crossings.radii) else 0.0,
        "persistence_length": _persistence_length(neuron, tree),
        **_by_compartment(neuron, tree),
    }
    return {name: measured[name] for name in MEASURES}


def _size(neuron: Neuron, tree: Topology) -> dict[str, float]:
    parents, soma = neuron.parents, neuron.types == SOMA
    inner = parents >= 0
    sides = 2 * np.pi * neuron.radii * tree.steps
    from_origin = neuron.points - neuron.points[np.argmax(soma)]  # the first node where none is a soma
    width, height, depth = extents(neuron.points, tree.steps)
    return {
        "soma_surface": float(soma_surface(neuron, tree).sum()),
        "n_stems": float((inner & ~soma & soma[parents]).sum()),
        "n_bifs": float(tree.bifurcation.sum()),
        "n_tips": float(tree.tip.sum()),
        "width": width,
        "height": height,
        "depth": depth,
        "diameter": float(2 * neuron.radii.mean()),
        "length": float(tree.steps.sum()),
        "surface": float(sides.sum()),
        "volume": float((sides * neuron.radii).sum() / 2),
        "euclidean_distance": float(np.sqrt(np.einsum("ij,ij->i", from_origin, from_origin).max())),
        "path_distance": float(tree.path.max()),
        "branch_order": float(tree.order.max()),
        "fragmentation": float(len(neuron)),
    }


def _shape_of_branches(neuron: Neuron, tree: Topology, found: Branches) -> dict[str, float]:
    straight = float(found.straight.sum())
    return {
        "contraction": _mean(found.contraction(), none=1.0),
        "fractal_dimension": _mean(fractal_dimensions(neuron, tree, found), none=1.0),
        "tortuosity": max(float(found.length.sum()) / straight, 1.0) if straight > 0 else 1.0,
    }


def _shape_of_bifurcations(forks: Bifurcations) -> dict[str, float]:
    return {
        "partition_asymmetry": _mean(forks.asymmetry()),
        "pk_classic": _mean(forks.power_ratio(1.5)),
        "bif_ampl_local": _mean(forks.amplitude_local()),
        "bif_ampl_remote": _mean(forks.amplitude_remote()),
    }


def _mean(values: Floats, none: float = 0.0) -> float:
    values = values[np.isfinite(values)]
    return float(values.mean()) if len(values) else none


def _persistence_length(neuron: Neuron, tree: Topology) -> float:
    bars = barcode(neuron, tree)
    longest = float(bars.tips.max(initial=0.0))
    return float(bars.lengths.sum()) / longest if longest > 0 else 0.0


def _by_compartment(neuron: Neuron, tree: Topology) -> dict[str, float]:
    found = {}
    rest: NDArray[np.bool_] = np.ones(len(neuron), bool)
    for name, kinds in COMPARTMENTS.items():
        own = np.isin(neuron.types, kinds)
        rest &= ~own
        found[f"{name}_length"] = float(tree.steps[own].sum())
        found[f"{name}_tips"] = float((own & tree.tip).sum())
    found["other_length"] = float(tree.steps[rest].sum())
    found["other_tips"] = float((rest & tree.tip).sum())
    return found
