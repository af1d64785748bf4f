"""Boxes of voxels: the parts that follow each other along one axis of a volume, with gaps between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from neuropil.errors import InputError

Box = list[list[int]]
"""[[z0, z1], [y0, y1], [x0, x1]], voxels."""

PARTS = ("train", "val", "test")
_FEWEST = 8  # sections; a part with fewer along z says little about 3D, so a flat volume is split in plane


def annotated_box(record: Mapping[str, Any]) -> Box:
    """The voxels of a volume that carry labels: its `annotated_box`, else all of it."""
    box = record.get("annotated_box") or [[0, size] for size in record["shape"]]
    return [[int(start), int(stop)] for start, stop in box]


@dataclass(frozen=True)
class Cut:
    """How a volume is cut.

    Attributes:
        val_fraction: validation's share of the extent without the gaps.
        test_fraction: the test part's.
        gap_nm: left out between two parts, nanometres, rounded up to whole voxels.
        axis: z, y, x, or auto: z where every part gets at least eight sections, else the longer side in plane.
    """

    val_fraction: float
    test_fraction: float
    gap_nm: float
    axis: str = "auto"

    def parts(self, record: Mapping[str, Any], names: Sequence[str]) -> tuple[dict[str, Box], str]:
        """Boxes of the named parts of a volume, and the axis along which they follow each other.

        Args:
            record: of the index `volumes`; only what is annotated is given to a part.
            names: of PARTS, in their order, `train` among them.

        Raises:
            InputError: there is no room for the parts and the gaps.
        """
        box = annotated_box(record)
        axis = self._axis(record, box, names)
        spans = self._spans(record, box, axis, names)
        if spans is None:
            raise InputError(
                f"volume {record['name']}: {box[axis][1] - box[axis][0]} voxels along {'zyx'[axis]} are too few for "
                f"{len(names)} parts and {len(names) - 1} gap(s); lower em_segmentation.data.split.gap_nm "
                f"(now {self.gap_nm:g})"
            )
        boxes = {name: [*box[:axis], list(span), *box[axis + 1 :]] for name, span in zip(names, spans, strict=True)}
        return boxes, "zyx"[axis]

    def _axis(self, record: Mapping[str, Any], box: Box, names: Sequence[str]) -> int:
        if self.axis != "auto":
            return "zyx".index(self.axis)
        spans = self._spans(record, box, 0, names)
        if spans is not None and min(stop - start for start, stop in spans) >= _FEWEST:
            return 0
        lengths = [(stop - start) * step for (start, stop), step in zip(box, record["resolution_nm"], strict=True)]
        return 1 if lengths[1] >= lengths[2] else 2

    def _spans(
        self, record: Mapping[str, Any], box: Box, axis: int, names: Sequence[str]
    ) -> list[tuple[int, int]] | None:
        """Start and stop of each part along the axis; None where one would be empty."""
        low, high = box[axis]
        gap = -int(-self.gap_nm // float(record["resolution_nm"][axis]))
        room = high - low - gap * (len(names) - 1)
        shares = {"val": self.val_fraction, "test": self.test_fraction}
        sizes = {name: round(room * shares[name]) for name in names if name in shares}
        sizes["train"] = room - sum(sizes.values())
        if min(sizes.values()) < 1:
            return None
        spans = []
        for name in names:
            spans.append((low, low + sizes[name]))
            low += sizes[name] + gap
        return spans
