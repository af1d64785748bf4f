"""Every section of a volume in a few numbers, measured in one pass in bounded memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

from neuropil.em.container import slabs

Grey = NDArray[np.uint8]
Plane = tuple[slice, slice]

WHOLE = 1024
"""Voxels: sections up to this breadth and width are measured whole."""
_WINDOW = 512  # of larger ones, four windows of this size, in the middles of the quarters
_BIN, _AROUND = 4, 8  # structure: 4 x 4 voxels are averaged, and what differs from 8 x 8 of those around is looked at
_LEAST = 16  # averaged voxels along an axis: with fewer the correlation of noise is as large as that of tissue


@dataclass(frozen=True)
class SectionMeasures:
    """What was measured of the sections; arrays have an entry for each section.

    Attributes:
        histogram: voxels by grey value, (256,).
        mean: of the grey values.
        deviation: standard deviation of the grey values.
        modal: share of the voxels that have the section's most frequent grey value.
        structure: correlation of neighbouring 4 x 4 averages; see `structure_of`. NaN where a section is too small.
        difference: mean absolute difference of grey values from the section before; NaN for the first.
        share: share of the voxels of the volume that was measured.
    """

    histogram: NDArray[np.int64]
    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]
    modal: NDArray[np.float64]
    structure: NDArray[np.float64]
    difference: NDArray[np.float64]
    share: float

    def record(self) -> dict[str, Any]:
        """As plain values for JSON, five digits each; NaN is None."""
        arrays = {
            name: [None if np.isnan(value) else float(f"{value:.5g}") for value in getattr(self, name)]
            for name in ("mean", "deviation", "modal", "structure", "difference")
        }
        return {"histogram": self.histogram.tolist(), "share": round(self.share, 4), **arrays}


def measure_sections(raw: Any) -> SectionMeasures:
    """Measure each section of a volume.

    Args:
        raw: grey values, uint8, (z, y, x); an array or a dataset that is read sixteen sections at a time.
    """
    planes = planes_of(raw.shape[1:])
    histogram = np.zeros(256, np.int64)
    rows: list[tuple[float, ...]] = []
    before: list[Grey] | None = None
    for part in slabs(raw.shape[0]):
        windows = [np.asarray(raw[(part, *plane)]) for plane in planes]
        for images in zip(*windows, strict=True):
            counts = np.sum([np.bincount(image.ravel(), minlength=256) for image in images], axis=0)
            histogram += counts
            rows.append((*_moments(counts), structure_of(images), _difference(images, before)))
            before = list(images)
    mean, deviation, modal, structure, difference = np.array(rows, np.float64).T
    share = float(histogram.sum() / np.prod(raw.shape))
    return SectionMeasures(histogram, mean, deviation, modal, structure, difference, share)


def planes_of(size: Sequence[int]) -> list[Plane]:
    """The windows (y, x) of a section that are measured: all of it, or the middles of its quarters."""
    height, width = size
    if height <= WHOLE and width <= WHOLE:
        return [(slice(0, height), slice(0, width))]
    return [
        (_middle(height, row), _middle(width, column))
        for row in ((0, 1) if height > WHOLE else (None,))
        for column in ((0, 1) if width > WHOLE else (None,))
    ]


def _middle(size: int, half: int | None) -> slice:
    if half is None:
        return slice(0, size)
    start = half * (size // 2) + (size // 2 - _WINDOW) // 2
    return slice(start, start + _WINDOW)


def _moments(counts: NDArray[np.int64]) -> tuple[float, float, float]:
    values, total = np.arange(256), counts.sum()
    mean = float(counts @ values / total)
    return mean, float(np.sqrt(counts @ (values - mean) ** 2 / total)), float(counts.max() / total)


def _difference(images: Sequence[Grey], before: Sequence[Grey] | None) -> float:
    if before is None:
        return np.nan
    sums = [np.maximum(now, then) - np.minimum(now, then) for now, then in zip(images, before, strict=True)]
    return float(sum(int(one.sum(dtype=np.int64)) for one in sums) / sum(one.size for one in sums))


def structure_of(images: Sequence[Grey]) -> float:
    """How much neighbouring patches of a section resemble each other; 0 for noise, 0.4 and more for tissue.

    Voxels are averaged four by four, what is common to 8 x 8 of the averages is taken away, and neighbours along y
    and x are correlated. Averaging sixteen voxels lets tissue show under noise of twice its contrast; taking away
    what is common keeps uneven light from passing for structure.
    """
    scores, weights = [], []
    for image in images:
        height, width = image.shape[0] // _BIN, image.shape[1] // _BIN
        if min(height, width) < _LEAST:
            continue
        cells = image[: height * _BIN, : width * _BIN].reshape(height, _BIN, width, _BIN)
        means = cells.mean((1, 3), dtype=np.float32)
        means -= uniform_filter(means, _AROUND, mode="reflect")
        power = float((means * means).mean())
        if power > 0:
            along = float((means[1:] * means[:-1]).mean()), float((means[:, 1:] * means[:, :-1]).mean())
            scores.append(sum(along) / 2 / power)
            weights.append(means.size)
    return float(np.average(scores, weights=weights)) if scores else np.nan
