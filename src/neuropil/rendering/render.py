"""One neuron to its views: pictures in a folder of their own, a record for each."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from neuropil.errors import InputError
from neuropil.morphology.soma import soma_centre
from neuropil.morphology.tree import Neuron
from neuropil.rendering import png
from neuropil.rendering.backends import open_backend
from neuropil.rendering.cameras import Camera, place_cameras, rotation_towards
from neuropil.rendering.frame import Frame
from neuropil.rendering.framing import cable_inside, fit_frames
from neuropil.rendering.parameters import RenderingParameters
from neuropil.rendering.rasteriser import Raster
from neuropil.rendering.record import view_record
from neuropil.rendering.segments import Segments, segments_of
from neuropil.rendering.upright import Up, file_up, up_of
from neuropil.work.atomic import atomic_path

VERSION = 2
"""Part of every item's key: raise it when a view would look different."""


class Plan(NamedTuple):
    """What is drawn of a neuron, and from where.

    Attributes:
        segments: the round cones.
        cameras, frames: one of each a view, in order.
        fallback: why the cameras are not those that were asked for; None where they are.
        up: what is up in the pictures.
    """

    segments: Segments
    cameras: list[Camera]
    frames: list[Frame]
    fallback: str | None
    up: Up


class View(NamedTuple):
    """A rendered view: its manifest record and its arrays."""

    record: dict[str, Any]
    raster: Raster


def plan_views(
    neuron: Neuron, parameters: RenderingParameters, seed: int, up: Sequence[float] | str | None = None
) -> Plan:
    """Place the cameras of a neuron and fit their frames; nothing is drawn yet.

    Args:
        neuron: a checked tree with one node at least.
        parameters: cameras, size, framing.
        seed: the root seed; with the neuron's name it decides the random cameras.
        up: the up that its metadata give, if any (`upright.up_of`).
    """
    segments = segments_of(neuron)
    known = up_of(neuron, segments, up) if parameters.keeps_up else file_up()
    cameras, fallback = place_cameras(segments, neuron.name, parameters, seed, known.direction)
    rotations = [rotation_towards(camera.direction, known.direction) for camera in cameras]
    soma = soma_centre(neuron) if parameters.frame_um is not None else None
    return Plan(segments, cameras, fit_frames(segments, rotations, parameters, soma), fallback, known)


def render_views(
    neuron: Neuron,
    *,
    swc: str,
    parameters: RenderingParameters,
    seed: int,
    up: Sequence[float] | str | None = None,
) -> Iterator[View]:
    """Render the views of a neuron, one after the other, without a file.

    Args:
        neuron: a checked tree.
        swc: its file, as it is to stand in the records.
        parameters: cameras, size, framing, backend.
        seed: the root seed; with the neuron's name it decides the random cameras.
        up: the up that its metadata give, if any.

    Raises:
        InputError: the neuron has no nodes, or `up` is no direction.
    """
    if not len(neuron):
        raise InputError(f"{swc}: no nodes to draw")
    plan = plan_views(neuron, parameters, seed, up)
    backend = open_backend(parameters)
    for view, (camera, frame) in enumerate(zip(plan.cameras, plan.frames, strict=True)):
        raster = backend.draw(plan.segments, frame)
        record = view_record(
            neuron_name=neuron.name,
            swc=swc,
            view=view,
            camera=camera,
            fallback=plan.fallback,
            up=plan.up,
            frame=frame,
            raster=raster,
            qc=cable_inside(plan.segments, frame),
            outputs=parameters.outputs,
            supersample_factor=parameters.supersample_factor,
            backend=backend.name,
            renderer=backend.renderer,
            frame_um=parameters.frame_um,
            seed=seed,
        )
        yield View(record, raster)


def write_neuron(
    neuron: Neuron,
    *,
    swc: str,
    store: Path,
    parameters: RenderingParameters,
    seed: int,
    up: Sequence[float] | str | None = None,
) -> list[dict[str, Any]]:
    """Render a neuron into `store/images/<neuron>/`: the whole folder or none of it.

    Without `rendering.outputs` there is no folder, only the records.

    Returns:
        The manifest records of its views.
    """
    folder = store / "images" / neuron.name
    views = render_views(neuron, swc=swc, parameters=parameters, seed=seed, up=up)
    if not parameters.outputs:
        records = [view.record for view in views]
        shutil.rmtree(folder, ignore_errors=True)  # of views that are no longer in any record
        return records
    records = []
    with atomic_path(folder, folder=True) as part:
        for record, raster in views:
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
    if "coverage" in outputs:
        files["coverage"] = png.grey_8_bit(raster.coverage)
    return files
