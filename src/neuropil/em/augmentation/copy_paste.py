"""Copy and paste of instances (Ghiasi et al. 2021), each with the organelles that lie in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuropil.em.augmentation.arrays import Arrays, Partner, happens
from neuropil.em.augmentation.parameters import CopyPaste

_INSTANCES = "ids"
_NUMBERED = ("ids", "objects")


def pasted(
    arrays: Mapping[str, NDArray[Any]], parameters: CopyPaste, rng: np.random.Generator, partner: Partner | None
) -> Arrays:
    """A patch with instances of another over it, grey values and all labels, at the place where they were.

    Args:
        arrays: of one shape; where they hold no `ids`, nothing is pasted.
        parameters: how often, how many, how large.
        rng: see `augment`.
        partner: gives the other patch, of the same shape; None takes this one, mirrored in plane.

    Returns:
        New arrays. A pasted instance keeps its id unless the patch has one of that number: then it takes the
        smallest that is free, so that no two instances become one.
    """
    patch = dict(arrays)
    if _INSTANCES not in patch or not happens(parameters.probability, rng):
        return patch
    other = dict(partner()) if partner else _mirrored(patch, rng)
    chosen = _drawn(other[_INSTANCES], parameters, rng)
    if not len(chosen):
        return patch
    over = np.zeros(other[_INSTANCES].shape, np.bool_)
    for instance in chosen:
        over |= other[_INSTANCES] == instance
    numbers = _free_numbers(patch, other, over)
    out = {name: array.copy() for name, array in patch.items()}
    for name, array in out.items():
        values = other[name][over]
        array[over] = _renumbered(values, numbers) if name in _NUMBERED else values
    return out


def _mirrored(patch: Arrays, rng: np.random.Generator) -> Arrays:
    steps = ((-1, 1), (1, -1), (-1, -1))[int(rng.integers(3))]
    where = (slice(None), *(slice(None, None, step) for step in steps))
    return {name: array[where] for name, array in patch.items()}


def _drawn(ids: NDArray[Any], parameters: CopyPaste, rng: np.random.Generator) -> NDArray[Any]:
    import fastremap

    present, voxels = fastremap.unique(ids, return_counts=True)
    least, most = (share * ids.size for share in parameters.size)
    fitting = present[(present > 0) & (voxels >= least) & (voxels <= most)]
    count = min(len(fitting), int(rng.integers(1, parameters.max_instances, endpoint=True)))
    return rng.choice(fitting, count, replace=False)


def _free_numbers(patch: Arrays, other: Arrays, over: NDArray[np.bool_]) -> dict[int, int]:
    """New numbers for those ids of what is pasted that the patch has too."""
    import fastremap

    names = [name for name in _NUMBERED if name in patch]
    here = np.unique(np.concatenate([fastremap.unique(patch[name]) for name in names]))
    there = np.unique(np.concatenate([fastremap.unique(other[name][over]) for name in names]))
    clashing = np.intersect1d(here, there[there > 0])
    taken = np.union1d(here, there)
    free = np.setdiff1d(np.arange(1, len(taken) + len(clashing) + 1), taken)
    return {int(old): int(new) for old, new in zip(clashing, free, strict=False)}


def _renumbered(values: NDArray[Any], numbers: Mapping[int, int]) -> NDArray[Any]:
    import fastremap

    return fastremap.remap(values, dict(numbers), preserve_missing_labels=True) if numbers else values
