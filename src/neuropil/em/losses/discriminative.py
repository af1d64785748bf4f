"""The discriminative loss of the embedding head (De Brabandere et al. 2017), without a loop over instances."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from neuropil.em.losses.nearness import near_pairs


@dataclass(frozen=True)
class Discriminative:
    """The three terms, each a scalar tensor, not yet weighted."""

    pull: Tensor
    push: Tensor
    norm: Tensor


@dataclass(frozen=True)
class _Instances:
    """The instances of one sample.

    Attributes:
        means: (instance, channel) float32, mean embeddings.
        pulls: (instance,), what their voxels cost.
        group: (instance,) int64, 0..groups-1: instances of one group push each other apart.
        groups: how many.
    """

    means: Tensor
    pulls: Tensor
    group: Tensor
    groups: int


def discriminative_loss(
    embeddings: Tensor,
    ids: Tensor,
    weights: Tensor,
    *,
    delta_v: float,
    delta_d: float,
    class_ids: Tensor | None = None,
    push_radius_nm: float | None = None,
    resolution_nm: Sequence[float] | None = None,
) -> Discriminative:
    """Pull, push and norm, averaged over the classes of each sample, then over the samples that hold an instance.

    With w_i the weight of voxel i and mu_k the mean embedding of instance k, in each class: pull is the mean over
    instances of mean_i w_i relu(|e_i - mu_k| - delta_v)^2; push the mean over pairs of
    relu(2 delta_d - |mu_j - mu_k|)^2; norm the mean of |mu_k|. Means are taken in float32. An embedding need not
    tell a neuron from a mitochondrion: the semantic head does.

    Args:
        embeddings: (batch, channels, ...) float.
        ids: (batch, ...) int64, consecutive from 1 in each sample as far as possible; 0 = no instance.
        weights: (batch, ...) float, of each voxel.
        delta_v: distance to the mean that costs nothing.
        delta_d: half the distance between means that costs nothing.
        class_ids: (batch, ...) int64, the class of each voxel's instance; None = all instances are of one class.
        push_radius_nm: instances that are farther apart are not pushed (`near_pairs`); None = all pairs are.
        resolution_nm: voxel size of the spatial axes; needed with `push_radius_nm`.
    """
    if push_radius_nm is not None and resolution_nm is None:
        raise ValueError("push_radius_nm needs resolution_nm")
    terms = []
    for sample in range(len(ids)):
        numbers, count = _numbered(ids[sample].flatten())
        if count == 0:
            continue
        classes = None if class_ids is None else class_ids[sample].flatten()
        vectors = embeddings[sample].flatten(1).T.float()
        found = _instances(vectors, numbers, count, weights[sample].flatten().float(), classes, delta_v)
        pairs = _pairs(found.group)
        if push_radius_nm is not None and resolution_nm is not None:
            near = near_pairs(numbers.view(ids.shape[1:]), count, push_radius_nm, resolution_nm)
            pairs = pairs[:, near[pairs[0], pairs[1]]]
        terms.append(_terms(found, pairs, delta_d))
    if not terms:
        nothing = embeddings.float().sum() * 0
        return Discriminative(nothing, nothing, nothing)
    pull, push, norm = (torch.stack(values).mean() for values in zip(*terms, strict=True))
    return Discriminative(pull, push, norm)


def _numbered(ids: Tensor) -> tuple[Tensor, int]:
    """The ids as 1..count without gaps, 0 where there is none, and the count."""
    most = int(ids.max())
    if most <= 0:
        return ids, 0
    if most > len(ids):  # too high to be counted: by their order
        ids = torch.where(ids > 0, ids.clamp(min=0).unique(return_inverse=True)[1], 0)
        most = int(ids.max())
    there = torch.zeros(most + 1, dtype=torch.int64, device=ids.device).index_fill(0, ids.clamp(min=0), 1)
    there[0] = 0
    numbers = (there.cumsum(0) * there).index_select(0, ids.clamp(min=0))
    return numbers, int(there.sum())


def _instances(
    vectors: Tensor, numbers: Tensor, count: int, weights: Tensor, classes: Tensor | None, delta_v: float
) -> _Instances:
    """Means and costs of the instances.

    Voxels without an instance are kept as one more instance, 0, which is left out at the end: taking them out first
    would copy the embeddings, twice with the way back.

    Args:
        vectors: (voxel, channel).
        numbers: (voxel,) 0..count.
        count: how many instances there are.
        weights: (voxel,).
        classes: (voxel,), or None.
        delta_v: distance to the mean that costs nothing.
    """
    nothing = torch.zeros(count + 1, device=vectors.device)
    sizes = nothing.index_add(0, numbers, torch.ones_like(weights)).clamp(min=1)
    means = nothing.new_zeros(count + 1, vectors.shape[1]).index_add(0, numbers, vectors) / sizes[:, None]
    away = _length(vectors - means.index_select(0, numbers))
    pulls = nothing.index_add(0, numbers, weights * torch.relu(away - delta_v) ** 2) / sizes
    if classes is None:
        return _Instances(means[1:], pulls[1:], torch.zeros_like(sizes[1:], dtype=torch.int64), 1)
    own = classes.new_zeros(count + 1).scatter_reduce(0, numbers, classes, "amax")
    present, group = own[1:].unique(return_inverse=True)
    return _Instances(means[1:], pulls[1:], group, len(present))


def _pairs(group: Tensor) -> Tensor:
    """(2, pair): all pairs of instances of one group."""
    pairs = torch.triu_indices(len(group), len(group), offset=1, device=group.device)
    return pairs[:, group[pairs[0]] == group[pairs[1]]]


def _terms(found: _Instances, pairs: Tensor, delta_d: float) -> tuple[Tensor, Tensor, Tensor]:
    """Pull, push and norm of a sample, each the mean over its classes; a class without a pair has no push."""
    first, second = pairs
    apart = torch.relu(2 * delta_d - _length(found.means[first] - found.means[second])) ** 2
    push = _group_means(apart, found.group[first], found.groups)
    pull = _group_means(found.pulls, found.group, found.groups)
    norm = _group_means(_length(found.means), found.group, found.groups)
    return pull.mean(), push.mean(), norm.mean()


def _group_means(values: Tensor, group: Tensor, groups: int) -> Tensor:
    """(group,): the mean of each group's values; 0 where there is none."""
    nothing = torch.zeros(groups, device=values.device)
    counts = nothing.index_add(0, group, torch.ones_like(values))
    return nothing.index_add(0, group, values) / counts.clamp(min=1)


def _length(vectors: Tensor) -> Tensor:
    """Euclidean length with a gradient that stays finite at 0."""
    return (vectors.square().sum(-1) + 1e-12).sqrt()
