"""A neuron drawn for people: smooth edges, true colours, a bar of its scale."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuropil.morphology.tree import Neuron
from neuropil.rendering.framing import fit_frames
from neuropil.rendering.parameters import RenderingParameters
from neuropil.rendering.png import PALETTE
from neuropil.rendering.rasteriser import Canvas
from neuropil.rendering.segments import segments_of

_SAMPLES = 4  # a pixel, along each axis
_LINE = 1.1  # pixels: the width of the thinnest neurite
_MARGIN = 0.08


class Portrait(NamedTuple):
    """A picture with its scale.

    Attributes:
        picture: uint8 [size, size, 3].
        um_per_px: micrometres a pixel.
    """

    picture: NDArray[np.uint8]
    um_per_px: float


def draw_portrait(neuron: Neuron, rotation: NDArray[np.float64], size: int) -> Portrait:
    """Draw a neuron in the colours of its compartments, fitted to a square, each pixel the mean of its samples.

    Args:
        neuron: what to draw.
        rotation: of the camera, (3, 3), as in a manifest record.
        size: pixels.
    """
    parameters = RenderingParameters(
        width=size, height=size, supersample_factor=_SAMPLES, margin=_MARGIN, adaptive_framing=True
    )
    segments = segments_of(neuron)
    (frame,) = fit_frames(segments, [rotation], parameters)
    canvas = Canvas(size, size, _SAMPLES)
    canvas.draw(segments, frame, least_radius=_LINE / 2 * _SAMPLES)
    colours = np.array(PALETTE, np.float32)[canvas.classes]
    picture = colours.reshape(size, _SAMPLES, size, _SAMPLES, 3).mean(axis=(1, 3))
    return Portrait(picture.round().astype(np.uint8), frame.um_per_px)


def scale_bar(um_per_px: float, longest: int) -> tuple[float, int]:
    """The length of a round scale bar (1, 2 or 5 times a power of ten): micrometres, and pixels up to `longest`."""
    most = um_per_px * longest
    power = 10.0 ** np.floor(np.log10(most))
    length = max(step * power for step in (1, 2, 5) if step * power <= most)
    return float(length), round(length / um_per_px)
