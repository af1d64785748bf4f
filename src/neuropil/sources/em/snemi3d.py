"""SNEMI3D: AC4 and AC3, two blocks of mouse cortex (Kasthuri et al. 2015), 100 x 1024 x 1024 voxels each.

Read are the guide's files (`AC4_inputs.h5`, `AC4_labels.h5`, the same of AC3; dataset `main`), the zip of Zenodo and
what it unpacks to (`image/train-input.tif`, `seg/train-labels.tif`, `image/test-input.tif`; also without the folders),
and the HDF5 mirror (`volumes/raw`, `volumes/labels/neuron_ids`). `train` is AC4, `test` is AC3, whose labels are not
published by the challenge.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from neuropil.errors import InputError
from neuropil.sources.em.fetching import asset_of, fetch_unpacked, nothing_in, unpack_local
from neuropil.sources.em.looking import HDF5_SUFFIXES, TIFF_SUFFIXES, contents, files_below, holds_labels, required
from neuropil.sources.em.records import NEURON_IDS, Found, Place, Publication, Split, raw_record
from neuropil.sources.http.download import fetch
from neuropil.sources.http.parameters import HttpParameters
from neuropil.sources.volume_parameters import SnemiVolumes

logger = logging.getLogger(__name__)

FIELD = "ingestion.volumes.snemi3d"
PUBLICATION = Publication(
    "snemi3d",
    "CC-BY-4.0",
    "Kasthuri N. et al. (2015), Saturated reconstruction of a volume of neocortex, Cell 162(3):648-661, "
    "doi:10.1016/j.cell.2015.06.054; SNEMI3D, doi:10.5281/zenodo.7142003",
)
EXPECTED = "the folder with AC4_inputs.h5 and AC4_labels.h5, with train-input.tif and train-labels.tif, or snemi.zip"

_VOLUMES: tuple[tuple[str, re.Pattern[str], Split], ...] = (
    ("AC4", re.compile(r"ac4|(?<![a-z])train", re.IGNORECASE), "train"),
    ("AC3", re.compile(r"ac3|(?<![a-z])test", re.IGNORECASE), "test"),
)


def snemi_volumes(parameters: SnemiVolumes, http: HttpParameters, store: Path) -> Iterator[dict[str, Any]]:
    """Yield the raw records of AC4 and AC3, those of the two that are there.

    Args:
        parameters: where they lie, or are fetched from.
        http: how they are fetched.
        store: the raw store; files go to `store/snemi3d`.

    Raises:
        InputError: nothing of SNEMI3D lies at the path, or a file cannot be fetched or unpacked.
    """
    folder = store / PUBLICATION.source
    roots = _fetched(parameters, http, folder) if parameters.path is None else _local(parameters, folder)
    volumes = [found for found in find_snemi(roots, parameters) if found is not None]
    if not volumes:
        raise InputError(nothing_in(FIELD, parameters.path, folder, "volume of SNEMI3D", EXPECTED))
    for found in volumes:
        yield raw_record(found, PUBLICATION, store)


def _fetched(parameters: SnemiVolumes, http: HttpParameters, folder: Path) -> list[Path]:
    label, most = "fetching SNEMI3D", parameters.most_gb
    if parameters.origin == "zenodo":
        archive = asset_of(parameters.zenodo, "snemi.zip", f"{FIELD}.zenodo", most_gb=most, kind="zip")
        return fetch_unpacked([archive], folder, http, most_gb=most, label=label)
    assets = [asset_of(parameters.mirror_train, "train.h5", f"{FIELD}.mirror_train", most_gb=most, kind="hdf5")]
    if parameters.mirror_test is not None:
        test = asset_of(parameters.mirror_test, "test.h5", f"{FIELD}.mirror_test", most_gb=most, kind="hdf5")
        assets.append(test)
    return fetch(assets, folder, http, label=label)


def _local(parameters: SnemiVolumes, folder: Path) -> list[Path]:
    path = required(parameters.path or Path(), f"{FIELD}.path", EXPECTED)
    if files_below(path, (*HDF5_SUFFIXES, *TIFF_SUFFIXES)):
        return [path]
    return [unpack_local(archive, folder, most_gb=parameters.most_gb) for archive in files_below(path, (".zip",))]


def find_snemi(roots: list[Path], parameters: SnemiVolumes) -> Iterator[Found | None]:
    """The volumes in files or folders, by the names and the content of the files; None for one that is not there."""
    files = [file for root in roots for file in files_below(root, (*HDF5_SUFFIXES, *TIFF_SUFFIXES))]
    for name, pattern, split in _VOLUMES:
        own = [file for file in files if pattern.search(file.stem)]
        yield _volume(name, split, own, parameters) if own else None


def _volume(name: str, split: Split, files: list[Path], parameters: SnemiVolumes) -> Found | None:
    raw = _first([file for file in files if not holds_labels(file.stem)], f"{name}'s images")
    labels = _first([file for file in files if holds_labels(file.stem)], f"{name}'s labels")
    if raw is None:
        logger.warning("%s: labels of %s without its images; left aside", labels, name)
        return None
    inside = contents(raw) if raw.suffix.lower() in HDF5_SUFFIXES else None
    places = {NEURON_IDS: Place(labels)} if labels else dict(inside.labels) if inside else {}
    mirror = parameters.mirror_test if split == "test" and parameters.mirror_test else parameters.mirror_train
    return Found(
        name,
        Place(raw),
        places,
        default_resolution_nm=parameters.resolution_nm,
        split=split,
        url=(parameters.zenodo if parameters.origin == "zenodo" else mirror).url,
        problem=inside.problem if inside else None,
    )


def _first(files: list[Path], what: str) -> Path | None:
    """The first in the order of the names; the others are told, not mixed with it."""
    if len(files) > 1:
        logger.warning("%s are there %d times; %s is read", what, len(files), files[0])
    return files[0] if files else None
