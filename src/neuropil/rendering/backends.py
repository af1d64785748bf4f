"""What draws a view: the analytic rasteriser, or OpenGL through pyrender."""

from __future__ import annotations

import threading
from typing import Protocol

from neuropil.rendering.frame import Frame
from neuropil.rendering.parameters import RenderingParameters
from neuropil.rendering.rasteriser import Canvas, Raster, rasterise
from neuropil.rendering.segments import Segments


class Backend(Protocol):
    """Draws views of one size, one after the other; what it needs for that (samples, a context) it keeps.

    Attributes:
        name: as it stands in the manifest.
        renderer: what OpenGL calls the device that draws; None without OpenGL.
    """

    name: str
    renderer: str | None

    def draw(self, segments: Segments, frame: Frame) -> Raster:
        """Draw one view.

        Args:
            segments: what to draw. Views of one neuron are asked for with the same object.
            frame: camera and frame, of the backend's size.
        """
        ...


class AnalyticBackend:
    """Exact round cones on the processor (`rasteriser`); needs no OpenGL."""

    name = "analytic"
    renderer: str | None = None

    def __init__(self, width: int, height: int, supersample_factor: int) -> None:
        self._size = (width, height, supersample_factor)
        self._canvas: Canvas | None = None

    def draw(self, segments: Segments, frame: Frame) -> Raster:
        """Draw one view (see `Backend`)."""
        # A canvas is clean again only after a whole view: one that an error left half drawn is not used again.
        canvas, self._canvas = self._canvas or Canvas(*self._size), None
        raster = rasterise(segments, frame, canvas)
        self._canvas = canvas
        return raster


_opened = threading.local()
"""The backend of each thread: a canvas and a context serve one view at a time, dask workers may have threads."""


def open_backend(parameters: RenderingParameters) -> Backend:
    """The backend that `rendering.backend` names, made once a process (and thread) and picture size.

    Raises:
        InputError: `pyrender` without OpenGL on this machine; one line says what to install.
    """
    key = (
        parameters.drawn_by,
        parameters.width,
        parameters.height,
        parameters.supersample_factor,
        parameters.cache,
        parameters.egl_device,
    )
    if getattr(_opened, "key", None) != key:
        _opened.key, _opened.backend = None, None  # the former context goes before the next one comes
        _opened.backend, _opened.key = _new(parameters), key
    backend: Backend = _opened.backend
    return backend


def check_backend(parameters: RenderingParameters) -> None:
    """Fail before any work where this machine cannot draw with the backend that is asked for.

    Raises:
        InputError: one line with the packages to install.
    """
    if parameters.drawn_by == "pyrender":
        from neuropil.rendering.opengl.platform import require_opengl

        require_opengl(parameters.egl_device)


def _new(parameters: RenderingParameters) -> Backend:
    size = (parameters.width, parameters.height, parameters.supersample_factor)
    if parameters.drawn_by == "analytic":
        return AnalyticBackend(*size)
    check_backend(parameters)
    from neuropil.rendering.opengl.backend import PyrenderBackend

    return PyrenderBackend(*size, cache=parameters.cache, device=parameters.egl_device)
