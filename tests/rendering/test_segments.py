from __future__ import annotations

import numpy as np

from neuropil.morphology.tree import APICAL, AXON, BASAL, SOMA
from neuropil.rendering.segments import class_of_type, segments_of
from rendering.neurons import neuron_of


def test_three_point_soma_is_one_sphere() -> None:
    neuron = neuron_of(
        [(SOMA, 0, 0, 0, 10, -1), (SOMA, 0, 10, 0, 10, 0), (SOMA, 0, -10, 0, 10, 0), (BASAL, 30, 0, 0, 1, 0)]
    )
    segments = segments_of(neuron)
    bodies = np.flatnonzero(segments.classes == 1)
    assert len(bodies) == 1
    np.testing.assert_array_equal(segments.starts[bodies], segments.ends[bodies])
    assert segments.start_radii[bodies[0]] == 10


def test_an_edge_from_the_soma_has_class_and_radius_of_the_child() -> None:
    segments = segments_of(neuron_of([(SOMA, 0, 0, 0, 10, -1), (AXON, 30, 0, 0, 0.5, 0)]))
    neurite = np.flatnonzero(segments.classes == 2)
    assert len(neurite) == 1
    assert segments.start_radii[neurite[0]] == segments.end_radii[neurite[0]] == 0.5


def test_every_component_is_drawn() -> None:
    rows = [(SOMA, 0, 0, 0, 5, -1), (BASAL, 10, 0, 0, 1, 0)]
    rows += [(AXON, 50 * i, 50, 0, 1, -1) for i in range(3)]
    rows += [(AXON, 0, 90, 0, 1, -1), (AXON, 10, 90, 0, 1, 5)]
    segments = segments_of(neuron_of(rows))
    assert (segments.classes == 2).sum() == 4  # three lone points and one edge
    assert (segments.classes == 3).sum() == 1


def test_undefined_and_custom_types_are_other() -> None:
    types = np.array([0, SOMA, AXON, BASAL, APICAL, 5, 7, 16, -1], np.int32)
    np.testing.assert_array_equal(class_of_type(types), [5, 1, 2, 3, 4, 5, 5, 5, 5])
