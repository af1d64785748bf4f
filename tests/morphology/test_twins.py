"""A twin has no axon and one radius, and its dendrites lie where they lay."""

from __future__ import annotations

import numpy as np
import pytest

from morphology.random_trees import tree
from neuropil.morphology.morphometry import measure
from neuropil.morphology.soma import soma_centre
from neuropil.morphology.synthesis.grow import CLASSES, grow_neuron
from neuropil.morphology.tree import AXON, BASAL, SOMA
from neuropil.morphology.twins import RADIUS, constant_radius, twin, without_axon


@pytest.mark.parametrize("cell_class", CLASSES)
def test_a_twin_keeps_the_dendrites_and_nothing_of_axon_and_radii(cell_class: str) -> None:
    neuron = grow_neuron(cell_class, 0, 5)[0]
    other = twin(neuron)
    assert not (other.types == AXON).any() and (other.radii == RADIUS).all()
    assert (other.types == SOMA).sum() == 1
    dendrites = [np.unique(one.points[one.types > AXON], axis=0) for one in (neuron, other)]
    np.testing.assert_array_equal(*dendrites)
    np.testing.assert_allclose(soma_centre(other), soma_centre(neuron), atol=1e-9)
    assert measure(other)["dendrite_tips"] == measure(neuron)["dendrite_tips"]


def test_what_hangs_on_an_axon_becomes_a_tree_of_its_own() -> None:
    neuron = tree([[0, 0, 0], [0, 10, 0], [0, 20, 0], [0, 30, 0]], [-1, 0, 1, 2], types=[SOMA, AXON, BASAL, BASAL])
    left = without_axon(neuron)
    assert left.parents.tolist() == [-1, -1, 1] and left.types.tolist() == [SOMA, BASAL, BASAL]


def test_a_neuron_of_axon_alone_keeps_a_node() -> None:
    neuron = tree([[0, 0, 0], [0, 10, 0]], [-1, 0], types=[AXON, AXON])
    assert len(twin(neuron)) == 1
    assert all(np.isfinite(value) for value in measure(twin(neuron)).values())


def test_the_outline_of_a_soma_makes_no_difference_to_the_twin() -> None:
    angles = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    ring = np.stack([8 * np.cos(angles), 8 * np.sin(angles), 0 * angles], axis=1)
    dendrite = np.array([[0.0, 30, 0], [0, 60, 0]])
    traced = tree([*ring, *dendrite], [*range(-1, 11), 3, 12], types=[SOMA] * 12 + [BASAL] * 2, radii=0.1)
    plain = tree([[0, 0, 0], *dendrite], [-1, 0, 1], types=[SOMA, BASAL, BASAL], radii=8.0)
    one, other = constant_radius(traced), constant_radius(plain)
    np.testing.assert_allclose(one.points, other.points, atol=1e-9)
    assert one.parents.tolist() == other.parents.tolist()
