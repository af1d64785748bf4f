"""Views through pyrender: same frames, same rasters as the analytic rasteriser."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuropil.rendering.frame import Frame
from neuropil.rendering.framing import RADIUS_CLAMP, radius_clamp
from neuropil.rendering.kernels import TILE, visible_share
from neuropil.rendering.opengl.meshes import cone_mesh
from neuropil.rendering.opengl.platform import prepare, require_opengl
from neuropil.rendering.opengl.projection import (
    Planes,
    Tile,
    camera_pose,
    clip_planes,
    depth_in_um,
    projection_matrix,
    tile_matrix,
    tiles_of,
)
from neuropil.rendering.rasteriser import Canvas, Raster, view_numbers
from neuropil.rendering.segments import Segments

if TYPE_CHECKING:
    from neuropil.rendering.opengl.renderer import Picture

_TOLERANCE = 0.005
"""Samples by which a mesh may lie off its cones. With 0.02 a mesh has half the corners, but of a neuron seen end on,
some hundred pixels, one in three hundred is another class's."""

_COARSER = 1.5  # a mesh serves views whose samples are up to so much finer than those it was made for
_MOST_FACES = 2**20  # of a buffer: drivers refuse those of gigabytes, and pyrender numbers corners in float32


class _Upload(NamedTuple):
    """A neuron as pyrender has it: its cones, the origin of its mesh, and for which sample (micrometres)."""

    segments: Segments
    origin: NDArray[np.float64]
    sample: float
    mesh: Any


class PyrenderBackend:
    """Draws views of one size through OpenGL.

    Attributes:
        name: as it stands in the manifest.
        renderer: GL_RENDERER, such as `llvmpipe (LLVM 15.0.6, 256 bits)`.
    """

    name = "pyrender"

    def __init__(
        self, width: int, height: int, supersample_factor: int, *, cache: bool = True, device: int | None = None
    ) -> None:
        """Open the process's GL context.

        Args:
            width, height: of the pictures, pixels.
            supersample_factor: samples a pixel along each axis.
            cache: keep the mesh of a neuron for its further views; off: upload it for each view.
            device: number of the EGL device; None for EGL_DEVICE_ID, or the first.

        Raises:
            InputError: OpenGL does not answer; the message says what to install.
        """
        require_opengl(device)
        prepare()
        from neuropil.rendering.opengl.renderer import open_context

        self._context = open_context(device)
        self.renderer = self._context.name
        self._size = (width, height, supersample_factor)
        self._canvas: Canvas | None = None
        self._cache = cache
        self._upload: _Upload | None = None

    def draw(self, segments: Segments, frame: Frame) -> Raster:
        """Draw one view.

        Args:
            segments: what to draw; the same object for all views of a neuron, or its mesh is made anew.
            frame: camera and frame, of the backend's size.
        """
        # A canvas is clean again only after a whole view: one that an error left half filled is not used again.
        canvas, self._canvas = self._canvas or Canvas(*self._size), None
        planes = clip_planes(frame)
        matrix = projection_matrix(frame, planes)
        height, width = canvas.classes.shape
        for tile in tiles_of(height, width, self._context.largest):
            picture = self._render(segments, frame, tile_matrix(matrix, tile, height, width), tile)
            _fill(canvas, tile, picture, frame, planes)
        view = view_numbers(frame, canvas.supersample_factor, RADIUS_CLAMP)
        raster = canvas.pool(frame, float(visible_share(*segments[:4], view, canvas.depth)))
        self._canvas = canvas
        return raster

    def _render(self, segments: Segments, frame: Frame, matrix: NDArray[np.float64], tile: Tile) -> Picture:
        from pyrender import RenderFlags, Scene

        from neuropil.rendering.opengl.renderer import MatrixCamera

        factor = self._size[2]
        upload = self._uploaded(segments, frame.um_per_px / factor)
        scene = Scene(bg_color=(0, 0, 0, 0))
        scene.add(upload.mesh)
        scene.add(MatrixCamera(matrix), pose=camera_pose(frame, upload.origin))
        least = radius_clamp(frame.um_per_px, factor)
        if frame.fov is not None:
            least /= frame.distance
        return self._context.render(scene, RenderFlags.FLAT, tile.width, tile.height, least)

    def _uploaded(self, segments: Segments, sample: float) -> _Upload:
        """The mesh of a neuron, fine enough for samples of so many micrometres."""
        kept = self._upload
        if kept is None or kept.segments is not segments or kept.sample > _COARSER * sample:
            origin = segments.starts.mean(axis=0)
            kept = _Upload(segments, origin, sample, _pyrender_mesh(segments, origin, sample))
        self._upload = kept if self._cache else None
        return kept


def _fill(canvas: Canvas, tile: Tile, picture: Picture, frame: Frame, planes: Planes) -> None:
    """Put what was drawn into a clean canvas, whose depths are in samples."""
    rows, columns = np.nonzero(picture.colours)
    depth = depth_in_um(picture.depth[rows, columns], planes, frame.fov is not None)
    places = rows + tile.top, columns + tile.left
    canvas.classes[places] = picture.colours[rows, columns]
    canvas.depth[places] = depth * np.float32(canvas.supersample_factor / frame.um_per_px)
    step = TILE * canvas.supersample_factor
    canvas.touched[places[0] // step, places[1] // step] = 1


def _pyrender_mesh(segments: Segments, origin: NDArray[np.float64], sample: float) -> Any:
    """Cones as triangles, and every axis as a line: thin neurites hold together where a triangle hits no sample.

    One mesh, its parts always drawn in this order: pyrender draws several meshes in the order of a set.
    """
    from pyrender import GLTF, Mesh, Primitive

    moved = segments._replace(starts=segments.starts - origin, ends=segments.ends - origin)
    cones = cone_mesh(moved, _TOLERANCE * sample, RADIUS_CLAMP * sample)
    ways = np.column_stack([cones.radii, cones.classes])
    parts = [
        Primitive(cones.axis[corners], normals=cones.offsets[corners], texcoord_0=ways[corners], indices=faces)
        for corners, faces in _portions(cones.faces, _MOST_FACES)
    ]
    long = segments.lengths > 0
    if long.any():
        axes = np.stack([moved.starts[long], moved.ends[long]], axis=1).reshape(-1, 3)
        along = np.column_stack([np.zeros(len(axes)), np.repeat(segments.classes[long], 2)])
        parts.append(Primitive(axes, normals=np.zeros_like(axes), texcoord_0=along, mode=GLTF.LINES))
    return Mesh(parts)


def _portions(faces: NDArray[np.uint32], most: int) -> Iterator[tuple[slice, NDArray[np.uint32]]]:
    """Up to `most` faces at a time, with the corners they need: a tube's or sphere's follow each other."""
    for first in range(0, len(faces), most):
        portion = faces[first : first + most]
        lowest = int(portion.min())
        yield slice(lowest, int(portion.max()) + 1), portion - np.uint32(lowest)
