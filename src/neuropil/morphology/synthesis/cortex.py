"""The depth of the neocortex and where its layers lie, so that a cell's layer is where its soma is."""

from __future__ import annotations

import numpy as np

LAYERS = {"layer 1": (0, 150), "layer 2-3": (150, 600), "layer 4": (600, 850), "layer 5": (850, 1350)}
"""Upper and lower border below the pia in rat somatosensory cortex, micrometres (after Meyer et al. 2010, rounded)."""

SCALES = {"mouse": 0.72, "rat": 1.0, "human": 1.35}
"""Lengths relative to the rat."""


def pick(rng: np.random.Generator, names: dict[str, float]) -> str:
    """One of the names, by weight."""
    weights = np.array(list(names.values()))
    return str(rng.choice(list(names), p=weights / weights.sum()))


def soma_depth(layer: str, species: str, rng: np.random.Generator) -> float:
    """How far below the pia a soma of the layer lies, micrometres; away from the layer's borders."""
    upper, lower = LAYERS[layer]
    return SCALES[species] * float(rng.uniform(upper + 0.15 * (lower - upper), lower - 0.15 * (lower - upper)))
