"""What the tests of OpenGL share: whether it is there, and how well two rasters agree."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
from scipy import ndimage

from neuropil.rendering.frame import Frame
from neuropil.rendering.opengl.platform import probe_opengl
from neuropil.rendering.rasteriser import Raster

_PROBE = probe_opengl()
needs_opengl = pytest.mark.skipif(_PROBE.renderer is None, reason=f"OpenGL does not answer here: {_PROBE.reason}")


class Agreement(NamedTuple):
    """Two rasters of one view.

    Attributes:
        iou: intersection of the masks over their union.
        astray: the share of all pixels that are in one mask and more than a pixel from the other.
        classes: the share of the pixels in both masks that have one class.
        depth: median and 99th percentile of the differences in depth, in pixels, where the classes are one.
        visible: difference of the visible shares.
    """

    iou: float
    astray: float
    classes: float
    depth: tuple[float, float]
    visible: float


def compare(first: Raster, second: Raster, frame: Frame) -> Agreement:
    """How well two rasters of one view agree."""
    masks = first.classes > 0, second.classes > 0
    near = [ndimage.binary_dilation(mask, np.ones((3, 3))) for mask in masks]
    both = masks[0] & masks[1]
    astray = (masks[0] & ~near[1]) | (masks[1] & ~near[0])
    same = both & (first.classes == second.classes)
    pixels = (frame.depth_far - frame.depth_near) / 65534 / frame.um_per_px
    apart = np.abs(first.depth[same].astype(int) - second.depth[same]) * pixels
    return Agreement(
        iou=both.sum() / (masks[0] | masks[1]).sum(),
        astray=astray.mean(),
        classes=(first.classes == second.classes)[both].mean(),
        depth=(float(np.median(apart)), float(np.percentile(apart, 99))),
        visible=abs(first.visible - second.visible),
    )
