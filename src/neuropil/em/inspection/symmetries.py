"""The ways in which the axes of an array can be exchanged and mirrored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations, product
from typing import Any

import numpy as np
from numpy.typing import NDArray

_AXES = "zyx"


@dataclass(frozen=True)
class Symmetry:
    """Turns an array (z, y, x): first the axes are exchanged, then some of them mirrored.

    Attributes:
        axes: the old axis that each new axis is, as for `numpy.transpose`.
        mirrored: whether each new axis is mirrored.
    """

    axes: tuple[int, int, int]
    mirrored: tuple[bool, bool, bool]

    @property
    def name(self) -> str:
        """For a person: "as stored", "axes in the order x y z", "y mirrored", or both."""
        parts = []
        if self.axes != (0, 1, 2):
            parts.append("axes in the order " + " ".join(_AXES[axis] for axis in self.axes))
        if any(self.mirrored):
            names = [name for name, mirrored in zip(_AXES, self.mirrored, strict=True) if mirrored]
            parts.append(" and ".join(names) + " mirrored")
        return ", ".join(parts) or "as stored"

    @property
    def keeps_sections(self) -> bool:
        """Whether sections stay sections."""
        return self.axes[0] == 0

    def turned(self, array: NDArray[Any]) -> NDArray[Any]:
        """The array, turned."""
        steps = tuple(slice(None, None, -1 if mirrored else None) for mirrored in self.mirrored)
        return np.transpose(array, self.axes)[steps]

    def source(self, place: Sequence[slice], shape: Sequence[int]) -> tuple[slice, slice, slice]:
        """Where in an array of `shape` lies what `turned` brings to a place of the result."""
        found = [slice(0)] * 3
        for one, axis, mirrored in zip(place, self.axes, self.mirrored, strict=True):
            size = shape[axis]
            found[axis] = slice(size - one.stop, size - one.start) if mirrored else slice(one.start, one.stop)
        return found[0], found[1], found[2]


IDENTITY = Symmetry((0, 1, 2), (False, False, False))


def symmetries(shape: Sequence[int], wanted: Sequence[int]) -> Iterator[Symmetry]:
    """All but the identity (48 for a cube) that bring an array of `shape` to the shape that is wanted."""
    for axes, mirrored in product(permutations(range(3)), product((False, True), repeat=3)):
        symmetry = Symmetry((axes[0], axes[1], axes[2]), (mirrored[0], mirrored[1], mirrored[2]))
        if tuple(shape[axis] for axis in axes) == tuple(wanted) and symmetry != IDENTITY:
            yield symmetry
