"""The picture files of one view as arrays."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from neuropil.errors import InputError


def read_planes(record: Mapping[str, Any], root: Path) -> tuple[NDArray[np.uint8], NDArray[np.uint16]]:
    """Read the classes and the depth of one view.

    The silhouette (`mask_bw`) is not read: it is exactly `classes > 0`.

    Args:
        record: a manifest record with `mask` and `depth`, paths relative to `root`.
        root: the view store.

    Returns:
        classes uint8 [H, W], 0 background to 5 other; depth uint16 [H, W], 0 background, 1..65535 linear
        from `depth_near` to `depth_far`.

    Raises:
        InputError: a file is missing or damaged, or the two differ in size.
    """
    classes = _read(root / record["mask"]).astype(np.uint8)
    depth = _read(root / record["depth"]).astype(np.uint16)
    if classes.ndim != 2 or classes.shape != depth.shape:
        raise InputError(f"{root / record['mask']}: {classes.shape} beside a depth of {depth.shape}; render it again")
    return classes, depth


def _read(path: Path) -> NDArray:
    try:
        with Image.open(path) as picture:
            return np.asarray(picture)
    except (OSError, SyntaxError, UnidentifiedImageError) as error:
        raise InputError(f"{path}: no readable PNG ({error}); run the rendering pipeline again") from error
