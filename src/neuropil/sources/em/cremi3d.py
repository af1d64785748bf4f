"""CREMI: samples A, B and C of the brain of Drosophila, 125 x 1250 x 1250 voxels each, and A+, B+, C+ without labels.

They stay three volumes: one after the other along z they would be crossed by patches, and their ids collide. In padded
files the raw data reach beyond the labels, whose attribute `offset` (nanometres) says where they lie. Read are the
published files (`sample_A_20160501.hdf`, `sample_A_padded_20160501.hdf`, `sample_A+_20160601.hdf`) and the guide's
(`sampleA.h5`).
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from neuropil.errors import InputError
from neuropil.sources.em.fetching import asset_of
from neuropil.sources.em.looking import HDF5_SUFFIXES, contents, files_below, required
from neuropil.sources.em.records import Found, Place, Publication, raw_record
from neuropil.sources.http.download import Asset, fetch
from neuropil.sources.http.parameters import HttpParameters
from neuropil.sources.volume_parameters import CremiVolumes, RemoteFile

logger = logging.getLogger(__name__)

FIELD = "ingestion.volumes.cremi3d"
PUBLICATION = Publication(
    "cremi3d",
    None,
    "Funke J., Saalfeld S., Bock D., Turaga S., Perlman E. (2016), MICCAI Challenge on Circuit Reconstruction from "
    "Electron Microscopy Images (CREMI), cremi.org; Zheng Z. et al. (2018), Cell 174(3):730-743",
)
EXPECTED = "a folder with sample_A_20160501.hdf (or sampleA.h5), or one such file"

_SAMPLE = re.compile(r"sample[ _-]?(?P<sample>[ABC])(?P<test>\+)?(?![a-z])(?P<rest>.*)", re.IGNORECASE)


def cremi_volumes(parameters: CremiVolumes, http: HttpParameters, store: Path) -> Iterator[dict[str, Any]]:
    """Yield the raw record of each sample.

    Args:
        parameters: which samples, where they lie or are fetched from.
        http: how they are fetched.
        store: the raw store; files go to `store/cremi3d`.

    Raises:
        InputError: a sample is not there, or cannot be fetched.
    """
    if parameters.path is None:
        files = fetch(_assets(parameters), store / PUBLICATION.source, http, label="fetching CREMI")
    else:
        files = files_below(required(parameters.path, f"{FIELD}.path", EXPECTED), HDF5_SUFFIXES)
    chosen = _chosen(files, parameters)
    if missing := [sample for sample in parameters.samples if (sample, False) not in chosen]:
        raise InputError(
            f"{FIELD}.path={parameters.path}: no sample {' or '.join(missing)} in it; expected {EXPECTED}, or name the "
            f"samples that are there in {FIELD}.samples"
        )
    for (sample, test), file in sorted(chosen.items(), key=lambda item: (item[0][1], item[0][0])):
        yield raw_record(_volume(sample, test, file, parameters), PUBLICATION, store)


def _assets(parameters: CremiVolumes) -> list[Asset]:
    padded = parameters.form == "padded"
    sums: Mapping[Any, str | None] = parameters.sha256_padded if padded else parameters.sha256_cropped
    forms: list[tuple[str, str, Mapping[Any, str | None]]] = [
        (parameters.form, parameters.padded if padded else parameters.cropped, sums)
    ]
    if parameters.test:
        forms.append(("unlabelled", parameters.unlabelled, {}))
    return [
        asset_of(
            RemoteFile(url=url.replace("{sample}", sample), sha256=own.get(sample)),
            f"sample_{sample}{'+' if form == 'unlabelled' else ''}{'_padded' if form == 'padded' else ''}.hdf",
            f"{FIELD}.{form}",
            most_gb=parameters.most_gb,
            kind="hdf5",
        )
        for form, url, own in forms
        for sample in parameters.samples
    ]


def _chosen(files: list[Path], parameters: CremiVolumes) -> dict[tuple[str, bool], Path]:
    """The file of each (sample, test): of the form that was asked for, else of the one that is there."""
    chosen: dict[tuple[str, bool], Path] = {}
    forms: dict[tuple[str, bool], bool] = {}
    for file in files:
        match = _SAMPLE.match(file.stem)
        if match is None:
            continue
        key = match["sample"].upper(), match["test"] is not None
        fits = ("padded" in match["rest"].lower()) == (parameters.form == "padded")
        if key[0] not in parameters.samples or (key[1] and not parameters.test):
            continue
        if key not in chosen or (fits and not forms[key]):
            chosen[key], forms[key] = file, fits
        elif fits:
            logger.warning("sample %s is there twice; %s is read, not %s", key[0], chosen[key], file)
    for key, file in chosen.items():
        if not forms[key] and not key[1]:
            logger.warning("%s is read: no %s file of sample %s is there", file, parameters.form, key[0])
    return chosen


def _volume(sample: str, test: bool, file: Path, parameters: CremiVolumes) -> Found:
    inside = contents(file)
    if not (test or inside.labels or inside.problem):
        logger.warning("%s: no labels in it (expected in volumes/labels); it can be segmented, not trained on", file)
    template = parameters.padded if parameters.form == "padded" else parameters.cropped
    template = parameters.unlabelled if test else template
    return Found(
        f"sample_{sample}{'+' if test else ''}",
        Place(file),
        inside.labels,
        default_resolution_nm=parameters.resolution_nm,
        split="test" if test else None,  # each sample trains and is scored, in parts of its own
        url=template.replace("{sample}", sample),
        problem=inside.problem,
    )
