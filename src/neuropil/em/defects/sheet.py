"""Pictures of defects, a strip a defect: what was found, what to do, and the sections or labels that show it."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from neuropil.em.cards.lettering import ALARM, FAINT, INK, RULE, font, wrapped
from neuropil.em.cards.slices import draw_plane
from neuropil.em.defects.defect import Defect
from neuropil.em.defects.report import SEVERITIES
from neuropil.em.inspection.misshapen import opened
from neuropil.em.inspection.symmetries import IDENTITY, symmetries
from neuropil.em.volume import open_volume
from neuropil.errors import InputError

STRIPS, OF_ONE = 12, 2
"""Defects on a sheet, and those of one volume, at most; the table has all."""

_WIDTH, _TEXT, _PANEL, _EDGE, _GAP = 1080, 330, 220, 20, 12
_HEAD, _UNDER, _ONE_COLUMN = 62, 22, 3
_EMPTY = 360  # height of a sheet without a defect: Kedro-Viz stretches a mere line of text to the height of its preview
_CROP = 320  # voxels of a section that are shown, so that outlines can be told apart

Panel = tuple[str, NDArray[np.uint8]]


def draw_defect_sheet(shown: Sequence[Mapping[str, Any]], inspected: int, store: Path, raw_store: Path) -> bytes:
    """Draw the sheet as PNG; it says so where there is no defect.

    Args:
        shown: from `report.report_defects`.
        inspected: how many volumes there are in all.
        store: the folder of the converted volumes.
        raw_store: what the paths of raw volumes are relative to.
    """
    strips = [_strip(one, store, raw_store) for one in chosen(shown)]
    half = -(-len(strips) // 2) if len(strips) > _ONE_COLUMN else len(strips)
    columns = [column for column in (strips[:half], strips[half:]) if column]
    more = len(shown) - len(strips)
    height = _HEAD + max((sum(strip.height for strip in column) for column in columns), default=_EMPTY)
    sheet = Image.new("RGB", (_WIDTH * max(1, len(columns)), height + (30 if more else 0) + _EDGE), "white")
    pen = ImageDraw.Draw(sheet)
    words = "1 volume" if inspected == 1 else f"{inspected} volumes"
    title = f"{len(shown)} defects in {words}" if len(shown) != 1 else f"1 defect in {words}"
    pen.text((_EDGE, 16), title if shown else f"No evident defect in {words}", INK, font(24))
    for number, column in enumerate(columns):
        top = _HEAD
        for strip in column:
            sheet.paste(strip, (number * _WIDTH, top))
            top += strip.height
    if more:
        pen.text((_EDGE, height + 6), f"{more} more in the table of defects", FAINT, font(15))
    data = io.BytesIO()
    sheet.quantize(255, dither=Image.Dither.NONE).save(data, "PNG", optimize=True)
    return data.getvalue()


def chosen(shown: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The defects that are drawn: the severe ones first, two of a volume, one of a kind."""
    order = sorted(shown, key=lambda one: SEVERITIES.index(one["row"]["severity"]))  # stable: else as they come
    volumes: Counter[str] = Counter()
    kinds = set()
    drawn = []
    for one in order:
        volume, kind = one["row"]["volume"], (one["row"]["volume"], one["row"]["check"])
        if volumes[volume] < OF_ONE and kind not in kinds:
            volumes[volume] += 1
            kinds.add(kind)
            drawn.append(one)
    return drawn[:STRIPS]


def _strip(one: Mapping[str, Any], store: Path, raw_store: Path) -> Image.Image:
    panels: list[Panel] = []
    with suppress(InputError, OSError):  # what cannot be read is told in words
        panels = list(_of_raw(one["raw"], one["turns"], raw_store) if "raw" in one else _of_volume(one, store))
    lines = _lines(one["row"])
    height = max(sum(18 if size < 15 else 24 for _, _, size in lines) + 20,
                 *(panel.shape[0] + _UNDER + 18 for _, panel in panels), 90)  # fmt: skip
    strip = Image.new("RGB", (_WIDTH, height), "white")
    pen = ImageDraw.Draw(strip)
    pen.line((_EDGE, 0, _WIDTH - _EDGE, 0), RULE)
    top = 8
    for text, colour, size in lines:
        pen.text((_EDGE, top), text, colour, font(size))
        top += 18 if size < 15 else 24
    for number, (title, panel) in enumerate(panels):
        left = _EDGE + _TEXT + _GAP + number * (_PANEL + _GAP)
        strip.paste(Image.fromarray(panel), (left, 10))
        pen.text((left, 12 + panel.shape[0]), wrapped(pen, title, _PANEL, 12, most=1)[0], FAINT, font(12))
    return strip


def _lines(row: Mapping[str, Any]) -> list[tuple[str, tuple[int, int, int], int]]:
    pen = ImageDraw.Draw(Image.new("RGB", (1, 1)))
    parts = (
        (str(row["volume"]), INK, 17),
        (f"{row['severity']}: {row['check']}", ALARM, 13),
        (row["finding"], INK, 13),
        (row["what_to_do"], FAINT, 13),
    )
    return [(line, colour, size) for text, colour, size in parts for line in wrapped(pen, text, _TEXT, size, most=7)]


def _of_volume(one: Mapping[str, Any], store: Path) -> Iterator[Panel]:
    defect: Defect = one["defect"]
    record = one["record"]
    with open_volume(store / record["path"]) as volume:
        if defect.label is not None:
            yield from _of_labels(volume, record, defect)
        elif defect.check.startswith("voxel"):
            yield from _across(volume)
        else:
            yield from _sections(volume.raw, defect.sections)


def _sections(raw: Any, sections: Sequence[int]) -> Iterator[Panel]:
    """A section that shows it between the ones before and after it; three of the volume where all show it."""
    depth = raw.shape[0]
    if not sections or len(sections) > depth / 2:
        chosen = sorted({depth // 4, depth // 2, 3 * depth // 4})
    else:
        chosen = sorted({min(max(sections[0] + step, 0), depth - 1) for step in (-1, 0, 1)})
    for z in chosen:
        yield f"section {z}", _panel(_cut(raw, z))


def _across(volume: Any) -> Iterator[Panel]:
    """Planes along each pair of axes as their voxels lie, without regard to the voxel size."""
    z, y, x = (length // 2 for length in volume.shape)
    spans = [slice(max(0, m - _CROP // 4), m + _CROP // 4) for m in (z, y, x)]
    for title, where in (
        ("y down, x right, in voxels", (z, spans[1], spans[2])),
        ("z down, x right, in voxels", (spans[0], y, spans[2])),
        ("z down, y right, in voxels", (spans[0], spans[1], x)),
    ):
        yield title, _panel(volume.raw[where])


def _of_labels(volume: Any, record: Mapping[str, Any], defect: Defect) -> Iterator[Panel]:
    """The labels as they are stored over the image, and where they would fit."""
    name = str(defect.label)
    ids, raw = volume.labels[name], volume.raw
    box = record.get("annotated_box") or [(0, size) for size in volume.shape]
    z = int(defect.sections[0]) if defect.sections else (box[0][0] + box[0][1]) // 2
    rows, columns = (_middle(start, stop) for start, stop in box[1:])
    grey = raw[z, rows, columns]
    yield f"{name} as stored, section {z}", _panel(grey, {name: ids[z, rows, columns]})
    if defect.sections and z > 0:
        yield f"section {z - 1}", _panel(raw[z - 1, rows, columns], {name: ids[z - 1, rows, columns]})
    if defect.fit is None:
        return
    if defect.fit["misfit"] in ("turned", "moved"):
        fitting = _fitting(ids, box, (z, rows, columns), defect.fit)
        if fitting is not None:
            yield f"{name} where it fits", _panel(grey, {name: fitting})
    yield f"image, section {z}", _panel(grey)


def _fitting(
    ids: Any, box: Sequence[Sequence[int]], place: tuple[int, slice, slice], fit: Mapping[str, Any]
) -> NDArray[Any] | None:
    """The labels that fit a place of the image, turned and moved; None where they lie outside the annotated box."""
    starts, sizes = [span[0] for span in box], [span[1] - span[0] for span in box]
    turn = next((one for one in symmetries(sizes, sizes) if one.name == fit["symmetry"]), IDENTITY)
    z, y, x = place
    spans = [
        slice(one.start - start - by, one.stop - start - by)
        for one, start, by in zip((slice(z, z + 1), y, x), starts, fit["shift"], strict=True)
    ]
    wanted = [slice(max(0, one.start), min(size, one.stop)) for one, size in zip(spans, sizes, strict=True)]
    if any(one.start >= one.stop for one in wanted):
        return None
    source = turn.source(wanted, sizes)
    found = turn.turned(np.asarray(ids[tuple(slice(one.start + start, one.stop + start)
                                            for one, start in zip(source, starts, strict=True))]))  # fmt: skip
    whole = np.zeros([one.stop - one.start for one in spans], found.dtype)
    whole[tuple(slice(inner.start - outer.start, inner.stop - outer.start)
                for inner, outer in zip(wanted, spans, strict=True))] = found  # fmt: skip
    return whole[0]


def _of_raw(record: Mapping[str, Any] | None, turns: Mapping[str, str], raw_store: Path) -> Iterator[Panel]:
    """A volume that was refused: sections of its image and of its labels, with their shapes, and how they fit."""
    if record is None:
        return
    with opened(record, raw_store) as (raw, labels):
        z = raw.shape[0] // 2
        grey = _cut(raw, z)
        yield f"image, {_shape(raw)}", _panel(grey)
        for name in [*turns, *(name for name in labels if name not in turns)][:1]:
            ids = labels[name]
            plane = _cut(ids, ids.shape[0] // 2)
            yield f"{name}, {_shape(ids)}", _panel(np.zeros(plane.shape, np.uint8), {name: plane})
            if name in turns:
                place = (slice(z, z + 1), _middle(0, raw.shape[1]), _middle(0, raw.shape[2]))
                turn = next(one for one in symmetries(ids.shape, raw.shape) if one.name == turns[name])
                fitting = turn.turned(np.asarray(ids[turn.source(place, ids.shape)]))[0]
                yield f"{name} where it fits", _panel(grey, {name: fitting})


def _shape(array: Any) -> str:
    return " x ".join(str(size) for size in array.shape)


def _cut(array: Any, z: int) -> NDArray[Any]:
    return np.asarray(array[(z, _middle(0, array.shape[1]), _middle(0, array.shape[2]))])


def _middle(start: int, stop: int) -> slice:
    first = start + max(0, stop - start - _CROP) // 2
    return slice(first, min(stop, first + _CROP))


def _panel(grey: NDArray[Any], labels: Mapping[str, NDArray[Any]] | None = None) -> NDArray[np.uint8]:
    scale = _PANEL / max(grey.shape)
    return draw_plane(grey, labels or {}, [max(1, round(length * scale)) for length in grey.shape])
