"""NIfTI, plain or gzipped, without unpacking it: x lies together in it, so that it is (z, y, x) as it stands."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from neuropil.em.formats.grid import Grid, OneArray, checked
from neuropil.em.formats.streams import open_bytes
from neuropil.em.formats.stretch import Stretch
from neuropil.em.formats.units import stated
from neuropil.errors import InputError

_SIZES = (348, 540)  # bytes of the header of NIfTI-1 and NIfTI-2
_UNITS = {0: None, 1: "m", 2: "mm", 3: "um"}
_ASK = (
    "its header states no voxel size (pixdim and xyzt_units); write it with "
    "nibabel.load(FILE).header.set_zooms and set_xyzt_units"
)


@contextmanager
def open_nifti(path: Path) -> Iterator[OneArray]:
    """Open a NIfTI-1 or NIfTI-2 file in one piece (.nii, .nii.gz).

    Axes of the file are (x, y, z); nothing is turned by the affine of the header, since sections are sections as they
    were stored. Axes after the third must be of length 1. MitoEM's headers give nanometres as if they were
    millimetres; see `units.stated`.

    Raises:
        InputError: it is cut off, or something else.
    """
    source = open_bytes(path)
    try:
        first = source.read_at(0, _SIZES[0])
        second = first[:4] in (_SIZES[1].to_bytes(4, "little"), _SIZES[1].to_bytes(4, "big"))
        header = _header(path, bytes(source.read_at(0, _SIZES[1]) if second else first))
        shape = header.get_data_shape()
        if len(shape) < 3 or any(size != 1 for size in shape[3:]):
            raise InputError(f"{path}: it has shape {tuple(shape)}; three axes (x, y, z) of grey values are needed")
        slope, intercept = header.get_slope_inter()
        scale = None if slope in (None, 1.0) and not intercept else (float(slope or 1.0), float(intercept or 0.0))
        dtype = header.get_data_dtype()
        array = Stretch(source, int(header["vox_offset"]), shape[2::-1], dtype, path.name, scale=scale)
        unit = _UNITS.get(int(header["xyzt_units"]) & 7)
        size = stated([float(value) for value in np.abs(header["pixdim"][3:0:-1])], unit)
        yield OneArray(path, Grid(checked(path, array, "the image"), path.name, size, ask=_ASK))
    finally:
        source.close()


def _header(path: Path, data: bytes) -> Any:
    """The header that nibabel makes of a file's first bytes."""
    import nibabel

    try:
        for kind in (nibabel.Nifti1Header, nibabel.Nifti2Header):
            if kind.may_contain_header(data):
                header = kind(data[: kind.template_dtype.itemsize], check=False)
                if int(header["vox_offset"]) >= 348 and header.get_data_dtype().fields is None:
                    return header
    except Exception as error:  # nibabel raises errors of many kinds for a header that is none
        raise InputError(f"{path}: its header is no NIfTI header ({error}); copy or download it again") from error
    raise InputError(f"{path}: it is no NIfTI file in one piece (.nii, .nii.gz); copy or download it again")
