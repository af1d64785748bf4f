"""Displacement fields: a free form of cubic B-splines (Rueckert et al. 1999), and a turn in plane.

A field says, for each voxel of the patch, how far away the voxel is that comes to lie there: float32
(3, z, y, x), voxels along (z, y, x).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from neuropil.em.augmentation.arrays import Size, Spacing, stays_in_plane
from neuropil.em.augmentation.parameters import Elastic, Rotation

Field = NDArray[np.float32]


def elastic_field(size: Size, resolution_nm: Spacing, parameters: Elastic, rng: np.random.Generator) -> Field:
    """A smooth field whose every shift is at most `max_shift_nm` on an axis; none along z where that is coarse.

    The control points lie `spacing_nm` apart on all axes, so that neighbouring sections move alike. Under 0.4 of
    that spacing the map folds nowhere (Choi and Lee 2000).
    """
    bases = [
        _basis(length, step / parameters.spacing_nm, float(rng.random()))
        for length, step in zip(size, resolution_nm, strict=True)
    ]
    field = np.zeros((3, *size), np.float32)
    for axis in (1, 2) if stays_in_plane(size, resolution_nm) else (0, 1, 2):
        points = rng.uniform(-1, 1, [basis.shape[1] for basis in bases]).astype(np.float32)
        points *= parameters.max_shift_nm / resolution_nm[axis]
        z, y, x = bases
        field[axis] = np.matmul(np.matmul(y, np.tensordot(z, points, 1)), x.T)
    return field


def _basis(length: int, step: float, phase: float) -> NDArray[np.float32]:
    """Weights of the control points at each voxel, (length, points); each row adds up to 1."""
    place = np.arange(length) * step + phase
    cell = place.astype(int)
    t = place - cell
    weights = np.stack([(1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3], axis=1) / 6
    basis = np.zeros((length, int(cell[-1]) + 4), np.float32)
    np.put_along_axis(basis, cell[:, None] + np.arange(4), weights.astype(np.float32), axis=1)
    return basis


def rotation_field(size: Size, resolution_nm: Spacing, parameters: Rotation, rng: np.random.Generator) -> Field:
    """A turn about the patch's middle and a change of size, in (y, x), the same in all sections."""
    angle = math.radians(rng.uniform(-parameters.max_degrees, parameters.max_degrees))
    scale = rng.uniform(1 - parameters.max_scale, 1 + parameters.max_scale)
    cos, sin = scale * math.cos(angle), scale * math.sin(angle)
    y, x = ((np.arange(n) - (n - 1) / 2) * step for n, step in zip(size[1:], resolution_nm[1:], strict=True))
    field = np.zeros((3, *size), np.float32)
    field[1] = ((cos - 1) * y[:, None] - sin * x) / resolution_nm[1]
    field[2] = (sin * y[:, None] + (cos - 1) * x) / resolution_nm[2]
    return field


def rotation_reach(size: Size, resolution_nm: Spacing, parameters: Rotation) -> tuple[float, float]:
    """How far, in voxels along (y, x), a turned patch reaches beyond the patch that was not turned."""
    half = [(n - 1) / 2 * step for n, step in zip(size[1:], resolution_nm[1:], strict=True)]
    most = math.radians(parameters.max_degrees)
    reach = []
    for own, other, step in ((half[0], half[1], resolution_nm[1]), (half[1], half[0], resolution_nm[2])):
        angle = min(most, math.atan2(other, own))  # the corner is farthest along the axis when it lies on it
        far = (1 + parameters.max_scale) * (own * math.cos(angle) + other * math.sin(angle))
        reach.append(max(0.0, far - own) / step)
    return reach[0], reach[1]
