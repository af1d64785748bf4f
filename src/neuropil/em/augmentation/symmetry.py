"""Flips, and transposes of axes of equal voxel size: patches as likely as the one that was read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuropil.em.augmentation.arrays import Arrays, Spacing, happens
from neuropil.em.augmentation.parameters import Flips, Transposes

_SAME = 0.05
_PAIRS = ((0, 1), (0, 2), (1, 2))


def transposed(
    arrays: Mapping[str, NDArray[Any]], resolution_nm: Spacing, parameters: Transposes, rng: np.random.Generator
) -> Arrays:
    """Views with axes exchanged that have the same length and, within 5 %, the same voxel size."""
    shape = next(iter(arrays.values())).shape
    order = [0, 1, 2]
    for a, b in _PAIRS:
        alike = shape[a] == shape[b] and abs(resolution_nm[a] - resolution_nm[b]) < _SAME * resolution_nm[b]
        if alike and happens(parameters.probability, rng):
            order[a], order[b] = order[b], order[a]
    return {name: array.transpose(order) for name, array in arrays.items()}


def flipped(arrays: Mapping[str, NDArray[Any]], parameters: Flips, rng: np.random.Generator) -> Arrays:
    """Views with axes reversed, each by itself."""
    steps = tuple(slice(None, None, -1 if happens(parameters.probability, rng) else 1) for _ in range(3))
    return {name: array[steps] for name, array in arrays.items()}
