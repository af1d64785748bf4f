"""The card of a volume: what it is in numbers, its histogram, three slices with outlines, its defects."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from neuropil.em.cards.lettering import ALARM, FAINT, INK, RULE, draw_bar, font, length_text, wrapped
from neuropil.em.cards.slices import draw_slices, outline_colour
from neuropil.em.defects.defect import Defect
from neuropil.em.labels import annotated_classes
from neuropil.em.volume import open_volume

VERSION = 1
WIDTH, HEIGHT = 1000, 600
"""Pixels of a card."""

_EDGE, _HEAD, _COLUMN, _FOOT = 20, 62, 330, 34
_LINE = 19
_BARS = 128
_CLASS_NAMES = ("background", "neuron", "synaptic cleft", "mitochondrion", "mitochondrion boundary")


def draw_card(
    record: Mapping[str, Any], store: Path, inspection: Mapping[str, Any], defects: Sequence[Defect]
) -> bytes:
    """Draw the card of a volume as PNG.

    Args:
        record: of the index `volumes`.
        store: the folder that its path is relative to.
        inspection: of it (see `inspection.inspect.inspect_volumes`).
        defects: of it (see `defects.rules.find_defects`).
    """
    sheet = Image.new("RGB", (WIDTH, HEIGHT), "white")
    pen = ImageDraw.Draw(sheet)
    pen.rectangle((0, 0, WIDTH - 1, HEIGHT - 1), outline=RULE)
    _draw_head(pen, record)
    top = _draw_facts(pen, record)
    top = _draw_histogram(pen, inspection, top + 10)
    _draw_defects(pen, defects, top + 12)
    _draw_slices(sheet, pen, record, store)
    data = io.BytesIO()
    sheet.quantize(255, dither=Image.Dither.NONE).save(data, "PNG", optimize=True)
    return data.getvalue()


def facts(record: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What a card says in words: pairs of a name and a text."""
    shape, size = record["shape"], record["resolution_nm"]
    extent = (length_text(voxels * step) for voxels, step in zip(shape, size, strict=True))
    known = annotated_classes(record)
    classes = ", ".join(_CLASS_NAMES[one] for one in known if one < len(_CLASS_NAMES))
    counts = record.get("instances") or {}
    labels = [f"{name} {counts[name]:,}" if name in counts else name for name in record["labels"]]
    lines = [
        ("shape", " x ".join(f"{voxels:,}" for voxels in shape)),
        ("voxel", " x ".join(f"{step:g}" for step in size) + " nm"),
        ("extent", " x ".join(extent)),
        ("classes", classes or "none annotated"),
        ("instances", ", ".join(labels) or "no labels"),
    ]
    box = record.get("annotated_box")
    if box and any(tuple(span) != (0, voxels) for span, voxels in zip(box, shape, strict=True)):
        lines.append(("annotated", " x ".join(f"{start}-{stop - 1}" for start, stop in box)))
    provenance = record.get("provenance") or {}
    more = [("split", record.get("split")), ("licence", provenance.get("licence"))]
    return [*lines, *((name, str(value)) for name, value in more if value)]


def _draw_head(pen: ImageDraw.ImageDraw, record: Mapping[str, Any]) -> None:
    (name, *_) = wrapped(pen, str(record["name"]), WIDTH - 260, 24, most=1)
    pen.text((_EDGE, 16), name, INK, font(24))
    source = str(record.get("source") or "")
    pen.text((WIDTH - _EDGE - pen.textlength(source, font(15)), 24), source, FAINT, font(15))
    pen.line((_EDGE, _HEAD - 8, WIDTH - _EDGE, _HEAD - 8), RULE)


def _draw_facts(pen: ImageDraw.ImageDraw, record: Mapping[str, Any]) -> int:
    top = _HEAD
    for name, text in facts(record):
        pen.text((_EDGE, top), name, FAINT, font(13))
        for line in wrapped(pen, text, _COLUMN - 84, 13, most=3):
            pen.text((_EDGE + 84, top), line, INK, font(13))
            top += _LINE
    return top


def _draw_histogram(pen: ImageDraw.ImageDraw, inspection: Mapping[str, Any], top: int) -> int:
    """Voxels by grey value, black to white; bars above the tallest but one per cent are cut off with a mark."""
    sections = inspection.get("sections")
    if sections is None:
        return top
    counts = np.array(sections["histogram"], float).reshape(_BARS, -1).sum(1)
    tallest = max(np.percentile(counts, 99) * 1.05, counts.max() * 0.02, 1)
    height, width = 96, _COLUMN / _BARS
    for number, count in enumerate(counts):
        bar = min(height, round(count / tallest * height))
        left = _EDGE + number * width
        pen.rectangle((left, top + height - bar, left + width - 0.6, top + height), fill=(70, 100, 150))
        if count > tallest:
            pen.rectangle((left, top - 5, left + width - 0.6, top - 2), fill=ALARM)
    pen.line((_EDGE, top + height, _EDGE + _COLUMN, top + height), FAINT)
    values = np.repeat(np.arange(_BARS), counts.astype(np.int64) * 1000 // max(1, int(counts.sum()))) * 256 // _BARS
    share = "" if sections["share"] >= 1 else f", of {sections['share']:.0%} of the voxels"
    pen.text((_EDGE, top + height + 4), "0", FAINT, font(12))
    middle = f"grey values{share}; median {np.median(values) if len(values) else 0:.0f}"
    pen.text((_EDGE + (_COLUMN - pen.textlength(middle, font(12))) / 2, top + height + 4), middle, FAINT, font(12))
    pen.text((_EDGE + _COLUMN - pen.textlength("255", font(12)), top + height + 4), "255", FAINT, font(12))
    return top + height + 22


def _draw_defects(pen: ImageDraw.ImageDraw, defects: Sequence[Defect], top: int) -> None:
    if not defects:
        pen.text((_EDGE, top), "no evident defect", FAINT, font(13))
        return
    for place, defect in enumerate(defects):
        lines = wrapped(pen, f"{defect.check}: {defect.finding}", _COLUMN, 12, most=5)
        if top + 16 * len(lines) > HEIGHT - 24:
            pen.text(
                (_EDGE, min(top, HEIGHT - 22)), f"{len(defects) - place} more defects in the report", ALARM, font(12)
            )
            return
        for line in lines:
            pen.text((_EDGE, top), line, ALARM, font(12))
            top += 16
        top += 4


def _draw_slices(sheet: Image.Image, pen: ImageDraw.ImageDraw, record: Mapping[str, Any], store: Path) -> None:
    left, room = _EDGE + _COLUMN + 26, (WIDTH - 2 * _EDGE - _COLUMN - 26, HEIGHT - _HEAD - _FOOT - 12)
    box = record.get("annotated_box")
    place = [(start + stop) // 2 for start, stop in box] if box else None
    outlined = outlined_labels(record["labels"])
    with open_volume(store / record["path"]) as volume:
        labels = {name: volume.labels[name] for name in outlined}
        shown = draw_slices(volume.raw, labels, record["resolution_nm"], room, place=place)
    sheet.paste(shown.picture, (left + (room[0] - shown.picture.width) // 2, _HEAD))
    foot = HEIGHT - _FOOT
    draw_bar(pen, (left, foot + 12), shown.nm_per_px, 150)
    z, y, x = shown.place
    right = WIDTH - _EDGE
    for name in reversed(outlined):
        right -= round(pen.textlength(name, font(13)))
        pen.text((right, foot + 5), name, INK, font(13))
        pen.rectangle((right - 18, foot + 7, right - 6, foot + 19), outline_colour(name), FAINT)
        right -= 34
    middle = f"through z {z}, y {y}, x {x}"
    if left + 230 + pen.textlength(middle, font(12)) < right:
        pen.text((left + 230, foot + 6), middle, FAINT, font(12))


def outlined_labels(names: Sequence[str]) -> list[str]:
    """The datasets of labels that are outlined: those with instances, else all; classes say the same again."""
    instances = [name for name in names if name not in ("classes", "membranes")]
    return (instances or list(names))[:4]
