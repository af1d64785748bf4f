"""Flips and quarter turns of a view, drawn from (seed, epoch, index)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neuropil.views.parameters import AugmentationParameters

Planes = tuple[NDArray[np.uint8], NDArray[np.uint16]]


def augment(planes: Planes, parameters: AugmentationParameters, *, seed: int, epoch: int, index: int) -> Planes:
    """Flip and turn the planes of one view together.

    Args:
        planes: classes uint8 [H, W] and depth uint16 [H, W] of one view.
        parameters: the probability of each change.
        seed, epoch, index: what the draw depends on, and nothing else: not the order in which views are
            asked for, nor the number of data workers.

    Returns:
        The planes, of the same shape, values unchanged.
    """
    rng = np.random.default_rng([seed, epoch, index])
    chances = rng.random(3)
    quarters = int(rng.integers(1, 4))
    height, width = planes[0].shape
    if height != width:
        quarters = 2  # a quarter turn would change the shape, which a batch cannot hold
    flipped = [
        _turned(
            plane,
            mirror=chances[0] < parameters.horizontal_flip,
            upend=chances[1] < parameters.vertical_flip,
            quarters=quarters if chances[2] < parameters.quarter_turn else 0,
        )
        for plane in planes
    ]
    return flipped[0], flipped[1]


def _turned(plane: NDArray, *, mirror: bool, upend: bool, quarters: int) -> NDArray:
    if mirror:
        plane = plane[:, ::-1]
    if upend:
        plane = plane[::-1]
    return np.ascontiguousarray(np.rot90(plane, quarters))
