"""Crops of MICrONS on disk: HDF5, images and segmentation in one file or in two of nearly the same name."""

from __future__ import annotations

import logging
import re
from pathlib import Path

from neuropil.sources.em.looking import HDF5_SUFFIXES, contents, files_below, holds_labels
from neuropil.sources.em.records import NEURON_IDS, Found, Lengths, Place
from neuropil.sources.volume_parameters import MicronsVolumes

logger = logging.getLogger(__name__)

_ROLE = re.compile(r"[-_. ](?:volume|em|image|raw|segmentation|seg|labels?)(?=[-_. ]|$)", re.IGNORECASE)
_VERSION = re.compile(r"[-_. ]v(?P<version>\d+)(?=[-_. ]|$)", re.IGNORECASE)
_MIP = re.compile(r"mip[-_ ]?(?P<mip>\d+)", re.IGNORECASE)


def find_crops(path: Path, parameters: MicronsVolumes) -> list[Found]:
    """The crops in a folder (`minnie65_mip0_crop_128_volume.h5` and `..._v1300_segmentation.h5`), or that one file.

    Of several versions of a segmentation the one that `parameters.version` names is taken, else the latest.
    """
    files = files_below(path, HDF5_SUFFIXES)
    segmentations: dict[str, dict[int, Path]] = {}
    for file in files:
        if holds_labels(file.stem):
            match = _VERSION.search(file.stem)
            segmentations.setdefault(_base(file), {})[int(match["version"]) if match else 0] = file
    found = []
    for file in files:
        if holds_labels(file.stem):
            continue
        inside, versions = contents(file), segmentations.get(_base(file), {})
        labels = dict(inside.labels)
        if versions:
            version = parameters.version if parameters.version in versions else max(versions)
            if len(versions) > 1 or version not in (0, parameters.version):
                logger.info("%s: version %d of the segmentation is read", file, version)
            labels = {NEURON_IDS: Place(versions[version])}
        size = _resolution(file, parameters)
        found.append(
            Found(_base(file), Place(file), labels, default_resolution_nm=size, url=parameters.em,
                  problem=inside.problem)
        )  # fmt: skip
    return found


def _base(file: Path) -> str:
    """What the names of a crop's files have in common."""
    return _ROLE.sub("", _VERSION.sub("", file.stem))


def _resolution(file: Path, parameters: MicronsVolumes) -> Lengths:
    """The voxel size by the scale in the file's name: up to mip 3 only y and x are halved."""
    match = _MIP.search(file.stem)
    step = 2 ** int(match["mip"]) if match else 1
    z, y, x = parameters.resolution_nm
    return z, y * step, x * step
