"""Changes of a training patch that leave its meaning as it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuropil.em.parameters import EmAugmentationParameters

Arrays = Mapping[str, NDArray[Any]]


def symmetric(arrays: Arrays, resolution_nm: Sequence[float], rng: np.random.Generator) -> dict[str, NDArray[Any]]:
    """The same random flips, and transposes of axes with equal voxel size and length, of all arrays (z, y, x).

    Isotropic cubes have all 48 symmetries, anisotropic ones with square sections 16.
    """
    shape = next(iter(arrays.values())).shape
    alike = [
        (a, b)
        for a, b in ((0, 1), (0, 2), (1, 2))
        if shape[a] == shape[b] and abs(resolution_nm[a] - resolution_nm[b]) < 0.05 * resolution_nm[b]
    ]
    order = [0, 1, 2]
    for a, b in alike:
        if rng.random() < 0.5:
            order[a], order[b] = order[b], order[a]
    steps = tuple(slice(None, None, -1 if rng.random() < 0.5 else 1) for _ in range(3))
    return {name: np.ascontiguousarray(array.transpose(order)[steps]) for name, array in arrays.items()}


def shaded(
    raw: NDArray[np.float32], parameters: EmAugmentationParameters, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Changes of the grey values (mean 0, deviation 1) as microscopes and detectors make them, (z, y, x)."""
    grey: NDArray[Any] = raw
    if rng.random() < parameters.intensity:
        grey = grey * rng.uniform(0.75, 1.3) + rng.uniform(-0.3, 0.3)
        squeezed = np.clip(grey / 8 + 0.5, 0, 1)
        grey = (squeezed ** rng.uniform(0.8, 1.25) - 0.5) * 8
    if rng.random() < parameters.section_contrast:
        gain = rng.normal(1, 0.1, (grey.shape[0], 1, 1))
        grey = grey * gain + rng.normal(0, 0.15, (grey.shape[0], 1, 1))
    if rng.random() < parameters.noise:
        grey = grey + rng.normal(0, rng.uniform(0.05, 0.3), grey.shape)
    if grey.shape[0] >= 8 and rng.random() < parameters.missing_section:
        grey = grey.copy()
        grey[int(rng.integers(grey.shape[0]))] = rng.uniform(-2, 1)
    return grey.astype(np.float32)
