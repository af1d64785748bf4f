"""A picture of the worst merges and splits: raw, truth and segmentation around each, in plane and along z."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from neuropil.em.cards.lettering import FAINT, INK, draw_bar, font, wrapped
from neuropil.em.scoring.fault_table import crop_nm
from neuropil.em.scoring.held_out import HeldOut

SHOWN = 4
"""Faults drawn, of each kind."""

_SIDE = 220  # pixels of a panel
_GAP, _CAPTION, _HEAD = 6, 24, 74
_WIDTH = 6 * _SIDE + 7 * _GAP
_WHOLE, _MAIN, _PART = (150, 60, 200), (40, 120, 230), (255, 140, 0)
_OPACITY = 0.5
_LINE = 0.35  # how bright the outlines of all other objects are

Picture = NDArray[np.uint8]
Row = Mapping[str, Any]


def draw_faults(parts: Iterable[HeldOut], rows: Sequence[Row]) -> bytes:
    """PNG: a line for each of the worst faults of all volumes, four merges and four splits; empty where there is none.

    The part that is one too many is orange, the largest part of the same whole blue, the whole purple: of a merge
    purple is a segment and blue and orange are true objects, of a split purple is the true object. The cross marks the
    place in the table.

    Args:
        parts: the held-out parts.
        rows: of `fault_table.fault_rows`, of all volumes.
    """
    chosen = _worst(rows)
    if not chosen:
        return b""
    drawn: dict[int, Image.Image] = {}
    for part in parts:
        drawn.update((place, _line(part, row)) for place, row in enumerate(chosen) if row["volume"] == part.name)
    lines = [drawn[place] for place in sorted(drawn)]
    sheet = Image.new("RGB", (_WIDTH, _HEAD + sum(line.height + _GAP for line in lines)), "white")
    _head(ImageDraw.Draw(sheet))
    top = _HEAD
    for line in lines:
        sheet.paste(line, (0, top))
        top += line.height + _GAP
    buffer = io.BytesIO()
    sheet.save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()


def _worst(rows: Sequence[Row]) -> list[Row]:
    return [
        row
        for kind in ("merge", "split")
        for row in sorted((row for row in rows if row["kind"] == kind), key=lambda row: -row["voxels"])[:SHOWN]
    ]


def _head(pen: ImageDraw.ImageDraw) -> None:
    pen.text((_GAP, 8), "The worst merges and splits of the held-out parts", INK, font(17))
    left = float(_GAP)
    for colour, text in (
        (_WHOLE, "the segment that merges, or the object that is cut"),
        (_MAIN, "its largest part"),
        (_PART, "the part that is one too many"),
    ):
        pen.rectangle((left, 39, left + 14, 51), fill=colour)
        pen.text((left + 20, 37), text, INK, font(13))
        left += 48 + pen.textlength(text, font(13))
    for column, title in enumerate(("raw", "truth", "segmentation") * 2):
        text = f"{title}, {'section' if column < 3 else 'along z'}"
        pen.text((_GAP + column * (_SIDE + _GAP), 57), text, FAINT, font(12))


def _line(part: HeldOut, row: Row) -> Image.Image:
    """One fault: a caption and six panels in true proportions."""
    start = [low for low, _ in part.box]
    place = [int(row[axis]) - zero for axis, zero in zip("zyx", start, strict=True)]
    main = [int(row[f"main_{axis}"]) - zero for axis, zero in zip("zyx", start, strict=True)]
    ids = [[int(np.asarray(array[tuple(at)])) for at in (place, main)] for array in (part.truth, part.network)]
    reach = crop_nm(row["voxels"], part.resolution_nm)
    panels: list[Image.Image] = []
    for axes in ((1, 2), (0, 2)):
        panels += _panels(part, place, ids, axes, reach, merge=row["kind"] == "merge")
    height = max(panel.height for panel in panels)
    image = Image.new("RGB", (_WIDTH, _CAPTION + height + 22), "white")
    pen = ImageDraw.Draw(image)
    pen.text((_GAP, 4), wrapped(pen, _caption(row), _WIDTH - 2 * _GAP, 13, most=1)[0], INK, font(13))
    for column, panel in enumerate(panels):
        image.paste(panel, (_GAP + column * (_SIDE + _GAP), _CAPTION))
    draw_bar(pen, (_GAP, _CAPTION + height + 10), reach / _SIDE, _SIDE // 2)
    return image


def _caption(row: Row) -> str:
    where = f"{row['volume']} at z, y, x = {row['z']}, {row['y']}, {row['x']}"
    much = f"{row['voxels']:,} voxels, {100 * row['share']:.0f} %"
    if row["kind"] == "merge":
        return f"Merge: segment {row['whole']} covers {row['main']} and {row['part']} ({much} of it). {where}"
    if row["main"] == row["part"]:  # pieces that meet outside the part are counted apart inside it
        found = f"two pieces of segment {row['main']} that meet outside"
    else:
        found = f"segments {row['main']} and {row['part']}"
    return f"Split: object {row['whole']} lies in {found} ({much} of it). {where}"


def _panels(
    part: HeldOut,
    place: Sequence[int],
    ids: Sequence[Sequence[int]],
    axes: tuple[int, int],
    reach: float,
    *,
    merge: bool,
) -> list[Image.Image]:
    """Raw, truth and segmentation of a plane through the place; the picture lies inside the part."""
    cut: list[Any] = [slice(at, at + 1) for at in place]
    spans = []
    for axis in axes:
        length = min(part.shape[axis], max(2, round(reach / part.resolution_nm[axis])))
        low = min(max(0, place[axis] - length // 2), part.shape[axis] - length)  # moved inside the part
        spans.append((low, low + length))
        cut[axis] = slice(*spans[-1])
    other = next(axis for axis in range(3) if axis not in axes)
    raw, truth, found = (np.asarray(a[tuple(cut)]).squeeze(other) for a in (part.raw, part.truth, part.network))
    (true_part, true_main), (found_part, found_main) = ids
    if merge:
        colours = ({true_part: _PART, true_main: _MAIN}, {found_part: _WHOLE})
    else:
        colours = ({true_part: _WHOLE}, {found_part: _PART, found_main: _MAIN})
    cross = [place[axis] - low for axis, (low, _) in zip(axes, spans, strict=True)]
    per_pixel = reach / _SIDE
    size = [
        max(2, round((high - low) * part.resolution_nm[axis] / per_pixel))
        for axis, (low, high) in zip(axes, spans, strict=True)
    ]
    grey = _stretched(raw)
    pictures = (np.repeat(grey[..., None], 3, -1), _painted(grey, truth, colours[0]), _painted(grey, found, colours[1]))
    return [_marked(picture, cross, (size[1], size[0])) for picture in pictures]


def _stretched(raw: NDArray[Any]) -> Picture:
    """Grey values over the whole range: crops of low contrast are hard to judge."""
    low, high = np.percentile(raw, [1, 99])
    return np.clip((raw.astype(float) - low) / max(1.0, high - low) * 255, 0, 255).astype(np.uint8)


def _painted(grey: Picture, ids: NDArray[Any], colours: Mapping[int, tuple[int, int, int]]) -> Picture:
    picture = np.repeat(grey[..., None].astype(float), 3, -1)
    for value, colour in colours.items():
        mask = ids == value
        picture[mask] = picture[mask] * (1 - _OPACITY) + np.array(colour) * _OPACITY
    line = np.zeros(ids.shape, bool)
    line[:, 1:] |= ids[:, 1:] != ids[:, :-1]
    line[1:] |= ids[1:] != ids[:-1]
    picture[line] *= _LINE
    return picture.astype(np.uint8)


def _marked(picture: Picture, cross: Sequence[int], size: tuple[int, int]) -> Image.Image:
    """The picture in its size, with an open cross at a voxel (row, column)."""
    image = Image.fromarray(picture).resize(size, Image.Resampling.NEAREST)
    pen = ImageDraw.Draw(image)
    y, x = ((at + 0.5) * size[1 - axis] / picture.shape[axis] for axis, at in enumerate(cross))
    for width, colour in ((3, (0, 0, 0)), (1, (255, 255, 255))):
        for near, far in ((4, 12), (-12, -4)):
            pen.line((x + near, y, x + far, y), fill=colour, width=width)
            pen.line((x, y + near, x, y + far), fill=colour, width=width)
    return image
