"""One neuron to its views: pictures in a folder of their own, a record for each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from neuropil.errors import InputError
from neuropil.morphology.tree import Neuron
from neuropil.rendering import png
from neuropil.rendering.cameras import place_cameras, rotation_towards
from neuropil.rendering.framing import cable_inside, fit_frames
from neuropil.rendering.parameters import RenderingParameters
from neuropil.rendering.rasteriser import Canvas, Raster, rasterise
from neuropil.rendering.record import view_record
from neuropil.rendering.segments import segments_of
from neuropil.work.atomic import atomic_path

VERSION = 1
"""Part of every item's key: raise it when a view would look different."""


class View(NamedTuple):
    """A rendered view: its manifest record and its arrays."""

    record: dict[str, Any]
    raster: Raster


def render_views(neuron: Neuron, *, swc: str, parameters: RenderingParameters, seed: int) -> Iterator[View]:
    """Render the views of a neuron, one after the other, without a file.

    Args:
        neuron: a checked tree.
        swc: its file, as it is to stand in the records.
        parameters: cameras, size, framing.
        seed: the root seed; with the neuron's name it decides the random cameras.

    Raises:
        InputError: the neuron has no nodes.
    """
    if not len(neuron):
        raise InputError(f"{swc}: no nodes to draw")
    segments = segments_of(neuron)
    cameras, fallback = place_cameras(segments, neuron.name, parameters, seed)
    frames = fit_frames(segments, [rotation_towards(camera.direction) for camera in cameras], parameters)
    canvas = Canvas(parameters.width, parameters.height, parameters.supersample_factor)
    for view, (camera, frame) in enumerate(zip(cameras, frames, strict=True)):
        raster = rasterise(segments, frame, canvas)
        record = view_record(
            neuron_name=neuron.name,
            swc=swc,
            view=view,
            camera=camera,
            fallback=fallback,
            frame=frame,
            raster=raster,
            qc=cable_inside(segments, frame),
            outputs=parameters.outputs,
            supersample_factor=parameters.supersample_factor,
            seed=seed,
        )
        yield View(record, raster)


def write_neuron(
    neuron: Neuron, *, swc: str, store: Path, parameters: RenderingParameters, seed: int
) -> list[dict[str, Any]]:
    """Render a neuron into `store/images/<neuron>/`: the whole folder or none of it.

    Returns:
        The manifest records of its views.
    """
    records = []
    with atomic_path(store / "images" / neuron.name, folder=True) as part:
        for record, raster in render_views(neuron, swc=swc, parameters=parameters, seed=seed):
            for output, data in encode(raster, parameters.outputs).items():
                (part / Path(record[output]).name).write_bytes(data)
            records.append(record)
    return records


def encode(raster: Raster, outputs: tuple[str, ...]) -> dict[str, bytes]:
    """The PNG files of a view, by output."""
    files = {}
    if "mask_bw" in outputs:
        files["mask_bw"] = png.black_and_white(raster.classes > 0)
    if "mask" in outputs or "mask_color" in outputs:
        grey, coloured = png.class_pictures(raster.classes)
        files |= {name: data for name, data in (("mask", grey), ("mask_color", coloured)) if name in outputs}
    if "depth" in outputs:
        files["depth"] = png.grey_16_bit(raster.depth)
    return files
