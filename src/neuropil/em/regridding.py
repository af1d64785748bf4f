"""A volume seen on the network's grid, and what was found there brought back to the volume's own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuropil.em.resampling import grey_box, label_box, nearest, needs_resampling
from neuropil.em.volume import Volume
from neuropil.em.windows import Spans


@dataclass(frozen=True)
class Regridded:
    """An array on another grid over the same space, made box by box as it is sliced.

    Attributes:
        array: what is read, (z, y, x).
        shape: of the new grid.
        make: `resampling.grey_box` or `resampling.label_box`.
    """

    array: Any
    shape: tuple[int, int, int]
    make: Callable[[Any, Sequence[int], Sequence[tuple[int, int]]], NDArray[Any]]

    def __getitem__(self, where: tuple[slice, ...]) -> NDArray[Any]:
        spans = [part.indices(size)[:2] for part, size in zip(where, self.shape, strict=True)]
        return self.make(self.array, self.shape, spans)


def on_grid(volume: Volume, spacing_nm: Sequence[float], spatial_dims: int) -> Volume:
    """The volume with voxels of `spacing_nm`; itself where its own are near enough (`resampling.TOLERANCE`).

    Args:
        volume: open; nothing is read here.
        spacing_nm: voxel size of the network, (z, y, x).
        spatial_dims: 2 for a network that reads sections: they are resampled in plane only.

    Returns:
        A volume whose `raw` is float32 and whose labels keep their type, with at least one voxel on each axis.
    """
    if not needs_resampling(volume.resolution_nm, spacing_nm, spatial_dims):
        return volume
    wanted = [float(length) for length in spacing_nm]
    if spatial_dims == 2:
        wanted[0] = volume.resolution_nm[0]
    z, y, x = (
        max(1, round(size * has / to)) for size, has, to in zip(volume.shape, volume.resolution_nm, wanted, strict=True)
    )
    return replace(
        volume,
        raw=Regridded(volume.raw, (z, y, x), grey_box),
        labels={name: Regridded(array, (z, y, x), label_box) for name, array in volume.labels.items()},
        resolution_nm=(wanted[0], wanted[1], wanted[2]),
        annotated_box=None,
    )


def grid_box(box: Sequence[Sequence[int]], shape: Sequence[int], grid: Sequence[int]) -> Spans:
    """A box of a volume on another grid: the voxels that lie inside it, at least one on each axis.

    Args:
        box: [[z0, z1], [y0, y1], [x0, x1]] in the volume.
        shape: of the volume.
        grid: shape of the new grid.
    """
    z, y, x = (_inside(int(start), int(stop), int(old), int(new)) for (start, stop), old, new in zip(
        box, shape, grid, strict=True))  # fmt: skip
    return z, y, x


def _inside(start: int, stop: int, old: int, new: int) -> tuple[int, int]:
    first, last = -(-start * new // old), stop * new // old
    first = min(first, new - 1)
    return first, max(last, first + 1)


def back(
    parts: Iterable[tuple[Spans, NDArray[Any]]], grid: Sequence[int], shape: Sequence[int]
) -> Iterator[tuple[Spans, NDArray[Any]]]:
    """Boxes of ids on a grid as boxes of the volume: every voxel takes the id of the grid's voxel it lies in.

    Args:
        parts: boxes that fill the grid, and their ids.
        grid: shape of the grid.
        shape: of the volume; equal shapes give the boxes as they are.

    Yields:
        Boxes that fill the volume; those that hold none of its voxels are left out.
    """
    if tuple(grid) == tuple(shape):
        yield from parts
        return
    places = [nearest(int(old), int(new)) for old, new in zip(grid, shape, strict=True)]
    for box, ids in parts:
        spans = [np.searchsorted(place, span) for place, span in zip(places, box, strict=True)]
        if any(start == stop for start, stop in spans):
            continue
        picked = [place[a:b] - low for place, (a, b), (low, _) in zip(places, spans, box, strict=True)]
        z, y, x = ((int(a), int(b)) for a, b in spans)
        yield (z, y, x), ids[np.ix_(*picked)]
