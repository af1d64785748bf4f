"""Cross-entropy and soft Dice of the semantic head, both blind to voxels whose class is unknown."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def cross_entropy(logits: Tensor, classes: Tensor, *, ignore_index: int, class_weights: Tensor | None = None) -> Tensor:
    """Mean cross-entropy over the voxels whose class is known; 0 where none is.

    Args:
        logits: (batch, classes, ...) float.
        classes: (batch, ...) int64.
        ignore_index: the class that means unknown.
        class_weights: (classes,) float.
    """
    logits = logits.float()
    total = F.cross_entropy(logits, classes, weight=class_weights, ignore_index=ignore_index, reduction="sum")
    known = classes != ignore_index
    if class_weights is None:
        return total / known.sum().clamp(min=1)
    return total / class_weights[classes[known]].sum().clamp(min=1e-6)


def soft_dice(logits: Tensor, classes: Tensor, *, ignore_index: int) -> Tensor:
    """1 - Dice coefficient, averaged over the classes that occur among the known voxels of the batch.

    Dice is 2 sum(p t) / (sum(p) + sum(t)) with softmax probabilities p (Milletari et al. 2016). A class that
    does not occur would count 0 or 1 by the smoothing term alone, so it is left out.
    """
    known = classes != ignore_index
    target = classes[known]
    probabilities = torch.softmax(logits.float(), dim=1).movedim(1, -1)[known]
    counts = torch.bincount(target, minlength=logits.shape[1]).to(probabilities.dtype)
    hits = probabilities.gather(1, target[:, None])[:, 0]
    overlap = torch.zeros_like(counts).index_add_(0, target, hits)
    dice = (2 * overlap + 1e-5) / (probabilities.sum(0) + counts + 1e-5)
    present = (counts > 0).float()
    return ((1 - dice) * present).sum() / present.sum().clamp(min=1)
