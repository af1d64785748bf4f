"""Layers by the number of axes, and the memory layout that convolutions are quickest in."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn


def layers(dims: int) -> tuple[Any, Any, Any]:
    """Convolution, transposed convolution and batch normalisation for 2 or 3 axes."""
    if dims == 2:
        return nn.Conv2d, nn.ConvTranspose2d, nn.BatchNorm2d
    return nn.Conv3d, nn.ConvTranspose3d, nn.BatchNorm3d


def channels_last(value: Any, dims: int) -> Any:
    """A tensor or a module with its channels last in memory."""
    return value.to(memory_format=torch.channels_last if dims == 2 else torch.channels_last_3d)
