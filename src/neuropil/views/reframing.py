"""The frame of a view whose neuron or camera has changed: as large for it as the record's frame is for its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from neuropil.compiled import compiled
from neuropil.rendering.frame import Frame
from neuropil.rendering.framing import radius_clamp
from neuropil.rendering.segments import Segments

Framing = Literal["fixed", "shared", "fitted"]
_WHOLE = 1.0  # qc of a frame that holds all of its neuron


def framing_of(record: Mapping[str, Any], segments: Segments) -> Framing:
    """How the frame of a record was made.

    `fixed`: of a given height, around the soma. `shared`: all views of the neuron have one scale, and the middle of
    its bounding box as their centre. `fitted`: to this view alone.
    """
    if record.get("frame_um") is not None:
        return "fixed"
    box = _box(segments, np.eye(3))
    middle = (box[0] + box[1]) / 2
    return (
        "shared" if np.allclose(record["center"], middle, rtol=0, atol=1e-6 * np.ptp(box, axis=0).max()) else "fitted"
    )


def reframed(
    frame: Frame,
    rotation: NDArray[np.float64],
    *,
    record: Mapping[str, Any],
    before: Segments,
    after: Segments,
) -> Frame:
    """The frame of a changed view.

    Of a fixed frame centre and scale stay. A shared scale grows and shrinks with the neuron's bounding box, and is
    the record's own where only the camera has changed; the frame is larger where the neuron would stick out of it.
    A fitted frame keeps its margin around what is seen. Depths run from the nearest to the farthest point.

    Args:
        frame: of the record.
        rotation: of the camera, (3, 3).
        record: tells how the frame was made.
        before: the neuron as the record saw it.
        after: what will be drawn.
    """
    framing = framing_of(record, before)
    center, growth = frame.center, 1.0
    if framing == "shared":
        old, new = _box(before, np.eye(3)), _box(after, np.eye(3))
        center = new.mean(axis=0)
        growth = float(np.linalg.norm(new[1] - new[0]) / np.linalg.norm(old[1] - old[0]))
        if record.get("qc", _WHOLE) >= _WHOLE:
            growth = max(growth, _needed(frame, rotation, center, after))
    elif framing == "fitted":
        center = _box(after, rotation).mean(axis=0) @ rotation
        growth = _needed(frame, rotation, center, after, _padding(frame, before))
    box = _box(after, rotation) - rotation @ center
    half_height = growth * frame.half_height
    # Nothing thinner than the clamp is drawn; in perspective it is thicker behind the centre.
    clamp = radius_clamp(2 * half_height / frame.height, int(record["supersample_factor"]))
    distance = float(box[1, 2]) + 2 * clamp if frame.fov is None else growth * frame.distance
    behind = 1.0 if frame.fov is None else (distance - float(box[0, 2])) / distance
    return replace(
        frame,
        rotation=rotation,
        center=center,
        distance=distance,
        half_height=half_height,
        depth_near=distance - float(box[1, 2]) - clamp,
        depth_far=distance - float(box[0, 2]) + clamp * behind,
    )


def _padding(frame: Frame, segments: Segments) -> float:
    """1 + margin of a fitted frame: how many times as large as its neuron it is."""
    if frame.fov is None:
        return 1 / _needed(frame, frame.rotation, frame.center, segments)
    first, last = 1.0, 1.5
    before = _needed(frame, frame.rotation, frame.center, segments, first) - 1
    for _ in range(8):  # secants; nearly a straight line
        after = _needed(frame, frame.rotation, frame.center, segments, last) - 1
        if after == before:
            break
        first, last, before = last, last - after * (last - first) / (after - before), after
    return last


def _needed(
    frame: Frame,
    rotation: NDArray[np.float64],
    center: NDArray[np.float64],
    segments: Segments,
    padding: float = 1.0,
) -> float:
    """How many times as large as it is a frame must be to be `padding` times as large as the segments.

    In perspective: how many times as far the camera must stand; the padding is that of the picture's edges.
    """
    aspect = frame.width / frame.height
    if frame.fov is None:
        reach = np.abs(_box(segments, rotation) - rotation @ center).max(axis=0)
        return float(max(reach[0] / aspect, reach[1])) * padding / frame.half_height
    tangent = float(np.tan(np.radians(frame.fov) / 2)) / padding
    return _camera_distance(segments, rotation, center, tangent * aspect, tangent) / frame.distance


def _box(segments: Segments, rotation: NDArray[np.float64]) -> NDArray[np.float64]:
    """The lower and upper corner (2, 3) of all spheres along the rows of `rotation`, micrometres."""
    box: NDArray[np.float64] = _corners(*segments[:4], rotation)
    return box


@compiled
def _corners(starts, ends, start_radii, end_radii, rotation):  # type: ignore[no-untyped-def]
    box = np.empty((2, 3))
    for axis in range(3):
        a, b, c = rotation[axis, 0], rotation[axis, 1], rotation[axis, 2]
        low, high = np.inf, -np.inf
        for i in range(len(starts)):
            first = a * starts[i, 0] + b * starts[i, 1] + c * starts[i, 2]
            last = a * ends[i, 0] + b * ends[i, 1] + c * ends[i, 2]
            low = min(low, first - start_radii[i], last - end_radii[i])
            high = max(high, first + start_radii[i], last + end_radii[i])
        box[0, axis], box[1, axis] = low, high
    return box


def _camera_distance(
    segments: Segments, rotation: NDArray[np.float64], center: NDArray[np.float64], across: float, upright: float
) -> float:
    """How far a perspective camera must stand; see `framing.fit_frames`. `across`, `upright`: tangents of its edges."""
    return max(
        float(_farthest(points, radii, rotation[axis], rotation[2], center, np.arctan(tangent)))
        for points, radii in ((segments.starts, segments.start_radii), (segments.ends, segments.end_radii))
        for axis, tangent in ((0, across), (1, upright))
    )


@compiled
def _farthest(points, radii, aside, towards, center, angle):  # type: ignore[no-untyped-def]
    cosine, sine = np.cos(angle), np.sin(angle)
    distance = 0.0
    for i in range(len(points)):
        x, y, z = points[i, 0] - center[0], points[i, 1] - center[1], points[i, 2] - center[2]
        off = abs(aside[0] * x + aside[1] * y + aside[2] * z)
        near = towards[0] * x + towards[1] * y + towards[2] * z
        distance = max(distance, near + (off * cosine + radii[i]) / sine)
    return distance
