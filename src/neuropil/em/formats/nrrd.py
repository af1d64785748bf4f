"""NRRD (.nrrd, or .nhdr with its data beside it), plain or gzipped, without unpacking it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from neuropil.em.formats.grid import Grid, OneArray, checked
from neuropil.em.formats.streams import open_bytes
from neuropil.em.formats.stretch import Stretch
from neuropil.em.formats.units import Lengths, stated
from neuropil.errors import InputError

_TYPES = {
    "i1": ("signed char", "int8", "int8_t"),
    "u1": ("uchar", "unsigned char", "uint8", "uint8_t"),
    "i2": ("short", "short int", "signed short", "signed short int", "int16", "int16_t"),
    "u2": ("ushort", "unsigned short", "unsigned short int", "uint16", "uint16_t"),
    "i4": ("int", "signed int", "int32", "int32_t"),
    "u4": ("uint", "unsigned int", "uint32", "uint32_t"),
    "i8": ("longlong", "long long", "long long int", "signed long long", "signed long long int", "int64", "int64_t"),
    "u8": ("ulonglong", "unsigned long long", "unsigned long long int", "uint64", "uint64_t"),
    "f4": ("float",),
    "f8": ("double",),
}
_KINDS = {name: kind for kind, names in _TYPES.items() for name in names}
_ASK = "its header states no voxel size; write the field `spacings` (x y z) and `units` (nm nm nm)"


@contextmanager
def open_nrrd(path: Path) -> Iterator[OneArray]:
    """Open a NRRD file. Its axes are (x, y, z), the first quickest; axes of length 1 do not count.

    Raises:
        InputError: it is cut off, packed in another way than gzip, or something else.
    """
    header, start = _header(path)
    try:
        kind = np.dtype(_KINDS[str(header["type"]).lower()]).newbyteorder(">" if header.get("endian") == "big" else "<")
        sizes = [int(size) for size in header["sizes"]]
        wide = [axis for axis, size in enumerate(sizes) if size > 1 or len(sizes) <= 3]
    except (KeyError, ValueError, TypeError) as error:
        raise InputError(f"{path}: its header is no NRRD header of numbers ({error}); store it again") from error
    if len(wide) != 3:
        raise InputError(f"{path}: it has the sizes {sizes}; three axes (x, y, z) of grey values are needed")
    encoding = str(header.get("encoding", "raw")).lower()
    if encoding not in ("raw", "gzip", "gz"):
        raise InputError(f"{path}: it is stored as {encoding}; store it as raw or gzip")
    data = path if start else path.parent / str(header.get("data file", header.get("datafile")))
    source = open_bytes(data, start, packed=encoding != "raw")
    try:
        shape = [sizes[axis] for axis in reversed(wide)]
        offset = _offset(path, data, header, start, int(np.prod(sizes)) * kind.itemsize)
        array = Stretch(source, offset, shape, kind, path.name)
        yield OneArray(path, Grid(checked(path, array, "the image"), path.name, _size(header, wide), ask=_ASK))
    finally:
        source.close()


def _header(path: Path) -> tuple[Mapping[str, Any], int]:
    """The fields of the header, and the byte at which the data begin; 0 where they are in a file of their own."""
    import nrrd

    try:
        with open(path, "rb") as file:
            if not file.readline(64).startswith(b"NRRD"):
                raise InputError(f"{path}: it is no NRRD file; copy or download it again")
            file.seek(0)
            header = nrrd.read_header(file)
            start = file.tell()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    except (nrrd.NRRDError, ValueError, UnicodeError) as error:
        raise InputError(f"{path}: its header is no NRRD header ({error}); copy or download it again") from error
    apart = header.get("data file", header.get("datafile"))
    if apart is None:
        return header, start
    if "%" in str(apart) or str(apart).startswith("LIST") or len(str(apart).split()) > 1:
        raise InputError(f"{path}: its data lie in several files; store it as one .nrrd file")
    return header, 0


def _offset(path: Path, data: Path, header: Mapping[str, Any], start: int, size: int) -> int:
    """The byte of the first voxel: in the file, or in what is unpacked."""
    if int(header.get("line skip", header.get("lineskip", 0))):
        raise InputError(f"{path}: its header skips lines; store it as one .nrrd file")
    skip = int(header.get("byte skip", header.get("byteskip", 0)))
    plain = str(header.get("encoding", "raw")).lower() == "raw"
    if skip == -1 and plain:  # the data are the end of the file
        return data.stat().st_size - size
    return max(skip, 0) + (start if plain else 0)


def _size(header: Mapping[str, Any], axes: list[int]) -> Lengths | None:
    """The voxel size (z, y, x), nanometres."""
    directions = header.get("space directions")
    units = header.get("space units")
    if directions is not None:
        rows = [directions[axis] for axis in axes]
        numbers = [float(np.linalg.norm(row)) if row is not None else np.nan for row in rows]
    elif header.get("spacings") is not None:
        numbers = [float(header["spacings"][axis]) for axis in axes]
        units = [header["units"][axis] for axis in axes] if header.get("units") is not None else None
    else:
        return None
    return stated(numbers[::-1], units[0] if units is not None and len(units) else None)
