"""pyrender's renderer on a framebuffer with one sample a pixel, one in each process.

Import this only after `platform.prepare`: PyOpenGL chooses its platform when it is loaded.

What pyrender 0.1.45 does otherwise, and this does not: it draws into a framebuffer of four samples a pixel and mixes
them, which invents classes between two neurites; it reads the depth of an orthographic view as if it were a
perspective one; deleting one renderer ends EGL for the whole process.
"""

from __future__ import annotations

import os
import threading
import warnings
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuropil.errors import InputError
from neuropil.rendering.opengl.shaders import CONES_FRAGMENT, CONES_VERTEX

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import pyrender
    from OpenGL import GL
    from OpenGL.EGL import EGL_NO_CONTEXT, EGL_NO_SURFACE, eglMakeCurrent
    from pyrender.platforms import egl
    from pyrender.shader_program import ShaderProgram

_LARGEST = 8192  # samples along a side of a tile; some drivers promise more than they have memory for


class Picture(NamedTuple):
    """What was drawn.

    Attributes:
        colours: uint8 [H, W, 3], or [H, W] where only the first channel was asked for.
        depth: float32 [H, W], as the depth buffer has it: from 0 (near plane) to 1 (far plane, or background).
    """

    colours: NDArray[np.uint8]
    depth: NDArray[np.float32]


class MatrixCamera(pyrender.camera.Camera):  # type: ignore[misc]
    """A camera by its projection matrix: orthographic, perspective, or a tile of either."""

    def __init__(self, matrix: NDArray[np.float64]) -> None:
        super().__init__()
        self._matrix = matrix

    def get_projection_matrix(self, width: int | None = None, height: int | None = None) -> NDArray[np.float64]:
        """The matrix, (4, 4), camera axes to clip space."""
        return self._matrix


class _ConeProgram(ShaderProgram):  # type: ignore[misc]
    """The programs of `shaders`, from this package's own text instead of a file."""

    def _load(self, text: str) -> str:
        return text.strip()


class Renderer(pyrender.Renderer):  # type: ignore[misc]
    """pyrender's renderer, one sample a pixel, depth as it is in the buffer; flat views draw classes.

    Attributes:
        least_radius: of a flat view, micrometres (orthographic) or micrometres a micrometre of depth (perspective).
    """

    least_radius = 0.0
    _cones: _ConeProgram | None = None

    def __init__(self) -> None:
        self._main_fb: Any = None
        self._main_fb_dims: Any = (None, None)
        super().__init__(1, 1)

    def _get_primitive_program(self, primitive: Any, flags: int, program_flags: int) -> Any:
        if not flags & pyrender.RenderFlags.FLAT:
            return super()._get_primitive_program(primitive, flags, program_flags)
        if self._cones is None:
            self._cones = _ConeProgram(CONES_VERTEX, CONES_FRAGMENT)
            self._cones._add_to_context()
        return self._cones

    def _bind_and_draw_primitive(self, primitive: Any, pose: NDArray[np.float64], program: Any, flags: int) -> None:
        program.set_uniform("least_radius", float(self.least_radius))
        super()._bind_and_draw_primitive(primitive, pose, program, flags)

    def _configure_main_framebuffer(self) -> None:
        size = (self.viewport_width, self.viewport_height)
        if self._main_fb is not None and self._main_fb_dims != size:
            self._delete_main_framebuffer()
        if self._main_fb is not None:
            return
        self._main_cb, self._main_db = GL.glGenRenderbuffers(2)
        self._main_fb = self._main_fb_ms = GL.glGenFramebuffers(1)
        GL.glBindFramebuffer(GL.GL_DRAW_FRAMEBUFFER, self._main_fb)
        for buffer, kind, place in (
            (self._main_cb, GL.GL_RGBA8, GL.GL_COLOR_ATTACHMENT0),
            (self._main_db, GL.GL_DEPTH_COMPONENT24, GL.GL_DEPTH_ATTACHMENT),
        ):
            GL.glBindRenderbuffer(GL.GL_RENDERBUFFER, buffer)
            GL.glRenderbufferStorage(GL.GL_RENDERBUFFER, kind, *size)
            GL.glFramebufferRenderbuffer(GL.GL_DRAW_FRAMEBUFFER, place, GL.GL_RENDERBUFFER, buffer)
        self._main_fb_dims = size

    def _delete_main_framebuffer(self) -> None:
        if self._main_fb is not None:
            GL.glDeleteFramebuffers(1, [self._main_fb])
            GL.glDeleteRenderbuffers(2, [self._main_cb, self._main_db])
        self._main_fb = self._main_fb_ms = self._main_cb = self._main_db = None
        self._main_fb_dims = (None, None)

    def _read_main_framebuffer(self, scene: Any, flags: int) -> Picture:
        width, height = self._main_fb_dims
        GL.glBindFramebuffer(GL.GL_READ_FRAMEBUFFER, self._main_fb)
        GL.glPixelStorei(GL.GL_PACK_ALIGNMENT, 1)
        depth = GL.glReadPixels(0, 0, width, height, GL.GL_DEPTH_COMPONENT, GL.GL_FLOAT, outputType=None)
        flat = bool(flags & pyrender.RenderFlags.FLAT)
        channels = GL.GL_RED if flat else GL.GL_RGB
        colours = GL.glReadPixels(0, 0, width, height, channels, GL.GL_UNSIGNED_BYTE)
        shape = (height, width) if flat else (height, width, 3)
        # GL's first row is the lowest.
        return Picture(
            np.frombuffer(colours, np.uint8).reshape(shape)[::-1],
            np.asarray(depth, np.float32).reshape(height, width)[::-1],
        )


class Context:
    """The process's GL context.

    Attributes:
        name: GL_RENDERER.
        largest: samples along a side that can be drawn at once.
    """

    def __init__(self, device: int | None) -> None:
        number = int(os.environ.get("EGL_DEVICE_ID", "0")) if device is None else device
        self._platform = egl.EGLPlatform(1, 1, device=_egl_device(number))
        self._platform.init_context()
        self.device = number
        self.process = os.getpid()
        self.name = GL.glGetString(GL.GL_RENDERER).decode()
        limits = [int(GL.glGetIntegerv(GL.GL_MAX_RENDERBUFFER_SIZE)), *GL.glGetIntegerv(GL.GL_MAX_VIEWPORT_DIMS)]
        self.largest = min(_LARGEST, *(int(limit) for limit in limits))
        self._renderer = Renderer()
        self._lock = threading.Lock()
        self._release()

    def render(self, scene: Any, flags: int, width: int, height: int, least_radius: float = 0.0) -> Picture:
        """Draw a scene of at most `largest` samples a side (`least_radius`: see `Renderer`)."""
        with self._lock:
            self._platform.make_current()
            try:
                self._renderer.viewport_width, self._renderer.viewport_height = width, height
                self._renderer.least_radius = least_radius
                picture: Picture = self._renderer.render(scene, flags | pyrender.RenderFlags.OFFSCREEN)
            finally:
                self._release()
        return picture

    def _release(self) -> None:
        """A context is current in one thread only: leave it for the next."""
        eglMakeCurrent(self._platform._egl_display, EGL_NO_SURFACE, EGL_NO_SURFACE, EGL_NO_CONTEXT)


def _egl_device(number: int) -> Any:
    try:
        devices = egl.query_devices()
    except RuntimeError:  # a library that cannot list its devices has the one of the display
        devices = [egl.EGLDevice(None)]
    if number >= len(devices):
        raise ValueError(f"there is no EGL device {number}, this machine has {len(devices)}")
    return devices[number]


_contexts: list[Context] = []  # at most one
_opening = threading.Lock()


def open_context(device: int | None = None) -> Context:
    """The context of this process, opened by the first who asks.

    Raises:
        ValueError: there is no such device.
        InputError: the process draws on another device already.
        RuntimeError: the process was forked from one that draws; its driver's threads stayed there.
    """
    with _opening:
        if not _contexts:
            _contexts.append(Context(device))
    context = _contexts[0]
    if context.process != os.getpid():
        raise RuntimeError("OpenGL was opened before this process was forked; start processes with spawn")
    if device not in (None, context.device):
        raise InputError(f"this process draws on EGL device {context.device}; start another one for device {device}")
    return context
