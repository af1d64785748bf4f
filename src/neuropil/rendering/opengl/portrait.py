"""A neuron as a lit surface: for documentation, slides and a first look.

Tubes under three lights, drawn with several samples a pixel. What is farther away fades, and what passes in front of
something much farther stands off from it by a thin gap (depth-dependent halos: Everts et al., IEEE Transactions on
Visualization and Computer Graphics 15, 2009), so that crossings can be read.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuropil.errors import InputError
from neuropil.morphology.tree import Neuron
from neuropil.rendering.cameras import principal_axes, rotation_towards
from neuropil.rendering.frame import Frame
from neuropil.rendering.framing import fit_frames
from neuropil.rendering.opengl.glb import linear_colour
from neuropil.rendering.opengl.meshes import cone_mesh, widened
from neuropil.rendering.opengl.platform import prepare, require_opengl
from neuropil.rendering.opengl.projection import camera_pose, clip_planes, depth_in_um, projection_matrix
from neuropil.rendering.parameters import RenderingParameters
from neuropil.rendering.portrait import Portrait
from neuropil.rendering.segments import Segments, segments_of

_SAMPLES = 4  # a pixel, along each axis
_LINE = 1.5  # pixels: the width of the thinnest neurite
_MARGIN = 0.08
_PAPER = 255  # white
_FADED = 0.45  # how much of its colour the farthest part gives to the paper
_GAP = 1.0  # pixels on either side of what passes in front
_BEHIND = 14.0  # pixels by which something must lie behind to be cut by the gap
_LIGHTS = (
    # direction to the light (right, up, to the camera), intensity
    ((-0.5, 0.8, 0.9), 3.2),
    ((0.9, 0.1, 0.6), 1.1),
    ((0.0, -0.6, 0.5), 0.5),
)
_AMBIENT = 0.34


def shaded_portrait(neuron: Neuron, size: int, direction: NDArray[np.float64] | None = None) -> Portrait:
    """Draw a neuron as a lit surface in the colours of its compartments, fitted to a square, on white.

    Args:
        neuron: what to draw.
        size: pixels.
        direction: (3,) from the neuron to the camera, in the file's axes; None for where it looks widest. The
            file's y is up.

    Raises:
        InputError: OpenGL does not answer, or the picture is larger than it can draw.
    """
    require_opengl()
    prepare()
    from neuropil.rendering.opengl.renderer import open_context

    context = open_context()
    samples = min(_SAMPLES, context.largest // size)
    if samples < 1:
        raise InputError(f"a portrait of {size} pixels: OpenGL draws at most {context.largest} here; ask for fewer")
    segments = segments_of(neuron)
    if direction is None:
        direction = principal_axes(segments)[0][2]
    parameters = RenderingParameters(width=size, height=size, margin=_MARGIN, adaptive_framing=True)
    (frame,) = fit_frames(segments, [rotation_towards(direction)], parameters)
    picture, depth = _draw(context, segments, frame, size * samples)
    picture = _faded(picture, depth, frame)
    picture[_cut(depth, frame.um_per_px, samples)] = _PAPER
    pooled = picture.reshape(size, samples, size, samples, 3).mean(axis=(1, 3))
    return Portrait(pooled.round().astype(np.uint8), frame.um_per_px)


def _draw(context: Any, segments: Segments, frame: Frame, side: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Colours [side, side, 3] from 0 to 255 and depth [side, side] in micrometres, inf where nothing is."""
    from pyrender import RenderFlags, Scene

    from neuropil.rendering.opengl.renderer import MatrixCamera

    origin, planes = frame.center, clip_planes(frame)
    pose = camera_pose(frame, origin)
    scene = Scene(bg_color=(1.0, 1.0, 1.0, 1.0), ambient_light=(_AMBIENT,) * 3)
    scene.add(_surface(segments, origin, frame.um_per_px))
    scene.add(MatrixCamera(projection_matrix(frame, planes)), pose=pose)
    _add_lights(scene, frame)
    picture = context.render(scene, RenderFlags.NONE, side, side)
    depth = np.where(picture.depth < 1, depth_in_um(picture.depth, planes, frame.fov is not None), np.inf)
    return picture.colours.astype(np.float32), depth


def _surface(segments: Segments, origin: NDArray[np.float64], um_per_px: float) -> Any:
    from pyrender import Mesh, MetallicRoughnessMaterial, Primitive

    moved = segments._replace(starts=segments.starts - origin, ends=segments.ends - origin)
    surface = cone_mesh(widened(moved, _LINE / 2 * um_per_px), 0.02 * um_per_px)
    parts = [(number, surface.of_class(int(number))) for number in np.unique(surface.classes)]
    return Mesh(
        [
            Primitive(
                part.vertices,
                normals=part.normals,
                indices=part.faces,
                material=MetallicRoughnessMaterial(
                    baseColorFactor=(*linear_colour(int(number)), 1.0), metallicFactor=0.0, roughnessFactor=0.55
                ),
            )
            for number, part in parts
        ]
    )


def _add_lights(scene: Any, frame: Frame) -> None:
    from pyrender import DirectionalLight

    for towards, intensity in _LIGHTS:
        pose = np.eye(4)
        pose[:3, :3] = rotation_towards(np.array(towards) @ frame.rotation).T
        scene.add(DirectionalLight(color=np.ones(3), intensity=intensity), pose=pose)


def _faded(picture: NDArray[np.float32], depth: NDArray[np.float32], frame: Frame) -> NDArray[np.float32]:
    """The picture with its far parts nearer to the paper's colour."""
    share = np.clip((depth - frame.depth_near) / (frame.depth_far - frame.depth_near), 0, 1)
    share = np.where(np.isfinite(share), share, 0).astype(np.float32)[..., None] * _FADED
    return picture + share * (_PAPER - picture)


def _cut(depth: NDArray[np.float32], um_per_px: float, samples: int) -> NDArray[np.bool_]:
    """[H, W]: what lies far behind something that passes beside it."""
    from scipy.ndimage import minimum_filter

    return np.isfinite(depth) & (minimum_filter(depth, 2 * round(_GAP * samples) + 1) < depth - _BEHIND * um_per_px)
