from __future__ import annotations

import numpy as np
import pytest

from neuropil.rendering.cameras import rotation_towards
from neuropil.rendering.frame import Frame
from neuropil.rendering.opengl.projection import (
    camera_pose,
    clip_planes,
    depth_in_um,
    projection_matrix,
    tile_matrix,
    tiles_of,
)


def frame_of(fov: float | None, width: int = 60, height: int = 40) -> Frame:
    return Frame(
        rotation=rotation_towards(np.array([0.3, -0.5, 0.8])),
        center=np.array([10.0, 20.0, -5.0]),
        distance=300.0,
        half_height=80.0,
        fov=fov,
        width=width,
        height=height,
        depth_near=220.0,
        depth_far=390.0,
    )


def clip(frame: Frame, points: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    turned = np.linalg.inv(camera_pose(frame, np.zeros(3))) @ np.column_stack([points, np.ones(len(points))]).T
    clipped = (matrix @ turned).T
    return clipped[:, :3] / clipped[:, 3:]


@pytest.mark.parametrize("fov", [None, 2 * np.degrees(np.arctan(80 / 300))])
def test_points_come_to_the_pixels_and_depths_of_the_frame(fov: float | None) -> None:
    frame = frame_of(fov)
    points = frame.center + np.random.default_rng(0).uniform(-60, 60, (50, 3))
    planes = clip_planes(frame)
    found = clip(frame, points, projection_matrix(frame, planes))
    wanted = frame.to_pixels(points)
    np.testing.assert_allclose((found[:, 0] + 1) / 2 * frame.width, wanted[:, 0], atol=1e-6)
    np.testing.assert_allclose((1 - found[:, 1]) / 2 * frame.height, wanted[:, 1], atol=1e-6)
    depth = depth_in_um(((found[:, 2] + 1) / 2).astype(np.float32), planes, fov is not None)
    np.testing.assert_allclose(depth, wanted[:, 2], atol=2e-3)


@pytest.mark.parametrize("fov", [None, 2 * np.degrees(np.arctan(80 / 300))])
def test_tiles_cover_the_picture_and_show_their_part_of_it(fov: float | None) -> None:
    frame = frame_of(fov)
    matrix = projection_matrix(frame, clip_planes(frame))
    points = frame.center + np.random.default_rng(1).uniform(-60, 60, (50, 3))
    wanted = frame.to_pixels(points)
    covered = np.zeros((40, 60), int)
    for tile in tiles_of(40, 60, 23):
        covered[tile.top : tile.top + tile.height, tile.left : tile.left + tile.width] += 1
        found = clip(frame, points, tile_matrix(matrix, tile, 40, 60))
        np.testing.assert_allclose(tile.left + (found[:, 0] + 1) / 2 * tile.width, wanted[:, 0], atol=1e-6)
        np.testing.assert_allclose(tile.top + (1 - found[:, 1]) / 2 * tile.height, wanted[:, 1], atol=1e-6)
    assert (covered == 1).all()


def test_nothing_behind_a_perspective_camera_is_asked_for() -> None:
    frame = frame_of(40.0)
    behind = Frame(**{**frame.__dict__, "depth_near": -50.0})
    near, far = clip_planes(behind)
    assert 0 < near < far
