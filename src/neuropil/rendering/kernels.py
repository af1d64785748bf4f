"""The compiled loops of the rasteriser: drawing round cones into samples, pooling samples into pixels.

Units are samples (pixels divided by the supersampling factor). A sphere in camera axes is (right, down, depth,
radius), relative to the middle of the frame and the plane of the camera.

A segment is a round cone: the union over t in [0, 1] of spheres with centre a + t d and radius ra + t dr. On a ray
with origin o and unit direction w, the near side of sphere t lies at

    f(t) = w.(a - o) + t k - sqrt(Q(t)),    Q(t) = A t^2 + 2 B t + C,    k = w.d,

where Q is the squared radius of the circle that the sphere leaves around the ray. f' = 0 where A t + B = k sqrt(Q);
with S = sqrt(Q) at that place, S^2 = (B^2 - A C) / (k^2 - A) and t* = (k S - B) / A. The first hit is the least of
f(t*), f(0) and f(1), of those that exist. With one dimension less the same minimum is the left end of a row of pixels
through a union of discs.

All kernels stand in this one file: numba's cache looks at the file of the kernel that is called, and would keep old
code of one that it calls in another.
"""
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math

import numpy as np

from neuropil.rendering.compiled import compiled

TILE = 8
"""Pixels along each side of a tile; only tiles that something was drawn into are pooled and cleared."""

CLASS_COUNT = 6
_FARTHEST = 65535  # of a depth picture
_SLACK = 1.5  # samples by which a middle may lie behind what was drawn there and still count as seen


@compiled
def nearest(A: float, B: float, C: float, k: float) -> float:
    """The least of t k - sqrt(A t^2 + 2 B t + C) over the t in [0, 1] where the root exists; inf for none."""
    least = math.inf
    if C >= 0.0:
        least = -math.sqrt(C)
    Q = A + 2.0 * B + C
    if Q >= 0.0:
        least = min(least, k - math.sqrt(Q))
    discriminant = B * B - A * C
    convex = k * k - A
    if discriminant > 0.0 and convex > 1e-12:
        S = math.sqrt(discriminant / convex)
        kS = k * S
        # Two forms of the same root: the one without cancellation.
        t = (S * S - C) / (kS + B) if kS * B > 0.0 else (kS - B) / A
        if 0.0 < t < 1.0:
            least = min(least, t * k - S)
    return least


@compiled
def place(point, radius, view, sphere, disc):
    """A sphere in space to camera axes, and the disc on the picture that holds its image.

    Args:
        point, radius: (3,) and float, micrometres.
        view: (16,) rotation row by row, centre, then distance (micrometres), samples a micrometre, focal length in
            samples (0: orthographic) and least radius in samples.
        sphere: (4,) to be written: right, down, depth, radius.
        disc: (3,) to be written: right, down, radius. In an orthographic view it is the image; in a perspective one
            it is the circle around the ellipse whose long axis points to the middle of the frame.
    """
    x, y, z = point[0] - view[9], point[1] - view[10], point[2] - view[11]
    scale, focal, least = view[13], view[14], view[15]
    right = (view[0] * x + view[1] * y + view[2] * z) * scale
    down = -(view[3] * x + view[4] * y + view[5] * z) * scale
    deep = (view[12] - (view[6] * x + view[7] * y + view[8] * z)) * scale
    sphere[0], sphere[1], sphere[2] = right, down, deep
    if focal == 0.0:
        sphere[3] = max(radius * scale, least)
        disc[0], disc[1], disc[2] = right, down, sphere[3]
        return
    sphere[3] = max(radius * scale, least * deep / focal)
    across = math.hypot(right, down)
    angle = math.atan2(across, deep)
    half = math.asin(min(1.0, sphere[3] / math.hypot(across, deep)))
    inner, outer = focal * math.tan(angle - half), focal * math.tan(angle + half)
    shift = (inner + outer) / (2.0 * across) if across > 0.0 else 0.0
    disc[0], disc[1], disc[2] = right * shift, down * shift, (outer - inner) / 2.0


@compiled
def draw(starts, ends, start_radii, end_radii, segment_classes, view, tile, depth, classes, touched):
    """Draw all segments into `depth` and `classes` (what is nearest stays); mark the tiles of `tile` samples."""
    height, width = depth.shape
    start, end, first, last = np.empty(4), np.empty(4), np.empty(3), np.empty(3)
    for i in range(len(starts)):
        place(starts[i], start_radii[i], view, start, first)
        place(ends[i], end_radii[i], view, end, last)
        au, av, ar = first[0] + width / 2, first[1] + height / 2, first[2]
        du, dv, dr = last[0] - first[0], last[1] - first[1], last[2] - first[2]
        top = max(0, math.ceil(min(av - ar, av + dv - last[2]) - 0.5))
        bottom = min(height - 1, math.floor(max(av + ar, av + dv + last[2]) - 0.5))
        for row in range(top, bottom + 1):
            off = row + 0.5 - av
            A, B, C = dr * dr - dv * dv, ar * dr + off * dv, ar * ar - off * off
            left = nearest(A, B, C, du)
            if left == math.inf:
                continue
            right = -nearest(A, B, C, -du)
            low = max(0, math.ceil(au + left - 0.5 - 1e-6))
            high = min(width - 1, math.floor(au + right - 0.5 + 1e-6))
            if low <= high and draw_row(start, end, row, low, high, view[14], segment_classes[i], depth, classes):
                for column in range(low // tile, high // tile + 1):
                    touched[row // tile, column] = 1


@compiled
def draw_row(start, end, row, low, high, focal, segment_class, depth, classes):
    """Draw one segment into the samples low..high of a row; say whether it was the nearest anywhere.

    An orthographic ray starts in the plane of the camera and runs along depth; a perspective one starts at the
    camera and has the unit direction w. Depth is measured along the axis of the camera in both.
    """
    height, width = depth.shape
    dx, dy, dz, dr = end[0] - start[0], end[1] - start[1], end[2] - start[2], end[3] - start[3]
    length = dx * dx + dy * dy + dz * dz
    y = row + 0.5 - height / 2
    bound = min(start[2] - start[3], end[2] - end[3])  # no sample of the segment is nearer
    drawn = False
    for column in range(low, high + 1):
        if depth[row, column] <= bound:
            continue
        x = column + 0.5 - width / 2
        if focal == 0.0:
            ax, ay, az, wx, wy, wz = start[0] - x, start[1] - y, start[2], 0.0, 0.0, 1.0
        else:
            wz = 1.0 / math.sqrt(1.0 + (x * x + y * y) / (focal * focal))
            ax, ay, az, wx, wy = start[0], start[1], start[2], x / focal * wz, y / focal * wz
        along = wx * ax + wy * ay + wz * az
        k = wx * dx + wy * dy + wz * dz
        # The part of a across the ray: |a|^2 - (w.a)^2 would cancel.
        px, py, pz = ax - along * wx, ay - along * wy, az - along * wz
        A = dr * dr - length + k * k
        B = start[3] * dr - (px * dx + py * dy + pz * dz)
        C = start[3] * start[3] - (px * px + py * py + pz * pz)
        near = (along + nearest(A, B, C, k)) * wz
        if near < depth[row, column]:
            depth[row, column] = near
            classes[row, column] = segment_class
            drawn = True
    return drawn


@compiled
def visible_share(starts, ends, start_radii, end_radii, view, depth):
    """The share of the length, by the middles of the segments in the frame, that is in front at its sample."""
    height, width = depth.shape
    middle, sphere, disc = np.empty(3), np.empty(4), np.empty(3)
    seen, inside = 0.0, 0.0
    for i in range(len(starts)):
        length = 0.0
        for axis in range(3):
            middle[axis] = (starts[i, axis] + ends[i, axis]) / 2.0
            length += (ends[i, axis] - starts[i, axis]) ** 2
        length = math.sqrt(length)
        place(middle, (start_radii[i] + end_radii[i]) / 2.0, view, sphere, disc)
        column, row = math.floor(disc[0] + width / 2), math.floor(disc[1] + height / 2)
        if 0 <= column < width and 0 <= row < height:
            inside += length
            if depth[row, column] >= sphere[2] - sphere[3] - _SLACK:
                seen += length
    return seen / inside if inside > 0.0 else 0.0


@compiled
def pool(depth, classes, touched, s, near, far, pooled_classes, pooled_depth, pixels):
    """Samples into pixels, and the touched samples back to background.

    A pixel has the class of most of its foreground samples, of equals the nearest; its depth is the mean over the
    samples of that class, from 1 at `near` to 65535 at `far`. `pixels` (6,) counts the pixels of each class.
    """
    height, width = pooled_classes.shape
    step = (_FARTHEST - 1) / (far - near) if far > near else 0.0
    count, total, least = np.zeros(CLASS_COUNT, np.int64), np.zeros(CLASS_COUNT), np.zeros(CLASS_COUNT)
    for tile in range(touched.size):
        tile_row, tile_column = tile // touched.shape[1], tile % touched.shape[1]
        if not touched[tile_row, tile_column]:
            continue
        touched[tile_row, tile_column] = 0
        for row in range(tile_row * TILE, min(height, tile_row * TILE + TILE)):
            for column in range(tile_column * TILE, min(width, tile_column * TILE + TILE)):
                count[:], total[:], least[:] = 0, 0.0, math.inf
                for i in range(row * s, row * s + s):
                    for j in range(column * s, column * s + s):
                        label = classes[i, j]
                        if label > 0:
                            count[label] += 1
                            total[label] += depth[i, j]
                            least[label] = min(least[label], depth[i, j])
                            classes[i, j], depth[i, j] = 0, math.inf
                best = 0
                for label in range(1, CLASS_COUNT):
                    if count[label] > count[best] or (count[label] == count[best] and least[label] < least[best]):
                        best = label
                if best > 0:
                    value = 1 + round((total[best] / count[best] - near) * step)
                    pooled_classes[row, column] = best
                    pooled_depth[row, column] = min(max(value, 1), _FARTHEST)
                    pixels[best] += 1
    pixels[0] = height * width - pixels[1:].sum()
