from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuropil.morphology.tree import BASAL
from neuropil.rendering.cameras import fibonacci_cameras, place_cameras, principal_axes, rotation_towards
from neuropil.rendering.parameters import RenderingParameters
from neuropil.rendering.render import render_views
from neuropil.rendering.segments import segments_of
from rendering.neurons import grown, neuron_of

SEGMENTS = segments_of(grown(1))


def directions(name: str = "cell", seed: int = 0, **fields) -> np.ndarray:
    cameras = place_cameras(SEGMENTS, name, RenderingParameters(**fields), seed).cameras
    return np.array([camera.direction for camera in cameras])


def test_canonical_views_lie_exactly_on_the_principal_axes() -> None:
    axes, variances = principal_axes(SEGMENTS)
    assert (np.diff(variances) <= 0).all()
    found = directions()[:6]
    np.testing.assert_array_equal(found, [axes[2], axes[1], axes[0], -axes[2], -axes[1], -axes[0]])


def test_canonical_views_stay_on_the_axes_down_to_the_record() -> None:
    neuron = grown(1)
    axes, _ = principal_axes(SEGMENTS)
    for framing in ({}, {"adaptive_framing": True}, {"frame_um": 200.0}, {"upright": True}):
        parameters = RenderingParameters(width=32, height=32, supersample_factor=1, random_views=1, **framing)
        records = [view.record for view in render_views(neuron, swc="", parameters=parameters, seed=4)]
        for record, axis in zip(records[:6], [*axes[::-1], *-axes[::-1]], strict=True):
            assert record["kind"] == "canonical"
            np.testing.assert_allclose(record["direction"], axis, rtol=0, atol=1e-12)
            np.testing.assert_allclose(record["rotation"][2], axis, rtol=0, atol=1e-12)


def test_fewer_canonical_views_are_the_first_of_the_order() -> None:
    np.testing.assert_array_equal(directions(canonical_views=2)[:2], directions()[:2])


def test_principal_axes_do_not_depend_on_the_spacing_of_nodes() -> None:
    middle = (SEGMENTS.starts + SEGMENTS.ends) / 2
    halves = SEGMENTS._replace(
        starts=np.concatenate([SEGMENTS.starts, middle]), ends=np.concatenate([middle, SEGMENTS.ends])
    )
    np.testing.assert_allclose(principal_axes(halves)[0], principal_axes(SEGMENTS)[0], atol=0.01)


def test_biased_views_are_near_the_plane_of_the_first_two_axes() -> None:
    third = principal_axes(SEGMENTS)[0][2]
    cameras = place_cameras(SEGMENTS, "cell", RenderingParameters(biased_views=200), 0).cameras
    biased = np.array([camera.direction for camera in cameras if camera.kind == "biased"])
    elevation = np.degrees(np.arcsin(np.abs(biased @ third)))
    assert len(biased) == 200
    assert elevation.max() <= 45.001
    assert elevation.mean() < 15


def test_every_neuron_has_its_own_random_views_and_always_the_same() -> None:
    np.testing.assert_array_equal(directions("a", 3), directions("a", 3))
    assert not np.allclose(directions("a", 3)[-6:], directions("b", 3)[-6:])
    assert not np.allclose(directions("a", 3)[-6:], directions("a", 4)[-6:])


def test_more_views_of_a_kind_leave_the_others_as_they_are() -> None:
    np.testing.assert_array_equal(directions(biased_views=3)[-6:], directions(biased_views=20)[-6:])


@pytest.mark.parametrize("sampling", ["fibonacci", "random", "pca", "upright"])
def test_all_samplings_give_as_many_unit_directions(sampling: str) -> None:
    found = directions(sampling=sampling)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1)
    assert found.shape == (24, 3)


def test_fibonacci_directions_are_spread_evenly() -> None:
    found = np.array([camera.direction for camera in fibonacci_cameras(100)])
    cosine = found @ found.T - 2 * np.eye(100)
    nearest = np.degrees(np.arccos(cosine.max(axis=1)))
    assert nearest.min() > 0.7 * nearest.max()
    assert np.abs(found.mean(axis=0)).max() < 0.02


def test_nearly_isotropic_and_tiny_neurons_fall_back_to_fibonacci_and_say_so() -> None:
    rays = [camera.direction * 100 for camera in fibonacci_cameras(60)]
    star = neuron_of([(1, 0, 0, 0, 5, -1)] + [(BASAL, *ray, 1, 0) for ray in rays])
    twig = neuron_of([(BASAL, 0, 0, 0, 1, -1), (BASAL, 5, 0, 0, 1, 0)])
    for neuron, reason in ((star, "isotropic"), (twig, "segments")):
        placed = place_cameras(segments_of(neuron), "cell", RenderingParameters(), 0)
        assert {camera.kind for camera in placed.cameras} == {"fibonacci"}
        assert len(placed.cameras) == 24
        assert reason in placed.fallback


@given(st.tuples(*[st.floats(-1, 1)] * 3).filter(lambda d: np.linalg.norm(d) > 1e-3))
def test_a_camera_rotation_is_proper_and_keeps_y_upwards(direction: tuple[float, float, float]) -> None:
    rotation = rotation_towards(np.array(direction))
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-9)
    assert np.linalg.det(rotation) == pytest.approx(1)
    np.testing.assert_allclose(rotation[2], np.array(direction) / np.linalg.norm(direction))
    assert rotation[1, 1] >= -1e-5


UNIT = st.tuples(*[st.floats(-1, 1)] * 3).filter(lambda d: np.linalg.norm(d) > 1e-3)


@given(UNIT, UNIT)
def test_a_camera_rotation_turns_any_up_upwards(direction: tuple, up: tuple) -> None:
    towards, upwards = (np.array(vector) / np.linalg.norm(vector) for vector in (direction, up))
    rotation = rotation_towards(towards, upwards)
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-9)
    assert np.linalg.det(rotation) == pytest.approx(1)
    seen = rotation @ upwards
    assert abs(seen[0]) < 1e-5  # neither left nor right
    assert seen[1] >= -1e-5


@pytest.mark.parametrize("up", [(0, 1, 0), (0, -1, 0), (0, 0, 1), (0.6, -0.48, 0.64)])
def test_upright_cameras_are_level_and_evenly_around_and_begin_where_the_cell_is_widest(up: tuple) -> None:
    upwards = np.array(up, float)
    parameters = RenderingParameters(sampling="upright", canonical_views=6, biased_views=2, random_views=0)
    found = np.array([camera.direction for camera in place_cameras(SEGMENTS, "a", parameters, 0, upwards).cameras])
    assert found.shape == (8, 3)
    np.testing.assert_allclose(found @ upwards, 0, atol=1e-12)
    np.testing.assert_allclose((found * np.roll(found, 1, axis=0)).sum(axis=1), np.cos(np.pi / 4), atol=1e-12)
    middles, weights = (SEGMENTS.starts + SEGMENTS.ends) / 2, SEGMENTS.lengths
    spread = [np.cov(middles @ np.cross(upwards, direction), aweights=weights) for direction in found]
    finer = [
        np.cov(middles @ (np.cos(a) * found[0] + np.sin(a) * np.cross(upwards, found[0])), aweights=weights)
        for a in np.linspace(0, np.pi, 60)
    ]
    assert spread[0] >= max(finer) * (1 - 1e-9)


def test_upright_cameras_turn_with_the_neuron() -> None:
    turn, _ = np.linalg.qr(np.random.default_rng(3).normal(size=(3, 3)))
    turn *= np.linalg.det(turn)
    parameters = RenderingParameters(sampling="upright")
    turned = SEGMENTS._replace(starts=SEGMENTS.starts @ turn.T, ends=SEGMENTS.ends @ turn.T)
    up = np.array([0.0, 1.0, 0.0])
    before = np.array([c.direction for c in place_cameras(SEGMENTS, "a", parameters, 0, up).cameras])
    after = np.array([c.direction for c in place_cameras(turned, "a", parameters, 0, turn @ up).cameras])
    ours = before @ turn.T
    assert min(np.abs(after - ours).max(), np.abs(after + ours).max()) < 1e-9  # the first may be seen from behind
