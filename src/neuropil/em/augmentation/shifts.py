"""Sections at the wrong place: misalignment (Lee et al. 2017) and what is left of it after alignment."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neuropil.em.augmentation.arrays import Size, Spacing, happens
from neuropil.em.augmentation.parameters import Misalignment, SliceShift

Shifts = NDArray[np.int64]
"""Voxels by which each section is moved, (section, 2) along (y, x)."""


def largest_shift(max_shift_nm: float, resolution_nm: Spacing) -> tuple[int, int]:
    """Whole voxels along (y, x), one at least: labels move without interpolation."""
    return max(1, int(max_shift_nm / resolution_nm[1])), max(1, int(max_shift_nm / resolution_nm[2]))


def misaligned(size: Size, resolution_nm: Spacing, parameters: Misalignment, rng: np.random.Generator) -> Shifts | None:
    """One section moved, or all from one on; None where it does not happen or there is one section only."""
    if size[0] == 1 or not happens(parameters.probability, rng):
        return None
    shifts = np.zeros((size[0], 2), np.int64)
    shift = _drawn(1, largest_shift(parameters.max_shift_nm, resolution_nm), rng)[0]
    if rng.random() < parameters.slip:
        shifts[int(rng.integers(size[0]))] = shift
    else:
        shifts[int(rng.integers(1, size[0])) :] = shift
    return shifts


def jittered(size: Size, resolution_nm: Spacing, parameters: SliceShift, rng: np.random.Generator) -> Shifts | None:
    """Every section moved by itself; None where it does not happen or there is one section only."""
    if size[0] == 1 or not happens(parameters.probability, rng):
        return None
    return _drawn(size[0], largest_jitter(parameters, resolution_nm), rng)


def largest_jitter(parameters: SliceShift, resolution_nm: Spacing) -> tuple[int, int]:
    """At most as far as a section is thick: thin sections are aligned better, and neurites must hold together."""
    return largest_shift(min(parameters.max_shift_nm, resolution_nm[0]), resolution_nm)


def _drawn(sections: int, largest: tuple[int, int], rng: np.random.Generator) -> Shifts:
    """Shifts that are never (0, 0)."""
    shifts = np.stack([rng.integers(-limit, limit, sections, endpoint=True) for limit in largest], axis=1)
    still = (shifts == 0).all(axis=1)
    shifts[still, 1] = rng.choice((-1, 1), int(still.sum()))
    return shifts
