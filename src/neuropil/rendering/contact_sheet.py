"""The contact sheet: neurons of every class side by side, for a first look at a collection."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from neuropil.morphology.swc import load_neuron
from neuropil.rendering.lettering import FAINT, INK, RULE, font
from neuropil.rendering.png import PALETTE
from neuropil.rendering.portrait import Portrait, draw_portrait, scale_bar
from neuropil.work.keys import content_key

CELLS = 4  # in a block; a class has one block, or more where there are few classes
CLASSES = 12  # at most, the most frequent
BLOCKS = 8  # of a sheet, where there are fewer classes than that
_ABREAST = 2  # blocks side by side
_SIZE, _GAP, _TITLE, _NAME, _HEADER, _EDGE = 216, 12, 34, 20, 84, 24
_LEGEND = ("soma", "axon", "basal dendrite", "apical dendrite", "other")
_UNCLASSED = "class unknown"


@dataclass
class Selection:
    """What a sheet shows.

    Attributes:
        cells: for each class some of its neurons' first views (manifest records), in the order of their names.
        neurons: how many neurons there are of each class.
    """

    cells: dict[str, list[Mapping[str, Any]]] = field(default_factory=dict)
    neurons: Counter[str] = field(default_factory=Counter)


def select_cells(views: Iterable[Mapping[str, Any]], class_of: Callable[[str], str | None]) -> Selection:
    """Choose the neurons of a sheet, by the hash of their names: four of each class, more where classes are few.

    Args:
        views: records of all views; the first view of a neuron stands for it.
        class_of: the class of a neuron by its name, None where it is unknown.
    """
    selection = Selection()
    for view in views:
        if view["view"] != 0:
            continue
        name = class_of(view["neuron_name"]) or _UNCLASSED
        selection.neurons[name] += 1
        chosen = [*selection.cells.get(name, []), view]
        selection.cells[name] = sorted(chosen, key=lambda cell: content_key(cell["neuron_name"]))[: CELLS * BLOCKS]
    frequent = [name for name, _ in sorted(selection.neurons.items(), key=lambda item: (-item[1], item[0]))][:CLASSES]
    shown = CELLS * max(1, BLOCKS // max(1, len(frequent)))
    selection.cells = {
        name: sorted(selection.cells[name][:shown], key=lambda cell: cell["neuron_name"])
        for name in sorted(frequent, key=str.casefold)
    }
    return selection


def draw_sheet(selection: Selection, neuron_store: Path) -> bytes:
    """Draw the sheet.

    Args:
        selection: classes and their cells.
        neuron_store: the folder to which the records' `swc` is relative.

    Returns:
        A PNG file.
    """
    blocks = [
        (name if start == 0 else "", cells[start : start + CELLS])
        for name, cells in selection.cells.items()
        for start in range(0, len(cells), CELLS)
    ]
    breadth, depth = CELLS * (_SIZE + _GAP) + _GAP, _TITLE + _SIZE + _NAME + _GAP
    abreast = min(_ABREAST, len(blocks))
    width = max(abreast * breadth + (abreast - 1) * _EDGE + 2 * _EDGE, 980)
    sheet = Image.new("RGB", (width, _HEADER + -(-len(blocks) // abreast) * depth + _EDGE), "white")
    pen = ImageDraw.Draw(sheet)
    _draw_header(pen, selection, width)
    for number, (name, cells) in enumerate(blocks):
        left = _EDGE + (number % abreast) * (breadth + _EDGE)
        top = _HEADER + (number // abreast) * depth
        _draw_title(pen, name, selection.neurons[name], (left, top, breadth))
        _draw_cells(sheet, pen, cells, neuron_store, (left, top))
    data = io.BytesIO()
    sheet.quantize(255).save(data, "PNG", optimize=True)
    return data.getvalue()


def _draw_header(pen: ImageDraw.ImageDraw, selection: Selection, width: int) -> None:
    classes = len(selection.neurons)
    title = f"{sum(selection.neurons.values())} neurons"
    if classes > 1:
        title += f", {classes} classes"
    if classes > len(selection.cells):
        title += f" ({len(selection.cells)} shown)"
    pen.text((_EDGE + _GAP, 18), title, INK, font(24))
    pen.text(
        (_EDGE + _GAP, 50),
        "each from its first camera and fitted to its square: the bars give the scale",
        FAINT,
        font(14),
    )
    right = width - _EDGE - _GAP
    for label, colour in reversed(list(zip(_LEGEND, PALETTE[1:], strict=True))):
        right -= round(pen.textlength(label, font(16)))
        pen.text((right, 26), label, INK, font(16))
        pen.rectangle((right - 22, 28, right - 8, 42), colour)
        right -= 44


def _draw_title(pen: ImageDraw.ImageDraw, name: str, count: int, place: tuple[int, int, int]) -> None:
    """The rule over a block and the name of its class; a block that goes on with a class has neither."""
    left, top, width = place
    if name:
        pen.line((left + _GAP, top + 2, left + width - _GAP, top + 2), RULE)
        pen.text((left + _GAP, top + 8), name, INK, font(19))
        pen.text((left + _GAP + pen.textlength(name, font(19)) + 10, top + 12), f"{count}", FAINT, font(14))


def _draw_cells(
    sheet: Image.Image,
    pen: ImageDraw.ImageDraw,
    cells: list[Mapping[str, Any]],
    neuron_store: Path,
    place: tuple[int, int],
) -> None:
    left, top = place
    for column, cell in enumerate(cells):
        neuron = load_neuron(neuron_store / cell["swc"])
        portrait = draw_portrait(neuron, np.array(cell["rotation"], float), _SIZE)
        _draw_cell(sheet, pen, portrait, cell["neuron_name"], (left + _GAP + column * (_SIZE + _GAP), top + _TITLE))


def _draw_cell(
    sheet: Image.Image, pen: ImageDraw.ImageDraw, portrait: Portrait, name: str, place: tuple[int, int]
) -> None:
    left, top = place
    sheet.paste(Image.fromarray(portrait.picture), place)
    length, pixels = scale_bar(portrait.um_per_px, _SIZE // 3)
    under = top + _SIZE + 4
    bar = f"{length:g} µm"
    right = left + _SIZE
    pen.line((right - pixels, under + 1, right, under + 1), INK, 2)
    pen.text((right - pen.textlength(bar, font(12)), under + 4), bar, FAINT, font(12))
    pen.text((left, under + 3), _shortened(pen, name, _SIZE - max(pixels, 60) - 6), FAINT, font(12))


def _shortened(pen: ImageDraw.ImageDraw, text: str, width: float) -> str:
    if pen.textlength(text, font(12)) <= width:
        return text
    while text and pen.textlength(text + "…", font(12)) > width:
        text = text[:-1]
    return text + "…"
