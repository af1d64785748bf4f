"""Which instances of a patch come near each other."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

_MOST_CELLS = 32  # along an axis; bounds the table of cells and instances


def near_pairs(numbers: Tensor, count: int, radius_nm: float, resolution_nm: Sequence[float]) -> Tensor:
    """Whether two instances come within a radius of each other, along each axis.

    The patch is divided into cells of half the radius (or of 1/32 of the patch, where that is more). Two instances
    are near if cells that they touch are no more cells apart than the radius holds. So no pair within the radius is
    missed, and one that counts is never farther apart than the radius and two cells, along any axis.

    Args:
        numbers: (...) int64, 2 or 3 axes: the instance of each voxel, 1..count, or 0.
        count: how many instances there are.
        radius_nm: nanometres.
        resolution_nm: voxel size, of as many axes as `numbers` has.

    Returns:
        (count, count) bool, symmetric.
    """
    cells, reach = zip(
        *(_grid(size, step, radius_nm) for size, step in zip(numbers.shape, resolution_nm, strict=True)), strict=True
    )
    shape = [-(-size // cell) for size, cell in zip(numbers.shape, cells, strict=True)]
    index = torch.zeros((), dtype=torch.int64, device=numbers.device)
    for axis, (length, cell, size) in enumerate(zip(numbers.shape, cells, shape, strict=True)):
        place = torch.arange(length, device=numbers.device) // cell
        index = index * size + place.view(*[-1 if axis == other else 1 for other in range(numbers.ndim)])
    touched = torch.zeros(count + 1, math.prod(shape), device=numbers.device)
    touched[numbers.flatten(), index.flatten()] = 1
    touched = touched[1:]
    spread = touched.view(count, 1, *shape)
    pool = F.max_pool3d if len(shape) == 3 else F.max_pool2d
    for axis, steps in enumerate(reach):  # a box is the maximum along one axis after the other
        kernel = [2 * steps + 1 if axis == other else 1 for other in range(len(shape))]
        spread = pool(spread, kernel, stride=1, padding=[size // 2 for size in kernel])
    return spread.view(count, -1) @ touched.T > 0


def _grid(size: int, step_nm: float, radius_nm: float) -> tuple[int, int]:
    """Voxels of a cell along an axis, and how many cells apart two voxels within the radius can lie."""
    cell = max(1, int(radius_nm / 2 / step_nm), -(-size // _MOST_CELLS))
    # Voxels whose centres are within the radius are floor(radius / step) apart, at most, in voxels.
    return cell, -(-int(radius_nm / step_nm + 1e-9) // cell)
