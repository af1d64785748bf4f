"""A crop, fetched block by block into a Zarr store: each block is one chunk, and is written down when it is there."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neuropil.compute import ComputeParameters
from neuropil.errors import InputError
from neuropil.sources.em.precomputed import Box, Scale, read_box
from neuropil.sources.http.parameters import HttpParameters
from neuropil.work.atomic import atomic_path
from neuropil.work.items import Item, run_items
from neuropil.work.ledger import Ledger

logger = logging.getLogger(__name__)

ARRAYS = {"images": "volumes/raw", "ids": "volumes/labels/neuron_ids"}
"""Where the two lie in the store."""

VERSION = 1
Shape = tuple[int, int, int]


@dataclass(frozen=True)
class Crop:
    """What is cut out: the box (voxels of the scale, z, y, x), of the images and, where given, of the segmentation."""

    name: str
    store: Path
    box: Box
    images: Scale
    ids: Scale | None

    @property
    def label(self) -> str:
        """Its field in the parameters, for messages."""
        return f"ingestion.volumes.microns.crops.{self.name}"

    @property
    def shape(self) -> Shape:
        """Voxels, (z, y, x)."""
        z, y, x = (stop - start for start, stop in self.box)
        return z, y, x


def fetch_blocks(crop: Crop, block: Shape, http: HttpParameters, ledger: Path, compute: ComputeParameters) -> None:
    """Fetch what is missing of a crop.

    Args:
        crop: the crop; its store is made where it is not there.
        block: voxels (z, y, x) fetched at a time, and a chunk of the store.
        http: how they are fetched.
        ledger: where is written down which blocks are there.
        compute: how many processes fetch.

    Raises:
        InputError: blocks could not be fetched; what came stays for the next run.
    """
    _make_store(crop, block)
    boxes = list(_boxes(crop.shape, block))
    entries = run_items(
        # The store's name stands for everything that decides the values (see `microns._crop`).
        (Item(f"{crop.store.stem} {box}", f"{VERSION}", (crop, box, http)) for box in boxes),
        _fetch_block,
        ledger=Ledger(ledger),
        compute=compute,
        label=f"fetching {crop.name}",
        total=len(boxes),
        present=lambda _: True,
    )
    failed, empty = [], 0
    for entry in entries:
        failed += [str(entry.reason)] if entry.state == "failed" else []
        empty += bool(entry.result.get("empty"))
    if failed:
        raise InputError(f"{crop.label}: {len(failed)} of {len(boxes)} blocks did not come; the first: {failed[0]}")
    if empty:
        logger.warning("%s: %d of %d blocks hold no image: nothing is stored there", crop.label, empty, len(boxes))


def _make_store(crop: Crop, block: Shape) -> None:
    if crop.store.exists():
        return
    import zarr

    with atomic_path(crop.store, folder=True) as part:
        group = zarr.open_group(part, mode="w")
        for name, scale in (("images", crop.images), ("ids", crop.ids)):
            if scale is not None:
                chunks = tuple(min(one, size) for one, size in zip(block, crop.shape, strict=True))
                array = group.create_array(ARRAYS[name], shape=crop.shape, chunks=chunks, dtype=scale.dtype)
                array.attrs["resolution"] = list(scale.resolution_nm)


def _boxes(shape: Shape, block: Shape) -> Iterator[Box]:
    """The blocks of a shape, in C order; those at the end are smaller."""
    sides = [
        [(start, min(start + one, size)) for start in range(0, size, one)]
        for size, one in zip(shape, block, strict=True)
    ]
    yield from itertools.product(*sides)  # type: ignore[misc]


def _fetch_block(payload: tuple[Crop, Box, HttpParameters]) -> dict[str, Any]:
    import zarr

    crop, box, http = payload
    group = zarr.open_group(crop.store, mode="r+")
    (z, y, x), inside = _moved(box, crop.box), tuple(slice(*side) for side in box)
    result: dict[str, Any] = {}
    for name, scale in (("images", crop.images), ("ids", crop.ids)):
        if scale is not None:
            values = read_box(scale, (z, y, x), http)
            if name == "images":
                result["empty"] = not values.any()
            array: Any = group[ARRAYS[name]]
            array[inside] = values
    return result


def _moved(box: Box, within: Box) -> Box:
    """A box of the crop, counted as the volume counts."""
    z, y, x = ((start + low, stop + low) for (start, stop), (low, _) in zip(box, within, strict=True))
    return z, y, x
