"""Which voxels count more in the embedding loss: those at edges and those on the medial axis."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def voxel_weights(
    ids: NDArray[np.integer], resolution_nm: Sequence[float], *, weight_edge: float, weight_bone: float
) -> NDArray[np.float32]:
    """Edge weight times bone weight of each voxel, (z, y, x).

    The edge weight is `weight_edge` where the 3x3x3 neighbourhood (3x3 in a single section) holds more than one
    id, else 1. The bone weight grows from 1 at the membrane to `weight_bone` where the distance to it, in
    nanometres, is the instance's largest: 1 + (EDT / max EDT) (weight_bone - 1).
    """
    import edt
    from scipy.ndimage import maximum, maximum_filter, minimum_filter

    edge = np.where(maximum_filter(ids, 3) != minimum_filter(ids, 3), np.float32(weight_edge), np.float32(1))
    away = edt.edt(np.ascontiguousarray(ids), anisotropy=tuple(resolution_nm), black_border=False)
    away = np.where(np.isfinite(away), away, 0).astype(np.float32)  # an id that fills the patch has no edge
    present, index = np.unique(ids, return_inverse=True)
    widest = np.maximum(maximum(away, index.reshape(ids.shape), np.arange(len(present))), 1e-6)
    bone = 1 + away / widest.astype(np.float32)[index.reshape(ids.shape)] * (weight_bone - 1)
    return (edge * bone * (ids > 0)).astype(np.float32)
