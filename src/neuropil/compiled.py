"""Compiling kernels with numba, kept between runs where a place for that can be written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba

F = TypeVar("F", bound=Callable[..., Any])


def compiled(function: F) -> F:
    """Compile a kernel in nopython mode and keep the machine code on disk.

    numba looks for a place beside the source, then in the user's cache folder (or NUMBA_CACHE_DIR). In a
    read-only installation without a home there is none: the kernel is then compiled anew in each process.
    """
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": False}
    try:
        kernel = numba.njit(cache=True, **options)(function)
    except RuntimeError:
        kernel = numba.njit(**options)(function)
    return kernel  # type: ignore[return-value]
