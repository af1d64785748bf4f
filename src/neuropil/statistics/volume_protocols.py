"""What each volume is for: what its source publishes, a gap in every volume, or whole volumes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from neuropil.errors import InputError
from neuropil.statistics.volume_boxes import PARTS

Record = Mapping[str, Any]

_UNPUBLISHED = {
    "snemi3d": "the labels of its test volume AC3 are not published with it",
    "cremi3d": "the labels of its test samples A+, B+ and C+ are not published",
}


@dataclass
class Roles:
    """The parts that each volume gives, in the order of PARTS, and what must be said of them.

    Attributes:
        parts: by the volume's name.
        notes: a line each.
    """

    parts: dict[str, tuple[str, ...]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def has(self, part: str) -> bool:
        """Whether any volume gives the part."""
        return any(part in parts for parts in self.parts.values())


def gap_roles(records: Iterable[Record]) -> Roles:
    """Every volume gives all parts."""
    roles = Roles()
    for record in records:
        roles.parts[record["name"]] = PARTS
        if record.get("split") in ("val", "test"):
            roles.notes.append(
                f"{record['name']}: published as a {_WORDS[record['split']]} volume, but protocol=gap trains on a part "
                "of it: its scores are not those of the published protocol"
            )
    return roles


def volume_roles(records: Sequence[Record], val_fraction: float, test_fraction: float) -> Roles:
    """Every volume is one part: what is published of it; the others are dealt out by the hash of their digests.

    Raises:
        InputError: there are too few volumes for the three parts.
    """
    parts = {record["name"]: (str(record["split"]),) for record in records if record.get("split")}
    others = sorted((r for r in records if not r.get("split")), key=lambda record: _drawn(record["digest"]))
    taken = {part for (part,) in parts.values()}
    counts = {
        part: 0 if part in taken else max(1, round(len(others) * share))
        for part, share in (("val", val_fraction), ("test", test_fraction))
    }
    train = len(others) - sum(counts.values())
    if train < (0 if "train" in taken else 1):
        raise InputError(
            f"em_segmentation.data.split.protocol=volume: {len(records)} annotated volume(s) are too few for whole "
            "volumes to train, validate and test; use protocol=gap"
        )
    dealt = ["val"] * counts["val"] + ["test"] * counts["test"] + ["train"] * train
    return Roles(parts | {record["name"]: (part,) for record, part in zip(others, dealt, strict=True)})


def published_roles(records: Sequence[Record]) -> Roles:
    """Volumes are what their source says; the parts it leaves open are cut out of its training volumes.

    A volume of which nothing is published gives all parts. A source that publishes neither validation nor (with
    labels) test volumes has both cut out of its training volumes. If only test or validation volumes are there, no
    training would be possible: then these are cut, and a note says so.
    """
    roles = Roles()
    for source in dict.fromkeys(record.get("source") for record in records):
        group = [record for record in records if record.get("source") == source]
        told = {record.get("split") for record in group}
        missing = [part for part in PARTS[1:] if part not in told]
        open_parts = {"train": ("train", *missing), None: PARTS}
        for record in group:
            split = record.get("split")
            roles.parts[record["name"]] = open_parts.get(split, (str(split),))
        if "train" in told or source in _UNPUBLISHED:
            roles.notes += _left_open(str(source), missing)
    if not roles.has("train"):
        roles = Roles({record["name"]: PARTS for record in records})
        roles.notes = [
            f"{record['name']}: published as a {_WORDS[record['split']]} volume, but no training volume is here: a "
            "part of it trains, so its scores are not those of the published protocol"
            for record in records
        ]
    return roles


def _left_open(source: str, missing: Sequence[str]) -> list[str]:
    """What to know where a source's published volumes do not cover all parts."""
    notes = []
    if "test" in missing:
        reason = _UNPUBLISHED.get(source, "no labelled test volume of it is here")
        notes.append(
            f"{source}: {reason}; parts of its training volumes are scored instead, which neurons may enter from the "
            "part trained on, and no published score is comparable"
        )
    elif "val" in missing:
        notes.append(
            f"{source}: no validation volume is published; it is cut out of the training volumes, behind a gap"
        )
    return notes


_WORDS = {"train": "training", "val": "validation", "test": "test"}


def _drawn(digest: str) -> str:
    """A random but fixed place of a volume in the order; the digest itself may begin with anything."""
    return hashlib.sha256(f"volume {digest}".encode()).hexdigest()
