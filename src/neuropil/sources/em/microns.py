"""MICrONS minnie65: crops of a cubic millimetre of mouse visual cortex, cut out where they are published.

A crop is a box of voxels at a scale (mip) of the images; the segmentation is read at the scale of the same voxel size.
It comes block by block into a Zarr store below the raw store, and goes on where a killed run left it.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from neuropil.compute import ComputeParameters
from neuropil.errors import InputError
from neuropil.sources.em.looking import required
from neuropil.sources.em.microns_blocks import ARRAYS, Crop, fetch_blocks
from neuropil.sources.em.microns_files import find_crops
from neuropil.sources.em.precomputed import Scale, read_scales
from neuropil.sources.em.records import NEURON_IDS, Found, Place, Publication, raw_record
from neuropil.sources.http.parameters import HttpParameters
from neuropil.sources.volume_parameters import MicronsCrop, MicronsVolumes
from neuropil.work.keys import content_key

logger = logging.getLogger(__name__)

FIELD = "ingestion.volumes.microns"
PUBLICATION = Publication(
    "microns",
    None,
    "The MICrONS Consortium (2025), Functional connectomics spanning multiple areas of mouse visual cortex, "
    "Nature 640:435-447, doi:10.1038/s41586-025-08790-w; bossdb.org/project/microns-minnie",
)
EXPECTED = "a folder of HDF5 crops (NAME_volume.h5 with NAME_segmentation.h5, or both in one)"


def microns_volumes(
    parameters: MicronsVolumes, http: HttpParameters, store: Path, *, compute: ComputeParameters
) -> Iterator[dict[str, Any]]:
    """Yield the raw record of each crop.

    Args:
        parameters: the crops, where the volume is, or where crops lie already.
        http: how they are fetched.
        store: the raw store; crops go to `store/microns/NAME-KEY.zarr`.
        compute: how many processes fetch.

    Raises:
        InputError: no crop is there or asked for, a box leads out of the volume, or a block cannot be fetched.
    """
    if parameters.path is not None:
        found = find_crops(required(parameters.path, f"{FIELD}.path", EXPECTED), parameters)
        if not found:
            raise InputError(f"{FIELD}.path={parameters.path}: no crop in it; expected {EXPECTED}")
    else:
        found = _cut(parameters, http, store / PUBLICATION.source, compute)
    for one in found:
        yield raw_record(one, PUBLICATION, store)


def _cut(parameters: MicronsVolumes, http: HttpParameters, folder: Path, compute: ComputeParameters) -> list[Found]:
    wanted = {name: crop for name, crop in parameters.crops.items() if crop is not None}
    if not wanted:
        raise InputError(f"{FIELD}.crops: none is set; give one a name, a start and a size")
    images, ids = _scales(parameters, http)
    crops = [_crop(name, crop, images, ids, parameters, folder) for name, crop in wanted.items()]
    kept = {crop.store for crop in crops}
    for old in folder.glob("*.zarr"):  # of another box, scale, version or address
        if old not in kept:
            shutil.rmtree(old)
    found = []
    for crop in crops:
        fetch_blocks(crop, parameters.block, http, folder / "blocks.ledger.jsonl", compute)
        labels = {NEURON_IDS: Place(crop.store, ARRAYS["ids"])} if ids else {}
        raw, split = Place(crop.store, ARRAYS["images"]), wanted[crop.name].split
        found.append(Found(f"minnie65_{crop.name}", raw, labels, images.resolution_nm, split=split, url=parameters.em))
    return found


def _scales(parameters: MicronsVolumes, http: HttpParameters) -> tuple[Scale, Scale | None]:
    """The scale of the images, and that of the segmentation which has the same voxel size."""
    scales = read_scales(parameters.em, f"{FIELD}.em", http)
    if parameters.mip >= len(scales):
        raise InputError(f"{FIELD}.mip={parameters.mip}: {parameters.em} has the scales 0 to {len(scales) - 1}")
    images = scales[parameters.mip]
    if parameters.segmentation is None:
        return images, None
    url = parameters.segmentation.replace("{version}", str(parameters.version))
    sizes = {scale.resolution_nm: scale for scale in read_scales(url, f"{FIELD}.segmentation", http)}
    if images.resolution_nm not in sizes:
        listed = ", ".join(_shown(size) for size in sizes)
        raise InputError(
            f"{FIELD}.mip={parameters.mip}: the images have voxels of {_shown(images.resolution_nm)} nm there, {url} "
            f"has only {listed}; choose a mip that both have"
        )
    return images, sizes[images.resolution_nm]


def _crop(
    name: str, crop: MicronsCrop, images: Scale, ids: Scale | None, parameters: MicronsVolumes, folder: Path
) -> Crop:
    z, y, x = ((start, start + size) for start, size in zip(crop.start, crop.size, strict=True))
    box = (z, y, x)
    for scale in (images, ids):
        inside = scale is None or all(
            low <= start and stop <= high for (start, stop), (low, high) in zip(box, scale.box, strict=True)
        )
        if not inside:
            assert scale is not None
            low, high = (_shown(side) for side in zip(*scale.box, strict=True))
            raise InputError(
                f"{FIELD}.crops.{name}: from {_shown(crop.start)} with a size of {_shown(crop.size)} it leads out of "
                f"{scale.url}, which at this scale reaches from {low} to {high} (z, y, x)"
            )
    key = content_key(images.url, images.index, ids and [ids.url, ids.index], box, parameters.block)
    return Crop(name, folder / f"{name}-{key[:12]}.zarr", box, images, ids)


def _shown(values: Any) -> str:
    return "x".join(f"{value:g}" if isinstance(value, float) else str(value) for value in values)
