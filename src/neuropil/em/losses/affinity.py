"""Binary cross-entropy and Dice of the affinity head over the pairs whose truth is known."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F


def affinity_loss(logits: Tensor, affinities: Tensor, known: Tensor) -> Tensor:
    """Masked BCE plus soft Dice of the pairs that are apart.

    Pairs that are apart are the rarer ones, and a single missed one merges two neurons, so Dice is taken on
    them, per offset.

    Args:
        logits: (batch, offsets, ...) float.
        affinities: (batch, offsets, ...), 1 = one instance, 0 = two.
        known: (batch, offsets, ...), 1 where the pair counts.
    """
    logits, target, mask = logits.float(), affinities.float(), known.float()
    bce = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    bce = (bce * mask).sum() / mask.sum().clamp(min=1)
    apart, truly = (-logits).sigmoid() * mask, (1 - target) * mask
    axes = [0, *range(2, logits.ndim)]
    dice = (2 * (apart * truly).sum(axes) + 1) / (apart.sum(axes) + truly.sum(axes) + 1)
    return bce + (1 - dice).mean()
