"""Which format a path is of, and how it is opened."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from neuropil.em.formats.grid import Container
from neuropil.em.formats.hdf5 import open_hdf5
from neuropil.em.formats.images import open_sections
from neuropil.em.formats.nifti import open_nifti
from neuropil.em.formats.nrrd import open_nrrd
from neuropil.em.formats.tiff import open_tiff
from neuropil.em.formats.zarr import is_zarr, open_zarr
from neuropil.errors import InputError

HDF5_SUFFIXES = (".h5", ".hdf5", ".hdf")
_OPENERS: dict[str, Callable[[Path], AbstractContextManager[Container]]] = {
    **dict.fromkeys(HDF5_SUFFIXES, open_hdf5),
    **dict.fromkeys((".tif", ".tiff", ".btf"), open_tiff),
    **dict.fromkeys((".nii", ".nii.gz"), open_nifti),
    **dict.fromkeys((".nrrd", ".nhdr"), open_nrrd),
}
FILE_SUFFIXES = tuple(_OPENERS)
KNOWN = "HDF5 (.h5, .hdf5, .hdf), Zarr, TIFF (.tif, .tiff), NIfTI (.nii, .nii.gz), NRRD (.nrrd, .nhdr)"


def suffix_of(path: Path) -> str:
    """The suffix by which a file's format is told, lower case; "" where it is none that is known."""
    name = path.name.lower()
    return next((suffix for suffix in (".nii.gz", *FILE_SUFFIXES) if name.endswith(suffix)), "")


@contextmanager
def open_container(path: Path) -> Iterator[Container]:
    """Open a file, a Zarr store or a folder of sections; nothing is read before it is sliced.

    Raises:
        InputError: it is not there, of no format that is known, cut off or damaged.
    """
    path = Path(path)
    if path.is_dir():
        opener: Callable[[Path], AbstractContextManager[Container]] = open_zarr if is_zarr(path) else open_sections
        with opener(path) as folder:
            yield folder
        return
    suffix = suffix_of(path)
    if not path.exists():
        raise InputError(f"{path}: no such file")
    if not suffix:
        raise InputError(f"{path}: no format of volumes by its name; expected {KNOWN} or a folder of sections")
    with _OPENERS[suffix](path) as file:
        yield file
