"""A picture of a segmentation: raw, truth and prediction side by side, in plane and along z, with a scale bar."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from neuropil.em.metrics import Contingency
from neuropil.em.scoring.held_out import HeldOut
from neuropil.em.scoring.tables import tile_tables

_PANEL = 420  # pixels of a panel's width
_MOST = 2 * _PANEL  # voxels of a plane drawn along each axis; a larger one is drawn in every n-th voxel
_GAP, _HEAD = 8, 26
_OPACITY = 0.45
_BARS_NM = (50, 100, 200, 500, 1000, 2000, 5000)

Picture = NDArray[np.uint8]


def draw_overlay(parts: Iterable[HeldOut]) -> bytes:
    """PNG: for each held-out part a row of xy panels (its middle section) and a row of xz panels.

    Segments take the colour of the true instance they share most voxels with, so equal colours mean agreement.
    Empty bytes where there is no part.
    """
    rows = [row for part in parts for row in _rows(part)]
    if not rows:
        return b""
    height = sum(row.height for row in rows) + _GAP * (len(rows) - 1)
    sheet = Image.new("RGB", (max(row.width for row in rows), height), "white")
    top = 0
    for row in rows:
        sheet.paste(row, (0, top))
        top += row.height + _GAP
    buffer = io.BytesIO()
    sheet.save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()


def _rows(part: HeldOut) -> Iterable[Image.Image]:
    table = Contingency.total(tile_tables(part.truth, part.network))
    colours = np.random.default_rng(3).integers(40, 256, (int(table.truth.max(initial=0)) + 1, 3)).astype(np.uint8)
    colours[0] = 0
    order = np.argsort(table.voxels)
    best = np.zeros(int(table.predicted.max(initial=0)) + 1, np.int64)
    best[table.predicted[order].astype(np.int64)] = table.truth[order].astype(np.int64)
    z, y = part.shape[0] // 2, part.shape[1] // 2
    dz, dy, dx = part.resolution_nm
    steps = [-(-size // _MOST) for size in part.shape]
    every = [slice(None, None, step) for step in steps]
    for name, plane, pitch in (
        (f"section {z + part.box[0][0]}", (z, every[1], every[2]), (dy * steps[1], dx * steps[2])),
        ("along z", (every[0], y, every[2]), (dz * steps[0], dx * steps[2])),
    ):
        raw = np.asarray(part.raw[plane])
        truth, found = (np.asarray(array[plane]).astype(np.int64) for array in (part.truth, part.network))
        yield _row(
            [
                (f"{part.name}, held-out part, {name}", np.repeat(raw[..., None], 3, -1)),
                ("truth", _painted(raw, truth, colours[truth])),
                ("network", _painted(raw, found, colours[best[found]])),
            ],
            pitch,
        )


def _painted(raw: Picture, ids: NDArray[np.int64], colours: Picture) -> Picture:
    """Colours over grey, with dark lines between instances."""
    picture = raw[..., None] * (1 - _OPACITY) + colours * _OPACITY
    line = np.zeros(ids.shape, bool)
    line[:, 1:] |= ids[:, 1:] != ids[:, :-1]
    line[1:] |= ids[1:] != ids[:-1]
    picture[line] *= 0.3
    return picture.astype(np.uint8)


def _row(panels: Sequence[tuple[str, Picture]], pitch_nm: tuple[float, float]) -> Image.Image:
    rows, columns = panels[0][1].shape[:2]
    scale = _PANEL / columns
    size = (_PANEL, max(24, round(rows * pitch_nm[0] / pitch_nm[1] * scale)))
    image = Image.new("RGB", (len(panels) * (_PANEL + _GAP) - _GAP, size[1] + _HEAD), "white")
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(13)
    for place, (title, picture) in enumerate(panels):
        left = place * (_PANEL + _GAP)
        draw.text((left + 2, 5), title, fill="black", font=font)
        image.paste(Image.fromarray(picture).resize(size, Image.Resampling.NEAREST), (left, _HEAD))
    _scale_bar(draw, image.height, pitch_nm[1] / scale, font)
    return image


def _scale_bar(draw: ImageDraw.ImageDraw, bottom: int, nm_per_pixel: float, font: Any) -> None:
    length = max((bar for bar in _BARS_NM if bar / nm_per_pixel <= _PANEL / 3), default=_BARS_NM[0])
    right = 10 + round(length / nm_per_pixel)
    draw.rectangle((6, bottom - 30, right + 4, bottom - 4), fill="white")
    draw.rectangle((10, bottom - 10, right, bottom - 7), fill="black")
    draw.text((10, bottom - 28), f"{length} nm", fill="black", font=font)
