"""Cross-entropy and soft Dice of the semantic head where volumes differ in which classes were annotated.

A voxel carries a class (0, 1 ...), `OTHER` (none of the classes annotated in its volume, but it is not known
which) or the ignored label (nothing is known). An OTHER voxel costs what the network gives to the annotated
classes: -log of the sum of the probabilities of all other classes (the marginal loss of Shi et al. 2021, "Marginal
loss and exclusion loss for partially supervised multi-organ segmentation").
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from neuropil.em.labels import OTHER

_IMPOSSIBLE = -1e9  # a log probability that takes a class out of a sum; finite, so that its gradient is 0 and not NaN


def cross_entropy(
    logits: Tensor,
    classes: Tensor,
    *,
    ignore_index: int,
    class_weights: Tensor | None = None,
    annotated: Tensor | None = None,
) -> Tensor:
    """Mean cross-entropy over the voxels of which something is known; 0 where there is none.

    With class weights w it is the weighted mean, as torch's; an OTHER voxel weighs the mean of the weights above 0
    of the classes it may belong to.

    Args:
        logits: (batch, classes, ...) float.
        classes: (batch, ...) int64: a class, OTHER or `ignore_index`.
        ignore_index: the label that means unknown.
        class_weights: (classes,) float.
        annotated: (batch, classes) bool; None = all were, and OTHER means unknown.
    """
    logits = logits.float()
    named = (classes >= 0) & (classes != ignore_index)
    target = torch.where(named, classes, torch.full_like(classes, ignore_index))
    total = F.cross_entropy(logits, target, weight=class_weights, ignore_index=ignore_index, reduction="sum")
    weights = logits.new_ones(logits.shape[1]) if class_weights is None else class_weights
    mass = weights[target.where(named, 0)].where(named, 0).sum()
    other = None if annotated is None else _known_other(classes, annotated)
    if annotated is not None and other is not None and bool(other.any()):
        open_to = _mean_weight(weights, ~annotated).to(logits).view(-1, *[1] * (classes.ndim - 1)) * other
        total = total + (open_to * _marginal(logits, annotated)).sum()
        mass = mass + open_to.sum()
    return total / mass.clamp(min=1e-6)


def soft_dice(logits: Tensor, classes: Tensor, *, ignore_index: int, annotated: Tensor | None = None) -> Tensor:
    """1 - Dice coefficient, averaged over the classes that occur among the known voxels of the batch.

    Dice is 2 sum(p t) / (sum(p) + sum(t)) with softmax probabilities p (Milletari et al. 2016), for each class
    over the samples in which it was annotated; an OTHER voxel is none of those classes. A class that does not occur
    would count 0 or 1 by the smoothing term alone, so it is left out.

    Args:
        logits: (batch, classes, ...) float.
        classes: (batch, ...) int64: a class, OTHER or `ignore_index`.
        ignore_index: the label that means unknown.
        annotated: (batch, classes) bool; None = all were, and OTHER means unknown.
    """
    batch, count = logits.shape[:2]
    labels = classes.flatten(1)
    named = (labels >= 0) & (labels != ignore_index)
    probabilities = torch.softmax(logits.float(), dim=1).flatten(2)
    known = named if annotated is None else named | _known_other(labels, annotated)
    target = labels.where(named, 0)
    hits = probabilities.gather(1, target[:, None])[:, 0] * named
    nothing = torch.zeros(batch, count, device=logits.device)
    overlap = nothing.scatter_add(1, target, hits)
    sizes = nothing.scatter_add(1, target, named.to(nothing.dtype))
    given = (probabilities * known[:, None]).sum(2)
    counts = torch.ones_like(nothing) if annotated is None else annotated.to(nothing.dtype)
    overlap, sizes, given = ((values * counts).sum(0) for values in (overlap, sizes, given))
    dice = (2 * overlap + 1e-5) / (given + sizes + 1e-5)
    present = (sizes > 0).float()
    return ((1 - dice) * present).sum() / present.sum().clamp(min=1)


def _known_other(classes: Tensor, annotated: Tensor) -> Tensor:
    """OTHER voxels of samples in which some class was annotated and some was not; elsewhere OTHER says nothing."""
    partly = annotated.any(1) & ~annotated.all(1)
    return (classes == OTHER) & partly.view(-1, *[1] * (classes.ndim - 1))


def _marginal(logits: Tensor, annotated: Tensor) -> Tensor:
    """-log of the summed probability of the classes that were not annotated, (batch, ...)."""
    taken = annotated.view(*annotated.shape, *[1] * (logits.ndim - 2))
    return logits.logsumexp(1) - logits.masked_fill(taken, _IMPOSSIBLE).logsumexp(1)


def _mean_weight(weights: Tensor, open_classes: Tensor) -> Tensor:
    """Mean of the weights above 0 of each sample's open classes, (batch,); 0 where there is none."""
    counted = open_classes & (weights > 0)
    return (weights * counted).sum(1) / counted.sum(1).clamp(min=1)
