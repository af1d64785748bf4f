"""HDF5: the CREMI layout, and files with one array."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from neuropil.em.formats.groups import GroupContainer
from neuropil.errors import InputError


@contextmanager
def open_hdf5(path: Path) -> Iterator[GroupContainer]:
    """Open an HDF5 file. Raises InputError where it is missing, cut off, damaged or something else."""
    import h5py

    try:
        file = h5py.File(path, "r")
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except OSError as error:
        why = "it is cut off" if "truncated" in str(error) else "it is not HDF5, or it is damaged"
        raise InputError(f"{path}: cannot be opened, {why}; copy or download it again") from error

    def arrays() -> Iterator[str]:
        names: list[str] = []

        def visit(name: str, node: Any) -> None:  # returning a value would end the visit
            if isinstance(node, h5py.Dataset) and node.ndim >= 3:
                names.append(name)

        file.visititems(visit)
        yield from names

    how = (
        "write the voxel size (z, y, x) in nanometres, "
        f'e.g. h5py.File("{path.name}", "a")["{{name}}"].attrs["resolution"] = (30, 6, 6)'
    )
    with file:
        yield GroupContainer(path, file, arrays, how)
