"""Histograms of oriented gradients of a picture that is always taken in the same way: features that nothing learnt.

Dalal and Triggs, Histograms of oriented gradients for human detection, CVPR 2005.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neuropil.compiled import compiled
from neuropil.morphology.soma import soma_centre
from neuropil.morphology.tree import AXON, Neuron
from neuropil.rendering.cameras import FILE_UP, rotation_towards
from neuropil.rendering.framing import fit_frames
from neuropil.rendering.parameters import RenderingParameters
from neuropil.rendering.rasteriser import Canvas, rasterise
from neuropil.rendering.segments import Segments, segments_of

PIXELS = 128
"""Width and height of the picture."""

CELL = 16
"""Pixels of a histogram, along each axis."""

_BLOCK = 2  # histograms whose contrast is evened out together, along each axis
_ORIENTATIONS = 9
_HYSTERESIS = 0.2  # the largest share of a bin in a block
_EPSILON = 1e-5
_MARGIN = 0.05  # round a fitted neuron
_FRONT = np.array([0.0, 0.0, 1.0])


def picture(
    neuron: Neuron, *, frame_um: float | None, axon: bool = True, pixels: int = PIXELS, canvas: Canvas | None = None
) -> NDArray[np.uint8]:
    """The grey coverage of a neuron seen along the file's z axis, +x to the right, +y up.

    Args:
        neuron: the tree.
        frame_um: micrometres across, the soma in the middle; None fits the frame to the neuron, which takes its size
            away.
        axon: whether it is drawn.
        pixels: width and height.
        canvas: of that size and four samples a pixel, to draw on again and again.

    Returns:
        [pixels, pixels], the share of each pixel that is covered, from 0 to 255; all 0 where nothing is to be drawn.
    """
    segments = segments_of(neuron)
    if not axon:
        kept = segments.classes != AXON
        segments = Segments(*(values[kept] for values in segments))
    if not len(segments.starts):
        return np.zeros((pixels, pixels), np.uint8)
    look = RenderingParameters(
        width=pixels, height=pixels, margin=_MARGIN, frame_um=frame_um, adaptive_framing=frame_um is None
    )
    frame = fit_frames(segments, [rotation_towards(_FRONT, FILE_UP)], look, soma_centre(neuron))[0]
    canvas = canvas if canvas is not None else Canvas(pixels, pixels, look.supersample_factor)
    return rasterise(segments, frame, canvas).coverage.copy()


def gradients(grey: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Histograms of oriented gradients of a grey picture [H, W] and of its mirror image, (2, d).

    Cells of 16 pixels (`oriented_gradients`). A slice of tissue lies either side up, so a neuron's mirror image is as
    good a picture of it: train on both.
    """
    return np.stack([oriented_gradients(one) for one in (grey, grey[:, ::-1])])


def oriented_gradients(grey: NDArray[np.uint8], cell: int = CELL) -> NDArray[np.float32]:
    """Histograms of oriented gradients of a grey picture, (d,).

    Nine orientations in square cells, evened out over blocks of 2 x 2 cells (L2-Hys); all 0 of an empty picture.

    Args:
        grey: [H, W], 0 to 255.
        cell: pixels of a cell along each axis; what is left over at the lower and right edge is not looked at.

    Raises:
        ValueError: the picture is smaller than a block.
    """
    if min(grey.shape) < _BLOCK * cell:
        raise ValueError(f"oriented_gradients: a picture of {grey.shape} holds no block of {_BLOCK} cells of {cell}")
    cells = _histograms(np.ascontiguousarray(grey), cell, _ORIENTATIONS)
    down, across = (count - _BLOCK + 1 for count in cells.shape[:2])
    corners = [(row, column) for row in range(_BLOCK) for column in range(_BLOCK)]
    blocks = np.stack([cells[row : row + down, column : column + across] for row, column in corners], axis=2)
    even = np.minimum(_evened(blocks.reshape(down, across, -1)), _HYSTERESIS)
    return _evened(even).astype(np.float32).ravel()


def _evened(blocks: NDArray[np.float64]) -> NDArray[np.float64]:
    """Blocks (..., bins) of about unit length; an empty one stays empty."""
    even: NDArray[np.float64] = blocks / np.sqrt((blocks**2).sum(axis=-1, keepdims=True) + _EPSILON**2)
    return even


@compiled
def _histograms(grey, cell, orientations):  # type: ignore[no-untyped-def]
    """Gradient magnitudes by orientation (cells down, cells across, orientations), the mean over each cell's pixels."""
    down, across = grey.shape[0] // cell, grey.shape[1] // cell
    found = np.zeros((down, across, orientations))
    for row in range(down * cell):
        for column in range(across * cell):
            rise = slope = 0.0
            if 0 < row < grey.shape[0] - 1:
                rise = float(grey[row + 1, column]) - float(grey[row - 1, column])
            if 0 < column < grey.shape[1] - 1:
                slope = float(grey[row, column + 1]) - float(grey[row, column - 1])
            if rise == 0.0 and slope == 0.0:
                continue
            angle = np.degrees(np.arctan2(rise, slope)) % 180.0
            share = min(int(angle / 180.0 * orientations), orientations - 1)
            found[row // cell, column // cell, share] += np.hypot(rise, slope)
    return found / (255.0 * cell * cell)
