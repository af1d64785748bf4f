"""A neuron as lines: every segment once, bounded, and true to the shape."""

import numpy as np
import pytest
from numpy.typing import NDArray

from neuropil.morphology.compartments import compartment_of_type
from neuropil.morphology.drawing.polylines import Polylines, polylines
from neuropil.morphology.drawing.simplification import significance
from neuropil.morphology.tree import Neuron


def grown(nodes: int, seed: int = 0, roots: int = 1, types: int = 7) -> Neuron:
    """A random tree: parents among the last few nodes, types in runs."""
    random = np.random.default_rng(seed)
    parents = np.array([-1 if i < roots else int(random.integers(max(0, i - 6), i)) for i in range(nodes)])
    kinds = np.repeat(random.integers(0, types, nodes), random.integers(1, 9, nodes))[:nodes]
    points = np.cumsum(random.normal(size=(nodes, 3)), axis=0)
    return Neuron("grown", points, random.uniform(0.1, 3, nodes), kinds.astype(np.int32), parents)


def chain(points: NDArray[np.float64]) -> Neuron:
    n = len(points)
    return Neuron("chain", points, np.ones(n), np.full(n, 2, np.int32), np.arange(-1, n - 1))


def segments(lines: Polylines) -> list[tuple[int, int]]:
    """(child, parent) of every segment of the lines, in their order."""
    breaks = np.ones(len(lines.nodes), bool)
    breaks[lines.starts] = False
    ends = np.flatnonzero(breaks)
    return list(zip(lines.nodes[ends].tolist(), lines.nodes[ends - 1].tolist(), strict=True))


@pytest.mark.parametrize("seed", range(8))
def test_every_segment_is_in_exactly_one_line_of_its_compartment(seed: int) -> None:
    neuron = grown(500, seed, roots=1 + seed % 3)
    lines = polylines(neuron, most=10**6)
    children, parents = neuron.edges
    assert sorted(segments(lines)) == sorted(zip(children.tolist(), parents.tolist(), strict=True))
    compartment = compartment_of_type(neuron.types)
    owners = np.repeat(lines.compartments, lines.lengths - 1)
    assert [compartment[child] for child, _ in segments(lines)] == owners.tolist()
    assert lines.tolerance == 0 and lines.left_out == 0


def test_lines_are_unbranched() -> None:
    neuron = grown(400, 3)
    lines = polylines(neuron, most=10**6)
    inner = np.ones(len(lines.nodes), bool)
    inner[lines.starts] = False
    inner[lines.starts + lines.lengths - 1] = False
    degree = np.bincount(neuron.parents[neuron.parents >= 0], minlength=len(neuron))
    assert inner.any() and (degree[lines.nodes[inner]] == 1).all()


@pytest.mark.parametrize("most", [12, 100, 399, 1_000, 3_000])
def test_no_more_points_than_asked_for(most: int) -> None:
    neuron = grown(2_000, 5)
    lines = polylines(neuron, most=most)
    assert 0 < len(lines.nodes) + len(lines.starts) <= most
    assert (lines.lengths >= 2).all()


def test_simplified_lines_keep_their_ends_and_stay_within_the_tolerance() -> None:
    wave = np.linspace(0, 60, 4_000)
    neuron = chain(np.column_stack([wave, 5 * np.sin(wave), np.cos(wave)]))
    lines = polylines(neuron, most=300)
    assert lines.nodes[0] == 0 and lines.nodes[-1] == 3_999 and 0 < lines.tolerance < 0.2
    for child, parent in segments(lines):
        chord = neuron.points[child] - neuron.points[parent]
        arms = neuron.points[parent : child + 1] - neuron.points[parent]
        share = np.clip(arms @ chord / (chord @ chord), 0, 1)
        assert np.linalg.norm(arms - share[:, None] * chord, axis=1).max() <= lines.tolerance + 1e-9


def test_where_ends_are_too_many_what_is_left_hangs_together() -> None:
    neuron = grown(3_000, 9, roots=2, types=3)
    lines = polylines(neuron, most=400)
    reached = {0, 1} | {child for child, _ in segments(lines)}
    assert lines.left_out > 0
    assert set(lines.nodes[lines.starts].tolist()) <= reached


def test_a_neuron_without_segments_has_no_lines() -> None:
    lines = polylines(Neuron("dot", np.zeros((1, 3)), np.ones(1), np.ones(1, np.int32), np.array([-1])), most=12)
    assert len(lines.nodes) == len(lines.starts) == len(lines.lengths) == 0


def test_a_spiral_takes_no_quadratic_time() -> None:
    turn = np.linspace(0, 2_000, 200_000)
    spiral = np.column_stack([turn * np.cos(turn), turn * np.sin(turn), turn])
    found = significance(spiral, np.array([0]))
    assert np.isfinite(found[1:-1]).all() and (found > 0.01).sum() > 1_000


def test_significance_is_what_douglas_and_peucker_keep() -> None:
    points = np.cumsum(np.random.default_rng(2).normal(size=(200, 3)), axis=0)
    found = significance(points, np.array([0]))
    for tolerance in (0.1, 0.7, 2.0, 5.0):
        assert np.flatnonzero(found > tolerance).tolist() == peucker(points, 0, 199, tolerance)


def test_lines_do_not_touch_each_other_in_significance() -> None:
    random = np.random.default_rng(4)
    one, two = random.normal(size=(40, 3)), random.normal(size=(70, 3))
    both = significance(np.concatenate([one, two]), np.array([0, 40]))
    alone = [significance(part, np.array([0])) for part in (one, two)]
    np.testing.assert_array_equal(both, np.concatenate(alone))


def peucker(points: NDArray[np.float64], low: int, high: int, tolerance: float) -> list[int]:
    """The algorithm as the paper tells it."""
    kept = {low, high}
    waiting = [(low, high)]
    while waiting:
        first, last = waiting.pop()
        chord = points[last] - points[first]
        away = [0.0]
        for place in range(first + 1, last):
            arm = points[place] - points[first]
            share = min(max(float(arm @ chord) / float(chord @ chord), 0.0), 1.0)
            away.append(float(np.linalg.norm(arm - share * chord)))
        split = first + int(np.argmax(away))
        if max(away) > tolerance:
            kept.add(split)
            waiting += [(first, split), (split, last)]
    return sorted(kept)
