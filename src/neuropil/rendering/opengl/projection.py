"""Frames as OpenGL projections: matrices, tiles of a large picture, and depth buffers back to micrometres."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuropil.rendering.frame import Frame

_SLACK = 1e-3  # of the depth of the frame: what touches its near or far plane is not clipped
_NEAREST = 1e-3  # of the camera's distance: a perspective view sees nothing behind its camera


class Planes(NamedTuple):
    """The depths, in micrometres, at which the depth buffer is 0 and 1."""

    near: float
    far: float


class Tile(NamedTuple):
    """A part of the samples of a picture, from its upper left corner."""

    top: int
    left: int
    height: int
    width: int


def clip_planes(frame: Frame) -> Planes:
    """The near and far plane around all that a frame shows."""
    slack = _SLACK * max(frame.depth_far - frame.depth_near, frame.um_per_px)
    near, far = frame.depth_near - slack, frame.depth_far + slack
    if frame.fov is not None:
        near = max(near, _NEAREST * frame.distance)
    return Planes(near, max(far, near + slack))


def projection_matrix(frame: Frame, planes: Planes) -> NDArray[np.float64]:
    """Camera axes (x right, y up, z to the camera, which is the origin) to clip space, (4, 4)."""
    near, far = planes
    matrix = np.zeros((4, 4))
    reach = frame.half_height if frame.fov is None else frame.half_height / frame.distance
    matrix[0, 0], matrix[1, 1] = frame.height / (frame.width * reach), 1 / reach
    if frame.fov is None:
        matrix[2, 2], matrix[2, 3], matrix[3, 3] = -2 / (far - near), -(far + near) / (far - near), 1
    else:
        matrix[2, 2], matrix[2, 3], matrix[3, 2] = -(far + near) / (far - near), -2 * far * near / (far - near), -1
    return matrix


def camera_pose(frame: Frame, origin: NDArray[np.float64]) -> NDArray[np.float64]:
    """Where the camera stands, (4, 4), in the file's axes moved to `origin`."""
    pose = np.eye(4)
    pose[:3, :3] = frame.rotation.T
    pose[:3, 3] = frame.center - origin + frame.distance * frame.rotation[2]
    return pose


def tiles_of(height: int, width: int, largest: int) -> Iterator[Tile]:
    """Cover `height` x `width` samples by tiles of at most `largest` a side."""
    for top in range(0, height, largest):
        for left in range(0, width, largest):
            yield Tile(top, left, min(largest, height - top), min(largest, width - left))


def tile_matrix(matrix: NDArray[np.float64], tile: Tile, height: int, width: int) -> NDArray[np.float64]:
    """The projection of one tile of a picture of `height` x `width` samples."""
    across, upright = width / tile.width, height / tile.height
    middle = (2 * tile.left + tile.width) / width - 1, 1 - (2 * tile.top + tile.height) / height
    moved = matrix.copy()
    moved[0] = across * (matrix[0] - middle[0] * matrix[3])
    moved[1] = upright * (matrix[1] - middle[1] * matrix[3])
    return moved


def depth_in_um(buffer: NDArray[np.float32], planes: Planes, perspective: bool) -> NDArray[np.float32]:
    """Values of a depth buffer (0 to 1) as depths in micrometres from the camera's plane."""
    near, far = np.float32(planes.near), np.float32(planes.far)
    if perspective:
        return near * far / (far - buffer * (far - near))
    return near + buffer * (far - near)
