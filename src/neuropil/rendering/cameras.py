"""From where a neuron is looked at."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuropil.rendering.parameters import RenderingParameters
from neuropil.rendering.segments import Segments

ELEVATION = 15.0
"""Standard deviation, in degrees, of a biased view's elevation over the plane of PC1 and PC2."""

FILE_UP = np.array([0.0, 1.0, 0.0])
"""Up where no other is known: the file's +y."""
FILE_UP.setflags(write=False)

_ISOTROPIC = 0.9  # ratio of the least to the largest variance from which on the axes mean nothing
_TINY = 3  # fewer segments with a length than this have no axes
_GOLDEN_ANGLE = np.pi * (3 - np.sqrt(5))


class Camera(NamedTuple):
    """A direction of view.

    Attributes:
        direction: (3,) unit vector from the neuron to the camera, in the file's axes (x, y, z).
        kind: `canonical`, `biased`, `random`, `fibonacci` or `upright`.
    """

    direction: NDArray[np.float64]
    kind: str


class Cameras(NamedTuple):
    """The cameras of a neuron, and why they are not those that were asked for (None where they are)."""

    cameras: list[Camera]
    fallback: str | None


def place_cameras(
    segments: Segments,
    name: str,
    parameters: RenderingParameters,
    seed: int,
    up: NDArray[np.float64] = FILE_UP,
) -> Cameras:
    """Place the cameras of one neuron.

    `pca` looks first from +PC3, +PC2, +PC1, -PC3, -PC2, -PC1 (the canonical views: from PC3 a neuron is at its
    widest, and the first three are three different silhouettes), then from near the plane of PC1 and PC2, then
    from random directions. A neuron without axes of its own (nearly as wide in every direction, or of fewer than
    three segments) gets the same number of views on a Fibonacci sphere instead.

    `upright` looks from the side: level directions, evenly around the up of the cell, first the one from which the
    neuron is widest.

    Args:
        segments: what will be drawn.
        name: the neuron's name; with the seed it decides the random directions.
        parameters: how many of which.
        seed: the root seed.
        up: (3,) unit vector, the cell's up (for `upright` only).
    """
    count = parameters.views
    if parameters.sampling == "fibonacci":
        return Cameras(fibonacci_cameras(count), None)
    if parameters.sampling == "random":
        return Cameras(_random_cameras(count, _generator(seed, name, 2)), None)
    if parameters.sampling == "upright":
        return Cameras(_upright_cameras(segments, up, count), None)
    axes, variances = principal_axes(segments)
    if (segments.lengths > 0).sum() < _TINY:
        return Cameras(fibonacci_cameras(count), f"fewer than {_TINY} segments")
    if variances[2] > _ISOTROPIC * variances[0]:
        return Cameras(fibonacci_cameras(count), "nearly isotropic: no principal axes")
    order = np.concatenate([axes[::-1], -axes[::-1]])
    canonical = [Camera(axis, "canonical") for axis in order[: parameters.canonical_views]]
    biased = _biased_cameras(axes, parameters.biased_views, _generator(seed, name, 1))
    return Cameras(canonical + biased + _random_cameras(parameters.random_views, _generator(seed, name, 2)), None)


def principal_axes(segments: Segments) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Principal axes of the cable, each micrometre of it weighing the same however it is sampled.

    Returns:
        axes: (3, 3), rows PC1, PC2, PC3, unit vectors, right-handed or not; the largest component of each is
            positive, which fixes the sign.
        variances: (3,), square micrometres, descending.
    """
    lengths = segments.lengths
    if not lengths.sum():
        return np.eye(3), np.ones(3)
    middle = (segments.starts + segments.ends) / 2
    offsets = middle - np.average(middle, axis=0, weights=lengths)
    variances, vectors = np.linalg.eigh((offsets * (lengths / lengths.sum())[:, None]).T @ offsets)
    axes = vectors.T[::-1]
    signs = np.sign(axes[np.arange(3), np.abs(axes).argmax(axis=1)])
    return axes * signs[:, None], np.maximum(variances[::-1], 0)


def fibonacci_cameras(count: int) -> list[Camera]:
    """Evenly spread directions: the golden-angle spiral over the sphere."""
    height = 1 - (2 * np.arange(count) + 1) / count
    angle = _GOLDEN_ANGLE * np.arange(count)
    ring = np.sqrt(1 - height**2)
    directions = np.stack([ring * np.cos(angle), ring * np.sin(angle), height], axis=1)
    return [Camera(direction, "fibonacci") for direction in directions]


def rotation_towards(direction: NDArray[np.float64], up: NDArray[np.float64] = FILE_UP) -> NDArray[np.float64]:
    """The rotation of a camera that stands in `direction` with `up` upwards.

    Args:
        direction: (3,) from the neuron to the camera, of any length.
        up: (3,) unit vector; the file's +y where none is given.

    Returns:
        (3, 3), rows right, up and `direction`: `rotation @ (point - centre)` is the point in camera axes, x to
        the right, y up, z towards the camera. From straight above the top of the picture is the file's -z, from
        straight below +z (where up is z itself: -y, +y).
    """
    towards = direction / np.linalg.norm(direction)
    right = _cross(up, towards)
    if np.linalg.norm(right) < 1e-6:
        behind = np.array([0.0, 0.0, 1.0]) if abs(up[2]) < 0.9 else np.array([0.0, 1.0, 0.0])
        right = _cross(-np.sign(up @ towards) * behind, towards)
    right /= np.linalg.norm(right)
    return np.stack([right, _cross(towards, right), towards])


def _cross(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """a x b of two vectors (3,); numpy's own takes ten times as long for so few numbers."""
    (ax, ay, az), (bx, by, bz) = a, b
    return np.array([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx])


def _upright_cameras(segments: Segments, up: NDArray[np.float64], count: int) -> list[Camera]:
    """Level directions around `up`, evenly; the first is the one along which the cable varies least."""
    side = rotation_towards(np.array([0.0, 0.0, 1.0]) if abs(up[2]) < 0.9 else np.array([1.0, 0.0, 0.0]), up)[0]
    level = np.stack([side, _cross(up, side)])
    lengths = segments.lengths
    start = np.array([0.0, 1.0])
    if lengths.sum():
        middles = (segments.starts + segments.ends) / 2 @ level.T
        offsets = middles - np.average(middles, axis=0, weights=lengths)
        start = np.linalg.eigh((offsets * lengths[:, None]).T @ offsets)[1][:, 0]
        start = start * np.sign(start[np.abs(start).argmax()])
    angles = np.arctan2(start[1], start[0]) + 2 * np.pi * np.arange(count) / count
    return [Camera(np.cos(angle) * level[0] + np.sin(angle) * level[1], "upright") for angle in angles]


def _biased_cameras(axes: NDArray[np.float64], count: int, rng: np.random.Generator) -> list[Camera]:
    azimuth = rng.uniform(0, 2 * np.pi, count)
    elevation = np.radians(np.clip(rng.normal(0, ELEVATION, count), -45, 45))
    flat = np.cos(azimuth)[:, None] * axes[0] + np.sin(azimuth)[:, None] * axes[1]
    directions = np.cos(elevation)[:, None] * flat + np.sin(elevation)[:, None] * axes[2]
    return [Camera(direction, "biased") for direction in directions]


def _random_cameras(count: int, rng: np.random.Generator) -> list[Camera]:
    directions = rng.normal(size=(count, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    return [Camera(direction, "random") for direction in directions]


def _generator(seed: int, name: str, stream: int) -> np.random.Generator:
    digest = hashlib.sha256(name.encode()).digest()
    return np.random.default_rng([seed, int.from_bytes(digest[:8], "big"), stream])
