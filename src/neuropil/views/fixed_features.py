"""Histograms of oriented gradients of a picture that is always taken in the same way: features that nothing learnt.

Dalal and Triggs, Histograms of oriented gradients for human detection, CVPR 2005.
"""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray

from neuropil.morphology.soma import soma_centre
from neuropil.morphology.tree import AXON, Neuron
from neuropil.rendering.cameras import FILE_UP, rotation_towards
from neuropil.rendering.framing import fit_frames
from neuropil.rendering.parameters import RenderingParameters
from neuropil.rendering.rasteriser import Canvas, rasterise
from neuropil.rendering.segments import Segments, segments_of

PIXELS = 128
"""Width and height of the picture."""

_CELL = 16  # pixels of a histogram
_BLOCK = 2  # histograms whose contrast is evened out together, along each axis
_ORIENTATIONS = 9
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

    Nine orientations in cells of 16 pixels, evened out over blocks of 2 x 2 cells (L2-Hys). A slice of tissue lies
    either side up, so a neuron's mirror image is as good a picture of it: train on both.
    """
    return np.stack([_hog(one) for one in (grey, grey[:, ::-1])])


def _hog(grey: NDArray[np.uint8]) -> NDArray[np.float32]:
    from skimage.feature import hog

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an empty picture has no contrast
        found = hog(
            grey.astype(np.float64) / 255,
            orientations=_ORIENTATIONS,
            pixels_per_cell=(_CELL, _CELL),
            cells_per_block=(_BLOCK, _BLOCK),
            block_norm="L2-Hys",
            feature_vector=True,
        )
    return np.asarray(found, np.float32)
