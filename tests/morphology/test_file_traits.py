"""File traits tell how a file was written and nothing of the neuron's form."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from morphology.random_trees import tree
from neuropil.morphology.synthesis.grow import grow_neuron
from neuropil.morphology.traits import TRAITS, decimals, file_traits
from neuropil.morphology.tree import APICAL, BASAL, SOMA


def test_every_trait_is_finite_and_named_once() -> None:
    neuron = grow_neuron("pyramidal", 1, 3)[0]
    found = file_traits(neuron)
    assert tuple(found) == TRAITS and len(set(TRAITS)) == len(TRAITS)
    assert np.isfinite(list(found.values())).all()
    assert np.isfinite(list(file_traits(tree([[0, 0, 0]], [-1])).values())).all()


def test_turning_a_neuron_over_changes_no_trait() -> None:
    neuron = grow_neuron("basket", 1, 3)[0]
    other = replace(neuron, points=neuron.points * [-1, -1, 1])
    before, after = file_traits(neuron), file_traits(other)
    assert after == pytest.approx(before)


def test_decimals_are_the_digits_that_were_written() -> None:
    assert decimals(np.array([1.0, 2.0])) == 0
    assert decimals(np.array([1.25, -0.5])) == 1.5
    assert decimals(np.array([0.1 + 0.2])) == 1
    assert decimals(np.array([np.pi])) == 6
    assert decimals(np.zeros(0)) == 0


def test_tags_spacing_radii_and_header_are_read() -> None:
    points = [[0, 0, 0], [0, 10, 0], [0, 20, 0], [0, 20, 100]]
    neuron = tree(points, [-1, 0, 1, 2], types=[SOMA, BASAL, BASAL, 9], radii=[5, 1, 1, 2])
    found = file_traits(replace(neuron, comments=("made by hand",)))
    assert [found[f"tag_{tag}"] for tag in (SOMA, BASAL, APICAL, 7)] == [1, 1, 0, 1]
    assert found["spacing_5"] == pytest.approx(1) and found["z_repeated"] == pytest.approx(2 / 3)
    assert found["radii_distinct"] == 0.75 and found["radii_repeated"] == pytest.approx(1 / 3)
    assert found["soma_point"] == 1 and found["root_at_origin"] == 1
    assert found["header_lines"] == pytest.approx(np.log10(2))
