"""What may happen to a neuron: each change alone, against what it promises."""

from __future__ import annotations

import numpy as np
import pytest

from neuropil.morphology.tree import APICAL, AXON, BASAL, SOMA, Neuron
from neuropil.rendering.cameras import rotation_towards
from neuropil.rendering.segments import segments_of
from neuropil.views.branches import Branches, without
from neuropil.views.changes import (
    changed_neuron,
    changed_rotation,
    cut,
    jittered_radii,
    lost_axon,
    new_direction,
    rolled,
    shrunk,
)
from neuropil.views.parameters import (
    AxonDropoutParameters,
    CameraParameters,
    OnlineParameters,
    RadiusJitterParameters,
)
from neuropil.views.sources import Moment
from rendering.neurons import grown, neuron_of


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def moments(count: int = 20) -> list[Moment]:
    return [Moment(0, 0, view) for view in range(count)]


@pytest.fixture(scope="module", params=[1, 2, 3])
def neuron(request: pytest.FixtureRequest) -> Neuron:
    return of_one_type(grown(request.param, flat=1.0))


def of_one_type(neuron: Neuron) -> Neuron:
    """Every neurite of the type that it leaves the soma with."""
    types = neuron.types.copy()
    for node in range(2, len(neuron)):
        if neuron.parents[node] > 0:
            types[node] = types[neuron.parents[node]]
    return Neuron(neuron.name, neuron.points, neuron.radii, types, neuron.parents)


def branch_points(neuron: Neuron) -> np.ndarray:
    return np.bincount(neuron.parents[neuron.parents >= 0], minlength=len(neuron)) > 1


def test_a_section_lies_between_branch_points_and_changes_of_type(neuron: Neuron) -> None:
    branches = Branches.of(neuron)
    children, parents = neuron.edges
    inside = branches.sections[children] == branches.sections[parents]
    breaks = branch_points(neuron)[parents] | (neuron.types[children] != neuron.types[parents])
    np.testing.assert_array_equal(inside, ~breaks & ~(neuron.types[children] == SOMA))
    nodes = np.flatnonzero(branches.followers >= 0)
    np.testing.assert_array_equal(neuron.parents[branches.followers[nodes]], nodes)


def test_losing_nodes_loses_what_hangs_on_them_and_leaves_a_tree(neuron: Neuron) -> None:
    lost = rng().random(len(neuron)) < 0.02
    lost[0] = False
    rest = without(neuron, lost)
    assert 0 < len(rest) < len(neuron) - lost.sum() + 1
    assert (rest.parents >= 0).sum() == len(rest) - 1
    places = {tuple(point): index for index, point in enumerate(neuron.points)}
    for child, parent in zip(*rest.edges, strict=True):
        old = places[tuple(rest.points[child])]
        assert not lost[old]
        assert tuple(neuron.points[neuron.parents[old]]) == tuple(rest.points[parent])
    assert without(neuron, np.zeros(len(neuron), bool)) is neuron


def test_a_dropped_axon_is_gone_and_branches_go_with_what_grows_from_them() -> None:
    rows = [(SOMA, 0, 0, 0, 5, -1)]
    rows += [(BASAL, 10.0 * i, 0, 0, 1, i - 1) for i in range(1, 5)]
    rows += [(AXON, 0, -10.0 * i, 0, 1, 0 if i == 1 else 3 + i) for i in range(1, 5)]
    rows += [(AXON, 10.0 * i, -40, 0, 1, 8 if i == 1 else 7 + i) for i in range(1, 4)]
    rows += [(AXON, -10.0 * i, -40, 0, 1, 8 if i == 1 else 10 + i) for i in range(1, 4)]
    neuron = neuron_of(rows)
    branches = Branches.of(neuron)
    whole = without(neuron, lost_axon(neuron, branches, AxonDropoutParameters(whole=1), rng()))
    assert whole.types.tolist() == [SOMA, BASAL, BASAL, BASAL, BASAL]
    sizes = {
        len(without(neuron, lost_axon(neuron, branches, AxonDropoutParameters(whole=0, branches=0.5), rng(seed))))
        for seed in range(60)
    }
    assert sizes == {5, 9, 12, 15}  # without the trunk, both twigs, one twig, nothing


def test_a_neuron_of_nothing_but_axon_keeps_it(neuron: Neuron) -> None:
    types = np.where(neuron.types == BASAL, AXON, neuron.types).astype(np.int32)
    axon = Neuron("a", neuron.points, neuron.radii, types, neuron.parents)
    assert not lost_axon(axon, Branches.of(axon), AxonDropoutParameters(whole=1), rng()).any()


def test_a_tree_that_hangs_on_its_axon_is_kept() -> None:
    neuron = neuron_of([(AXON, 0, 0, 0, 1, -1), (AXON, 5, 0, 0, 1, 0), (BASAL, 9, 0, 0, 1, 1), (BASAL, 19, 0, 0, 1, 2)])
    parameters = OnlineParameters(axon_dropout={"probability": 1, "whole": 1})  # type: ignore[arg-type]
    assert changed_neuron(neuron, Branches.of(neuron), parameters, Moment(0, 0, 0)) is neuron


def test_radii_change_by_section_and_cell_bodies_keep_theirs(neuron: Neuron) -> None:
    branches = Branches.of(neuron)
    factors = jittered_radii(neuron, branches, RadiusJitterParameters(neuron=0.3, section=0.2), rng()) / neuron.radii
    assert (factors[neuron.types == SOMA] == 1).all()
    neurites = neuron.types != SOMA
    for section in np.unique(branches.sections[neurites]):
        assert np.ptp(factors[branches.sections == section]) < 1e-12
    assert len(np.unique(factors.round(9))) > 10
    logs = [
        np.log(jittered_radii(neuron, branches, RadiusJitterParameters(neuron=0.3, section=0.0), rng(seed))[-1])
        for seed in range(400)
    ]
    assert np.std(logs) == pytest.approx(0.3, rel=0.15)


def test_shrinkage_scales_z_about_the_soma_and_leaves_cell_bodies_whole() -> None:
    neuron = neuron_of(
        [(SOMA, 1, 2, 30, 6, -1), (SOMA, 1, 8, 30, 6, 0), (SOMA, 1, -4, 30, 6, 0), (BASAL, 5, 5, 70, 1, 0)]
    )
    points = shrunk(neuron, Branches.of(neuron), 0.5)
    np.testing.assert_allclose(points[:3], neuron.points[:3])
    np.testing.assert_allclose(points[3], [5, 5, 50])


def test_smoothing_keeps_ends_and_branch_points_and_shortens(neuron: Neuron) -> None:
    parameters = OnlineParameters(smoothing={"probability": 1, "passes": 10})  # type: ignore[arg-type]
    smooth = changed_neuron(neuron, Branches.of(neuron), parameters, Moment(0, 0, 0))
    tips = np.bincount(neuron.parents[neuron.parents >= 0], minlength=len(neuron)) == 0
    fixed = branch_points(neuron) | tips | (neuron.types == SOMA)
    np.testing.assert_array_equal(smooth.points[fixed], neuron.points[fixed])
    assert (smooth.points[~fixed] != neuron.points[~fixed]).any(axis=1).mean() > 0.5
    assert segments_of(smooth).lengths.sum() < 0.98 * segments_of(neuron).lengths.sum()


def test_a_slice_holds_the_soma_and_nothing_outside(neuron: Neuron) -> None:
    branches = Branches.of(neuron)
    parameters = OnlineParameters(slab={"probability": 1, "least": 40, "most": 60})  # type: ignore[arg-type]
    extents = []
    for moment in moments():
        piece = changed_neuron(neuron, branches, parameters, moment)
        z = piece.points[piece.types != SOMA, 2]
        assert np.ptp(z) <= 60 + 1e-9
        assert (piece.types == SOMA).any()
        assert (piece.parents >= 0).sum() == len(piece) - 1
        extents.append((z.min(), z.max()))
    assert np.std([low for low, _ in extents]) > 3


def test_a_neurite_ends_in_the_plane_that_it_leaves_by() -> None:
    neuron = neuron_of(
        [
            (SOMA, 0, 0, 0, 2, -1),
            (BASAL, 10, 0, 4, 1, 0),
            (BASAL, 20, 0, 12, 1, 1),
            (BASAL, 30, 0, 0, 1, 2),
            (APICAL, 0, 0, -30, 1, 0),
        ]
    )
    points, lost = cut(neuron, Branches.of(neuron), -5.0, 8.0)
    piece = without(Neuron("c", points, neuron.radii, neuron.types, neuron.parents), lost)
    np.testing.assert_allclose(piece.points, [[0, 0, 0], [10, 0, 4], [15, 0, 8], [0, 0, -5]])


@pytest.mark.parametrize("name", ["slab", "axon_dropout"])
def test_something_is_left_to_draw(name: str) -> None:
    neuron = neuron_of([(SOMA, 0, 0, 0, 20, -1), (AXON, 0, 0, 25, 1, 0), (AXON, 0, 0, 60, 1, 1)])
    parameters = OnlineParameters(**{name: {"probability": 1}})  # type: ignore[arg-type]
    for moment in moments():
        assert (changed_neuron(neuron, Branches.of(neuron), parameters, moment).types == AXON).any()


def test_cameras_stay_where_they_may_stand() -> None:
    up = np.array([0.6, 0.8, 0.0])
    view = np.array([0.48, -0.36, 0.8])
    near = [new_direction(view, up, CameraParameters(directions="near", angle=25), rng(seed)) for seed in range(300)]
    angles = np.degrees(np.arccos(np.clip(np.array(near) @ view, -1, 1)))
    assert angles.max() <= 25 + 1e-6 and angles.max() > 23 and np.median(angles) > 14
    level = np.array([new_direction(view, up, CameraParameters(directions="level"), rng(seed)) for seed in range(300)])
    np.testing.assert_allclose(level @ up, view @ up, atol=1e-12)
    assert np.linalg.norm(level.mean(axis=0) - (view @ up) * up) < 0.15
    free = np.array([new_direction(view, up, CameraParameters(), rng(seed)) for seed in range(600)])
    assert np.linalg.norm(free.mean(axis=0)) < 0.1
    for directions in (near, level, free):
        np.testing.assert_allclose(np.linalg.norm(directions, axis=1), 1)


def test_a_roll_turns_the_picture_and_not_the_view() -> None:
    rotation = rotation_towards(np.array([0.3, 0.2, 0.9]))
    turned = rolled(rotation, np.radians(30))
    np.testing.assert_allclose(turned[2], rotation[2])
    np.testing.assert_allclose(turned @ turned.T, np.eye(3), atol=1e-12)
    assert turned[0] @ rotation[0] == pytest.approx(np.cos(np.radians(30)))
    parameters = OnlineParameters(roll={"probability": 1, "angle": 10})  # type: ignore[arg-type]
    for moment in moments():
        new = changed_rotation(rotation, np.array([0.0, 1.0, 0.0]), parameters, moment)
        assert np.degrees(np.arccos(new[0] @ rotation[0])) <= 10 + 1e-6


def test_one_change_leaves_the_draws_of_the_others_alone() -> None:
    neuron = grown(1)
    drop = {"probability": 0.5, "branches": 0.02}
    alone = OnlineParameters(axon_dropout=drop)  # type: ignore[arg-type]
    beside = OnlineParameters(axon_dropout=drop, radius_jitter={"probability": 0.5}, camera={"probability": 1})  # type: ignore[arg-type]
    branches = Branches.of(neuron)
    sizes = set()
    for moment in moments():
        one, other = (changed_neuron(neuron, branches, parameters, moment) for parameters in (alone, beside))
        np.testing.assert_array_equal(one.points, other.points)
        sizes.add(len(one))
    assert len(sizes) > 3
