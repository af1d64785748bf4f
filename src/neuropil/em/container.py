"""Writing HDF5 in the CREMI layout: one writer, whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from neuropil.errors import MachineError
from neuropil.work.atomic import atomic_path, disk_is_full

CHUNK = (16, 128, 128)


@contextmanager
def new_container(target: Path, provenance: Mapping[str, Any]) -> Iterator[Any]:
    """An HDF5 file to be filled; it stands at `target` only when the block ends well.

    Args:
        target: the file to make.
        provenance: plain values that become attributes of the file; None is left away. No times and no absolute
            places, so that equal inputs give equal bytes.

    Raises:
        MachineError: the disk is full.
    """
    import h5py

    try:
        with atomic_path(target) as part, h5py.File(part, "w") as file:
            file.attrs.update({name: value for name, value in provenance.items() if value is not None})
            yield file
    except (OSError, RuntimeError) as error:  # HDF5 says "no space left" in either
        if disk_is_full(error):
            raise MachineError(
                f"{target}: the disk is full; free some space or move the run with --params workspace=PATH"
            ) from error
        raise


def new_dataset(
    file: Any, name: str, shape: tuple[int, ...], dtype: str, resolution_nm: tuple[float, float, float]
) -> Any:
    """A chunked, compressed dataset (z, y, x), or (channel, z, y, x), with its attribute `resolution` (nm)."""
    chunks = tuple(min(size, chunk) for size, chunk in zip(shape[-3:], CHUNK, strict=True))
    dataset = file.create_dataset(
        name, shape=shape, dtype=dtype, chunks=(1,) * (len(shape) - 3) + chunks, compression="gzip",
        compression_opts=1, shuffle=np.dtype(dtype).itemsize > 1,
    )  # fmt: skip
    dataset.attrs["resolution"] = resolution_nm
    return dataset


def slabs(depth: int, thickness: int = CHUNK[0]) -> Iterator[slice]:
    """Slices that cover `depth` sections, `thickness` at a time."""
    for start in range(0, depth, thickness):
        yield slice(start, min(start + thickness, depth))
