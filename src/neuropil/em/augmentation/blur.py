"""Loss of sharpness: drift, focus, and resolution in a part of the patch."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from neuropil.em.augmentation.arrays import Grey, Spacing, happens, some_sections
from neuropil.em.augmentation.parameters import CutBlur, GaussianBlur, MotionBlur

_SEEN = 4
"""Deviations after which MONAI cuts its Gaussian off."""


def smeared(raw: Grey, resolution_nm: Spacing, parameters: MotionBlur, rng: np.random.Generator) -> Grey:
    """Sections averaged along a line in plane, each along its own."""
    if not happens(parameters.probability, rng):
        return raw
    out = raw.copy()
    for section in some_sections(len(raw), parameters.sections, rng):
        length, angle = rng.uniform(*parameters.length_nm), rng.uniform(0, math.pi)
        kernel = _line(length * math.sin(angle) / resolution_nm[1], length * math.cos(angle) / resolution_nm[2])
        out[section] = _averaged(raw[section], kernel)
    return out


def _line(dy: float, dx: float) -> NDArray[np.float32]:
    """Weights of a line of that extent in voxels about the middle of a square of odd side; they add up to 1."""
    half = math.ceil(max(abs(dy), abs(dx)) / 2)
    kernel = np.zeros((2 * half + 2, 2 * half + 2), np.float32)
    for t in np.linspace(-0.5, 0.5, 4 * half + 1):
        y, x = half + t * dy, half + t * dx
        fy, fx = y - math.floor(y), x - math.floor(x)
        corner = kernel[math.floor(y) : math.floor(y) + 2, math.floor(x) : math.floor(x) + 2]
        corner += np.outer([1 - fy, fy], [1 - fx, fx])
    return kernel[:-1, :-1] / kernel[:-1, :-1].sum()


def _averaged(section: NDArray[np.float32], kernel: NDArray[np.float32]) -> NDArray[np.float32]:
    """Correlation, the section mirrored beyond its rim; a line has few weights, so each is one shifted sum."""
    half = len(kernel) // 2
    wide = np.pad(section, half, mode="symmetric")
    height, width = section.shape
    out = np.zeros_like(section)
    for y, x in np.argwhere(kernel > 0):
        out += kernel[y, x] * wide[y : y + height, x : x + width]
    return out


def defocused(raw: Grey, resolution_nm: Spacing, parameters: GaussianBlur, rng: np.random.Generator) -> Grey:
    """Sections blurred in plane by one Gaussian: MONAI's `GaussianSmooth`, sections being its channels.

    It takes zeros beyond the rim, which would turn grey there; so the sections are mirrored as far as it sees.
    """
    if not happens(parameters.probability, rng):
        return raw
    import torch
    from monai.transforms.intensity.array import GaussianSmooth

    chosen = some_sections(len(raw), parameters.sections, rng)
    sigma_nm = rng.uniform(*parameters.sigma_nm)
    sigma = [sigma_nm / step for step in resolution_nm[1:]]
    rim = [math.ceil(_SEEN * each) + 1 for each in sigma]
    wide = np.pad(raw[chosen], [(0, 0), *((width, width) for width in rim)], mode="symmetric")
    blurred = np.asarray(GaussianSmooth(sigma)(torch.from_numpy(wide)))
    out = raw.copy()
    out[chosen] = blurred[:, rim[0] : -rim[0], rim[1] : -rim[1]]
    return out


def coarse_in_part(raw: Grey, resolution_nm: Spacing, parameters: CutBlur, rng: np.random.Generator) -> Grey:
    """A box reduced by averaging and enlarged again linearly (MONAI's `Resize`).

    Along z it is reduced to the same length in nanometres as in plane, which is not at all where sections are thick.
    """
    if not happens(parameters.probability, rng):
        return raw
    import torch
    from monai.transforms.spatial.array import Resize

    edges = [max(1, round(rng.uniform(*parameters.size) * length)) for length in raw.shape]
    starts = [int(rng.integers(length - edge, endpoint=True)) for length, edge in zip(raw.shape, edges, strict=True)]
    box = tuple(slice(start, start + edge) for start, edge in zip(starts, edges, strict=True))
    factor = int(rng.integers(*parameters.factor, endpoint=True))
    length_nm = factor * min(resolution_nm[1:])
    factors = [factor if axis else max(1, round(length_nm / resolution_nm[0])) for axis in range(3)]
    few = [max(1, round(edge / by)) for edge, by in zip(edges, factors, strict=True)]
    out = raw.copy()
    reduced = Resize(few, mode="area")(torch.tensor(raw[box])[None])
    out[box] = np.asarray(Resize(edges, mode="trilinear")(reduced))[0]
    return out
