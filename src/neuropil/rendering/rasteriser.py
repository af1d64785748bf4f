"""Drawing round cones exactly: class and depth of each sample in one pass, then samples into pixels.

No mesh is made: each segment asks, row by row, which samples it covers and how near it is there (`kernels`). What is
nearest to the camera wins a sample. Pixels take the class of most of their samples that are not background.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuropil.rendering.frame import Frame
from neuropil.rendering.framing import RADIUS_CLAMP
from neuropil.rendering.kernels import CLASS_COUNT, TILE, draw, pool, visible_share
from neuropil.rendering.segments import Segments


class Raster(NamedTuple):
    """One view as arrays.

    Attributes:
        classes: uint8 [H, W], 0 background, 1 soma, 2 axon, 3 basal, 4 apical, 5 other.
        depth: uint16 [H, W], 0 background, 1..65535 linear from the frame's `depth_near` to its `depth_far`.
        pixels: int64 [6], how many pixels each class has.
        visible: the share of the cable in the frame that nothing hides, by the middles of the segments.
    """

    classes: NDArray[np.uint8]
    depth: NDArray[np.uint16]
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

    def draw(self, segments: Segments, frame: Frame, least_radius: float = RADIUS_CLAMP) -> float:
        """Draw one view, as samples.

        Args:
            segments: what to draw.
            frame: camera and frame, of the canvas's size.
            least_radius: of the thinnest neurite, in samples.

        Returns:
            The visible share (see `Raster`).
        """
        view = _view(frame, self.supersample_factor, least_radius)
        cones = segments[:4]
        tile = TILE * self.supersample_factor
        draw(*cones, segments.classes, view, tile, self.depth, self.classes, self.touched)
        return float(visible_share(*cones, view, self.depth))

    def pool(self, frame: Frame, visible: float) -> Raster:
        """Pool the samples into pixels, and clear the canvas for the next view."""
        classes = np.zeros((frame.height, frame.width), np.uint8)
        depth = np.zeros((frame.height, frame.width), np.uint16)
        pixels = np.zeros(CLASS_COUNT, np.int64)
        scale = self.supersample_factor / frame.um_per_px
        near, far = frame.depth_near * scale, frame.depth_far * scale
        pool(self.depth, self.classes, self.touched, self.supersample_factor, near, far, classes, depth, pixels)
        return Raster(classes, depth, pixels, visible)


def rasterise(segments: Segments, frame: Frame, canvas: Canvas) -> Raster:
    """Draw one view on a clean canvas of the frame's size."""
    return canvas.pool(frame, canvas.draw(segments, frame))


def _view(frame: Frame, supersample_factor: int, least_radius: float) -> NDArray[np.float64]:
    """Camera and frame as the numbers that `kernels.place` takes, (16,)."""
    scale = supersample_factor / frame.um_per_px
    focal = 0.0 if frame.fov is None else frame.distance * scale
    return np.array([*frame.rotation.reshape(-1), *frame.center, frame.distance, scale, focal, least_radius])
