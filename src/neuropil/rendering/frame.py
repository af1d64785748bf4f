"""The frame of a view: how points become pixels, and pixels with depth become points again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

FARTHEST = 65535
"""The depth value of `depth_far`; 1 is `depth_near`, 0 the background."""


def turn(points: NDArray[np.float64], rotation: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points (n, 3) into the axes that are the rows of a rotation: `points @ rotation.T`.

    Column by column: from some ten thousand points on a matrix product runs in several threads, which takes ten times
    as long where other processes use the cores, and rounds differently from machine to machine.
    """
    x, y, z = points.T
    return np.stack([x * row[0] + y * row[1] + z * row[2] for row in rotation], axis=1)


@dataclass(frozen=True)
class Frame:
    """A camera with its frame.

    In camera axes, x to the right, y up, z towards the camera, the centre of the frame is the origin. Depth is the
    distance along the view from the plane of the camera, which stands `distance` before the centre.

    Attributes:
        rotation: (3, 3), rows right, up and the direction to the camera, in the file's axes.
        center: (3,) micrometres, the point in the middle of the frame.
        distance: micrometres from the camera (its plane, in an orthographic view) to the centre.
        half_height: micrometres from the middle of the frame to its upper edge, at the depth of the centre.
        fov: vertical field of view in degrees; None for an orthographic view.
        width, height: pixels.
        depth_near, depth_far: micrometres, the depths of the values 1 and 65535.
    """

    rotation: NDArray[np.float64]
    center: NDArray[np.float64]
    distance: float
    half_height: float
    fov: float | None
    width: int
    height: int
    depth_near: float
    depth_far: float

    @property
    def um_per_px(self) -> float:
        """Micrometres a pixel, at the depth of the centre."""
        return 2 * self.half_height / self.height

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Frame:
        """The frame of a view from its manifest record."""
        return cls(
            rotation=np.array(record["rotation"], float),
            center=np.array(record["center"], float),
            fov=record["fov"],
            width=record["width"],
            height=record["height"],
            **{key: record[key] for key in ("distance", "half_height", "depth_near", "depth_far")},
        )

    def to_camera(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Points (n, 3) in micrometres, file axes -> (n, 3): micrometres right, up, and depth."""
        turned = turn(points - self.center, self.rotation)
        turned[:, 2] = self.distance - turned[:, 2]
        return turned

    def to_pixels(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Points (n, 3) in micrometres -> (n, 3): column, row (pixel centres at .5), depth in micrometres."""
        camera = self.to_camera(points)
        scale = 1 / self.um_per_px if self.fov is None else (self.distance / camera[:, 2]) / self.um_per_px
        return np.stack(
            [self.width / 2 + camera[:, 0] * scale, self.height / 2 - camera[:, 1] * scale, camera[:, 2]], axis=1
        )

    def to_points(
        self, columns: NDArray[np.floating], rows: NDArray[np.floating], depth: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """The inverse of `to_pixels`: the points (n, 3) in micrometres, in the axes of the SWC file.

        Args:
            columns, rows: (n,) in pixels from the upper left corner of the picture; the middle of pixel
                (row i, column j) is (i + .5, j + .5).
            depth: (n,) micrometres; `depth_of_values` makes them of the values in a depth picture.
        """
        scale = self.um_per_px * (1 if self.fov is None else depth / self.distance)
        right = (np.asarray(columns, float) - self.width / 2) * scale
        up = (self.height / 2 - np.asarray(rows, float)) * scale
        return np.stack([right, up, self.distance - depth], axis=1) @ self.rotation + self.center

    def depth_of_values(self, values: NDArray[np.integer]) -> NDArray[np.float64]:
        """Depths in micrometres of the values 1..65535 of a depth picture; NaN for the background (0)."""
        share = (values.astype(np.float64) - 1) / (FARTHEST - 1)
        return np.where(values > 0, self.depth_near + share * (self.depth_far - self.depth_near), np.nan)


def foreground_points(values: NDArray[np.uint16], record: Mapping[str, Any]) -> NDArray[np.float64]:
    """The surface that a view shows: for each foreground pixel of a depth picture its point.

    Args:
        values: [H, W], the depth picture of a view.
        record: the manifest record of that view.

    Returns:
        (n, 3) micrometres in the axes of the SWC file, in the order of `np.nonzero(values)`.
    """
    frame = Frame.from_record(record)
    rows, columns = np.nonzero(values)
    return frame.to_points(columns + 0.5, rows + 0.5, frame.depth_of_values(values[rows, columns]))
