"""Local shape descriptors: what an instance looks like about each of its voxels, as an auxiliary target.

Sheridan et al. 2022, "Local shape descriptors for neuron segmentation": a network that has to say how large, how far
off and how elongated the instance about a voxel is, has to look at more than the nearest membrane.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from neuropil.em.shape_kernels import MOMENTS, moments

_CUT = 2.5  # standard deviations after which the window ends
_FINE = 4.0  # voxels that a standard deviation is long where places are still told apart
_MOMENT = {"x": 1, "xx": 2, "y": 3, "yx": 4, "yy": 5, "z": 6, "zx": 7, "zy": 8, "zz": 9}


def descriptor_count(spatial_dims: int) -> int:
    """Channels of the descriptors: 6 in sections, 10 in boxes."""
    return 6 if spatial_dims == 2 else 10


def shape_descriptors(
    ids: NDArray[np.integer],
    resolution_nm: Sequence[float],
    sigma_nm: float,
    *,
    spatial_dims: int,
    unknown: NDArray[np.bool_] | None = None,
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Size, mean offset and covariance of each voxel's own instance in a Gaussian window about the voxel.

    All lie in 0..1. With s the window's standard deviation along each axis, the channels are, axes in the order z, y, x
    (y, x in sections):
        size          share of the window's weight that the instance holds, of what lies in the patch and is known
        mean offset   (mean / s + 1) / 2, cut to 0..1
        variance      variance / s^2, cut to 0..1
        correlation   (r + 1) / 2 of the pairs zy, zx, yx; .5 where the instance has no extent

    The window ends after 2.5 s and at the border of the patch: the network sees no more there than the descriptors do.
    Where s is 8 voxels or longer, only every second place is looked at (from 12 every third, and so on); a voxel takes
    what was found there, if that place is of the same instance.

    Args:
        ids: instances, (z, y, x), 0 = none; each is one shape.
        resolution_nm: voxel size, (z, y, x).
        sigma_nm: s in nanometres.
        spatial_dims: 2: every section by itself.
        unknown: where nobody looked for instances, (z, y, x); None = nowhere.

    Returns:
        The descriptors, float32 (6 or 10, z, y, x), 0 where they are not known; and where they are, uint8 (z, y, x).
    """
    sigmas = [sigma_nm / float(step) for step in resolution_nm]
    if spatial_dims == 2:
        sigmas[0] = 0.0
    steps = [max(1, int(sigma / _FINE)) for sigma in sigmas]
    some = tuple(slice(min(step // 2, size - 1), None, step) for step, size in zip(steps, ids.shape, strict=True))
    numbers, count = _consecutive(ids[some])
    windows = [_window(sigma / step) for sigma, step in zip(sigmas, steps, strict=True)]
    sums = np.zeros((MOMENTS, *numbers.shape), np.float32)
    moments(numbers, count, windows[0], windows[1], windows[2], sums)
    seen = np.ones(numbers.shape, np.float32) if unknown is None else (~unknown[some]).astype(np.float32)
    found = _described(sums, _filtered(seen, windows), spatial_dims) * (numbers > 0)
    if max(steps) == 1:
        return found, (numbers > 0).astype(np.uint8)
    places = np.ix_(
        *(np.minimum(np.arange(size) // step, has - 1)
          for size, step, has in zip(ids.shape, steps, numbers.shape, strict=True))
    )  # fmt: skip
    known = (ids > 0) & (ids == ids[some][places])
    return found[(slice(None), *places)] * known, known.astype(np.uint8)


def _window(sigma: float) -> NDArray[np.float32]:
    """(3, 2 r + 1): a Gaussian over the places -r..r, times the place (in sigmas) to the power 0, 1, 2."""
    reach = int(_CUT * sigma + 0.5)
    place = np.arange(-reach, reach + 1) / max(sigma, 1e-6)
    weight = np.exp(-(place**2) / 2)
    return np.stack([weight, weight * place, weight * place**2]).astype(np.float32)


def _filtered(values: NDArray[np.float32], windows: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """The sum of `values` in the window about each voxel; outside they are 0."""
    from scipy.ndimage import correlate1d

    for axis, window in enumerate(windows):
        values = correlate1d(values, window[0], axis=axis, mode="constant")
    return values


def _described(sums: NDArray[np.float32], mass: NDArray[np.float32], spatial_dims: int) -> NDArray[np.float32]:
    """The descriptors from the sums over the instance and the weight of the whole window."""
    axes = "zyx"[3 - spatial_dims :]
    whole = np.maximum(sums[0], 1e-6)
    mean = {axis: sums[_MOMENT[axis]] / whole for axis in axes}
    variance = {axis: np.maximum(sums[_MOMENT[axis * 2]] / whole - mean[axis] ** 2, 0) for axis in axes}
    channels = [np.minimum(sums[0] / np.maximum(mass, 1e-6), 1)]
    channels += [np.clip((mean[axis] + 1) / 2, 0, 1) for axis in axes]
    channels += [np.minimum(variance[axis], 1) for axis in axes]
    for one, other in combinations(axes, 2):
        spread = np.sqrt(variance[one] * variance[other])
        covariance = sums[_MOMENT[one + other]] / whole - mean[one] * mean[other]
        channels.append((np.clip(covariance / np.maximum(spread, 1e-3), -1, 1) + 1) / 2)
    return np.stack(channels).astype(np.float32)


def _consecutive(ids: NDArray[np.integer]) -> tuple[NDArray[np.int64], int]:
    """The ids as they are where they can be counted, else renumbered; and the highest."""
    if ids.size == 0 or (ids.min() >= 0 and ids.max() <= ids.size):
        return np.ascontiguousarray(ids, np.int64), int(ids.max(initial=0))
    present, index = np.unique(np.maximum(ids, 0), return_inverse=True)
    numbers = np.cumsum(present != 0)
    numbers[present == 0] = 0
    return np.ascontiguousarray(numbers[index].reshape(ids.shape), np.int64), int(numbers.max())
