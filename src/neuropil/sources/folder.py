"""Your own files: a folder of SWC files with a table of facts, a folder of HDF5 volumes."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from neuropil.errors import InputError
from neuropil.morphology.swc import neuron_name
from neuropil.sources.metadata import find_table, read_table
from neuropil.sources.parameters import FolderNeurons, FolderVolumes

logger = logging.getLogger(__name__)

FIELD = "ingestion.neurons.folder.path"
VOLUME_FIELD = "ingestion.volumes.folder.path"
LINK_OUT = "a link that leads out of the folder; copy the file in"


def folder_neurons(parameters: FolderNeurons) -> Iterator[dict[str, Any]]:
    """Yield a raw record (see `sample_neurons`) of each SWC file, in the order of the paths.

    A file or folder that is a link out of the folder is not followed; its record holds the reason as "problem".

    Raises:
        InputError: the path is missing, cannot be read or holds no SWC file, or the table of facts is unusable.
    """
    if parameters.path is None:
        return
    path = parameters.path.expanduser()
    files = _swc_files(path)
    table_path = parameters.metadata.expanduser() if parameters.metadata else find_table(path)
    if table_path is not None and not table_path.is_file():
        raise InputError(f"ingestion.neurons.folder.metadata={table_path}: no such file")
    table = read_table(table_path) if table_path else {}
    matched = set()
    for file, problem in files:
        name = neuron_name(file)
        record: dict[str, Any] = {"neuron_name": name, "swc": str(file.absolute()), "source": "folder"}
        if problem:
            record["problem"] = problem
        elif name in table:
            record["metadata"] = table[name]
            matched.add(name)
        yield record
    _tell(table_path, len(files), len(matched), len(table))


def _tell(table_path: Path | None, files: int, matched: int, rows: int) -> None:
    if table_path is None:
        logger.warning("%s: no metadata.jsonl or metadata.csv beside the SWC files, so nothing is known of them", FIELD)
    elif matched < max(files, rows):
        logger.warning("%s: %d of its %d rows match %d SWC files by name", table_path, matched, rows, files)


def _swc_files(path: Path) -> list[tuple[Path, str | None]]:
    """The SWC files at a path, sorted, each with the reason why it is not to be read, or None."""
    if path.is_file() and path.suffix.lower() == ".swc":
        return [(path, None)]
    if not path.is_dir():
        what = "not a folder and not an SWC file" if path.exists() else "no such folder"
        raise InputError(f"{FIELD}={path}: {what}; give a folder of .swc files")
    root = path.resolve()
    found: list[tuple[Path, str | None]] = []
    for place, folders, names in os.walk(path, onerror=_refuse):
        for name in names:
            if name.lower().endswith(".swc") and not name.startswith("."):
                file = Path(place) / name
                inside = not file.is_symlink() or file.resolve().is_relative_to(root)
                found.append((file, None if inside else LINK_OUT))
        for name in folders:
            link = Path(place) / name
            if link.is_symlink() and not link.resolve().is_relative_to(root):
                found.append((link, LINK_OUT))
    if not any(problem is None for _, problem in found):
        raise InputError(f"{FIELD}={path}: no .swc file in the folder or below it")
    return sorted(found)


def _refuse(error: OSError) -> None:
    raise InputError(f"{FIELD}: {error.filename} cannot be read ({error.strerror})")


def folder_volumes(parameters: FolderVolumes) -> Iterator[dict[str, Any]]:
    """Yield a raw record, {"name", "file" (absolute), "source"}, of each HDF5 volume.

    Raises:
        InputError: the path is missing or holds no volume.
    """
    from neuropil.em.volume import find_volumes

    if parameters.path is None:
        return
    path = parameters.path.expanduser()
    if not path.exists():
        raise InputError(f"{VOLUME_FIELD}={path}: no such file or folder; give an HDF5 volume or a folder of them")
    files = find_volumes(path)
    if not files:
        raise InputError(f"{VOLUME_FIELD}={path}: no HDF5 volume (.h5, .hdf5) in the folder")
    for file in files:
        yield {"name": file.stem, "file": str(file.absolute()), "source": "folder"}
