"""What a class of neurons has to say to be grown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from neuropil.morphology.synthesis.arbor import Arbor
from neuropil.morphology.tree import APICAL, AXON, BASAL

DENDRITE_TIP, AXON_TIP = 0.3, 0.16  # micrometres


@dataclass(frozen=True)
class Grown:
    """An arbor with the facts that are true of it.

    Attributes:
        arbor: the nodes.
        species, brain_region, layer: as neuromorpho.org says them; layer None outside the layered cortex.
        tips, exponents: radius at the tips, micrometres, and exponent of the taper, by SWC type.
    """

    arbor: Arbor
    species: str
    brain_region: tuple[str, ...]
    layer: str | None = None
    tips: dict[int, float] = field(default_factory=lambda: {AXON: AXON_TIP, BASAL: DENDRITE_TIP, APICAL: DENDRITE_TIP})
    exponents: dict[int, float] = field(default_factory=lambda: {AXON: 3.0, BASAL: 2.0, APICAL: 2.0})


@dataclass(frozen=True)
class CellClass:
    """A class of neurons: its name in file names, its cell types as neuromorpho.org lists them, how it grows.

    Attributes:
        name: lower case, hyphens for spaces.
        cell_type: the class, then what it belongs to.
        tilt: how far the neuron leans from upright by chance, radians.
        grow: makes one; all chance comes from the generator given.
    """

    name: str
    cell_type: tuple[str, ...]
    grow: Callable[[np.random.Generator], Grown]
    tilt: float = 0.08
