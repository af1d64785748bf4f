"""Parts of different volumes that lie in one place of one animal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

from neuropil.statistics.volume_boxes import Box

ONE_FRAME = ("microns",)
"""Sources whose offsets are all places in one coordinate frame, and whose ids name the same neurons everywhere."""

_FOLLOWING = {"mitoem2": (("human_train", "human_val"), ("rat_train", "rat_val"))}
"""Volumes that are published apart though the second one's first section follows on the first one's last."""


def touching(
    records: Sequence[Mapping[str, Any]], volumes: Mapping[str, Mapping[str, Box]], gap_nm: float
) -> list[str]:
    """A line for each pair of volumes where one's training part comes nearer than the gap to another's held-out part.

    Crops of one large volume may overlap; a gap inside each of them does not keep them apart. The parts of MitoEM's
    first version follow on each other.

    Args:
        records: with offset_nm, (z, y, x) of the first voxel, where it is known.
        volumes: the parts of each volume.
        gap_nm: nanometres.
    """
    placed = [r for r in records if r.get("source") in ONE_FRAME and r.get("offset_nm") is not None]
    notes = _following(records)
    for one, other in product(placed, placed):
        if one["source"] != other["source"] or one["name"] == other["name"]:
            continue
        boxes = volumes[one["name"]], volumes[other["name"]]
        for part in ("val", "test"):
            if "train" not in boxes[0] or part not in boxes[1]:
                continue
            apart = _apart(_place(one, boxes[0]["train"]), _place(other, boxes[1][part]))
            if apart < gap_nm:
                where = "overlap" if apart < 0 else f"are {apart:g} nm apart"
                notes.append(
                    f"{one['name']} (train) and {other['name']} ({part}) {where}, less than gap_nm={gap_nm:g}: "
                    f"what is scored there is not independent of the training"
                )
    return notes


def _following(records: Sequence[Mapping[str, Any]]) -> list[str]:
    there = {(record.get("source"), record["name"]) for record in records}
    return [
        f"{first} and {second}: published as training and validation, but the second's sections follow on the "
        "first's without a gap, so the same mitochondria are in both"
        for source, pairs in _FOLLOWING.items()
        for first, second in pairs
        if {(source, first), (source, second)} <= there
    ]


def _place(record: Mapping[str, Any], box: Box) -> list[tuple[float, float]]:
    return [
        (origin + start * step, origin + stop * step)
        for origin, (start, stop), step in zip(record["offset_nm"], box, record["resolution_nm"], strict=True)
    ]


def _apart(one: list[tuple[float, float]], other: list[tuple[float, float]]) -> float:
    """The largest gap along an axis; below 0 where the boxes overlap."""
    return max(max(a0 - b1, b0 - a1) for (a0, a1), (b0, b1) in zip(one, other, strict=True))
