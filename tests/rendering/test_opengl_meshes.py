from __future__ import annotations

import numpy as np
import pytest

from neuropil.rendering.opengl.meshes import Mesh, cone_mesh, widened
from neuropil.rendering.segments import Segments


def cones(count: int, seed: int = 0, radius: float = 2.0) -> Segments:
    rng = np.random.default_rng(seed)
    starts = rng.uniform(-50, 50, (count, 3))
    ends = starts + rng.normal(0, 12, (count, 3))
    radii = rng.uniform(0.2, 1, (2, count)) * radius
    return Segments(starts, ends, radii[0], radii[1], rng.integers(1, 6, count).astype(np.uint8))


def one(start, end, first: float, last: float) -> Segments:
    return Segments(
        np.array([start], float), np.array([end], float), np.array([first]), np.array([last]), np.array([2], np.uint8)
    )


def distance_to_cone(points: np.ndarray, segments: Segments) -> np.ndarray:
    """Signed distance to one round cone: the least over 2001 of its spheres."""
    t = np.linspace(0, 1, 2001)[:, None]
    centres = segments.starts[0] + t * (segments.ends[0] - segments.starts[0])
    radii = segments.start_radii[0] + t * (segments.end_radii[0] - segments.start_radii[0])
    return (np.linalg.norm(points[None] - centres[:, None], axis=2) - radii).min(axis=0)


@pytest.mark.parametrize("shape", [(1.0, 1.0), (4.0, 1.0), (0.5, 3.0)])
@pytest.mark.parametrize("tolerance", [0.3, 0.02])
def test_surface_is_as_near_to_the_cone_as_asked(shape: tuple[float, float], tolerance: float) -> None:
    segments = one((1, 2, 3), (9, -4, 5), *shape)
    mesh = cone_mesh(segments, tolerance)
    away = distance_to_cone(mesh.vertices.astype(float), segments)
    # Spheres may be off by four times as much; what lies inside the cone is hidden.
    assert away.max() < 4 * tolerance
    middles = mesh.vertices[mesh.faces].mean(axis=1).astype(float)
    assert distance_to_cone(middles, segments).max() < 4 * tolerance


def test_all_faces_look_outwards() -> None:
    mesh = cone_mesh(cones(40), 0.05)
    corners = mesh.vertices[mesh.faces].astype(float)
    facing = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    assert ((facing * mesh.normals[mesh.faces].mean(axis=1)).sum(axis=1) > 0).all()
    np.testing.assert_allclose(np.linalg.norm(mesh.normals, axis=1), 1, atol=1e-5)


def test_thick_parts_have_more_sides_than_thin_ones() -> None:
    count = [len(cone_mesh(one((0, 0, 0), (0, 0, 50), radius, radius), 0.05).faces) for radius in (0.1, 1.0, 10.0)]
    assert count == sorted(count)
    assert count[0] < count[1] < count[2]


def test_thin_parts_that_may_be_drawn_wider_have_the_sides_for_it() -> None:
    thin = one((0, 0, 0), (0, 0, 50), 0.01, 0.01)
    assert len(cone_mesh(thin, 0.05, 1.0).faces) == len(cone_mesh(widened(thin, 1.0), 0.05).faces)
    np.testing.assert_allclose(cone_mesh(thin, 0.05, 1.0).radii, 0.01)
    np.testing.assert_allclose(cone_mesh(widened(thin, 1.0), 0.05).radii, 1.0)


def test_a_sphere_inside_the_other_end_makes_no_tube() -> None:
    mesh = cone_mesh(one((0, 0, 0), (0.5, 0, 0), 3.0, 1.0), 0.05)
    assert np.isfinite(mesh.vertices).all()
    assert np.linalg.norm(mesh.vertices, axis=1).max() < 3.2


def test_a_segment_without_length_is_a_sphere() -> None:
    mesh = cone_mesh(one((5, 5, 5), (5, 5, 5), 2.0, 2.0), 0.01)
    np.testing.assert_allclose(np.linalg.norm(mesh.vertices - 5, axis=1), 2, atol=0.05)


def test_a_node_in_common_has_one_sphere() -> None:
    chain = Segments(
        np.array([[0, 0, 0], [10, 0, 0]], float),
        np.array([[10, 0, 0], [10, 10, 0]], float),
        np.ones(2),
        np.ones(2),
        np.array([2, 2], np.uint8),
    )
    ball = len(cone_mesh(one((0, 0, 0), (0, 0, 0), 1.0, 1.0), 0.1).faces)
    tube = len(cone_mesh(one((0, 0, 0), (10, 0, 0), 1.0, 1.0), 0.1).faces) - 2 * ball
    assert len(cone_mesh(chain, 0.1).faces) == 3 * ball + 2 * tube


def test_spheres_between_tubes_do_not_stand_out() -> None:
    points = np.array([[0, 0, 0], [10, 0, 0], [20, 0, 0]], float)
    straight = Segments(points[:-1], points[1:], np.full(2, 3.0), np.full(2, 3.0), np.array([2, 2], np.uint8))
    mesh = cone_mesh(straight, 0.01)
    between = mesh.vertices[np.abs(mesh.vertices[:, 0] - 10) < 2.9]
    assert np.linalg.norm(between[:, 1:], axis=1).max() < 3.02


def test_the_parts_by_class_make_the_whole() -> None:
    mesh = cone_mesh(cones(60), 0.1)
    parts = [mesh.of_class(number) for number in range(1, 6)]
    assert sum(len(part.faces) for part in parts) == len(mesh.faces)

    def triangles(some: Mesh) -> np.ndarray:
        return some.vertices[some.faces].reshape(-1, 9)

    parted = np.concatenate([triangles(part) for part in parts])
    np.testing.assert_array_equal(np.unique(parted, axis=0), np.unique(triangles(mesh), axis=0))
    assert all((part.classes == number).all() for number, part in enumerate(parts, 1))
