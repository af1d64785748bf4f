"""Small volumes written in every format that is read."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

RAW = np.random.default_rng(0).integers(0, 256, (10, 24, 36)).astype(np.uint8)
NM = (30.0, 6.0, 6.0)


def hdf5(path: Path, raw: NDArray[Any] = RAW, *, key: str = "volumes/raw", axes: str | None = None, **attributes: Any):
    """HDF5 with one array; `axes` labels the dimensions, and orders the array (z, y, x) by them."""
    with h5py.File(path, "w") as file:
        data = raw if axes is None else raw.transpose(["zyx".index(axis) for axis in axes])
        dataset = file.create_dataset(key, data=data)
        dataset.attrs.update({"resolution": NM, **attributes})
        for place, axis in enumerate(axes or ""):
            dataset.dims[place].label = axis
    return path


def ilastik(path: Path) -> Path:
    """HDF5 as ilastik exports it."""
    with h5py.File(path, "w") as file:
        dataset = file.create_dataset("exported_data", data=RAW[..., None])
        dataset.attrs["axistags"] = json.dumps({"axes": [{"key": key} for key in "zyxc"]})
        dataset.attrs["element_size_um"] = (0.03, 0.006, 0.006)
    return path


def imagej(path: Path, raw: NDArray[Any] = RAW, unit: str = "um") -> Path:
    """A stack as ImageJ saves it."""
    import tifffile

    about = {"spacing": 0.03, "unit": unit, "axes": "ZYX"}
    tifffile.imwrite(path, raw, imagej=True, resolution=(1 / 0.006, 1 / 0.006), metadata=about)
    return path


def ome_tiff(path: Path) -> Path:
    """OME-TIFF, its z in micrometres (the default), the plane in nanometres."""
    import tifffile

    sizes = {"PhysicalSizeX": 6, "PhysicalSizeXUnit": "nm", "PhysicalSizeY": 6, "PhysicalSizeYUnit": "nm"}
    tifffile.imwrite(path, RAW, ome=True, metadata={"axes": "ZYX", "PhysicalSizeZ": 0.03, **sizes})
    return path


def tiff(path: Path, raw: NDArray[Any] = RAW, **options: Any) -> Path:
    """A plain stack."""
    import tifffile

    tifffile.imwrite(path, raw, photometric="minisblack", **options)
    return path


def lzw(path: Path, raw: NDArray[Any] = RAW) -> Path:
    """A stack in LZW, which tifffile alone does not decode."""
    from PIL import Image

    first, *others = [Image.fromarray(section) for section in raw]
    first.save(path, save_all=True, append_images=others, compression="tiff_lzw")
    return path


def nifti(path: Path, raw: NDArray[Any] = RAW, *, spacing: tuple[float, ...] = NM, unit: str | None = "mm") -> Path:
    """NIfTI, (x, y, z)."""
    import nibabel

    image = nibabel.Nifti1Image(raw.T, np.diag([*spacing[::-1], 1.0]))
    if unit:
        image.header.set_xyzt_units(unit)
    nibabel.save(image, path)
    return path


def nrrd(path: Path, raw: NDArray[Any] = RAW, **header: Any) -> Path:
    """NRRD, (x, y, z)."""
    import nrrd as writer

    fields = {"spacings": NM[::-1], "units": ["nm"] * 3, "encoding": "gzip", **header}
    writer.write(str(path), raw.T, fields, detached_header=path.suffix == ".nhdr")
    return path


def zarr_group(path: Path, version: int = 3, labels: dict[str, NDArray[Any]] | None = None) -> Path:
    """A Zarr group in the CREMI layout."""
    import zarr

    group = zarr.open_group(path, mode="w", zarr_format=version)
    for name, values in {"raw": RAW, **{f"labels/{name}": ids for name, ids in (labels or {}).items()}}.items():
        array = group.create_array(f"volumes/{name}", shape=values.shape, dtype=values.dtype, chunks=(4, 16, 16))
        array[:] = values
        array.attrs["resolution"] = NM
    return path


def zarr_array(path: Path, version: int = 3) -> Path:
    """A Zarr array."""
    import zarr

    array = zarr.create_array(path, shape=RAW.shape, dtype=RAW.dtype, chunks=(4, 16, 16), zarr_format=version)
    array[:] = RAW
    array.attrs["resolution"] = NM
    return path


def ome_zarr(path: Path, version: int = 3, axes: str = "tczyx", channels: int = 1, labels: bool = False) -> Path:
    """OME-Zarr 0.4 (Zarr 2) or 0.5 (Zarr 3) of two levels, with labels in its group `labels`."""
    import zarr

    group = zarr.open_group(path, mode="w", zarr_format=version)
    _multiscale(group, RAW, version, axes, channels)
    if labels:
        group.create_group("labels").attrs["labels"] = ["neuron_ids"]
        _multiscale(group.create_group("labels/neuron_ids"), RAW.astype(np.uint64) + 2**40, version, "zyx", 1)
    return path


def _multiscale(group: Any, values: NDArray[Any], version: int, axes: str, channels: int) -> None:
    data = np.broadcast_to(values[None, None], (1, channels, *values.shape))
    data = data.transpose(["tczyx".index(axis) for axis in axes]) if len(axes) == 5 else values
    for level in range(2):
        array = group.create_array(f"s{level}", shape=data.shape, dtype=data.dtype, chunks=(4,) * len(axes))
        if level == 0:
            array[:] = data
    unit = {axis: {"type": "space", "unit": "micrometer"} for axis in "zyx"}
    sizes = {"z": 0.03, "y": 0.003, "x": 0.003}
    image = {
        "axes": [{"name": axis, **unit.get(axis, {"type": "other"})} for axis in axes],
        "datasets": [
            {"path": f"s{level}", "coordinateTransformations": [_scale(axes, sizes, 2.0**level)]} for level in range(2)
        ],
        "coordinateTransformations": [_scale(axes, {"z": 1.0, "y": 2.0, "x": 2.0}, 1.0)],
    }
    group.attrs.update({"multiscales": [image]} if version == 2 else {"ome": {"multiscales": [image]}})


def _scale(axes: str, sizes: dict[str, float], factor: float) -> dict[str, Any]:
    return {"type": "scale", "scale": [sizes[axis] * factor if axis in sizes else 1.0 for axis in axes]}


def sections(folder: Path, suffix: str = ".png", raw: NDArray[Any] = RAW) -> Path:
    """A folder of images, numbered without leading zeros."""
    import tifffile
    from PIL import Image

    folder.mkdir(parents=True)
    for number, section in enumerate(raw):
        file = folder / f"s{number}{suffix}"
        tifffile.imwrite(file, section) if suffix == ".tif" else Image.fromarray(section).save(file)
    return folder


FORMATS: dict[str, Callable[[Path], Path]] = {
    "cremi.h5": hdf5,
    "main.hdf5": lambda path: hdf5(path, key="main"),
    "alone.h5": lambda path: hdf5(path, key="some/where/else"),
    "transposed.h5": lambda path: hdf5(path, axes="xyz"),
    "ilastik.h5": ilastik,
    "imagej.tif": imagej,
    "of.ome.tif": ome_tiff,
    "x_first.nii.gz": nifti,
    "plain.nii": lambda path: nifti(path, spacing=(0.03, 0.006, 0.006), unit="micron"),
    "no_unit.nii": lambda path: nifti(path, unit=None),
    "packed.nrrd": nrrd,
    "plain.nrrd": lambda path: nrrd(path, encoding="raw"),
    "apart.nhdr": lambda path: nrrd(path, encoding="raw"),
    "two.zarr": lambda path: zarr_group(path, 2),
    "three.zarr": lambda path: zarr_group(path, 3),
    "array2.zarr": lambda path: zarr_array(path, 2),
    "array3.zarr": lambda path: zarr_array(path, 3),
    "v4.ome.zarr": lambda path: ome_zarr(path, 2),
    "v5.ome.zarr": ome_zarr,
    "turned.ome.zarr": lambda path: ome_zarr(path, axes="xyztc"),
}
"""A writer of each format with a voxel size: `RAW` at `NM`."""

WITHOUT_SIZE: dict[str, Callable[[Path], Path]] = {
    "plain.tif": tiff,
    "zip_strips.tif": lambda path: tiff(path, compression="zlib", predictor=True, rowsperstrip=7),
    "zip_tiles.tiff": lambda path: tiff(path, compression="zlib", tile=(16, 32)),
    "big_endian.btf": lambda path: tiff(path, byteorder=">", bigtiff=True),
    "lzw.tif": lzw,
    "volumetric.tif": lambda path: tiff(path, tile=(16, 16, 16), volumetric=True, compression="zlib"),
    "png": sections,
    "tif": lambda path: sections(path, ".tif"),
    "ones.nii.gz": lambda path: nifti(path, spacing=(1.0, 1.0, 1.0), unit="mm"),
    "silent.nrrd": lambda path: nrrd(path, spacings=[np.nan] * 3),
}
"""The same in formats, or by programs, that state no voxel size."""
