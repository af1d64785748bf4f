import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from morphology.random_trees import caterpillar, moved, perfect, scaled, shuffled, tree, trees
from neuropil.morphology.measures.persistence import Barcode, barcode, persistence_image
from neuropil.morphology.measures.sholl import MOST, sholl
from neuropil.morphology.profiles import profiles


def stick(length: float, pieces: int = 1):
    """A soma at 0 and a neurite straight out along x."""
    along = np.linspace(0, length, pieces + 1)
    return tree(np.column_stack([along, 0 * along]), range(-1, pieces), types=[1] + [3] * pieces)


@pytest.mark.parametrize("pieces", [1, 7, 10])
def test_straight_stick_crosses_every_sphere_once(pieces):
    found = sholl(stick(100, pieces))
    assert found.radii.tolist() == list(range(10, 101, 10))
    assert found.crossings.tolist() == [1] * 10


def test_segment_that_passes_the_soma_crosses_twice():
    passing = tree([[0, 0], [-40, 30], [40, 30]], [-1, 0, 1], types=[1, 2, 2])
    # out to 50 along the first segment; the second comes in to 30 and goes out to 50 again
    assert sholl(passing).crossings.tolist() == [1, 1, 1, 3, 3]


def test_segments_within_the_soma_are_no_neurites():
    body = tree([[0, 0], [0, 15], [0, -15]], [-1, 0, 0], types=[1, 1, 1], radii=15)
    assert sholl(body).crossings.tolist() == [0]


def test_spheres_are_never_too_many():
    for length in (2_559.0, 2_570.0, 40_000.0, 3e6):
        found = sholl(stick(length))
        assert len(found.radii) <= MOST and (found.crossings == 1).all()
        assert str(int(found.radii[0])).strip("0") in {"1", "2", "5"}


def test_small_neuron_has_no_sphere():
    assert profiles(stick(4))["sholl_radii"] == []


@settings(max_examples=50, deadline=None)
@given(trees(), st.integers(0, 1000))
def test_sholl_counts_what_sampling_along_the_segments_counts(neuron, seed):
    found = sholl(neuron, step=7.0)
    centre = neuron.points[0]
    crossings = np.zeros(len(found.radii), int)
    children, parents = neuron.edges
    for child, parent in zip(children, parents, strict=True):
        along = np.linspace(neuron.points[parent], neuron.points[child], 4001)
        outside = np.linalg.norm(along - centre, axis=1)[:, None] > found.radii
        crossings += (outside[1:] != outside[:-1]).sum(0)
    # a sphere that a segment only just touches may slip between two samples
    assert (np.abs(crossings - found.crossings) <= 2).all() and (crossings != found.crossings).sum() <= 1


def test_strahler_orders_of_a_perfect_tree_halve():
    found = profiles(perfect(4))
    assert found["strahler_branches"] == [16, 8, 4, 2, 0]  # the root is no branch's end
    assert found["strahler_lengths"][4] == 0


def test_strahler_orders_of_a_caterpillar():
    assert profiles(caterpillar(6))["strahler_branches"] == [7, 6]


def test_soma_tips_raise_no_strahler_order():
    cell = tree([[0, 0], [0, 5], [0, -5], [30, 0]], [-1, 0, 0, 0], types=[1, 1, 1, 2])
    assert profiles(cell)["strahler_branches"] == [1]


def test_bars_of_a_fork_by_the_elder_rule():
    y = tree([[0, 0], [10, 0], [10, 30], [10, -20]], [-1, 0, 1, 1])
    bars = barcode(y)
    assert bars.tips.tolist() == [40, 30] and bars.joins.tolist() == [0, 10]
    radial = barcode(y, radial=True)
    assert radial.tips == pytest.approx([np.hypot(10, 30), np.hypot(10, 20)]) and radial.joins.tolist() == [0, 10]


@settings(max_examples=60, deadline=None)
@given(trees(roots=3))
def test_every_tip_bears_one_bar_and_the_bars_make_up_what_is_left_of_the_tree(neuron):
    bars = barcode(neuron)
    degree = np.bincount(neuron.parents[neuron.parents >= 0], minlength=len(neuron))
    assert len(bars.tips) == int(((degree == 0) & (neuron.types != 1)).sum())
    # cutting each bar at its join leaves disjoint ways that cover every segment above a tip: the whole length
    steps = np.linalg.norm(neuron.points[neuron.edges[0]] - neuron.points[neuron.edges[1]], axis=1)
    assert bars.lengths.sum() == pytest.approx(steps.sum())


@settings(max_examples=40, deadline=None)
@given(trees(), st.floats(0.1, 50), st.integers(0, 100))
def test_image_holds_the_bars_and_knows_no_scale(neuron, factor, seed):
    bars = barcode(neuron)
    image = persistence_image(bars)
    assert image.shape == (20, 20) and (image >= 0).all()
    if len(bars.tips):
        assert image.sum() == pytest.approx(bars.lengths.sum() / bars.tips.max(), rel=0.02)
    for other in (scaled(neuron, factor), moved(neuron, seed), shuffled(neuron, seed)):
        assert persistence_image(barcode(other)) == pytest.approx(image, rel=1e-6, abs=1e-9)


def test_spot_of_a_bar_stands_at_its_join_and_length():
    image = persistence_image(Barcode(np.array([100.0, 80.0]), np.array([0.0, 60.0])), size=26)
    row, column = np.unravel_index(np.argmax(image[:12]), (12, 26))  # the lower half holds the short bar alone
    borders = np.linspace(-0.15, 1.15, 27)
    assert borders[row] <= 0.2 + 1e-9 and borders[row + 1] >= 0.2 - 1e-9
    assert borders[column] <= 0.6 + 1e-9 and borders[column + 1] >= 0.6 - 1e-9


def test_profiles_are_plain_and_finite():
    for neuron in (perfect(3), stick(50, 3), tree([[0, 0]], [-1], types=[1]), tree(np.zeros((3, 3)), [-1, 0, 0])):
        found = profiles(neuron)
        assert json.loads(json.dumps(found, allow_nan=False)) == found
        assert len(found["sholl_radii"]) == len(found["sholl_crossings"])
        assert len(found["strahler_branches"]) == len(found["strahler_lengths"])
        assert np.shape(found["persistence_image"]) == (20, 20)


def test_profiles_of_a_chain_of_a_million_nodes():
    n = 1_000_000
    chain = tree(np.column_stack([0.1 * np.arange(n), np.zeros(n)]), np.arange(-1, n - 1))
    assert profiles(chain)["strahler_branches"] == [1]
