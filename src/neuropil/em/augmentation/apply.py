"""All changes of a patch, in the order in which they come about: tissue, sections, microscope, detector."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuropil.em.augmentation.arrays import RAW, Arrays, Grey, Partner, Size, Spacing, centre
from neuropil.em.augmentation.blur import coarse_in_part, defocused, smeared
from neuropil.em.augmentation.copy_paste import pasted
from neuropil.em.augmentation.geometry import moved, reach
from neuropil.em.augmentation.grey import noisy, relit
from neuropil.em.augmentation.parameters import CHANGES, EmAugmentationParameters
from neuropil.em.augmentation.sections import faded, uneven, without_parts, without_sections
from neuropil.em.augmentation.symmetry import flipped, transposed


def margin(parameters: EmAugmentationParameters, size: Size, resolution_nm: Spacing) -> Size:
    """Voxels (z, y, x) to read beyond the patch on each side, so that what moves into it is real tissue.

    Args:
        parameters: changes whose probability is 0 need no margin.
        size: of the patch, voxels, (z, y, x).
        resolution_nm: voxel size of the patch, (z, y, x).
    """
    return reach(parameters, size, resolution_nm) if parameters.enabled else (0, 0, 0)


def augment(
    arrays: Mapping[str, NDArray[Any]],
    size: Size,
    resolution_nm: Spacing,
    parameters: EmAugmentationParameters,
    rng: np.random.Generator,
    partner: Partner | None = None,
    unknown: Mapping[str, int] | None = None,
) -> Arrays:
    """One training patch, changed.

    Args:
        arrays: `raw` float32 of mean 0 and deviation 1, and any labels (`ids`, `objects`, `classes`), of one shape:
            the patch and its `margin` on each side.
        size: of the patch, voxels, (z, y, x).
        resolution_nm: voxel size, (z, y, x).
        parameters: what is done, how often and how much.
        rng: everything drawn is drawn from it, and nothing for a change whose probability is 0.
        partner: gives another patch of the same volume, of `size` or larger, for copy and paste; None takes this
            patch, mirrored. It is called only when something is to be pasted.
        unknown: value of each label where nothing is known, 0 where not given.

    Returns:
        The same arrays, of `size`, each contiguous. Labels hold no value that was not in them (or in `partner`'s, or
        `unknown`), and keep their type.
    """
    if not parameters.enabled:
        return _contiguous(centre(arrays, size))
    patch = moved(arrays, size, resolution_nm, parameters, rng, unknown or {})
    other = None if partner is None else lambda: centre(partner(), size)
    patch = pasted(patch, parameters.copy_paste, rng, other)
    patch[RAW] = _regreyed(patch[RAW], resolution_nm, parameters, rng)
    patch = transposed(patch, resolution_nm, parameters.transposes, rng)
    return _contiguous(flipped(patch, parameters.flips, rng))


@cache
def prepare(parameters: EmAugmentationParameters) -> None:
    """Import and compile all that the changes need, by making each of them once.

    To be called before data workers are forked: importing MONAI takes many seconds, and workers are forked anew for
    every epoch.
    """
    if not parameters.enabled:
        return
    size, spacing = (4, 8, 8), (10.0, 10.0, 10.0)
    changes = {name: getattr(parameters, name) for name in CHANGES}
    on = {
        name: change.model_copy(update={"probability": 1.0}) for name, change in changes.items() if change.probability
    }
    certain = parameters.model_copy(update=on)
    shape = [n + 2 * beyond for n, beyond in zip(size, margin(certain, size, spacing), strict=True)]
    ids = np.arange(np.prod(shape)).reshape(shape) // 4
    arrays: Arrays = {RAW: np.zeros(shape, np.float32), "ids": ids, "classes": ids.astype(np.int8)}
    augment(arrays, size, spacing, certain, np.random.default_rng(0))


def _regreyed(
    raw: Grey, resolution_nm: Spacing, parameters: EmAugmentationParameters, rng: np.random.Generator
) -> Grey:
    """All changes of grey values; a section that is lost comes last, so that it stays of one grey."""
    raw = faded(raw, parameters.low_contrast, rng)
    raw = uneven(raw, parameters.section_contrast, rng)
    raw = smeared(raw, resolution_nm, parameters.motion_blur, rng)
    raw = defocused(raw, resolution_nm, parameters.gaussian_blur, rng)
    raw = relit(raw, parameters.intensity, rng)
    raw = noisy(raw, parameters.noise, rng)
    raw = coarse_in_part(raw, resolution_nm, parameters.cut_blur, rng)
    raw = without_parts(raw, resolution_nm, parameters.missing_parts, rng)
    return without_sections(raw, parameters.missing_section, rng)


def _contiguous(patch: Arrays) -> Arrays:
    return {name: np.ascontiguousarray(array) for name, array in patch.items()}
