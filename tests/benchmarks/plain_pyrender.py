"""What a person writes who draws neurons with pyrender and has read its documentation: the comparison of the benchmark.

The surface of a neuron is made once: for each compartment a trimesh of its segments as tubes of 32 sides. A view is a
function call: it makes a scene with the compartments, an orthographic camera and an OffscreenRenderer of twice the
picture's size, renders twice (segmentation colours, then depth), reduces both to the picture's size (supersampling of
2), and writes four files with Pillow as it is.

What it does not do, and this project's own backend does: keep a renderer and what was uploaded, correct pyrender's
orthographic depth, hold thin neurites together, round the joints. Its pictures are therefore not comparable, only its
time is. `renderer` may be given to keep one renderer over all views, the first thing one would improve.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from neuropil.rendering.frame import Frame
from neuropil.rendering.opengl.platform import prepare
from neuropil.rendering.png import PALETTE
from neuropil.rendering.segments import Segments

SIDES = 32
FACTOR = 2


def compartments(segments: Segments) -> dict[int, Any]:
    """A pyrender mesh for each class, made once for a neuron (generously: all tubes at once, without a loop)."""
    prepare()
    import pyrender
    import trimesh

    meshes = {}
    for number in np.unique(segments.classes):
        chosen = (segments.classes == number) & (segments.lengths > 0)
        if chosen.any():
            tubes = trimesh.Trimesh(*_tubes(Segments(*(values[chosen] for values in segments))), process=False)
        else:
            body = segments.classes == number
            balls = [
                trimesh.creation.icosphere(radius=radius).apply_translation(centre)
                for centre, radius in zip(segments.starts[body], segments.start_radii[body], strict=True)
            ]
            tubes = trimesh.util.concatenate(balls)
        mesh = pyrender.Mesh.from_trimesh(tubes, smooth=False)
        meshes[int(number)] = mesh
    return meshes


def _tubes(segments: Segments) -> tuple[np.ndarray, np.ndarray]:
    along = (segments.ends - segments.starts) / segments.lengths[:, None]
    across = np.cross(along, np.eye(3)[np.abs(along).argmin(axis=1)])
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    upright = np.cross(along, across)
    angle = 2 * np.pi * np.arange(SIDES) / SIDES
    ring = np.cos(angle)[:, None] * across[:, None] + np.sin(angle)[:, None] * upright[:, None]
    vertices = np.stack(
        [
            segments.starts[:, None] + segments.start_radii[:, None, None] * ring,
            segments.ends[:, None] + segments.end_radii[:, None, None] * ring,
        ],
        axis=1,
    )
    here, after = np.arange(SIDES), (np.arange(SIDES) + 1) % SIDES
    pattern = np.concatenate(
        [np.stack([here, after, after + SIDES], 1), np.stack([here, after + SIDES, here + SIDES], 1)]
    )
    faces = 2 * SIDES * np.arange(len(along))[:, None, None] + pattern
    return vertices.reshape(-1, 3), faces.reshape(-1, 3)


def open_renderer(frame: Frame) -> Any:
    """A renderer of twice the picture's size."""
    import pyrender

    return pyrender.OffscreenRenderer(frame.width * FACTOR, frame.height * FACTOR)


def render_view(meshes: dict[int, Any], frame: Frame, folder: Path, name: str, renderer: Any = None) -> None:
    """Draw one view into four files."""
    import pyrender

    scene = pyrender.Scene(bg_color=(0, 0, 0, 0))
    nodes = {scene.add(mesh): (number,) * 3 for number, mesh in meshes.items()}
    camera = pyrender.OrthographicCamera(
        frame.half_height, frame.half_height, max(frame.depth_near, 1e-3), frame.depth_far + 1
    )
    pose = np.eye(4)
    pose[:3, :3] = frame.rotation.T
    pose[:3, 3] = frame.center + frame.distance * frame.rotation[2]
    scene.add(camera, pose=pose)
    own = renderer or open_renderer(frame)
    colours, _ = own.render(scene, flags=pyrender.RenderFlags.SEG, seg_node_map=nodes)
    depth = own.render(scene, flags=pyrender.RenderFlags.DEPTH_ONLY)
    if renderer is None:
        own.delete()
    # Supersampling: the largest class and the nearest depth of four samples.
    shape = (frame.height, FACTOR, frame.width, FACTOR)
    classes = colours[..., 0].reshape(shape).max(axis=(1, 3))
    depth = np.where(depth > 0, depth, np.inf).reshape(shape).min(axis=(1, 3))
    share = np.clip((depth - frame.depth_near) / (frame.depth_far - frame.depth_near), 0, 1)
    values = np.where(classes > 0, 1 + share * 65534, 0).astype(np.uint16)
    coloured = Image.fromarray(np.array(PALETTE, np.uint8)[classes])
    Image.fromarray(classes > 0).save(folder / f"{name}_mask_bw.png")
    Image.fromarray(classes).save(folder / f"{name}_mask.png")
    coloured.save(folder / f"{name}_mask_color.png")
    Image.fromarray(values).save(folder / f"{name}_depth.png")
