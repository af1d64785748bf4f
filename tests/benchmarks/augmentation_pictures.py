"""Pictures of a patch before and after a change: a section and a cut along z, with the outlines of the labels."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

_PANEL, _GAP, _HEAD, _COLOURS = 256, 6, 18, 96


@dataclass(frozen=True)
class Patch:
    """Grey values (mean 0, deviation 1) and instances, (z, y, x), with the voxel size in nanometres."""

    title: str
    raw: NDArray[np.floating]
    ids: NDArray[np.int64]
    spacing: tuple[float, float, float]


def draw(rows: Sequence[tuple[Patch, Patch]]) -> Image.Image:
    """A row for each pair: section before, after; cut along z before, after; where the change is largest."""
    strips = [_strip(before, after) for before, after in rows]
    sheet = Image.new("RGB", (strips[0].width, sum(strip.height for strip in strips) + _GAP), "white")
    top = 0
    for strip in strips:
        sheet.paste(strip, (0, top))
        top += strip.height + _GAP
    return sheet.quantize(_COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)


def _strip(before: Patch, after: Patch) -> Image.Image:
    change = np.abs(after.raw - before.raw) + (after.ids != before.ids)
    z = 1 + int(change[1:-1].mean(axis=(1, 2)).argmax())
    y = int(change.mean(axis=(0, 2)).argmax())
    dz, dy, dx = before.spacing
    size = "x".join(f"{step:g}" for step in before.spacing)
    panels = []
    for cut, steps, name in (((z,), (dy, dx), f"section {z}"), ((slice(None), y), (dz, dx), f"along z, y = {y}")):
        for patch, state in ((before, "before"), (after, "after")):
            head = f"{patch.title}, {size} nm: section {z}" if patch is before and len(cut) == 1 else f"{state}: {name}"
            panels.append(_panel(patch.raw[cut], patch.ids[cut], steps, head))
    high = max(panel.height for panel in panels)
    strip = Image.new("RGB", (len(panels) * (_PANEL + _GAP) - _GAP, high), "white")
    for index, panel in enumerate(panels):
        strip.paste(panel, (index * (_PANEL + _GAP), 0))
    return strip


def _panel(raw: NDArray[np.floating], ids: NDArray[np.int64], steps: tuple[float, float], head: str) -> Image.Image:
    """One cut in true proportions, (rows, columns)."""
    size = (_PANEL, round(_PANEL * raw.shape[0] * steps[0] / (raw.shape[1] * steps[1])))
    grey = Image.fromarray(np.clip(128 + 52 * raw, 0, 255).astype(np.uint8)).resize(size, Image.Resampling.NEAREST)
    _, numbers = np.unique(ids, return_inverse=True)
    colours = np.array([_colour(int(value)) for value in np.unique(ids)], np.uint8)
    shown = Image.fromarray(numbers.reshape(ids.shape).astype(np.int32)).resize(size, Image.Resampling.NEAREST)
    labels = np.asarray(shown)
    picture = np.repeat(np.asarray(grey)[..., None], 3, axis=-1)
    edge = _edges(labels)
    picture[edge] = colours[labels[edge]]
    panel = Image.new("RGB", (_PANEL, size[1] + _HEAD), "white")
    panel.paste(Image.fromarray(picture), (0, _HEAD))
    ImageDraw.Draw(panel).text((2, 2), head, fill="black", font=ImageFont.load_default(12))
    return panel


def _edges(labels: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Pixels whose neighbour to the right or below is another label."""
    edge = np.zeros(labels.shape, np.bool_)
    edge[:-1] |= labels[:-1] != labels[1:]
    edge[:, :-1] |= labels[:, :-1] != labels[:, 1:]
    return edge


def _colour(number: int) -> tuple[int, int, int]:
    """A vivid colour that hangs on the id alone; black for what is not labelled."""
    if number == 0:
        return (0, 0, 0)
    hue = (number * 2654435761 % 2**32) / 2**32  # Knuth's multiplicative hash
    return tuple(round(255 * part) for part in colorsys.hsv_to_rgb(hue, 0.85, 1.0))  # type: ignore[return-value]
