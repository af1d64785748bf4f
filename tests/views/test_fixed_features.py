"""Pictures at a fixed and at a fitted scale, and their oriented gradients."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.feature import hog

from morphology.random_trees import scaled, tree
from neuropil.morphology.synthesis.grow import grow_neuron
from neuropil.morphology.tree import AXON, BASAL, SOMA
from neuropil.morphology.twins import without_axon
from neuropil.views.fixed_features import gradients, oriented_gradients, picture


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


@pytest.mark.parametrize(("shape", "cell"), [((128, 128), 16), ((64, 64), 8), ((224, 224), 28), ((70, 53), 16)])
def test_gradients_are_those_of_scikit_image(shape: tuple[int, int], cell: int) -> None:
    rng = np.random.default_rng(cell)
    grey = np.where(rng.random(shape) < 0.1, rng.integers(0, 256, shape), 0).astype(np.uint8)
    neuron = picture(grow_neuron("basket", 0, 4)[0], frame_um=900.0, pixels=max(shape))
    grey[:, : shape[1] // 2] = neuron[: shape[0], : shape[1] // 2]
    expected = hog(
        grey / 255, orientations=9, pixels_per_cell=(cell, cell), cells_per_block=(2, 2), block_norm="L2-Hys"
    )
    np.testing.assert_allclose(oriented_gradients(grey, cell), expected, atol=1e-5)


def test_a_picture_without_a_block_is_refused() -> None:
    with pytest.raises(ValueError, match="no block of 2 cells of 16"):
        oriented_gradients(np.zeros((31, 128), np.uint8))


def test_an_empty_picture_has_no_gradients() -> None:
    assert not gradients(np.zeros((128, 128), np.uint8)).any()
