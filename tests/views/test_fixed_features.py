"""Pictures at a fixed and at a fitted scale, and their oriented gradients."""

from __future__ import annotations

import numpy as np

from morphology.random_trees import scaled, tree
from neuropil.morphology.synthesis.grow import grow_neuron
from neuropil.morphology.tree import AXON, BASAL, SOMA
from neuropil.morphology.twins import without_axon
from neuropil.views.fixed_features import gradients, picture


def _cross() -> object:
    points = [[0, 0, 0], [300, 0, 0], [0, 600, 0]]
    return tree(points, [-1, 0, 0], types=[SOMA, BASAL, AXON], radii=[8, 1, 1])


def test_a_fixed_frame_is_centred_on_the_soma_and_keeps_its_scale() -> None:
    grey = picture(_cross(), frame_um=1280.0)  # 10 micrometres a pixel
    rows, columns = np.nonzero(grey)
    assert rows.min() == 64 - 60 and rows.max() in (63, 64)
    assert columns.max() in (93, 94) and columns.min() in (63, 64)


def test_a_fitted_frame_takes_size_away_and_a_fixed_one_does_not() -> None:
    neuron = grow_neuron("basket", 0, 4)[0]
    twice = scaled(neuron, 2.0)
    fitted = [picture(one, frame_um=None).astype(int) for one in (neuron, twice)]
    fixed = [picture(one, frame_um=2000.0).astype(int) for one in (neuron, twice)]
    assert np.abs(fitted[0] - fitted[1]).mean() < 0.2 * np.abs(fixed[0] - fixed[1]).mean()


def test_without_axon_it_is_the_picture_of_the_neuron_that_has_none() -> None:
    neuron = grow_neuron("pyramidal", 0, 4)[0]
    np.testing.assert_array_equal(
        picture(neuron, frame_um=1500.0, axon=False), picture(without_axon(neuron), frame_um=1500.0)
    )


def test_gradients_of_picture_and_mirror_image() -> None:
    grey = picture(grow_neuron("basket", 0, 4)[0], frame_um=1500.0)
    found = gradients(grey)
    assert found.shape == (2, 7 * 7 * 2 * 2 * 9) and np.isfinite(found).all()
    np.testing.assert_array_equal(gradients(grey[:, ::-1])[::-1], found)
    assert np.abs(found[0] - found[1]).max() > 0.01


def test_an_empty_picture_has_no_gradients() -> None:
    assert not gradients(np.zeros((128, 128), np.uint8)).any()
