"""The discriminative loss of the embedding head (De Brabandere et al. 2017), without a loop over instances."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Discriminative:
    """The three terms, each a scalar tensor, not yet weighted."""

    pull: Tensor
    push: Tensor
    norm: Tensor


def discriminative_loss(
    embeddings: Tensor, ids: Tensor, weights: Tensor, *, delta_v: float, delta_d: float
) -> Discriminative:
    """Pull, push and norm, averaged over the samples that hold an instance.

    With w_i the weight of voxel i and mu_k the mean embedding of instance k: pull is the mean over instances of
    mean_i w_i relu(|e_i - mu_k| - delta_v)^2; push the mean over pairs of relu(2 delta_d - |mu_j - mu_k|)^2;
    norm the mean of |mu_k|. Means are taken in float32.

    Args:
        embeddings: (batch, channels, ...) float.
        ids: (batch, ...) int64, consecutive from 1 in each sample as far as possible; 0 = no instance.
        weights: (batch, ...) float, of each voxel.
        delta_v: distance to the mean that costs nothing.
        delta_d: half the distance between means that costs nothing.
    """
    terms = [
        _sample(field.flatten(1).float(), labels.flatten(), weight.flatten().float(), delta_v, delta_d)
        for field, labels, weight in zip(embeddings, ids, weights, strict=True)
        if bool((labels > 0).any())
    ]
    if not terms:
        nothing = embeddings.float().sum() * 0
        return Discriminative(nothing, nothing, nothing)
    pull, push, norm = (torch.stack(values).mean() for values in zip(*terms, strict=True))
    return Discriminative(pull, push, norm)


def _sample(
    field: Tensor, labels: Tensor, weight: Tensor, delta_v: float, delta_d: float
) -> tuple[Tensor, Tensor, Tensor]:
    inside = labels > 0
    vectors = field[:, inside].T
    _, index = labels[inside].unique(return_inverse=True)
    count = int(index.max()) + 1
    sizes = torch.zeros(count, device=field.device).index_add_(0, index, torch.ones_like(index, dtype=torch.float32))
    means = torch.zeros(count, field.shape[0], device=field.device).index_add_(0, index, vectors) / sizes[:, None]
    away = _length(vectors - means[index])
    cost = weight[inside] * torch.relu(away - delta_v) ** 2
    pull = (torch.zeros(count, device=field.device).index_add_(0, index, cost) / sizes).mean()
    norm = _length(means).mean()
    if count == 1:
        return pull, means.sum() * 0, norm
    first, second = torch.triu_indices(count, count, offset=1, device=field.device)
    push = (torch.relu(2 * delta_d - _length(means[first] - means[second])) ** 2).mean()
    return pull, push, norm


def _length(vectors: Tensor) -> Tensor:
    """Euclidean length with a gradient that stays finite at 0."""
    return (vectors.square().sum(-1) + 1e-12).sqrt()
