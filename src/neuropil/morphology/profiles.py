"""What of a neuron is a row of numbers: Sholl profile, Strahler orders, persistence image."""

from __future__ import annotations

import numpy as np

from neuropil.morphology.measures.branches import branches
from neuropil.morphology.measures.persistence import barcode, persistence_image
from neuropil.morphology.measures.sholl import sholl
from neuropil.morphology.measures.topology import topology
from neuropil.morphology.tree import Neuron


def profiles(neuron: Neuron) -> dict[str, list]:
    """Measure what needs more than one number; every value is finite and plain (JSON).

    Returns:
        By name:
        sholl_radii (micrometres) and sholl_crossings, of one length (see `sholl`);
        strahler_branches and strahler_lengths (micrometres): branches and cable of order 1, 2 ..., of one length; a
        branch has the order of its end, the soma has none;
        persistence_image: 20 rows of 20 numbers (see `persistence_image`) for the distance along the neurites, and
        persistence_scale, a list of one number: the micrometres that stand at 1 on its axes.
    """
    tree = topology(neuron)
    crossings = sholl(neuron)
    ends = branches(neuron, tree).ends
    orders = int(tree.strahler.max()) + 1
    counts = np.bincount(tree.strahler[ends], minlength=orders)[1:]
    lengths = np.bincount(tree.strahler, weights=tree.steps, minlength=orders)[1:]
    bars = barcode(neuron, tree)
    return {
        "sholl_radii": crossings.radii.tolist(),
        "sholl_crossings": crossings.crossings.tolist(),
        "strahler_branches": counts.tolist(),
        "strahler_lengths": lengths.tolist(),
        "persistence_image": persistence_image(bars).tolist(),
        "persistence_scale": [float(bars.tips.max()) if len(bars.tips) else 0.0],
    }
