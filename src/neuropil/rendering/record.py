"""The manifest record of a view."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from neuropil.rendering.cameras import Camera
from neuropil.rendering.frame import Frame
from neuropil.rendering.framing import radius_clamp
from neuropil.rendering.parameters import OUTPUTS
from neuropil.rendering.rasteriser import Raster
from neuropil.rendering.segments import CLASSES
from neuropil.rendering.upright import Up


def view_paths(neuron_name: str, view: int, outputs: Sequence[str]) -> dict[str, str | None]:
    """The files of a view relative to the view store, None for an output that is not written."""
    return {
        output: f"images/{neuron_name}/view_{view:02d}_{output}.png" if output in outputs else None
        for output in OUTPUTS
    }


def view_record(
    *,
    neuron_name: str,
    swc: str,
    view: int,
    camera: Camera,
    fallback: str | None,
    up: Up,
    frame: Frame,
    raster: Raster,
    qc: float,
    outputs: Sequence[str],
    supersample_factor: int,
    backend: str,
    renderer: str | None,
    frame_um: float | None,
    seed: int,
) -> dict[str, Any]:
    """All that is known of a view: the guide's fields, and what turns pixel and depth into micrometres again.

    Returns:
        - `swc`: the neuron's file, relative to the neuron store; `neuron_name`; `view`: its number;
        - `mask_bw`, `mask`, `mask_color`, `depth`, `coverage`: files relative to the view store, where they are
          written;
        - `direction`: unit vector from the neuron to the camera; `kind`: canonical, biased, random, fibonacci,
          upright; `fallback`: why it is not of the kind asked for, or null;
        - `up`: the unit vector that is up in the picture as far as the direction allows; `up_source`: where it is
          from: metadata, apical, principal axis, or file (the file's +y);
        - `qc`: share of the cable length inside the frame; `visible_fraction`: share of what is inside that nothing
          hides; `class_pixels`: pixels of each class;
        - `width`, `height` (pixels), `projection`, `rotation`, `center`, `distance`, `half_height`, `fov`,
          `depth_near`, `depth_far`, `um_per_px`: the frame, see `neuropil.rendering.frame.Frame`;
        - `frame_um`: the height of the frame where it was fixed, or null;
        - `radius_clamp`: the least radius drawn, micrometres at the depth of the centre;
        - `supersample_factor`, `backend`, `renderer` (what OpenGL calls the device that drew, or null), `seed`.
    """
    paths = view_paths(neuron_name, view, outputs)
    return {
        "neuron_name": neuron_name,
        "swc": swc,
        "view": view,
        **{output: path for output, path in paths.items() if path is not None},
        "direction": [float(part) for part in camera.direction],
        "kind": camera.kind,
        "fallback": fallback,
        "up": [float(part) for part in up.direction],
        "up_source": up.source,
        "qc": round(qc, 6),
        "visible_fraction": round(raster.visible, 6),
        "class_pixels": {name: int(count) for name, count in zip(CLASSES, raster.pixels, strict=True)},
        "width": frame.width,
        "height": frame.height,
        "projection": "ortho" if frame.fov is None else "perspective",
        "rotation": frame.rotation.tolist(),
        "center": frame.center.tolist(),
        "distance": frame.distance,
        "half_height": frame.half_height,
        "fov": frame.fov,
        "depth_near": frame.depth_near,
        "depth_far": frame.depth_far,
        "um_per_px": frame.um_per_px,
        "frame_um": frame_um,
        "radius_clamp": radius_clamp(frame.um_per_px, supersample_factor),
        "supersample_factor": supersample_factor,
        "backend": backend,
        "renderer": renderer,
        "seed": seed,
    }
