"""Spheres as a mesh of triangles."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


class Mesh(NamedTuple):
    """Triangles.

    Attributes:
        corners: (v, 3) float64, (x, y, z), micrometres.
        triangles: (t, 3) int64, indices of corners.
        owners: (v,) int64, the sphere that each corner belongs to.
    """

    corners: NDArray[np.float64]
    triangles: NDArray[np.int64]
    owners: NDArray[np.int64]

    def arrays(self) -> dict[str, list[Any]]:
        """x, y, z, i, j, k, as plotly's mesh3d takes them."""
        columns = [*self.corners.round(3).T.tolist(), *self.triangles.T.tolist()]
        return dict(zip("xyzijk", columns, strict=True))


def sphere_mesh(centres: NDArray[np.float64], radii: NDArray[np.float64], *, fine: bool) -> Mesh:
    """All spheres in one mesh, each an icosahedron whose triangles are parted in 4 (once, or twice where `fine`).

    Args:
        centres: (k, 3) micrometres.
        radii: (k,) micrometres.
        fine: 162 corners and 320 triangles a sphere instead of 42 and 80.
    """
    corners, triangles = _unit_sphere(3 if fine else 2)
    k, v = len(centres), len(corners)
    placed = centres[:, None, :] + radii[:, None, None] * corners[None]
    shifted = triangles[None] + v * np.arange(k)[:, None, None]
    return Mesh(placed.reshape(-1, 3), shifted.reshape(-1, 3), np.repeat(np.arange(k), v))


@cache
def _unit_sphere(levels: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Corners and triangles of an icosahedron, parted `levels` - 1 times, on the sphere of radius 1."""
    golden = (1 + 5**0.5) / 2
    corners = np.array(
        [[0, a, b * golden] for a in (-1, 1) for b in (-1, 1)]
        + [[a, b * golden, 0] for a in (-1, 1) for b in (-1, 1)]
        + [[b * golden, 0, a] for a in (-1, 1) for b in (-1, 1)]
    )
    triangles = _hull(corners)
    for _ in range(levels - 1):
        corners, triangles = _parted(corners, triangles)
    return corners / np.linalg.norm(corners, axis=1, keepdims=True), triangles


def _hull(corners: NDArray[np.float64]) -> NDArray[np.int64]:
    """The 20 triangles of neighbours (at distance 2), seen from outside against the clock."""
    near = np.isclose(np.linalg.norm(corners[:, None] - corners[None], axis=2), 2)
    found = [
        (i, j, k) if np.linalg.det(corners[[i, j, k]]) > 0 else (i, k, j)
        for i in range(12)
        for j in range(i + 1, 12)
        for k in range(j + 1, 12)
        if near[i, j] and near[j, k] and near[i, k]
    ]
    return np.array(found)


def _parted(
    corners: NDArray[np.float64], triangles: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Each triangle in four; new corners on the sphere."""
    corners = corners / np.linalg.norm(corners, axis=1, keepdims=True)
    sides = np.sort(np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]), axis=1)
    unique, places = np.unique(sides, axis=0, return_inverse=True)
    ab, bc, ca = (places.ravel() + len(corners)).reshape(3, -1)
    a, b, c = triangles.T
    parts = [np.column_stack(part) for part in ((a, ab, ca), (b, bc, ab), (c, ca, bc), (ab, bc, ca))]
    return np.concatenate([corners, corners[unique].mean(axis=1)]), np.concatenate(parts)
