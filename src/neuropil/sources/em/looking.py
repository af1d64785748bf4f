"""Looking at what lies on disk: the files below a folder, and what an HDF5 file holds."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from neuropil.errors import InputError
from neuropil.sources.em.records import CLEFTS, NEURON_IDS, Place

HDF5_SUFFIXES = (".h5", ".hdf5", ".hdf")
TIFF_SUFFIXES = (".tif", ".tiff")
DEEPEST = 6
"""Folders below the one that was named that are looked into."""

_CHUNKED = (".zarr", ".n5", ".precomputed")  # folders that are one array each
_FLAT = {
    "labels": NEURON_IDS,
    "seg": NEURON_IDS,
    "segmentation": NEURON_IDS,
    "neuron_ids": NEURON_IDS,
    "clefts": CLEFTS,
}
"""Arrays that are labels where they lie at the top of a file that has no group of them, by what they are labels of."""

_LABELS = re.compile(r"label|seg|mask|(?:^|[^a-z])(?:gt|ids?)(?![a-z])", re.IGNORECASE)


def required(path: Path, field: str, expected: str) -> Path:
    """The path, where it is there. Raises InputError with the field and what was expected."""
    path = path.expanduser()
    if not path.exists():
        raise InputError(f"{field}={path}: no such file or folder; give {expected}, or null to fetch it")
    return path


def files_below(path: Path, suffixes: Iterable[str] = ("",)) -> list[Path]:
    """The files at `path` with one of the suffixes, sorted; links are followed (volumes lie on scratch disks)."""
    endings = tuple(suffixes)
    if path.is_file():
        return [path] if path.name.lower().endswith(endings) else []
    found = [
        folder / name
        for folder, names in folders_below(path)
        for name in names
        if name.lower().endswith(endings) and (folder / name).is_file()
    ]
    return sorted(found)


def folders_below(path: Path) -> Iterator[tuple[Path, list[str]]]:
    """The folder and those below it, each once, with the names of their files, sorted; hidden ones are passed over."""
    seen: set[str] = set()
    for root, folders, names in os.walk(path, followlinks=True):
        depth, real = len(Path(root).relative_to(path).parts), os.path.realpath(root)
        if real in seen:  # a link that leads in a circle
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(
            name for name in folders if depth < DEEPEST and name[0] != "." and not name.lower().endswith(_CHUNKED)
        )
        yield Path(root), sorted(name for name in names if not name.startswith("."))


def holds_labels(name: str) -> bool:
    """Whether a file's name is that of labels (`AC3_labels.h5`, `train-labels.tif`, `..._v1300_segmentation.h5`)."""
    return _LABELS.search(name) is not None


@dataclass(frozen=True)
class Contents:
    """What an HDF5 file holds beside its raw data: labels by name; or why it cannot be read."""

    labels: dict[str, Place]
    problem: str | None = None


def contents(path: Path) -> Contents:
    """Look into an HDF5 file with raw data; nothing is read of it."""
    from neuropil.em.formats.hdf5 import open_hdf5

    try:
        with open_hdf5(path) as file:
            file.raw(None)
            labels = {name: Place(path, grid.name.lstrip("/")) for name, grid in file.labels().items()}
            flat = {label: Place(path, key) for key, label in _FLAT.items() if hasattr(file.root.get(key), "shape")}
            return Contents(labels or flat)
    except InputError as error:
        return Contents({}, problem=str(error))
