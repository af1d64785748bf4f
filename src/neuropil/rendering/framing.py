"""How large a frame must be, and how much of the neuron lies in it.

What is asked of all spheres of a neuron for each view is compiled: as array operations it took a third of the time of
drawing. The kernels compute as `frame.turn` does, to the bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuropil.compiled import compiled
from neuropil.rendering.frame import Frame, turn
from neuropil.rendering.parameters import RenderingParameters
from neuropil.rendering.segments import Segments


class _Spheres(NamedTuple):
    """The end spheres of all segments: (2m, 3) and (2m,), micrometres."""

    points: NDArray[np.float64]
    radii: NDArray[np.float64]


def fit_frames(
    segments: Segments,
    rotations: Sequence[NDArray[np.float64]],
    parameters: RenderingParameters,
    soma: NDArray[np.float64] | None = None,
) -> list[Frame]:
    """Fit a frame to each view of a neuron.

    With `frame_um` every frame is so high and centred on the soma, whatever lies outside. Else, with
    `adaptive_framing`, each view is centred on its own extent and as large as that; without, all are centred
    on the middle of the neuron's bounding box and share the scale of the widest. `margin` pads the extent: the
    frame is (1 + margin) times as large.

    Args:
        segments: what will be drawn.
        rotations: one a view (`rotation_towards`).
        parameters: size of the picture, margin, projection.
        soma: (3,) micrometres, the centre of a fixed frame (`morphology.soma.soma_centre`).
    """
    spheres = _Spheres(
        np.concatenate([segments.starts, segments.ends]), np.concatenate([segments.start_radii, segments.end_radii])
    )
    if parameters.frame_um is not None:
        if soma is None:
            raise ValueError("fit_frames: a frame of fixed scale is centred on the soma")
        return [_frame(spheres, parameters.frame_um / 2, rotation, soma, parameters) for rotation in rotations]
    middle = _middle_of_box(spheres)
    centers = [_middle_of_view(spheres, rotation) if parameters.adaptive_framing else middle for rotation in rotations]
    measure = _half_height if parameters.projection == "ortho" else _camera_distance
    reaches = [
        measure(spheres, rotation, center, parameters) for center, rotation in zip(centers, rotations, strict=True)
    ]
    if not parameters.adaptive_framing:
        reaches = [max(reaches)] * len(reaches)
    return [
        _frame(spheres, reach, rotation, center, parameters)
        for reach, rotation, center in zip(reaches, rotations, centers, strict=True)
    ]


def cable_inside(segments: Segments, frame: Frame) -> float:
    """The share of the cable length inside the frame (`qc`), from 0 to 1.

    Each segment's axis is clipped against the four planes through the frame's edges. A neuron without any length
    counts by its segments' centres.
    """
    across = frame.width / frame.height
    slope = 0.0 if frame.fov is None else frame.half_height / frame.distance
    numbers = (frame.rotation, frame.center, frame.distance, frame.half_height, slope, across)
    if _all_inside(segments.starts, *numbers) and _all_inside(segments.ends, *numbers):
        return 1.0
    starts, ends = frame.to_camera(segments.starts), frame.to_camera(segments.ends)
    enter, leave = np.zeros(len(starts)), np.ones(len(starts))
    for axis, aspect in ((0, across), (1, 1.0)):
        for sign in (1.0, -1.0):
            first, last = (
                aspect * (frame.half_height if frame.fov is None else slope * ends_of[:, 2]) - sign * ends_of[:, axis]
                for ends_of in (starts, ends)
            )
            _clip(first, last, enter, leave)
    inside = np.clip(leave - enter, 0, 1)
    lengths = segments.lengths
    return float(np.average(inside, weights=lengths if lengths.sum() else None))


def _clip(
    first: NDArray[np.float64], last: NDArray[np.float64], enter: NDArray[np.float64], leave: NDArray[np.float64]
) -> None:
    """Narrow, in place, the part [enter, leave] of each segment to where `first` -> `last` is not negative."""
    with np.errstate(divide="ignore", invalid="ignore"):
        crossing = first / (first - last)
    np.maximum(enter, np.where((first < 0) & (last >= 0), crossing, 0), out=enter)
    np.minimum(leave, np.where((first >= 0) & (last < 0), crossing, 1), out=leave)
    leave[(first < 0) & (last < 0)] = 0
    enter[(first < 0) & (last < 0)] = 1


def _middle_of_box(spheres: _Spheres) -> NDArray[np.float64]:
    lower = (spheres.points - spheres.radii[:, None]).min(axis=0)
    upper = (spheres.points + spheres.radii[:, None]).max(axis=0)
    return (lower + upper) / 2


def _middle_of_view(spheres: _Spheres, rotation: NDArray[np.float64]) -> NDArray[np.float64]:
    """The middle of the bounding box along the axes of one camera."""
    return _middle_of_box(_Spheres(turn(spheres.points, rotation), spheres.radii)) @ rotation


def _half_height(
    spheres: _Spheres, rotation: NDArray[np.float64], center: NDArray[np.float64], parameters: RenderingParameters
) -> float:
    """Half the height, in micrometres, of the orthographic frame that holds all spheres, with its margin."""
    aside, upright = _extent(*spheres, rotation, center)
    return float(max(aside * parameters.height / parameters.width, upright)) * (1 + parameters.margin)


def _camera_distance(
    spheres: _Spheres, rotation: NDArray[np.float64], center: NDArray[np.float64], parameters: RenderingParameters
) -> float:
    """How far the camera of a perspective view must stand for all spheres to lie between its four planes.

    A sphere (x, z, r) is inside the plane through the camera at angle a when (D - z) sin a - |x| cos a >= r.
    The margin widens the planes: tan a is that of the field of view divided by (1 + margin).
    """
    points = turn(spheres.points - center, rotation)
    tangent = np.tan(np.radians(parameters.fov) / 2) / (1 + parameters.margin)
    distances = []
    for axis, aspect in ((0, parameters.width / parameters.height), (1, 1.0)):
        angle = np.arctan(tangent * aspect)
        needed = points[:, 2] + (np.abs(points[:, axis]) * np.cos(angle) + spheres.radii) / np.sin(angle)
        distances.append(needed.max())
    return float(max(distances))


def _frame(
    spheres: _Spheres,
    reach: float,
    rotation: NDArray[np.float64],
    center: NDArray[np.float64],
    parameters: RenderingParameters,
) -> Frame:
    """The frame of one view; near and far are those of the neuron's extent along the view, thin parts clamped."""
    flat = parameters.projection == "ortho"
    half_height = reach if flat else reach * float(np.tan(np.radians(parameters.fov) / 2))
    clamp = radius_clamp(2 * half_height / parameters.height, parameters.supersample_factor)
    along = (rotation[2], center)
    distance = float(_nearest(*spheres, *along)) + 2 * clamp if flat else reach
    near, far = _depths(*spheres, *along, distance, clamp, flat)
    return Frame(
        rotation=rotation,
        center=center,
        distance=distance,
        half_height=half_height,
        fov=None if flat else parameters.fov,
        width=parameters.width,
        height=parameters.height,
        depth_near=float(near),
        depth_far=float(far),
    )


@compiled
def _extent(points, radii, rotation, center):  # type: ignore[no-untyped-def]
    """How far spheres reach from the centre to the sides, and up or down."""
    aside, upright = -np.inf, -np.inf
    for i in range(len(points)):
        x, y, z = points[i, 0] - center[0], points[i, 1] - center[1], points[i, 2] - center[2]
        aside = max(aside, abs(x * rotation[0, 0] + y * rotation[0, 1] + z * rotation[0, 2]) + radii[i])
        upright = max(upright, abs(x * rotation[1, 0] + y * rotation[1, 1] + z * rotation[1, 2]) + radii[i])
    return aside, upright


@compiled
def _nearest(points, radii, towards, center):  # type: ignore[no-untyped-def]
    """How far spheres reach towards the camera."""
    most = -np.inf
    for i in range(len(points)):
        x, y, z = points[i, 0] - center[0], points[i, 1] - center[1], points[i, 2] - center[2]
        most = max(most, x * towards[0] + y * towards[1] + z * towards[2] + radii[i])
    return most


@compiled
def _depths(points, radii, towards, center, distance, clamp, flat):  # type: ignore[no-untyped-def]
    """The least and the largest depth of spheres, none thinner than the clamp (at the depth of the centre)."""
    near, far = np.inf, -np.inf
    for i in range(len(points)):
        x, y, z = points[i, 0] - center[0], points[i, 1] - center[1], points[i, 2] - center[2]
        depth = distance - (x * towards[0] + y * towards[1] + z * towards[2])
        radius = max(radii[i], clamp if flat else clamp * depth / distance)
        near, far = min(near, depth - radius), max(far, depth + radius)
    return near, far


@compiled
def _all_inside(points, rotation, center, distance, half_height, slope, aspect):  # type: ignore[no-untyped-def]
    """Whether all points lie between the frame's four planes; `slope` is 0 for an orthographic frame."""
    for i in range(len(points)):
        x, y, z = points[i, 0] - center[0], points[i, 1] - center[1], points[i, 2] - center[2]
        aside = x * rotation[0, 0] + y * rotation[0, 1] + z * rotation[0, 2]
        upright = x * rotation[1, 0] + y * rotation[1, 1] + z * rotation[1, 2]
        towards = x * rotation[2, 0] + y * rotation[2, 1] + z * rotation[2, 2]
        edge = slope * (distance - towards) if slope > 0.0 else half_height
        if aspect * edge - abs(aside) < 0.0 or edge - abs(upright) < 0.0:
            return False
    return True


def radius_clamp(um_per_px: float, supersample_factor: int) -> float:
    """The least radius that is drawn, micrometres (at the depth of the centre): half a sample.

    A disc of half a sample's radius whose centre moves along a curve takes in a sample centre at each line of
    samples that it crosses, so a connected neurite gives an 8-connected line.
    """
    return RADIUS_CLAMP * um_per_px / supersample_factor


RADIUS_CLAMP = 0.501
"""The least radius in samples: a half, and a little for rounding."""
