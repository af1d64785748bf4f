"""The classical baseline on a part of any size: block by block, joined where blocks overlap, as the network's is."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from neuropil.em.baseline import Threshold, smoothed, threshold_watershed
from neuropil.em.stitching import common, grown, joined, matches, neighbours
from neuropil.em.windows import Spans, blocks, slices

_BLOCK = (64, 384, 384)
_OVERLAP = (16, 64, 64)
_SAMPLES = 1 << 23  # grey values that a quantile is taken of


def write_baseline(
    raw: Any,
    resolution_nm: Sequence[float],
    threshold: Threshold,
    target: Any,
    scratch: Path,
    *,
    block: Sequence[int] = _BLOCK,
) -> int:
    """Segment grey values by `threshold_watershed`; a part of at most one block's voxels is segmented whole.

    Blocks overlap by 16 x 64 x 64 voxels and are joined there by `stitching.matches`; all take one grey value for the
    border between membrane and cell, the quantile over the part (over every n-th voxel of a large one).

    Args:
        raw: grey values (z, y, x), read when sliced.
        resolution_nm: voxel size (z, y, x).
        threshold: chosen on validation data.
        target: array of raw's shape that can be sliced and written.
        scratch: a folder; blocks lie there until they are joined, 4 bytes a voxel.
        block: voxels segmented at once.

    Returns:
        The highest id; one that lies only where blocks overlap may not occur.
    """
    bounds: Spans = ((0, raw.shape[0]), (0, raw.shape[1]), (0, raw.shape[2]))
    grid = list(blocks(bounds, _even(raw.shape, block)))
    wide = [grown(box, bounds, _OVERLAP) for box in grid]
    level = _level(raw, resolution_nm, threshold, grid) if len(grid) > 1 else None
    with tempfile.TemporaryDirectory(dir=scratch, prefix="baseline-") as folder:
        files = [Path(folder) / f"{position}.npy" for position in range(len(grid))]
        counts = []
        for box, file in zip(wide, files, strict=True):
            labels = threshold_watershed(np.asarray(raw[slices(box)]), resolution_nm, threshold, level=level)
            np.save(file, labels)
            counts.append(int(labels.max()))

        def part(position: int, box: Spans) -> Any:
            origin = [start for start, _ in wide[position]]
            return np.load(files[position], mmap_mode="r")[slices(box, origin)]

        pairs = (
            (one, other, matches(part(one, shared), part(other, shared)))
            for one, other in neighbours(grid)
            for shared in [common(wide[one], wide[other])]
        )
        tables = joined(counts, pairs)
        for position, (box, table) in enumerate(zip(grid, tables, strict=True)):
            target[slices(box)] = table[part(position, box)]
    return int(max(table.max() for table in tables))


def _level(raw: Any, resolution_nm: Sequence[float], threshold: Threshold, grid: Sequence[Spans]) -> float:
    """The quantile of the smoothed grey values of all blocks."""
    step = -(-int(np.prod(raw.shape, dtype=np.int64)) // _SAMPLES)
    values = [smoothed(np.asarray(raw[slices(box)]), resolution_nm).ravel()[::step] for box in grid]
    return float(np.quantile(np.concatenate(values), threshold.quantile))


def _even(shape: Sequence[int], block: Sequence[int]) -> list[int]:
    """Blocks of about one size along each axis, none above `block`; the whole where it has no more voxels."""
    if np.prod(shape, dtype=np.int64) <= np.prod(block, dtype=np.int64):
        return list(shape)
    counts = [-(-length // size) for length, size in zip(shape, block, strict=True)]
    return [-(-length // count) for length, count in zip(shape, counts, strict=True)]
