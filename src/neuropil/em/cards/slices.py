"""Three orthogonal slices of a volume in true proportions, with outlines of its labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

LARGEST = 4096
"""Voxels: of larger volumes the middle is shown."""

OUTLINES = {
    "neuron_ids": (255, 214, 10),
    "mitochondria": (255, 90, 60),
    "clefts": (70, 200, 255),
    "synapses": (70, 200, 255),
    "classes": (130, 230, 90),
    "membranes": (130, 230, 90),
}
"""Colours of outlines, by dataset of labels; others are white."""

_GAP = 6
_OPACITY = 0.75

Colour = tuple[int, int, int]
Picture = NDArray[np.uint8]


@dataclass(frozen=True)
class Slices:
    """A picture of three slices.

    Attributes:
        picture: the section (y down, x right); right of it z-y (y down, z right), below it x-z (z down, x right).
        nm_per_px: nanometres a pixel, the same along all axes.
        place: the voxel (z, y, x) in which the three slices meet.
    """

    picture: Image.Image
    nm_per_px: float
    place: tuple[int, int, int]


def outline_colour(name: str) -> Colour:
    """The colour of the outlines of a dataset of labels."""
    return OUTLINES.get(name, (255, 255, 255))


def draw_slices(
    raw: Any,
    labels: Mapping[str, Any],
    resolution_nm: Sequence[float],
    size: tuple[int, int],
    *,
    place: Sequence[int] | None = None,
) -> Slices:
    """Draw the slices through a voxel.

    Args:
        raw: grey values, (z, y, x), an array or a dataset.
        labels: ids by name, each of raw's shape; all are outlined over each other.
        resolution_nm: voxel size, (z, y, x).
        size: the picture is at most so wide and so high, in pixels.
        place: the voxel (z, y, x) they meet in; None = the middle.
    """
    chosen = [int(one) for one in (place or [length // 2 for length in raw.shape])]
    spans = [_span(length, middle) for length, middle in zip(raw.shape, chosen, strict=True)]
    depth, height, width = ((span.stop - span.start) * step for span, step in zip(spans, resolution_nm, strict=True))
    nm_per_px = max((width + depth) / (size[0] - _GAP), (height + depth) / (size[1] - _GAP))
    pixels = [max(1, round(length / nm_per_px)) for length in (depth, height, width)]
    sheet = Image.new("RGB", (pixels[2] + _GAP + pixels[0], pixels[1] + _GAP + pixels[0]), "white")
    for across, turned, corner in (
        (0, False, (0, 0)),
        (2, True, (pixels[2] + _GAP, 0)),
        (1, False, (0, pixels[1] + _GAP)),
    ):
        where: list[Any] = list(spans)
        where[across] = chosen[across]
        shown = tuple(length for axis, length in enumerate(pixels) if axis != across)
        plane = draw_plane(raw[tuple(where)], {name: ids[tuple(where)] for name, ids in labels.items()}, shown)
        sheet.paste(Image.fromarray(plane.transpose(1, 0, 2).copy() if turned else plane), corner)
    return Slices(sheet, nm_per_px, (chosen[0], chosen[1], chosen[2]))


def _span(length: int, middle: int) -> slice:
    start = int(np.clip(middle - LARGEST // 2, 0, max(0, length - LARGEST)))
    return slice(start, min(length, start + LARGEST))


def draw_plane(grey: NDArray[Any], labels: Mapping[str, NDArray[Any]], size: Sequence[int]) -> Picture:
    """A plane (rows, columns) at a size in pixels, with outlines a pixel wide; uint8 (rows, columns, 3)."""
    rows, columns = (int(one) for one in size)
    smooth = Image.Resampling.BOX if rows < grey.shape[0] else Image.Resampling.BICUBIC
    image = Image.fromarray(_as_bytes(np.asarray(grey))).resize((columns, rows), smooth)
    picture = np.repeat(np.asarray(image)[..., None], 3, -1).astype(np.float32)
    for name, ids in labels.items():
        line = _outline(np.asarray(ids), rows, columns)
        picture[line] += _OPACITY * (np.array(outline_colour(name), np.float32) - picture[line])
    return picture.round().astype(np.uint8)


def _outline(ids: NDArray[Any], rows: int, columns: int) -> NDArray[np.bool_]:
    """The pixels of a smaller or larger picture of ids that differ from the one below or to the right."""
    down = (np.arange(rows) * ids.shape[0] // rows).astype(int)
    right = (np.arange(columns) * ids.shape[1] // columns).astype(int)
    shown = ids[down][:, right]
    line = np.zeros(shown.shape, bool)
    line[:-1] |= shown[1:] != shown[:-1]
    line[:, :-1] |= shown[:, 1:] != shown[:, :-1]
    return line


def _as_bytes(grey: NDArray[Any]) -> Picture:
    if grey.dtype == np.uint8:
        return grey
    values = np.nan_to_num(grey.astype(np.float64))
    low, high = np.percentile(values, (0.5, 99.5))
    return (np.clip((values - low) / max(high - low, 1e-9), 0, 1) * 255).round().astype(np.uint8)
