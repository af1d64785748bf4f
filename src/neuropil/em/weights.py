"""Which voxels count more in the embedding loss: those at edges and those on the medial axis."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from neuropil.em.weight_kernels import meets_other, squared_distances, weighted


def voxel_weights(
    ids: NDArray[np.integer], resolution_nm: Sequence[float], *, weight_edge: float, weight_bone: float
) -> NDArray[np.float32]:
    """Edge weight times bone weight of each voxel.

    The edge weight is `weight_edge` where the 3x3x3 neighbourhood (3x3 in a single section) holds more than one
    id, else 1. The bone weight grows from 1 at the membrane to `weight_bone` on the medial axis, where the distance
    to another id, in nanometres, is the instance's largest: 1 + (EDT / max EDT) (weight_bone - 1). The border of
    the patch is no membrane; an instance that fills it has the bone weight 1.

    Args:
        ids: instances, (z, y, x), 0 = none. Consecutive ids are quickest, any are right.
        resolution_nm: voxel size, (z, y, x).
        weight_edge: at least 1.
        weight_bone: at least 1.

    Returns:
        float32 (z, y, x), 0 where there is no instance.
    """
    labels = _consecutive(ids)
    weights = np.empty(labels.shape, np.float32)
    if not labels.size:
        return weights
    meets, squared = np.zeros(labels.shape, np.bool_), np.zeros(labels.shape, np.float32)
    if weight_edge != 1:
        meets_other(labels, meets)
    if weight_bone != 1:
        squared_distances(labels, np.asarray(resolution_nm, np.float64), squared)
    weighted(
        labels.ravel(), meets.ravel(), squared.ravel(), int(labels.max()), weight_edge, weight_bone, weights.ravel()
    )
    return weights


def _consecutive(ids: NDArray[np.integer]) -> NDArray[np.int64]:
    """The ids as int64, renumbered where they are too high to be places in a table."""
    if ids.size == 0 or (ids.min() >= 0 and ids.max() <= ids.size):
        return np.ascontiguousarray(ids, np.int64)
    present, index = np.unique(ids, return_inverse=True)
    numbers = np.cumsum(present != 0)
    numbers[present == 0] = 0
    return numbers[index].reshape(ids.shape).astype(np.int64)
