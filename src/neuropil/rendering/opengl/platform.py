"""Whether OpenGL answers on this machine, asked in a process of its own, and what to install where it does not."""

from __future__ import annotations

import logging
import multiprocessing
import os
import subprocess
import sys
from functools import lru_cache
from typing import NamedTuple

from neuropil.errors import InputError

logger = logging.getLogger(__name__)

INSTALL = "apt-get install --no-install-recommends libegl1 libgl1 libgl1-mesa-dri libxrender1"
"""What brings OpenGL without a screen to a Debian or Ubuntu machine."""

_SECONDS = 120  # the first answer of a driver may take a while
_ANSWER = "GL_RENDERER="

# A broken GL library ends the process that loads it, so this runs in a process of its own.
_PROBE = """
import sys
from neuropil.rendering.opengl.platform import prepare
prepare()
from neuropil.rendering.opengl.renderer import open_context
device = int(sys.argv[1]) if len(sys.argv) > 1 else None
print("GL_RENDERER=" + open_context(device).name)
"""


class Probe(NamedTuple):
    """What a probe found: GL_RENDERER (None where OpenGL does not answer), and why not."""

    renderer: str | None
    reason: str = ""


def require_opengl(device: int | None = None) -> str:
    """Make sure that OpenGL answers, before this process loads it.

    Args:
        device: number of the EGL device; None for EGL_DEVICE_ID, or the first.

    Returns:
        GL_RENDERER, such as `llvmpipe (LLVM 15.0.6, 256 bits)`.

    Raises:
        InputError: it does not; the message says what to install.
    """
    probe = probe_opengl(device)
    if probe.renderer is None:
        raise InputError(
            f"OpenGL does not answer ({probe.reason}); install it with `{INSTALL}`; views need none of it with "
            "rendering.backend auto"
        )
    return probe.renderer


@lru_cache
def probe_opengl(device: int | None = None) -> Probe:
    """Open a context in another process and ask who draws; asked once, and said once in the log."""
    command = [sys.executable, "-c", _PROBE, *([] if device is None else [str(device)])]
    try:
        probe = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, env=_environment())
    except subprocess.TimeoutExpired:
        return Probe(None, f"no answer within {_SECONDS} s")
    for line in probe.stdout.splitlines():
        if probe.returncode == 0 and line.startswith(_ANSWER):
            logger.info("OpenGL draws with %s", line.removeprefix(_ANSWER))
            return Probe(line.removeprefix(_ANSWER))
    return Probe(None, _reason(probe))


def prepare() -> None:
    """Set what must stand before OpenGL is loaded: EGL without a screen, no chatter, threads only where they help."""
    os.environ.update(_settings())
    import pyglet

    # pyrender imports pyglet for its window, which looks for an X server's libraries unless told not to.
    pyglet.options["headless"] = True


def _settings() -> dict[str, str]:
    settings = {"PYOPENGL_PLATFORM": "egl"}
    quiet = {"EGL_LOG_LEVEL": "fatal", "LIBGL_DEBUG": "quiet"}
    if multiprocessing.parent_process() is not None:
        # One of several workers: each draws in its own thread, or their rasterising threads crowd each other out.
        quiet["LP_NUM_THREADS"] = "0"
    return settings | {name: os.environ.get(name, value) for name, value in quiet.items()}


def _environment() -> dict[str, str]:
    return {**os.environ, **_settings(), "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


def _reason(probe: subprocess.CompletedProcess[str]) -> str:
    if probe.returncode < 0:
        return f"the library ended its process with signal {-probe.returncode}"
    lines = [line.strip() for line in probe.stderr.splitlines() if line.strip()]
    # "ValueError: why" -> "why"
    return lines[-1].partition("Error: ")[2][:200] or lines[-1][:200] if lines else f"exit status {probe.returncode}"
