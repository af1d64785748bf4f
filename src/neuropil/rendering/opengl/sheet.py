"""Shaded portraits side by side, each with its name and the bar of its scale."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from PIL import Image, ImageDraw

from neuropil.errors import InputError
from neuropil.morphology.swc import load_neuron
from neuropil.rendering.lettering import FAINT, INK, font
from neuropil.rendering.opengl.glb import export_glb
from neuropil.rendering.opengl.portrait import shaded_portrait
from neuropil.rendering.portrait import scale_bar
from neuropil.work.atomic import write_bytes

SIZE = 480
"""Pixels a side of a portrait."""

_ABREAST = 4
_EDGE, _UNDER = 12, 34


def write_portraits(files: Sequence[Path | str], output: Path | str, size: int = SIZE) -> None:
    """Write what `neuropil portrait` asks for: portraits of SWC files as one PNG, or one neuron as GLB.

    Args:
        files: SWC files.
        output: NAME.png or NAME.glb, written whole or not at all.
        size: pixels a side of a portrait (PNG).

    Raises:
        InputError: a file cannot be read, the output has another suffix, several neurons are asked for as GLB, or
            OpenGL does not answer (PNG only).
    """
    suffix = Path(output).suffix.lower()
    if suffix == ".glb":
        if len(files) != 1:
            raise InputError(f"{output}: a GLB file holds one neuron, {len(files)} are given")
        export_glb(load_neuron(Path(files[0])), output)
    elif suffix == ".png":
        write_bytes(output, draw_portraits(files, size))
    else:
        raise InputError(f"{output}: name a .png file (a picture) or a .glb file (a 3D model)")


def draw_portraits(files: Iterable[Path | str], size: int = SIZE) -> bytes:
    """A PNG file of the portraits of SWC files, four abreast, each from where the neuron looks widest."""
    cells = [_cell(Path(file), size) for file in files]
    if not cells:
        raise InputError("portraits: no SWC file is given")
    abreast = min(_ABREAST, len(cells))
    width, height = cells[0].size
    sheet = Image.new("RGB", (abreast * width, -(-len(cells) // abreast) * height), "white")
    for number, cell in enumerate(cells):
        sheet.paste(cell, (number % abreast * width, number // abreast * height))
    data = io.BytesIO()
    sheet.quantize(255, dither=Image.Dither.NONE).save(data, "PNG", optimize=True)
    return data.getvalue()


def _cell(file: Path, size: int) -> Image.Image:
    neuron = load_neuron(file)
    portrait = shaded_portrait(neuron, size)
    cell = Image.new("RGB", (size + 2 * _EDGE, size + 2 * _EDGE + _UNDER), "white")
    cell.paste(Image.fromarray(portrait.picture), (_EDGE, _EDGE))
    pen = ImageDraw.Draw(cell)
    top, right = _EDGE + size + 6, _EDGE + size
    length, pixels = scale_bar(portrait.um_per_px, size // 4)
    bar = f"{length:g} µm"
    pen.line((right - pixels, top + 2, right, top + 2), INK, 2)
    pen.text((right - pen.textlength(bar, font(14)), top + 6), bar, FAINT, font(14))
    pen.text((_EDGE, top), neuron.name, INK, font(16))
    return cell
