"""Drawing round cones exactly: class and depth of each sample in one pass, then samples into pixels.

No mesh is made: each segment asks, row by row, which samples it covers and how near it is there (`kernels`). What is
nearest to the camera wins a sample. Pixels take the class of most of their samples that are not background.
"""

from __future__ import annotations

import sys
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuropil.rendering.frame import Frame
from neuropil.rendering.framing import RADIUS_CLAMP
from neuropil.rendering.kernels import TILE, draw, draw_perspective, visible_share
from neuropil.rendering.pooling import CLASS_COUNT, pool
from neuropil.rendering.segments import Segments

_KEPT = 3  # sets of planes: one that is drawn, one that is looked at, one more


class Raster(NamedTuple):
    """One view as arrays.

    Attributes:
        classes: uint8 [H, W], 0 background, 1 soma, 2 axon, 3 basal, 4 apical, 5 other.
        depth: uint16 [H, W], 0 background, 1..65535 linear from the frame's `depth_near` to its `depth_far`.
        coverage: uint8 [H, W], the share of a pixel's samples that are foreground, from 0 to 255; at least 1 where
            any is, so that `coverage > 0` is the silhouette.
        pixels: int64 [6], how many pixels each class has.
        visible: the share of the cable in the frame that nothing hides, by the middles of the segments.
    """

    classes: NDArray[np.uint8]
    depth: NDArray[np.uint16]
    coverage: NDArray[np.uint8]
    pixels: NDArray[np.int64]
    visible: float


class Canvas:
    """The samples of a view, kept from view to view: only what was drawn into is cleared.

    Attributes:
        depth: float32 [H s, W s], depth in samples (micrometres times samples a micrometre); inf: background.
        classes: uint8 [H s, W s].
        touched: uint8 [tiles down, tiles across], 1 where a tile was drawn into.
    """

    def __init__(self, width: int, height: int, supersample_factor: int) -> None:
        self.supersample_factor = supersample_factor
        shape = (height * supersample_factor, width * supersample_factor)
        self.depth = np.full(shape, np.inf, np.float32)
        self.classes = np.zeros(shape, np.uint8)
        self.touched = np.zeros((-(-height // TILE), -(-width // TILE)), np.uint8)
        self._planes = _Planes(height, width)
        self._tile_of = np.arange(max(shape)) // (TILE * supersample_factor)

    def draw(self, segments: Segments, frame: Frame, least_radius: float = RADIUS_CLAMP) -> float:
        """Draw one view, as samples.

        Args:
            segments: what to draw.
            frame: camera and frame, of the canvas's size.
            least_radius: of the thinnest neurite, in samples.

        Returns:
            The visible share (see `Raster`).
        """
        view = view_numbers(frame, self.supersample_factor, least_radius)
        cones = segments[:4]
        kernel = draw if frame.fov is None else draw_perspective
        kernel(*cones, segments.classes, view, self._tile_of, self.depth, self.classes, self.touched)
        return float(visible_share(*cones, view, self.depth))

    def pool(self, frame: Frame, visible: float) -> Raster:
        """Pool the samples into pixels, and clear the canvas for the next view."""
        classes, depth, coverage = self._planes.take()
        pixels = np.zeros(CLASS_COUNT, np.int64)
        scale = self.supersample_factor / frame.um_per_px
        near, far = frame.depth_near * scale, frame.depth_far * scale
        factor = self.supersample_factor
        pool(self.depth, self.classes, self.touched, TILE, factor, near, far, classes, depth, coverage, pixels)
        return Raster(classes=classes, depth=depth, coverage=coverage, pixels=pixels, visible=visible)


class _Planes:
    """Empty pictures for the next view; those that nobody holds any more are used again.

    New memory costs as much as drawing into it: the system hands it out page by page.
    """

    def __init__(self, height: int, width: int) -> None:
        self._shape = height, width
        self._known: list[tuple[NDArray[np.uint8], NDArray[np.uint16], NDArray[np.uint8]]] = [self._made()]
        self._free = self._holders(0)

    def take(self) -> tuple[NDArray[np.uint8], NDArray[np.uint16], NDArray[np.uint8]]:
        """Classes, depth and coverage, all 0."""
        for number, planes in enumerate(self._known):
            if self._holders(number) == self._free:
                for plane in planes:
                    plane.fill(0)
                return planes
        planes = self._made()
        if len(self._known) < _KEPT:
            self._known.append(planes)
        return planes

    def _made(self) -> tuple[NDArray[np.uint8], NDArray[np.uint16], NDArray[np.uint8]]:
        return np.zeros(self._shape, np.uint8), np.zeros(self._shape, np.uint16), np.zeros(self._shape, np.uint8)

    def _holders(self, number: int) -> list[int]:
        return [sys.getrefcount(plane) for plane in self._known[number]]


def rasterise(segments: Segments, frame: Frame, canvas: Canvas) -> Raster:
    """Draw one view on a clean canvas of the frame's size."""
    return canvas.pool(frame, canvas.draw(segments, frame))


def view_numbers(frame: Frame, supersample_factor: int, least_radius: float) -> tuple[float, ...]:
    """Camera and frame as the 16 numbers that `kernels.place` takes."""
    scale = supersample_factor / frame.um_per_px
    focal = 0.0 if frame.fov is None else frame.distance * scale
    numbers = (*frame.rotation.ravel(), *frame.center, frame.distance, scale, focal, least_radius)
    return tuple(float(number) for number in numbers)
