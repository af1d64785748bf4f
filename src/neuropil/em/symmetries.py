"""Test-time augmentation: a network asked about a window from all sides, and its answers brought back and averaged.

A flip or an exchange of axes makes another window that is as likely as the first. Class probabilities are brought back
voxel by voxel. Affinities are about pairs of voxels: where the symmetry turns the pair (p, p + o) round, the answer
stands at the other end of the pair, so it is moved by the offset; where it turns the offset to another axis, the
answer belongs to another channel. (As in the test-time augmentation of Lee et al. 2017 for SNEMI3D, 16 views.)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import permutations, product
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from neuropil.em.offsets import pair

Kind = Literal["none", "flips", "all"]
Offset = tuple[int, int, int]

_SAME = 0.05  # voxel sizes within 5 % are equal, as they are to the transposes of the training's augmentation


@dataclass(frozen=True)
class Symmetry:
    """An exchange of axes, then flips.

    Attributes:
        order: axis i of the new array is axis order[i] of the old one.
        flips: which axes of the new array are reversed.
    """

    order: tuple[int, int, int] = (0, 1, 2)
    flips: tuple[bool, bool, bool] = (False, False, False)

    def apply(self, array: NDArray[Any]) -> NDArray[Any]:
        """The new view of an array (z, y, x)."""
        return array.transpose(self.order)[self._steps]

    def undo(self, array: NDArray[Any]) -> NDArray[Any]:
        """The old view of a new array (channel, z, y, x)."""
        back = np.argsort(self.order)
        return array[(slice(None), *self._steps)].transpose(0, *(back + 1))

    def old_offset(self, offset: Sequence[int]) -> Offset:
        """The offset, in the old array, of a pair that is `offset` apart in the new one."""
        old = [0, 0, 0]
        for axis, step, flipped in zip(self.order, offset, self.flips, strict=True):
            old[axis] = -int(step) if flipped else int(step)
        return old[0], old[1], old[2]

    @property
    def _steps(self) -> tuple[slice, ...]:
        return tuple(slice(None, None, -1 if flipped else 1) for flipped in self.flips)


IDENTITY = Symmetry()


def symmetries(kind: Kind, spatial_dims: int, spacing_nm: Sequence[float]) -> list[Symmetry]:
    """The symmetries of a window, the identity first.

    Args:
        kind: none: the identity alone; flips: all flips; all: exchanges of axes of equal voxel size too.
        spatial_dims: 2 leaves z alone.
        spacing_nm: voxel size, (z, y, x).
    """
    if kind == "none":
        return [IDENTITY]
    axes = range(3 - spatial_dims, 3)
    flips = list(product(*([False, True] if axis in axes else [False] for axis in range(3))))
    orders = [(0, 1, 2)] if kind == "flips" else [o for o in permutations(range(3)) if _possible(o, axes, spacing_nm)]
    return [Symmetry((a, b, c), (u, v, w)) for a, b, c in orders for u, v, w in flips]


def _possible(order: Sequence[int], axes: Sequence[int], spacing_nm: Sequence[float]) -> bool:
    return all(
        to == has or (to in axes and has in axes and abs(spacing_nm[to] - spacing_nm[has]) < _SAME * spacing_nm[has])
        for to, has in enumerate(order)
    )


class Mean:
    """The mean of what a network says of a window under several symmetries, of which the identity is one.

    Args:
        of_pairs: outputs whose channels are the pairs of `offsets`; the channels of the others are of voxels.
        offsets: (z, y, x), one a channel.
    """

    def __init__(self, of_pairs: Sequence[str], offsets: Sequence[Sequence[int]]) -> None:
        self._of_pairs = set(of_pairs)
        self._offsets = [(int(z), int(y), int(x)) for z, y, x in offsets]
        self._sums: dict[str, NDArray[np.float32]] = {}
        self._counts: dict[str, NDArray[np.float32]] = {}

    def add(self, symmetry: Symmetry, outputs: dict[str, NDArray[np.float32]]) -> None:
        """Take in the outputs (channel, z, y, x) for the window as `symmetry` shows it."""
        for name, values in outputs.items():
            old = symmetry.undo(values)
            if name not in self._sums:
                self._sums[name] = np.zeros(old.shape, np.float32)
                self._counts[name] = np.zeros(old.shape if name in self._of_pairs else (1, 1, 1, 1), np.float32)
            if name in self._of_pairs:
                self._add_pairs(name, symmetry, old)
            else:
                self._sums[name] += old
                self._counts[name] += 1

    def result(self) -> dict[str, NDArray[np.float32]]:
        """The means."""
        return {name: values / self._counts[name] for name, values in self._sums.items()}

    def _add_pairs(self, name: str, symmetry: Symmetry, values: NDArray[np.float32]) -> None:
        """Add each channel to the channel of its pair; a pair that is no channel here is left out."""
        sums, counts = self._sums[name], self._counts[name]
        for channel, offset in enumerate(self._offsets):
            old = symmetry.old_offset(offset)
            turned = (-old[0], -old[1], -old[2])
            if old in self._offsets:
                target = self._offsets.index(old)
                sums[target] += values[channel]
                counts[target] += 1
            elif turned in self._offsets:  # the pair (p, p - o) is known as that of p - o, if that lies inside
                target = self._offsets.index(turned)
                first, second = pair(values.shape[1:], turned)
                sums[target][first] += values[channel][second]
                counts[target][first] += 1


def seen_from_all_sides(
    network: Callable[[NDArray[np.float32]], dict[str, NDArray[np.float32]]],
    raw: NDArray[np.float32],
    sides: Sequence[Symmetry],
    *,
    of_pairs: Sequence[str],
    offsets: Sequence[Sequence[int]],
) -> dict[str, NDArray[np.float32]]:
    """The mean outputs of `network` on a window (z, y, x) under the symmetries `sides`; see `Mean`.

    A pair that leaves the window is judged only under the symmetries that keep it where it is: the others know nothing
    of it.
    """
    if list(sides) == [IDENTITY]:
        return network(raw)
    mean = Mean(of_pairs, offsets)
    for side in sides:
        mean.add(side, network(np.ascontiguousarray(side.apply(raw))))
    return mean.result()
