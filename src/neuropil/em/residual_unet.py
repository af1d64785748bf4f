"""A residual U-Net of about a million parameters that treats coarse and fine axes as what they are."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from neuropil.em.layout import layers

Lengths = tuple[float, ...]


def pyramid(spacing: Sequence[float], levels: int) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Kernel and stride (towards the next level) of each level.

    An axis whose voxels are at least twice as long as the shortest ones is neither filtered nor reduced until
    the others have caught up (as in nnU-Net, Isensee et al. 2021).

    Args:
        spacing: voxel edge lengths, nm, (y, x) or (z, y, x).
        levels: number of levels; the last one has no stride.
    """
    lengths = [float(value) for value in spacing]
    plan = []
    for _ in range(levels):
        fine = [value < 2 * min(lengths) for value in lengths]
        kernel = tuple(3 if flag else 1 for flag in fine)
        stride = tuple(2 if flag else 1 for flag in fine)
        plan.append((kernel, stride))
        lengths = [value * step for value, step in zip(lengths, stride, strict=True)]
    return plan


class ResidualBlock(nn.Module):
    """conv - norm - ReLU - conv - norm, plus the input, then ReLU."""

    def __init__(self, dims: int, inputs: int, outputs: int, kernel: tuple[int, ...]) -> None:
        super().__init__()
        conv, _, norm = layers(dims)
        padding = tuple(size // 2 for size in kernel)
        self.first = conv(inputs, outputs, kernel, padding=padding, bias=False)
        self.second = conv(outputs, outputs, kernel, padding=padding, bias=False)
        self.norms = nn.ModuleList([norm(outputs), norm(outputs)])
        self.skip = nn.Identity() if inputs == outputs else conv(inputs, outputs, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, inputs, ...) to (batch, outputs, ...)."""
        inner = torch.relu_(self.norms[0](self.first(x)))
        return torch.relu_(self.norms[1](self.second(inner)) + self.skip(x))


class ResidualUNet(nn.Module):
    """Encoder and decoder of residual blocks with summed skips; widths grow as 1, 2, 4, 6 times `width`.

    Batch normalisation, not instance normalisation: its statistics are fixed at inference, so a voxel's
    features do not depend on which window it is read in.

    Args:
        spacing: voxel edge lengths (nm) that the strides are planned for, (y, x) or (z, y, x).
        width: channels of the first level, and of the output.
    """

    def __init__(self, spacing: Lengths, width: int) -> None:
        super().__init__()
        dims = len(spacing)
        conv, up, _ = layers(dims)
        widths = [width, 2 * width, 4 * width, 6 * width]
        plan = pyramid(spacing, len(widths))
        self.stem = conv(1, width, 3, padding=1)
        self.down = nn.ModuleList(
            ResidualBlock(dims, size, size, kernel) for size, (kernel, _) in zip(widths, plan, strict=True)
        )
        steps = list(zip(widths[:-1], widths[1:], plan[:-1], strict=True))
        self.reduce = nn.ModuleList(conv(a, b, stride, stride=stride) for a, b, (_, stride) in steps)
        self.grow = nn.ModuleList(up(b, a, stride, stride=stride) for a, b, (_, stride) in steps)
        self.up = nn.ModuleList(ResidualBlock(dims, a, a, kernel) for a, _, (kernel, _) in steps)
        self.multiple = tuple(
            int(torch.tensor([stride[axis] for _, stride in plan[:-1]]).prod()) for axis in range(dims)
        )

    def forward(self, x: Tensor) -> Tensor:
        """(batch, 1, ...) to features (batch, width, ...); each size a multiple of `multiple`."""
        x = self.stem(x)
        skips = []
        for block, reduce in zip(self.down, self.reduce, strict=False):
            x = block(x)
            skips.append(x)
            x = reduce(x)
        x = self.down[-1](x)
        for block, grow, skip in reversed(list(zip(self.up, self.grow, skips, strict=True))):
            x = block(grow(x) + skip)
        return x
