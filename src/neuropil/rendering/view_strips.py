"""View strips: all views of a neuron side by side, as its cameras and frames show them."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from neuropil.errors import InputError
from neuropil.morphology.swc import load_neuron
from neuropil.rendering.contact_sheet import select_cells
from neuropil.rendering.frame import Frame
from neuropil.rendering.lettering import FAINT, INK, RULE, font
from neuropil.rendering.png import PALETTE
from neuropil.rendering.portrait import scale_bar
from neuropil.rendering.rasteriser import Canvas
from neuropil.rendering.segments import Segments, segments_of

Views = Sequence[Mapping[str, Any]]

_SIZE = 112  # pixels of a view's longer side
_ABREAST, _FEWEST = 12, 6  # views in a row; places for them where there are fewer, for the heading
_MOST = 48  # views of a neuron that are shown
_GAP, _EDGE, _TITLE, _NAME = 6, 20, 30, 18
_SAMPLES, _LINE = 4, 1.0  # a pixel, along each axis; pixels of the thinnest neurite


def select_strips(
    views: Iterable[Mapping[str, Any]],
    class_of: Callable[[str], str | None],
    *,
    count: int,
    names: Sequence[str] = (),
) -> list[Views]:
    """Choose the neurons of the strips: those named, else one of each class in turn, by the hash of their names.

    Args:
        views: records of all views; read twice.
        class_of: the class of a neuron by its name, None where it is unknown.
        count: how many neurons, where none is named.
        names: which neurons.

    Returns:
        For each neuron its records, at most 48.

    Raises:
        InputError: a neuron that is named has no view.
    """
    wanted = list(names) or _in_turn(list(select_cells(views, class_of).cells.values()), count)
    found: dict[str, list[Mapping[str, Any]]] = {name: [] for name in wanted}
    for view in views:
        of = found.get(view["neuron_name"])
        if of is not None and len(of) < _MOST:
            of.append(view)
    missing = [name for name, of in found.items() if not of]
    if missing:
        raise InputError(f"rendering.strip_neurons: no views of {', '.join(missing)}; name neurons that were rendered")
    return list(found.values())


def draw_strips(
    neurons: Sequence[Views], neuron_store: Path, class_of: Callable[[str], str | None] = lambda _: None
) -> bytes:
    """Draw one strip for each neuron: its views in order, each with its kind and what part of the cable it shows.

    Args:
        neurons: the records of each (`select_strips`).
        neuron_store: the folder to which the records' `swc` is relative.
        class_of: the class of a neuron by its name, for the heading.

    Returns:
        A PNG file.
    """
    strips = [_draw_strip(views, neuron_store, class_of(views[0]["neuron_name"])) for views in neurons]
    sheet = Image.new("RGB", (max(one.width for one in strips), sum(one.height for one in strips) + _EDGE), "white")
    top = _EDGE // 2
    for strip in strips:
        sheet.paste(strip, (0, top))
        top += strip.height
    data = io.BytesIO()
    sheet.quantize(255).save(data, "PNG", optimize=True)
    return data.getvalue()


def _in_turn(classes: list[list[Mapping[str, Any]]], count: int) -> list[str]:
    """The first of each class, then the second ..., up to `count` names."""
    rounds = max((len(cells) for cells in classes), default=0)
    turns = [cells[place]["neuron_name"] for place in range(rounds) for cells in classes if place < len(cells)]
    return turns[:count]


def _draw_strip(views: Views, neuron_store: Path, cell_class: str | None) -> Image.Image:
    first = Frame.from_record(views[0])
    shrink = _SIZE / max(first.width, first.height)
    width, height = max(1, round(first.width * shrink)), max(1, round(first.height * shrink))
    rows = -(-len(views) // _ABREAST)
    breadth = 2 * _EDGE + min(_ABREAST, max(_FEWEST, len(views))) * (width + _GAP)
    strip = Image.new("RGB", (breadth, _TITLE + rows * (height + _NAME + _GAP)), "white")
    pen = ImageDraw.Draw(strip)
    _draw_heading(pen, views, cell_class, breadth, first.um_per_px / shrink)
    segments = segments_of(load_neuron(neuron_store / views[0]["swc"]))
    canvas = Canvas(width, height, _SAMPLES)
    for number, view in enumerate(views):
        left = _EDGE + number % _ABREAST * (width + _GAP)
        top = _TITLE + number // _ABREAST * (height + _NAME + _GAP)
        frame = dataclasses.replace(Frame.from_record(view), width=width, height=height)
        strip.paste(Image.fromarray(_picture(segments, frame, canvas)), (left, top))
        pen.rectangle((left, top, left + width - 1, top + height - 1), outline=RULE)
        shown = "" if view["qc"] > 0.9995 else f" {view['qc']:.0%}".replace("%", " %")
        pen.text((left, top + height + 2), f"{view['view']} {view['kind']}{shown}", FAINT, font(11))
    return strip


def _draw_heading(
    pen: ImageDraw.ImageDraw, views: Views, cell_class: str | None, breadth: int, um_per_px: float
) -> None:
    """Name, class, what is up, and a bar where all views have one scale."""
    name = views[0]["neuron_name"]
    pen.line((_EDGE, 4, breadth - _EDGE - _GAP, 4), RULE)
    pen.text((_EDGE, 8), name, INK, font(15))
    notes = [cell_class or "class unknown"]
    if views[0].get("up_source", "file") != "file":
        notes.append(f"up: {views[0]['up_source']}")
    if views[0]["fallback"]:
        notes.append(views[0]["fallback"])
    right = breadth - _EDGE - _GAP
    if len({view["um_per_px"] for view in views}) > 1:
        notes.append("each view at its own scale")
    else:
        length, pixels = scale_bar(um_per_px, _SIZE)
        pen.line((right - pixels, 18, right, 18), INK, 2)
        bar = f"{length:g} µm"
        pen.text((right - pixels - pen.textlength(bar, font(12)) - 8, 10), bar, FAINT, font(12))
    pen.text((_EDGE + pen.textlength(name, font(15)) + 12, 10), ", ".join(notes), FAINT, font(12))


def _picture(segments: Segments, frame: Frame, canvas: Canvas) -> NDArray[np.uint8]:
    """A view in the colours of its compartments, each pixel the mean of its samples, uint8 [H, W, 3]."""
    canvas.draw(segments, frame, least_radius=_LINE / 2 * _SAMPLES)
    colours = np.array(PALETTE, np.float32)[canvas.classes]
    canvas.pool(frame, 0.0)  # clears the canvas for the next view
    picture = colours.reshape(frame.height, _SAMPLES, frame.width, _SAMPLES, 3).mean(axis=(1, 3))
    return picture.round().astype(np.uint8)
