"""One neuron of a class, with the metadata that are true of it."""

from __future__ import annotations

from typing import Any

import numpy as np

from neuropil.morphology.synthesis.classes.basket import BASKET
from neuropil.morphology.synthesis.classes.chandelier import CHANDELIER
from neuropil.morphology.synthesis.classes.ganglion import GANGLION
from neuropil.morphology.synthesis.classes.granule import GRANULE
from neuropil.morphology.synthesis.classes.martinotti import MARTINOTTI
from neuropil.morphology.synthesis.classes.purkinje import PURKINJE
from neuropil.morphology.synthesis.classes.pyramidal import PYRAMIDAL
from neuropil.morphology.synthesis.classes.stellate import SPINY_STELLATE
from neuropil.morphology.synthesis.plan import CellClass, Grown
from neuropil.morphology.tree import AXON, Neuron

VERSION = 1
ARCHIVE = "neuropil_sample"
CLASSES: dict[str, CellClass] = {
    one.name: one for one in (PYRAMIDAL, SPINY_STELLATE, BASKET, MARTINOTTI, CHANDELIER, PURKINJE, GRANULE, GANGLION)
}
"""The eight classes by name, in the order in which they are grown."""


def sample_name(cell_class: str, number: int) -> str:
    """The name of the sample's neuron of a class and number."""
    return f"{cell_class}-{number:03d}"


def grow_neuron(cell_class: str, number: int, seed: int) -> tuple[Neuron, dict[str, Any]]:
    """Grow one neuron; the same three arguments give the same neuron.

    Args:
        cell_class: a name of `CLASSES`.
        number: which one of its class.
        seed: the seed of the sample.

    Returns:
        The neuron, (x, y, z) in micrometres, the soma at the origin, y towards the pia but for a lean of a few
        degrees and a turn about it; and its metadata in the form of neuromorpho.org: neuron_name, archive, species,
        brain_region and cell_type lists, layer (cortex only), domain, attributes.
    """
    plan = CLASSES[cell_class]
    rng = np.random.default_rng([seed, list(CLASSES).index(cell_class), number])
    grown = plan.grow(rng)
    grown.arbor.turn(_turn(rng, plan.tilt))
    name = sample_name(cell_class, number)
    neuron = grown.arbor.finish(name, grown.tips, grown.exponents, rng)
    return neuron, _metadata(neuron, plan, grown)


def _turn(rng: np.random.Generator, tilt: float) -> np.ndarray:
    """A turn about y by up to half a right angle either way, then a lean; (3, 3)."""
    about, (lean_x, lean_z) = rng.uniform(-np.pi / 4, np.pi / 4), rng.normal(0, tilt, 2)
    c, s = np.cos(about), np.sin(about)
    around_y = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
    around_x = np.array([[1, 0, 0], [0, np.cos(lean_x), -np.sin(lean_x)], [0, np.sin(lean_x), np.cos(lean_x)]])
    around_z = np.array([[np.cos(lean_z), -np.sin(lean_z), 0], [np.sin(lean_z), np.cos(lean_z), 0], [0, 0, 1]])
    return around_z @ around_x @ around_y


def _metadata(neuron: Neuron, plan: CellClass, grown: Grown) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "neuron_name": neuron.name,
        "archive": ARCHIVE,
        "species": grown.species,
        "brain_region": list(grown.brain_region),
        "cell_type": list(plan.cell_type),
        "domain": "Dendrites, Soma, Axon" if (neuron.types == AXON).any() else "Dendrites, Soma, No Axon",
        "attributes": "Diameter, 3D, Angles",
    }
    return facts if grown.layer is None else {**facts, "layer": grown.layer}
