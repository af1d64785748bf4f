"""All changes of place together, so that grey values are interpolated once: shifts of sections, deformation, turn."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuropil.em.augmentation.arrays import RAW, Arrays, Size, Spacing, centre, happens, stays_in_plane
from neuropil.em.augmentation.deformation import Field, elastic_field, rotation_field, rotation_reach
from neuropil.em.augmentation.parameters import EmAugmentationParameters
from neuropil.em.augmentation.shifts import Shifts, jittered, largest_jitter, largest_shift, misaligned


def reach(parameters: EmAugmentationParameters, size: Size, resolution_nm: Spacing) -> Size:
    """Voxels (z, y, x) from beyond the patch that the changes of place may bring into it."""
    z, y, x = 0.0, 0.0, 0.0
    if parameters.misalignment.probability > 0 and size[0] > 1:
        far = largest_shift(parameters.misalignment.max_shift_nm, resolution_nm)
        y, x = y + far[0], x + far[1]
    if parameters.slice_shift.probability > 0 and size[0] > 1:
        far = largest_jitter(parameters.slice_shift, resolution_nm)
        y, x = y + far[0], x + far[1]
    elastic, rotation = parameters.elastic, parameters.rotation
    if elastic.probability > 0:
        dz, dy, dx = (elastic.max_shift_nm / step for step in resolution_nm)
        z, y, x = 0.0 if stays_in_plane(size, resolution_nm) else dz, y + dy, x + dx
    if rotation.probability > 0:
        dy, dx = rotation_reach(size, resolution_nm, rotation)
        y, x = y + dy, x + dx
    return math.ceil(z), math.ceil(y), math.ceil(x)


def moved(
    arrays: Mapping[str, NDArray[Any]],
    size: Size,
    resolution_nm: Spacing,
    parameters: EmAugmentationParameters,
    rng: np.random.Generator,
    unknown: Mapping[str, int],
) -> Arrays:
    """The middle `size` voxels after all changes of place; grey interpolated, labels taken from the nearest voxel."""
    drawn = (
        misaligned(size, resolution_nm, parameters.misalignment, rng),
        jittered(size, resolution_nm, parameters.slice_shift, rng),
    )
    shifts = sum((each for each in drawn if each is not None), np.zeros((size[0], 2), np.int64))
    field = np.zeros((3, *size), np.float32)
    bent, turned = (happens(change.probability, rng) for change in (parameters.elastic, parameters.rotation))
    if bent:
        field += elastic_field(size, resolution_nm, parameters.elastic, rng)
    if turned:
        field += rotation_field(size, resolution_nm, parameters.rotation, rng)
    if bent or turned:
        return _pulled(arrays, _with_shifts(field, shifts), unknown)
    if not shifts.any():
        return centre(arrays, size)
    room = [(whole - part) // 2 for whole, part in zip(arrays[RAW].shape, size, strict=True)]
    if (np.abs(shifts) > room[1:]).any():
        return _pulled(arrays, _with_shifts(field, shifts), unknown)
    return {name: _slid(array, size, room, shifts) for name, array in arrays.items()}


def _with_shifts(field: Field, shifts: Shifts) -> Field:
    field[1:] += shifts.T[:, :, None, None].astype(np.float32)
    return field


def _slid(array: NDArray[Any], size: Size, room: list[int], shifts: Shifts) -> NDArray[Any]:
    """Sections cut out at shifted places: no interpolation, and quicker than a field."""
    out = np.empty(size, array.dtype)
    for z, (dy, dx) in enumerate(shifts):
        y, x = room[1] + dy, room[2] + dx
        out[z] = array[room[0] + z, y : y + size[1], x : x + size[2]]
    return out


def _pulled(arrays: Mapping[str, NDArray[Any]], field: Field, unknown: Mapping[str, int]) -> Arrays:
    from neuropil.em.augmentation.warp_kernels import pulled

    shape = field.shape[1:]
    out, source = np.empty(shape, np.float32), np.empty(shape, np.int64)
    pulled(np.ascontiguousarray(arrays[RAW], np.float32), field, out, source)
    beyond = source < 0
    labels = {name: array for name, array in arrays.items() if name != RAW}
    taken: Arrays = {name: np.take(array, source, mode="clip") for name, array in labels.items()}
    if beyond.any():
        for name, array in taken.items():
            array[beyond] = unknown.get(name, 0)
    return {RAW: out, **taken}
