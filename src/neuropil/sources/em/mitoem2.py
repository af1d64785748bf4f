"""MitoEM 2.0, mitochondria of eight tissues, and the human and rat cortex of the first MitoEM.

Version 2 lies in nnU-Net's layout (`mitoem2_layout`), version 1 as sections (`mitoem1_layout`); both are found by what
the folders hold, at any depth, zipped or not.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from neuropil.errors import InputError
from neuropil.sources.em.checksums import check_files, read_checksums
from neuropil.sources.em.fetching import advice, asset_of, fetch_unpacked, nothing_in, unpack_local
from neuropil.sources.em.looking import files_below, required
from neuropil.sources.em.mitoem1_layout import find_mitoem1
from neuropil.sources.em.mitoem2_layout import find_mitoem2
from neuropil.sources.em.records import Found, Publication, raw_record
from neuropil.sources.http.download import Asset, fetch
from neuropil.sources.http.parameters import HttpParameters
from neuropil.sources.volume_parameters import MITOEM2, MitoemVolumes, RemoteFile

logger = logging.getLogger(__name__)

FIELD = "ingestion.volumes.mitoem2"
VERSION_2 = Publication(
    "mitoem2",
    "CC-BY-4.0",
    "MitoEM 2.0: a benchmark of 3D mitochondria instance segmentation from electron microscopy (2025), "
    "doi:10.5281/zenodo.17635006",
)
VERSION_1 = Publication(
    "mitoem2",
    "MIT",
    "Wei D. et al. (2020), MitoEM Dataset: large-scale 3D mitochondria instance segmentation from EM images, "
    "MICCAI, doi:10.1007/978-3-030-59722-1_7",
)
_ARCHIVE = re.compile(r"_ME2[-_]|EM30[-_]|MitoEM", re.IGNORECASE)
EXPECTED = "the folder that holds DatasetNNN_ME2-NAME (imagesTr, labelsTr ...), human and rat (im, mito-train-v2 ...)"


def mitoem_volumes(parameters: MitoemVolumes, http: HttpParameters, store: Path) -> Iterator[dict[str, Any]]:
    """Yield the raw record of each volume: version 2 by data set and case, version 1 by tissue and part.

    Args:
        parameters: which data sets, where they lie or are fetched from.
        http: how they are fetched.
        store: the raw store; files go to `store/mitoem2`.

    Raises:
        InputError: a data set that was asked for is not there, or cannot be fetched or unpacked.
    """
    folder = store / VERSION_2.source
    roots = _fetched(parameters, http, folder) if parameters.path is None else _local(parameters, folder)
    volumes = [
        *((found, dataset, VERSION_2) for found, dataset in find_mitoem2(roots, parameters)),
        *((found, dataset, VERSION_1) for found, dataset in find_mitoem1(roots, parameters, folder / "sections")),
    ]
    if not volumes:
        raise InputError(nothing_in(FIELD, parameters.path, folder, "volume of MitoEM", EXPECTED))
    missing = set(parameters.datasets or ()) - {dataset for _, dataset, _ in volumes}
    if missing:
        raise InputError(
            f"{FIELD}.datasets={'+'.join(sorted(missing))}: not in {parameters.path or folder}; expected {EXPECTED}"
        )
    kept: dict[str, tuple[Found, Publication]] = {}
    bare = 0
    for found, _, publication in volumes:
        if not (found.labels or parameters.unlabelled or found.problem):
            bare += 1
        elif found.name in kept:
            logger.warning("%s is there twice; %s is left aside", found.name, found.raw.path)
        else:
            kept[found.name] = found, publication
    if bare:
        logger.info("%d volumes of MitoEM without labels left out; %s.unlabelled=true takes them in", bare, FIELD)
    for found, publication in kept.values():
        yield raw_record(found, publication, store)


def _local(parameters: MitoemVolumes, folder: Path) -> list[Path]:
    """The folder itself, and what the zips in it unpack to that lie there packed only."""
    path = required(parameters.path or Path(), f"{FIELD}.path", EXPECTED)
    archives = [
        file
        for file in files_below(path, (".zip",))
        if file == path or (_ARCHIVE.search(file.name) and not (file.parent / file.stem).is_dir())
    ]
    unpacked = [unpack_local(archive, folder, most_gb=parameters.most_gb) for archive in archives]
    return [path, *unpacked] if path.is_dir() else unpacked


def _fetched(parameters: MitoemVolumes, http: HttpParameters, folder: Path) -> list[Path]:
    datasets = parameters.datasets or MITOEM2
    sums = _checksums(parameters, http, folder) if any(dataset in MITOEM2 for dataset in datasets) else {}
    assets = [asset for dataset in datasets for asset in _assets(dataset, parameters, sums)]
    roots = fetch_unpacked(assets, folder, http, most_gb=parameters.most_gb, label="fetching MitoEM")
    for asset, root in zip(assets, roots, strict=True):
        if asset.sha256 is None:  # of some releases the sums are of the files within
            check_files(root, sums, folder / "checksums.ledger.jsonl")
    return roots


def _checksums(parameters: MitoemVolumes, http: HttpParameters, folder: Path) -> Mapping[str, str]:
    if parameters.checksums is None:
        return {}
    how = f"{advice(f'{FIELD}.checksums')}; null leaves the files unchecked"
    asset = Asset(parameters.checksums, "checksums.txt", kind="text", most_bytes=64 << 20, advice=how)
    return read_checksums(fetch([asset], folder, http, label="fetching checksums")[0])


def _assets(dataset: str, parameters: MitoemVolumes, sums: Mapping[str, str]) -> list[Asset]:
    if dataset in ("human", "rat"):
        pair = parameters.human if dataset == "human" else parameters.rat
        files = {"images": pair.images, "labels": pair.labels}
        return [
            asset_of(
                remote, f"{dataset}-{what}.zip", f"{FIELD}.{dataset}.{what}", most_gb=parameters.most_gb, kind="zip"
            )
            for what, remote in files.items()
        ]
    name = parameters.files.get(dataset)  # type: ignore[call-overload]
    if name is None:
        raise InputError(f"{FIELD}.files.{dataset} is not set; give the name of the archive")
    remote = RemoteFile(url=parameters.url.replace("{file}", name), sha256=sums.get(name))
    return [asset_of(remote, name, f"{FIELD}.url", most_gb=parameters.most_gb, kind="zip")]
