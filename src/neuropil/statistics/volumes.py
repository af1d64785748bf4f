"""Splitting volumes into training, validation and test parts with a gap between them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from neuropil.errors import InputError

PARTS = ("train", "val", "test")
_FEWEST = 8  # sections; a part with fewer along z says little about 3D, so a flat volume is split in plane


def split_volumes(
    records: Iterable[Mapping[str, Any]],
    *,
    val_fraction: float,
    test_fraction: float,
    gap_nm: float,
    axis: str = "auto",
) -> dict[str, Any]:
    """Divide each volume along one axis into train, gap, val, gap, test.

    Args:
        records: of the index `volumes`: name, shape and resolution_nm, both (z, y, x), and digest.
        val_fraction: share of the extent without the gaps.
        test_fraction: share of the extent without the gaps.
        gap_nm: left out between two parts, nanometres, rounded up to whole voxels.
        axis: z, y, x, or auto: z where every part gets at least eight sections, else the longer side in plane.

    Returns:
        {"hash": of the split, "volumes": {name: {"train": [[z0, z1], [y0, y1], [x0, x1]], "val", "test"}},
        "gap_nm", "axes": {name: axis}}.

    Raises:
        InputError: a volume is too small for the three parts and the gaps.
    """
    volumes, axes, digests = {}, {}, {}
    for record in records:
        name = str(record["name"])
        chosen = _axis(record, axis, val_fraction, test_fraction, gap_nm)
        bounds = _bounds(record, chosen, val_fraction, test_fraction, gap_nm)
        if bounds is None:
            raise InputError(
                f"volume {name}: {record['shape'][chosen]} voxels along {'zyx'[chosen]} are too few for three parts "
                f"and two gaps; lower em_segmentation.data.split.gap_nm (now {gap_nm:g})"
            )
        whole = [[0, int(size)] for size in record["shape"]]
        volumes[name] = {
            part: [list(span) if position == chosen else whole[position] for position in range(3)]
            for part, span in zip(PARTS, bounds, strict=True)
        }
        axes[name] = "zyx"[chosen]
        digests[name] = record["digest"]
    text = json.dumps([volumes, digests], sort_keys=True)
    return {
        "hash": hashlib.sha256(text.encode()).hexdigest()[:16],
        "gap_nm": gap_nm,
        "axes": axes,
        "volumes": volumes,
    }


def _axis(record: Mapping[str, Any], axis: str, val_fraction: float, test_fraction: float, gap_nm: float) -> int:
    if axis != "auto":
        return "zyx".index(axis)
    bounds = _bounds(record, 0, val_fraction, test_fraction, gap_nm)
    if bounds is not None and min(stop - start for start, stop in bounds) >= _FEWEST:
        return 0
    lengths = [size * step for size, step in zip(record["shape"], record["resolution_nm"], strict=True)]
    return 1 if lengths[1] >= lengths[2] else 2


def _bounds(
    record: Mapping[str, Any], axis: int, val_fraction: float, test_fraction: float, gap_nm: float
) -> Sequence[tuple[int, int]] | None:
    """Start and stop of the three parts along the axis; None where a part would be empty."""
    size, step = int(record["shape"][axis]), float(record["resolution_nm"][axis])
    gap = -int(-gap_nm // step)
    room = size - 2 * gap
    val, test = round(room * val_fraction), round(room * test_fraction)
    train = room - val - test
    if min(train, val, test) < 1:
        return None
    return (0, train), (train + gap, train + gap + val), (size - test, size)
