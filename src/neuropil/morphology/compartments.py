"""The compartments of a neuron as they are shown: their numbers, names and colours."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neuropil.morphology.tree import APICAL, AXON, BASAL, SOMA

OTHER = 5
"""What undefined (0) and custom (5 and above) SWC types are shown as."""

NAMES = {SOMA: "Soma", AXON: "Axon", BASAL: "Basal dendrite", APICAL: "Apical dendrite", OTHER: "Other"}
"""In a person's words, in the order of a legend."""

COLOURS = {
    SOMA: (25, 25, 25),
    AXON: (31, 119, 180),
    BASAL: (214, 39, 40),
    APICAL: (148, 33, 160),
    OTHER: (127, 127, 127),
}
"""Soma black, axon blue, basal red, apical purple, other grey, as in every picture of neuropil; 0 to 255."""


def compartment_of_type(types: NDArray[np.int32]) -> NDArray[np.uint8]:
    """Compartments of SWC types, (n,) uint8: 1 to 4 as they are, every other type is `OTHER`."""
    return np.where((types >= SOMA) & (types <= APICAL), types, OTHER).astype(np.uint8)


def css_colour(compartment: int) -> str:
    """The colour as a web page writes it, such as "#1f77b4"."""
    return "#" + "".join(f"{part:02x}" for part in COLOURS[compartment])
