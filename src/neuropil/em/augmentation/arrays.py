"""What the changes work on: arrays of one shape by name, and what their axes mean."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Arrays = dict[str, NDArray[Any]]
"""Arrays of one shape, (z, y, x), by name: `raw` float32 (mean 0, deviation 1), all others labels."""
Grey = NDArray[np.float32]
"""Grey values of a patch, (z, y, x); in the volume they come from, mean 0 and deviation 1."""
Partner = Callable[[], Mapping[str, NDArray[Any]]]
"""Gives another patch."""
Size = tuple[int, int, int]
"""Voxels, (z, y, x)."""
Spacing = tuple[float, float, float]
"""Voxel size, (z, y, x), nanometres."""

RAW = "raw"
ANISOTROPIC = 1.25
"""From this ratio of section thickness to pixel width on, a change of shape or resolution stays in plane."""


def happens(probability: float, rng: np.random.Generator) -> bool:
    """Draw whether something happens; draws nothing where it cannot."""
    return probability > 0 and bool(rng.random() < probability)


def centre(arrays: Mapping[str, NDArray[Any]], size: Size) -> Arrays:
    """Views of the middle `size` voxels of arrays that are as large or larger."""
    return {name: array[_middle(array.shape, size)] for name, array in arrays.items()}


def _middle(shape: tuple[int, ...], size: Size) -> tuple[slice, ...]:
    starts = [(whole - part) // 2 for whole, part in zip(shape, size, strict=True)]
    return tuple(slice(start, start + part) for start, part in zip(starts, size, strict=True))


def stays_in_plane(size: Size, resolution_nm: Spacing) -> bool:
    """Whether there is one section only, or sections are much thicker than the pixel is wide."""
    return size[0] == 1 or resolution_nm[0] > ANISOTROPIC * min(resolution_nm[1:])


def some_sections(sections: int, share: float, rng: np.random.Generator) -> NDArray[np.intp]:
    """Sections, each drawn with probability `share`; one of them where that gave none."""
    chosen = np.flatnonzero(rng.random(sections) < share)
    return chosen if len(chosen) else rng.integers(sections, size=1)
