"""Neurons as rows of numbers of one length."""

from __future__ import annotations

import numpy as np

from morphology.random_trees import scaled, tree
from neuropil.morphology.morphometry import MEASURES
from neuropil.morphology.synthesis.grow import CLASSES, grow_neuron
from neuropil.morphology.tree import AXON
from neuropil.morphology.twins import without_axon
from neuropil.morphology.vectors import SHOLL_RADII, apart_vector, morphometric_vector, persistence_vector


def test_every_neuron_gives_rows_of_one_length_and_finite_numbers() -> None:
    neurons = [grow_neuron(name, 0, 3)[0] for name in CLASSES] + [tree([[0, 0, 0]], [-1])]
    for make in (morphometric_vector, persistence_vector, apart_vector):
        rows = np.stack([make(neuron) for neuron in neurons])
        assert np.isfinite(rows).all() and len(np.unique(rows, axis=0)) == len(neurons)


def test_the_sholl_profile_is_read_at_fixed_radii() -> None:
    neuron = tree([[0, 0, 0], [400, 0, 0], [0, 200, 0]], [-1, 0, 0], types=[1, 3, 3])
    profile = morphometric_vector(neuron)[len(MEASURES) : len(MEASURES) + len(SHOLL_RADII)]
    np.testing.assert_array_equal(profile, np.where(SHOLL_RADII <= 200, 2, np.where(SHOLL_RADII <= 400, 1, 0)))


def test_images_apart_are_those_of_dendrites_and_axon_with_their_scales() -> None:
    neuron = grow_neuron("pyramidal", 0, 3)[0]
    assert (neuron.types == AXON).any()
    both, dendrites = apart_vector(neuron), apart_vector(without_axon(neuron))
    np.testing.assert_allclose(both[:401], dendrites[:401], atol=1e-5)
    assert both[401:].any() and not dendrites[401:].any()
    twice = apart_vector(scaled(neuron, 2.0))
    np.testing.assert_allclose(twice[[400, 801]], 2 * both[[400, 801]], rtol=1e-5)
    np.testing.assert_allclose(twice[:400], both[:400], atol=1e-5)
