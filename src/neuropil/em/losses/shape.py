"""Squared error of the head of local shape descriptors, over the voxels whose descriptors are known."""

from __future__ import annotations

from torch import Tensor


def shape_loss(logits: Tensor, descriptors: Tensor, known: Tensor) -> Tensor:
    """Mean squared error of the sigmoid, over channels and known voxels (Sheridan et al. 2022); 0 without any.

    Args:
        logits: (batch, descriptors, ...) float.
        descriptors: (batch, descriptors, ...), 0..1.
        known: (batch, ...), 1 where the voxel counts.
    """
    squared = (logits.float().sigmoid() - descriptors.float()).square().mean(1)
    mask = known.to(squared.dtype)
    return (squared * mask).sum() / mask.sum().clamp(min=1)
