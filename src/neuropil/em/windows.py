"""The grid of overlapping windows that covers a volume to its border, and how windows are blended."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray

Span = tuple[int, int]
Spans = tuple[Span, Span, Span]
"""((z0, z1), (y0, y1), (x0, x1)), voxels."""

_SIGMA = 0.125  # of the window's length, as in nnU-Net and MONAI


def starts(length: int, window: int, overlap: float) -> list[int]:
    """Where windows begin along an axis: evenly, the last one flush with the end, so that nothing is left out.

    Args:
        length: of the axis, voxels.
        window: of the window, voxels; a window longer than the axis begins at 0.
        overlap: share of a window that the next one covers again, 0 <= overlap < 1.
    """
    if window >= length:
        return [0]
    stride = max(1, int(window * (1 - overlap)))
    steps = -(-(length - window) // stride)
    return sorted({round(step * (length - window) / steps) for step in range(steps + 1)})


def windows(bounds: Spans, size: Sequence[int], overlap: float, block: Spans) -> Iterator[Spans]:
    """The windows that touch `block`, of the one grid over `bounds`.

    The grid belongs to the bounds and not to the block, so a voxel sees the same windows however the volume is
    cut into blocks.
    """
    axes = []
    for (low, high), length, overlaps, (first, last) in zip(bounds, size, (overlap,) * 3, block, strict=True):
        length = min(length, high - low)
        spans = [(low + start, low + start + length) for start in starts(high - low, length, overlaps)]
        axes.append([(start, stop) for start, stop in spans if start < last and stop > first])
    yield from product(*axes)


def blend_weights(size: Sequence[int], aggregation: str) -> NDArray[np.float32]:
    """How much each voxel of a window counts: a Gaussian about the centre, or 1 everywhere; above 0 everywhere."""
    if aggregation == "constant":
        return np.ones(tuple(size), np.float32)
    profile = np.ones((1, 1, 1), np.float64)
    for axis, length in enumerate(size):
        place = (np.arange(length) - (length - 1) / 2) / max(1.0, length * _SIGMA)
        shape = [-1 if other == axis else 1 for other in range(3)]
        profile = profile * np.exp(-(place**2) / 2).reshape(shape)
    return np.maximum(profile, 1e-3).astype(np.float32)


def blocks(bounds: Spans, size: Sequence[int]) -> Iterator[Spans]:
    """Boxes of at most `size` that fill `bounds` without overlap, in order."""
    axes = [
        [(start, min(start + length, high)) for start in range(low, high, length)]
        for (low, high), length in zip(bounds, size, strict=True)
    ]
    yield from product(*axes)


def slices(spans: Sequence[Span], origin: Sequence[int] = (0, 0, 0)) -> tuple[slice, ...]:
    """Spans as slices of an array whose first voxel is `origin`."""
    return tuple(slice(start - zero, stop - zero) for (start, stop), zero in zip(spans, origin, strict=True))
