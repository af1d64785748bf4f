"""Splitting volumes into training, validation and test parts that lie apart."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from neuropil.statistics.volume_boxes import Cut, annotated_box
from neuropil.statistics.volume_protocols import Roles, gap_roles, published_roles, volume_roles
from neuropil.statistics.volume_touching import touching

Protocol = Literal["published", "gap", "volume"]


def split_volumes(
    records: Iterable[Mapping[str, Any]],
    *,
    val_fraction: float,
    test_fraction: float,
    gap_nm: float,
    axis: str = "auto",
    protocol: Protocol = "gap",
) -> dict[str, Any]:
    """Say which voxels of which volumes train, validate and test.

    A volume that gives several parts is divided along one axis into train, gap, val, gap, test (those it gives), one
    that gives a single part is that part as a whole; in both cases only the voxels that are annotated.

    Args:
        records: of the index `volumes`: name, shape and resolution_nm, both (z, y, x), and digest; annotated_box,
            split (as published: train, val, test) and source where they are known.
        val_fraction: share of the extent without the gaps (protocol volume: of the volumes).
        test_fraction: share of the extent without the gaps (protocol volume: of the volumes).
        gap_nm: left out between two parts, nanometres, rounded up to whole voxels.
        axis: z, y, x, or auto: z where every part gets at least eight sections, else the longer side in plane.
        protocol: published, what the sources say, the parts they leave open being cut out of their training
            volumes; gap, every volume in three parts; volume, whole volumes.

    Returns:
        {"hash": of the split, "protocol", "volumes": {name: {part: [[z0, z1], [y0, y1], [x0, x1]]}}, where a volume
        has only the parts that it gives, "gap_nm", "axes": {name: axis, of those that were cut}, "notes": lines on
        what is not sound}.

    Raises:
        InputError: a volume is too small for its parts and the gaps, or protocol=volume has too few volumes.
    """
    records = list(records)
    roles = _roles(records, protocol, val_fraction, test_fraction)
    cut = Cut(val_fraction, test_fraction, gap_nm, axis)
    volumes, axes = {}, {}
    for record in records:
        name = str(record["name"])
        given = roles.parts[name]
        if len(given) == 1:
            volumes[name] = {given[0]: annotated_box(record)}
        else:
            volumes[name], axes[name] = cut.parts(record, given)
    text = json.dumps([volumes, {str(record["name"]): record["digest"] for record in records}], sort_keys=True)
    return {
        "hash": hashlib.sha256(text.encode()).hexdigest()[:16],
        "protocol": protocol,
        "gap_nm": gap_nm,
        "axes": axes,
        "volumes": volumes,
        "notes": [*roles.notes, *touching(records, volumes, gap_nm)],
    }


def having(records: Iterable[Mapping[str, Any]], split: Mapping[str, Any], part: str) -> list[Mapping[str, Any]]:
    """The records of the volumes that have a part (train, val or test) in a split."""
    return [record for record in records if part in split["volumes"].get(record["name"], {})]


def _roles(records: list[Mapping[str, Any]], protocol: Protocol, val_fraction: float, test_fraction: float) -> Roles:
    if protocol == "published":
        return published_roles(records)
    if protocol == "volume":
        return volume_roles(records, val_fraction, test_fraction)
    return gap_roles(records)
