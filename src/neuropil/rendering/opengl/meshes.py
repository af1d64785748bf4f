"""Round cones as triangles: the envelope of two spheres as a tube, the spheres themselves where they show.

The tube of a segment touches both end spheres: with radii ra, rb and length L its normals lean by asin((ra - rb) / L)
from the plane across the axis, so that tube and spheres meet without a step. A polygon inside a circle would be too
narrow from every side; its corners stand out by so much that its mean width (its perimeter / pi, by Cauchy) is that of
the circle.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuropil.rendering.segments import Segments

_SIDES = (6, 8, 12, 16, 24, 32, 48, 64)
_LEVELS = 6  # an icosahedron, subdivided up to five times: 12 corners to 10,242
_ICOSAHEDRON = 0.55  # radians from a corner to the middle of an edge, before subdivision
_ENDS, _JOINTS = (
    4.0,
    12.0,
)  # times the tolerance of the tubes: of spheres at tips, and between tubes, where little shows


class Mesh(NamedTuple):
    """Triangles; a corner is a point on the axis and the way from there to the surface.

    Attributes:
        axis: (v, 3) float32, (x, y, z), micrometres.
        offsets: (v, 3) float32, from the axis to the surface for a radius of 1.
        radii: (v,) float32, micrometres.
        classes: (v,) uint8.
        faces: (f, 3) uint32, anticlockwise from outside.
    """

    axis: NDArray[np.float32]
    offsets: NDArray[np.float32]
    radii: NDArray[np.float32]
    classes: NDArray[np.uint8]
    faces: NDArray[np.uint32]

    @property
    def vertices(self) -> NDArray[np.float32]:
        """(v, 3) the corners, micrometres."""
        return self.axis + self.radii[:, None] * self.offsets

    @property
    def normals(self) -> NDArray[np.float32]:
        """(v, 3) unit vectors outwards."""
        return self.offsets / np.linalg.norm(self.offsets, axis=1, keepdims=True)

    def of_class(self, number: int) -> Mesh:
        """The part of one class."""
        chosen = self.classes == number
        place = np.cumsum(chosen) - 1
        return Mesh(
            axis=self.axis[chosen],
            offsets=self.offsets[chosen],
            radii=self.radii[chosen],
            classes=self.classes[chosen],
            faces=place[self.faces[chosen[self.faces[:, 0]]]].astype(np.uint32),
        )


def cone_mesh(segments: Segments, tolerance: float, least_radius: float = 0.0) -> Mesh:
    """The surface of round cones.

    Args:
        segments: the cones.
        tolerance: micrometres by which a tube may lie off its cone (it decides the number of sides); spheres show
            less of themselves: those at tips may lie off by `_ENDS` as much, those between tubes by `_JOINTS`.
        least_radius: micrometres; thinner parts get as many sides as this would need, for they may be drawn so wide.
    """
    return _joined([*_tubes(segments, tolerance, least_radius), *_spheres(segments, tolerance, least_radius)])


def widened(segments: Segments, least_radius: float) -> Segments:
    """The same cones with no radius below `least_radius`, micrometres."""
    return segments._replace(
        start_radii=np.maximum(segments.start_radii, least_radius),
        end_radii=np.maximum(segments.end_radii, least_radius),
    )


def _tubes(segments: Segments, tolerance: float, least_radius: float) -> list[Mesh]:
    """Tubes, but where one end sphere holds the other."""
    segments = _some(segments, segments.lengths > np.abs(segments.start_radii - segments.end_radii))
    widest = np.maximum(np.maximum(segments.start_radii, segments.end_radii), least_radius)
    wanted = np.pi / np.arccos(np.clip(1 - tolerance / np.maximum(widest, tolerance), 0, 1 - 1e-9))
    choice = np.minimum(np.searchsorted(_SIDES, wanted), len(_SIDES) - 1)
    return [_tube_group(_some(segments, choice == number), _SIDES[number]) for number in np.unique(choice)]


def _some(segments: Segments, chosen: NDArray[np.bool_]) -> Segments:
    return Segments(
        segments.starts[chosen],
        segments.ends[chosen],
        segments.start_radii[chosen],
        segments.end_radii[chosen],
        segments.classes[chosen],
    )


def _tube_group(segments: Segments, sides: int) -> Mesh:
    """Tubes of one number of sides: a ring at each end, two triangles a side."""
    starts, ends, first, last, classes = segments
    along = ends - starts
    lengths = np.linalg.norm(along, axis=1, keepdims=True)
    along /= lengths
    across, upright = _plane(along)
    angle = 2 * np.pi * np.arange(sides) / sides
    ring = np.cos(angle)[:, None] * across[:, None] + np.sin(angle)[:, None] * upright[:, None]
    sine = ((first - last)[:, None] / lengths)[:, None]
    cosine = np.sqrt(1 - sine**2)
    corners = (np.pi / sides / np.sin(np.pi / sides)) * cosine * ring + sine * along[:, None]
    here = np.arange(sides)
    after = (here + 1) % sides
    pattern = np.concatenate(
        [np.stack([here, after, after + sides], 1), np.stack([here, after + sides, here + sides], 1)]
    )
    return _mesh(
        np.repeat(np.stack([starts, ends], axis=1), sides, axis=1),
        np.concatenate([corners, corners], axis=1),
        np.repeat(np.stack([first, last], axis=1), sides, axis=1),
        np.repeat(classes, 2 * sides),
        2 * sides * np.arange(len(starts))[:, None, None] + pattern,
    )


def _plane(along: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Two unit vectors (n, 3) across each direction, right-handed with it."""
    helper = np.eye(3)[np.abs(along).argmin(axis=1)]
    across = np.cross(along, helper)
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    return across, np.cross(along, across)


def _spheres(segments: Segments, tolerance: float, least_radius: float) -> list[Mesh]:
    """The end spheres; one that several segments share has the class of the first of them, as where it is drawn."""
    both = np.stack(
        [
            np.column_stack([segments.starts, segments.start_radii]),
            np.column_stack([segments.ends, segments.end_radii]),
        ],
        axis=1,
    )
    spheres, first, times = np.unique(both.reshape(-1, 4), axis=0, return_index=True, return_counts=True)
    classes = segments.classes[first // 2]
    # Between tubes a sphere may be too small but not stand out; a segment without length counts twice, and is no joint.
    joints = (times > 1) & (segments.lengths[first // 2] > 0)
    radii = np.maximum(spheres[:, 3:], least_radius)
    off = radii * (1 - np.cos(_ICOSAHEDRON / 2.0 ** np.arange(_LEVELS)))
    fine = off <= tolerance * np.where(joints, _JOINTS, _ENDS)[:, None]
    choice = np.where(fine.any(axis=1), fine.argmax(axis=1), _LEVELS - 1)
    return [
        _sphere_group(spheres[chosen], classes[chosen], int(level), outside)
        for level in np.unique(choice)
        for outside in (False, True)
        if (chosen := (choice == level) & (joints != outside)).any()
    ]


def _sphere_group(spheres: NDArray[np.float64], classes: NDArray[np.uint8], level: int, outside: bool) -> Mesh:
    corners, faces, wider = _icosphere(level)
    shape = (len(spheres), *corners.shape)
    return _mesh(
        np.broadcast_to(spheres[:, None, :3], shape),
        np.broadcast_to(wider * corners if outside else corners, shape),
        np.repeat(spheres[:, 3], len(corners)),
        np.repeat(classes, len(corners)),
        len(corners) * np.arange(len(spheres))[:, None, None] + faces,
    )


@lru_cache
def _icosphere(level: int) -> tuple[NDArray[np.float64], NDArray[np.int64], float]:
    """Corners and faces of a subdivided icosahedron, and the factor that gives it the mean width of the unit sphere."""
    from trimesh.creation import icosphere

    sphere, directions = icosphere(subdivisions=level), np.asarray(icosphere(subdivisions=3).vertices)
    corners = np.asarray(sphere.vertices, float)
    return corners, np.asarray(sphere.faces, np.int64), float(1 / (directions @ corners.T).max(axis=1).mean())


def _mesh(
    axis: NDArray[np.float64],
    offsets: NDArray[np.float64],
    radii: NDArray[np.float64],
    classes: NDArray[np.uint8],
    faces: NDArray[np.int64],
) -> Mesh:
    return Mesh(
        axis.reshape(-1, 3).astype(np.float32),
        offsets.reshape(-1, 3).astype(np.float32),
        radii.reshape(-1).astype(np.float32),
        classes,
        faces.reshape(-1, 3).astype(np.uint32),
    )


def _joined(parts: list[Mesh]) -> Mesh:
    before = np.cumsum([0, *(len(part.axis) for part in parts)])
    return Mesh(
        axis=np.concatenate([part.axis for part in parts]),
        offsets=np.concatenate([part.offsets for part in parts]),
        radii=np.concatenate([part.radii for part in parts]),
        classes=np.concatenate([part.classes for part in parts]),
        faces=np.concatenate([part.faces + np.uint32(first) for part, first in zip(parts, before, strict=False)]),
    )
