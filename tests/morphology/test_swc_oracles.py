"""Real files as morphio and NeuroM read them, where those are installed: the same nodes, the same length."""

import os
from pathlib import Path

import numpy as np
import pytest

from neuropil.morphology.swc import read_swc
from neuropil.morphology.tree import SOMA

DATA = os.environ.get("NEUROPIL_DATA")
FILES = sorted(Path(DATA, "swc").rglob("*.swc"))[::9] if DATA else []
pytestmark = pytest.mark.skipif(not FILES, reason="NEUROPIL_DATA with real cells is not set")


def clean(file):
    """The neuron of a file that needs no repair and has one tree; None for others, which the oracles leave aside."""
    repaired = read_swc(file)
    sound = not set(repaired.repairs) - {"renumbered", "row_order"} and not repaired.remarks
    return repaired.neuron if sound else None


def neurite_length(neuron):
    """The length of segments between two nodes of neurites: the oracles have none from the soma to a neurite."""
    children, parents = neuron.edges
    inside = (neuron.types[children] != SOMA) & (neuron.types[parents] != SOMA)
    return np.linalg.norm(neuron.points[children] - neuron.points[parents], axis=1)[inside].sum()


def test_morphio_reads_the_same_nodes_and_length():
    morphio = pytest.importorskip("morphio")
    morphio.set_maximum_warnings(0)
    compared = 0
    for file in FILES:
        neuron = clean(file)
        if neuron is None:
            continue
        try:
            other = morphio.Morphology(str(file))
        except morphio.MorphioError:  # it asks for one soma
            continue
        sections = list(other.iter())
        nodes = len(other.soma.points) + sum(len(one.points) - (not one.is_root) for one in sections)
        assert nodes == len(neuron), file.name
        steps = [np.linalg.norm(np.diff(one.points.astype(float), axis=0), axis=1).sum() for one in sections]
        assert sum(steps) == pytest.approx(neurite_length(neuron), rel=1e-5), file.name
        compared += 1
    assert compared >= 20


def test_neurom_reads_the_same_length():
    neurom = pytest.importorskip("neurom")
    compared = 0
    for file in FILES[::4]:
        neuron = clean(file)
        if neuron is None:
            continue
        try:
            other = neurom.load_morphology(str(file))
        except neurom.exceptions.NeuroMError:
            continue
        lengths = neurom.get("section_lengths", other)
        assert sum(lengths) == pytest.approx(neurite_length(neuron), rel=1e-5), file.name
        compared += 1
    assert compared >= 5
