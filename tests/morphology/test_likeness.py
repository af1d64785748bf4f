"""The same tracing is recognised whatever its name, place, turn, numbering and sampling; another one never is."""

import itertools
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from neuropil.morphology.likeness import fingerprint, landmarks, likeness
from neuropil.morphology.repair import Repaired
from neuropil.morphology.swc import load_neuron, read_swc_bytes
from neuropil.morphology.tree import SOMA, Neuron
from rendering.neurons import grown

DATA = Path(os.environ.get("NEUROPIL_DATA", "nowhere")) / "swc"
QUARTERS = [
    Rotation.from_euler("xyz", turn, degrees=True) for turn in ([90, 0, 0], [0, 90, 0], [0, 0, 90], [0, 0, 180])
]


def moved(neuron: Neuron, turn: Rotation, shift: float = 0.0, digits: int = 2) -> Neuron:
    """Turned, shifted and written with so many digits, as a file holds it."""
    return replace(neuron, points=np.round(turn.apply(neuron.points) + shift, digits))


def renumbered(neuron: Neuron, seed: int) -> Neuron:
    """The neuron read from a file whose rows are shuffled under other ids."""
    rng = np.random.default_rng(seed)
    ids = rng.permutation(len(neuron)) + 7
    parents = np.where(neuron.parents >= 0, ids[neuron.parents], -1)
    columns = [ids, neuron.types, *neuron.points.T, neuron.radii, parents]
    rows = [" ".join(map(str, row)) for row in zip(*columns, strict=True)]
    found: Repaired = read_swc_bytes("\n".join(rng.permutation(rows)).encode(), name="x", file="x.swc")
    return found.neuron


def resampled(neuron: Neuron) -> Neuron:
    """Without every second node that is neither landmark nor cell body nor root; the sections keep their ends."""
    children = np.bincount(neuron.parents[1:], minlength=len(neuron))
    inner = (children == 1) & (neuron.types != SOMA) & (neuron.parents > 0)
    keep = ~inner | (np.arange(len(neuron)) % 2 == 0)
    parents = neuron.parents.copy()
    for node in range(len(neuron)):  # parents stand before their children
        while parents[node] >= 0 and not keep[parents[node]]:
            parents[node] = parents[parents[node]]
    number = np.cumsum(keep) - 1
    chosen = parents[keep]
    links = np.where(chosen >= 0, number[chosen], -1)
    return Neuron(neuron.name, neuron.points[keep], neuron.radii[keep], neuron.types[keep], links)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), shift=st.floats(-5000, 5000))
def test_copy_that_is_turned_shifted_rounded_and_renumbered_is_recognised(seed: int, shift: float) -> None:
    neuron = grown(seed, steps=200)
    turn = Rotation.random(random_state=seed)
    copy = renumbered(moved(neuron, turn, shift), seed)
    found = likeness(neuron, copy)
    assert found is not None and found.same_nodes and not found.mirrored and found.largest < 0.05
    assert found.turned == pytest.approx(np.degrees(turn.magnitude()), abs=0.1)
    ours, theirs = fingerprint(neuron), fingerprint(copy)
    assert ours is not None and theirs is not None and ours[:2] == theirs[:2]
    assert np.allclose(ours[2:], theirs[2:], rtol=5e-4, atol=0.02)


@pytest.mark.parametrize("turn", QUARTERS)
def test_quarter_turns_are_recognised_and_told(turn: Rotation) -> None:
    neuron = grown(3)
    found = likeness(neuron, moved(neuron, turn))
    assert found is not None and found.turned == pytest.approx(np.degrees(turn.magnitude()), abs=0.01)


def test_mirrored_copy_is_recognised_and_told() -> None:
    neuron = grown(4)
    found = likeness(neuron, replace(neuron, points=neuron.points * (1, -1, 1)))
    assert found is not None and found.mirrored and found.same_nodes


def test_plane_tracing_counts_as_turned_not_as_mirrored() -> None:
    neuron = grown(5, flat=0.0)
    found = likeness(neuron, replace(neuron, points=neuron.points * (1, -1, 1)))
    assert found is not None and not found.mirrored and found.turned == pytest.approx(180, abs=0.1)


def test_copy_with_other_nodes_between_its_branch_points_is_recognised() -> None:
    neuron = grown(6)
    coarse = resampled(neuron)
    assert len(coarse) < 0.7 * len(neuron)
    found = likeness(neuron, moved(coarse, Rotation.random(random_state=6), 100))
    assert found is not None and not found.same_nodes
    assert found.median < 1 < found.largest, "the corners that were cut"


def test_radii_types_of_neurites_and_the_cell_body_s_form_do_not_matter() -> None:
    neuron = grown(7)
    r = neuron.radii[0]
    body = [[0, r, 0], [0, -r, 0]]
    points = np.concatenate([neuron.points[:1], body, neuron.points[1:]])
    parents = np.concatenate([[-1, 0, 0], np.where(neuron.parents[1:] > 0, neuron.parents[1:] + 2, 0)])
    types = np.concatenate([[SOMA] * 3, np.full(len(neuron) - 1, 3)]).astype(np.int32)
    other = Neuron("x", points, np.concatenate([[r] * 3, np.ones(len(neuron) - 1)]), types, parents)
    assert np.array_equal(np.sort(landmarks(neuron)[0], axis=0), np.sort(landmarks(other)[0], axis=0))
    assert likeness(neuron, other) is not None


def test_other_tracings_are_told_apart() -> None:
    neuron = grown(8)
    tip = int(np.flatnonzero(np.bincount(neuron.parents[1:], minlength=len(neuron)) == 0)[-1])
    points = neuron.points.copy()
    points[tip] += 2.0
    others = {
        "another cell": grown(9),
        "scaled": replace(neuron, points=neuron.points * 1.01),
        "shrunk in one axis": replace(neuron, points=neuron.points * (1, 1, 0.98)),
        "one tip elsewhere": replace(neuron, points=points),
        "traced again": replace(neuron, points=neuron.points + np.random.default_rng(1).normal(size=points.shape)),
    }
    assert {name for name, other in others.items() if likeness(neuron, other) is not None} == set()


def test_neuron_of_few_points_has_no_fingerprint() -> None:
    root = grown(1, steps=3)
    assert fingerprint(root) is None and likeness(root, root) is None
    single = grown(1, steps=12)
    assert fingerprint(single) is not None and likeness(single, single) is not None


@pytest.mark.skipif(not DATA.is_dir(), reason="NEUROPIL_DATA is not set")
def test_real_cells_are_told_apart_and_their_copies_are_recognised() -> None:
    files = sorted(DATA.rglob("*.swc"))
    assert len(files) == 448
    neurons = [load_neuron(path) for path in files[::3]]
    prints = [fingerprint(neuron) for neuron in neurons]
    assert None not in prints
    counts = [one[:2] for one in prints if one is not None]
    alike = [pair for pair in itertools.combinations(range(len(neurons)), 2) if counts[pair[0]] == counts[pair[1]]]
    assert len(alike) >= 5, "pairs of as many branch points and tips"
    assert [pair for pair in alike if likeness(neurons[pair[0]], neurons[pair[1]])] == []
    for number, neuron in enumerate(neurons[::10]):
        copy = renumbered(moved(neuron, Rotation.random(random_state=number), 300 * number), number)
        found = likeness(neuron, copy)
        assert found is not None and found.same_nodes, neuron.name
