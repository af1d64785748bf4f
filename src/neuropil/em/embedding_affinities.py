"""Embeddings as affinities: comparable between windows, which embeddings are not."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from neuropil.em.offsets import pair


def embedding_affinities(embeddings: Tensor, offsets: Sequence[Sequence[int]], sigma: float) -> Tensor:
    """How near the embeddings of each pair of voxels are: exp(-|e_p - e_q|^2 / (2 sigma^2)).

    A network chooses its codes anew in every window, so embeddings are compared inside one window only (as Lee et al.
    2021, "Learning dense voxel embeddings for 3D neuron reconstruction", make their metric graph).

    Args:
        embeddings: (channel, z, y, x).
        offsets: pairs, (z, y, x).
        sigma: distance at which the affinity is .61.

    Returns:
        (offset, z, y, x) float32, 0..1; 0 where the second voxel lies outside (see `inside`).
    """
    vectors = embeddings.float()
    result = vectors.new_zeros(len(offsets), *vectors.shape[1:])
    for channel, offset in enumerate(offsets):
        first, second = pair(vectors.shape[1:], offset)
        squared = (vectors[(slice(None), *first)] - vectors[(slice(None), *second)]).square_().sum(0)
        result[channel][first] = torch.exp(squared / (-2 * sigma**2))
    return result


def inside(shape: Sequence[int], offsets: Sequence[Sequence[int]]) -> NDArray[np.float32]:
    """(offset, z, y, x): 1 where both voxels of the pair lie in a box of `shape`, else 0."""
    result = np.zeros((len(offsets), *shape), np.float32)
    for channel, offset in enumerate(offsets):
        first, _ = pair(shape, offset)
        result[channel][first] = 1
    return result
