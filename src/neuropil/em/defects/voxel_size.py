"""Voxel sizes that cannot be: by their unit, by what the file says besides, by how the image changes along the axes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from neuropil.em.defects.defect import Defect

_LEAST_NM, _MOST_NM = 2.0, 200.0  # voxels of EM: 2 nm in plane at the finest, 100 nm for the thickest sections
_ALONG_Z, _IN_PLANE = 3.0, 2.0  # times; sound volumes: 1.3 along z, 1.1 in plane
_LONGEST = 32.0  # voxels: where structures are longer, their length is not known
_UNITS = ((1000, "micrometres"), (1e6, "millimetres"), (1e9, "metres"), (0.1, "angstroms"), (0.001, "picometres"))
_DO = "give the true one (ingestion.volumes.folder.resolution_nm, or the attribute `resolution` of the file)"


def spacing_defects(record: Mapping[str, Any], proportions: Mapping[str, Any] | None) -> list[Defect]:
    """What speaks against the voxel size of a volume.

    Args:
        record: of the index `volumes`.
        proportions: measured of its image (see `inspection.proportions.Proportions`); None: not known.
    """
    size = tuple(float(length) for length in record["resolution_nm"])
    found = [*_implausible(size), *_contradicted(record, size)]
    if not any(defect.severity == "severe" for defect in found) and proportions and proportions["lengths"]:
        found += _out_of_proportion(size, proportions["lengths"])
    return found


def _implausible(size: Sequence[float]) -> Iterator[Defect]:
    if all(_LEAST_NM <= length <= _MOST_NM for length in size):
        return
    told = f"the voxel size is stated as {_written(size)} nm"
    if all(length == 1 for length in size):
        why = "that is what files say whose voxel size was never set"
    else:
        why = f"voxels of electron microscopy have {_LEAST_NM:g} to {_MOST_NM:g} nm"
        for factor, unit in _UNITS:
            scaled = [length * factor for length in size]
            if all(_LEAST_NM <= length <= _MOST_NM for length in scaled):
                why += f"; as {unit} it would be {_written(scaled)} nm"
                break
    yield Defect("voxel size", "severe", f"{told}; {why}", _DO)


def _contradicted(record: Mapping[str, Any], size: Sequence[float]) -> Iterator[Defect]:
    stated = (record.get("provenance") or {}).get("resolution_in_file")
    if stated and not np.allclose(stated, size, rtol=0.02):
        yield Defect(
            "voxel size in file", "minor",
            f"the file says {_written(stated)} nm, its source {_written(size)} nm; the source is believed",
            "nothing where the source is right; programs that read the file itself go wrong",
        )  # fmt: skip


def _out_of_proportion(size: Sequence[float], lengths: Sequence[float]) -> Iterator[Defect]:
    """Structures are as long along z as in plane, in nanometres, where the voxel size is right."""
    if max(lengths) >= _LONGEST:
        return
    z, y, x = (length * step for length, step in zip(lengths, size, strict=True))
    along_z, in_plane = z / np.sqrt(y * x), y / x
    if max(along_z, 1 / along_z) < _ALONG_Z and max(in_plane, 1 / in_plane) < _IN_PLANE:
        return
    seen = ":".join(f"{max(lengths) / length:.1f}" for length in lengths)
    told = f"the image changes along z y x as if the voxels were {seen}, but they are stated as {_written(size)} nm"
    rz, ry, rx = (length * step for length, step in zip(lengths, size[::-1], strict=True))
    turned = max(rz / np.sqrt(ry * rx), np.sqrt(ry * rx) / rz) < 1.6 and max(ry / rx, rx / ry) < 1.6
    reversed_fits = turned and size[0] != size[2]
    told += "; in the order x y z they would fit" if reversed_fits else ""
    yield Defect("voxel proportions", "severe" if reversed_fits else "minor", told, _DO)


def _written(size: Sequence[float]) -> str:
    return " x ".join(f"{length:g}" for length in size)
