"""The tangent similarity: 1 for a neuron with itself, symmetric, less for what lies apart or across."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial import cKDTree

from morphology.random_trees import tree
from neuropil.morphology.synthesis.grow import grow_neuron
from neuropil.morphology.tangents import similarities, tangents


def _line(direction: list[float], height: float = 0.0) -> np.ndarray:
    found = tangents(tree(np.outer(np.linspace(0, 100, 11), direction), range(-1, 10)), 20)
    found[:, 2] += height  # tangents are centred on the soma: lifted afterwards
    return found


def test_points_lie_evenly_on_the_cable_with_its_direction() -> None:
    found = _line([1, 0, 0])
    np.testing.assert_allclose(found[:, 0], np.arange(20) * 5 + 2.5 + 0.3125, atol=1e-3)
    np.testing.assert_allclose(np.abs(found[:, 3:]), np.tile([1, 0, 0], (20, 1)), atol=1e-4)


def test_sampling_of_the_file_makes_no_difference() -> None:
    neuron = grow_neuron("pyramidal", 0, 2)[0]
    children, parents = neuron.edges
    middles = (neuron.points[children] + neuron.points[parents]) / 2
    order = np.argsort(np.concatenate([np.arange(len(neuron)), children - 0.5]), kind="stable")
    place = np.empty(len(order), int)
    place[order] = np.arange(len(order))
    above = np.concatenate([neuron.parents, parents])
    above[children] = len(neuron) + np.arange(len(children))
    above = np.where(above >= 0, place[above], -1)
    types = np.concatenate([neuron.types, neuron.types[children]])
    double = tree(np.concatenate([neuron.points, middles])[order], above[order], types=types[order])
    a, b = tangents(neuron, 100), tangents(replace(double, name="double"), 100)
    assert similarities(a[None], b[None], 20)[0, 0] > 0.97


def test_similarity_is_that_of_the_formula_and_symmetric() -> None:
    cells = np.stack([tangents(grow_neuron(name, 0, 1)[0], 60) for name in ("basket", "pyramidal", "martinotti")])
    found = similarities(cells, cells, 20)
    np.testing.assert_allclose(np.diag(found), 1, atol=1e-5)
    np.testing.assert_allclose(found, found.T, atol=1e-6)

    def forth(a: np.ndarray, b: np.ndarray) -> float:
        distance, nearest = cKDTree(b[:, :3]).query(a[:, :3])
        parallel = np.abs((a[:, 3:] * b[nearest, 3:]).sum(axis=1))
        return float(np.sqrt(parallel * np.exp(-(distance**2) / (2 * 20**2))).mean())

    for i in range(3):
        for j in range(3):
            wanted = (forth(cells[i], cells[j]) + forth(cells[j], cells[i])) / 2
            assert found[i, j] == pytest.approx(wanted, abs=2e-4)


def test_what_lies_farther_or_across_is_less_alike() -> None:
    line, near, far, across = _line([1, 0, 0]), _line([1, 0, 0], 10), _line([1, 0, 0], 60), _line([0, 1, 0])
    values = [similarities(line[None], one[None], 20)[0, 0] for one in (near, far, across)]
    assert values[0] == pytest.approx(np.exp(-(10**2) / (4 * 20**2)), abs=1e-3)
    assert values[0] > values[1] and values[0] > values[2]


def test_a_neuron_without_cable_is_like_none() -> None:
    nothing = tangents(tree([[0, 0, 0]], [-1]), 20)
    assert np.isnan(nothing).all() and nothing.shape == (20, 6)
    line = _line([1, 0, 0])
    assert similarities(nothing[None], line[None], 20)[0, 0] == 0
    assert similarities(nothing[None], nothing[None], 20)[0, 0] == 0
