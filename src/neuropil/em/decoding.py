"""Affinities to instances: one block, by the method that its calibration is of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuropil.em.calibrations import Calibrated, Calibration, MergeCalibration, blended
from neuropil.em.mutex_watershed import mutex_watershed, without_specks
from neuropil.errors import InputError

__all__ = ["VERSION", "Calibration", "MergeCalibration", "best_calibration", "decode"]

VERSION = 2
Affinities = NDArray[np.uint8]


def decode(
    affinities: Affinities,
    offsets: Sequence[Sequence[int]],
    calibration: Calibrated,
    *,
    stride: int,
    min_size: int,
    seed: int,
    mask: NDArray[np.bool_] | None = None,
    spacing_nm: Sequence[float] = (1.0, 1.0, 1.0),
    extra: Affinities | None = None,
) -> NDArray[np.uint32]:
    """Instances of one block, each a connected component.

    By mutex watershed: long affinities mostly tell apart; taking all of them splits too much, so one in stride^dims is
    taken. Fragments under `min_size` are given to the neighbours they touch, by a watershed on the mean affinity of
    neighbours. By agglomeration: see `neuropil.em.agglomeration`; small fragments join the neighbour in contact that
    has the highest mean affinity.

    Args:
        affinities: uint8 (offset, z, y, x), 0..255.
        offsets: the voxel pairs, non-negative steps.
        calibration: the method and what was chosen for it.
        stride: of the mutex watershed, see above; 1 uses all. Agglomeration takes every affinity.
        min_size: voxels.
        seed: orders equal affinities in the mutex watershed; agglomeration draws nothing.
        mask: voxels outside are no part of any instance and become 0.
        spacing_nm: voxel size (z, y, x), in which agglomeration measures distances.
        extra: affinities of the embedding, uint8 of the same voxel pairs and shape; needed where the calibration
            counts them.

    Returns:
        uint32 (z, y, x), ids 1..n.

    Raises:
        InputError: the calibration counts affinities of the embedding and there are none.
    """
    if calibration.counts_embedding and extra is None:
        raise InputError(
            "the checkpoint's decoding was calibrated with affinities of the embedding; "
            "set em_segmentation.inference.embedding_affinities=true"
        )
    affinities, offsets, extra = fitting(affinities, offsets, extra)
    if isinstance(calibration, MergeCalibration):
        from neuropil.em.agglomeration.pieces import Pieces

        seen, second = calibration.seen(affinities, extra)
        pieces = Pieces.of(seen, offsets, spacing_nm, calibration.seed_nm, mask=mask, extra=second)
        return pieces.painted(pieces.merges(calibration).segments(calibration.threshold), min_size)
    seen = blended(affinities, extra, calibration.embedding_weight)
    labels = mutex_watershed(seen, offsets, calibration.bias_near, calibration.bias_far, stride, seed, mask)
    return without_specks(labels, seen, offsets, min_size, mask)


def fitting(
    affinities: Affinities, offsets: Sequence[Sequence[int]], extra: Affinities | None
) -> tuple[Affinities, Sequence[Sequence[int]], Affinities | None]:
    """What is left without the offsets that join no pair: a block may be smaller than the longest of them."""
    sizes = affinities.shape[1:]
    kept = [i for i, offset in enumerate(offsets) if all(s < size for s, size in zip(offset, sizes, strict=True))]
    if len(kept) == len(offsets):
        return affinities, offsets, extra
    return affinities[kept], [offsets[i] for i in kept], None if extra is None else extra[kept]


def best_calibration(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The candidate with the lowest VOI sum; among those within 2 % of it, the one that merges least.

    A thin validation part hides mergers that a larger volume shows, so ties go towards splits.
    """
    least = min(row["voi_split"] + row["voi_merge"] for row in rows)
    close = [row for row in rows if row["voi_split"] + row["voi_merge"] <= 1.02 * least]
    return min(close, key=lambda row: row["voi_merge"])
