"""Affinities of whole volumes on disk: Zarr, one block written at a time."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from neuropil.compute import ComputeParameters
from neuropil.em.arrays import grey_statistics
from neuropil.em.inference import VERSION, Predictor, check_trained, needs_classes, whole
from neuropil.em.network_checkpoint import load_checkpoint
from neuropil.em.parameters import EmInferenceParameters
from neuropil.em.regridding import on_grid
from neuropil.em.volume import Volume, open_volume, volume_digest, volume_name
from neuropil.em.windows import Spans, blocks, slices
from neuropil.errors import InputError, MachineError
from neuropil.work.atomic import disk_is_full
from neuropil.work.items import Item, run_items
from neuropil.work.keys import content_key, file_digest
from neuropil.work.ledger import Ledger

logger = logging.getLogger(__name__)

_CHUNK = 128


@dataclass(frozen=True)
class _Job:
    volume: Volume
    arrays: Any
    block: Spans
    mean: float
    std: float


def predict_volumes(
    paths: Sequence[Path], checkpoint: Path, folder: Path, parameters: EmInferenceParameters
) -> Iterator[dict[str, Any]]:
    """Write the affinities of each volume to `folder`; yield a record for each.

    A volume whose voxels differ from the network's by more than `resampling.TOLERANCE` is read on the network's grid:
    offsets in voxels mean distances in tissue, so affinities cannot be brought to another grid, but instances can.

    Affinities are uint8 (255 = one instance): the step of .004 is below what two windows differ by. Blocks that
    an earlier run finished are kept. The group holds `affinities`, and where they are asked for `embedding_affinities`
    (uint8, alike) and class `probabilities` (float16).

    Args:
        paths: volumes of any format; labels are not read.
        checkpoint: of em_segmentation.
        folder: one Zarr group `NAME.zarr` a volume, its ledger in it.
        parameters: windows and blocks.

    Raises:
        InputError: two volumes have one name, or the checkpoint does not know what is asked for.

    Yields:
        {"name", "path" (relative to folder), "digest" (of the volume), "checkpoint" (digest), "shape" and
        "resolution_nm" of the volume, "grid" (shape of the affinities), "offsets", "key"}.
    """
    names = [volume_name(path) for path in paths]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(f"em_input: several volumes are named {', '.join(twice)}; give them different file names")
    loaded = load_checkpoint(checkpoint)
    check_trained(checkpoint, parameters)
    if parameters.class_id is not None and parameters.class_id >= loaded.network.hyperparameters["num_classes"]:
        raise InputError(
            f"em_segmentation.inference.class_id={parameters.class_id}: the checkpoint knows classes 0 to "
            f"{loaded.network.hyperparameters['num_classes'] - 1}"
        )
    predictor = Predictor(loaded.network, parameters)
    options = loaded.network.hyperparameters
    weights = file_digest(checkpoint)
    for path in paths:
        digest = volume_digest(path)
        described = parameters.model_dump(mode="json", exclude={"decoding", "accelerator"})
        with open_volume(path) as volume:
            seen = on_grid(volume, options["spacing_nm"], int(options["spatial_dims"]))
            record = {
                "name": volume.name,
                "path": f"{volume.name}.zarr",
                "digest": digest,
                "checkpoint": weights,
                "shape": list(volume.shape),
                "resolution_nm": list(volume.resolution_nm),
                "grid": list(seen.shape),
                "offsets": [list(offset) for offset in options["offsets"]],
                "key": content_key(digest, weights, described, seen.shape, VERSION),
            }
            if seen is not volume:
                _say(volume, seen)
            _predict(seen, record, predictor, folder, grey_statistics(volume))
        yield record


def _say(volume: Volume, seen: Volume) -> None:
    own, grid = (" x ".join(f"{length:g}" for length in one.resolution_nm) for one in (volume, seen))
    logger.info(
        "%s has voxels of %s nm: it is segmented at the network's %s nm and brought back", volume.name, own, grid
    )


def _predict(
    volume: Volume, record: dict[str, Any], predictor: Predictor, folder: Path, grey: tuple[float, float]
) -> None:
    place = folder / record["path"]
    arrays = _open_arrays(place, record, predictor)
    ledger = Ledger(place / "blocks.jsonl")  # goes when the arrays go
    mean, std = grey

    def work(job: _Job) -> dict[str, Any]:
        prediction = predictor.predict(job.volume, job.block, bounds=whole(job.volume.shape), mean=mean, std=std)
        where = (slice(None), *slices(job.block))
        try:
            job.arrays["affinities"][where] = np.rint(prediction.affinities * 255).astype(np.uint8)
            if prediction.embedding_affinities is not None:
                near = np.rint(prediction.embedding_affinities * 255).astype(np.uint8)
                job.arrays["embedding_affinities"][where] = near
            if prediction.probabilities is not None:
                job.arrays["probabilities"][where] = prediction.probabilities.astype(np.float16)
        except OSError as error:
            if disk_is_full(error):
                raise MachineError(f"{place}: the disk is full; free some space and run again") from error
            raise
        return {}

    spans = list(blocks(whole(volume.shape), predictor.parameters.block_size))
    items = [
        Item(f"{record['name']}/{'-'.join(str(start) for start, _ in block)}", record["key"],
             _Job(volume, arrays, block, mean, std))
        for block in spans
    ]  # fmt: skip
    entries = run_items(
        items, work, ledger=ledger, compute=ComputeParameters(workers=1, scheduler=None),
        label=f"predicting {record['name']}", total=len(items),
    )  # fmt: skip
    failed = [entry for entry in entries if entry.state == "failed"]
    if failed:
        raise InputError(f"{volume.path}: {failed[0].reason}")


def _open_arrays(place: Path, record: dict[str, Any], predictor: Predictor) -> Any:
    """The Zarr group of a volume: that of an earlier run with the same key, or a new one."""
    import zarr

    if (place / "zarr.json").exists():
        group = zarr.open_group(place, mode="a")
        if group.attrs.get("key") == record["key"]:
            return group
    shutil.rmtree(place, ignore_errors=True)
    group = zarr.open_group(place, mode="w")
    block = predictor.parameters.block_size
    chunks = tuple(min(size, _CHUNK if size % _CHUNK == 0 else size) for size in block)
    shape = tuple(record["grid"])
    chunks = tuple(min(chunk, size) for chunk, size in zip(chunks, shape, strict=True))
    pairs = (len(record["offsets"]), *shape)
    group.create_array("affinities", shape=pairs, chunks=(1, *chunks), dtype="uint8")
    if predictor.parameters.embedding_affinities:
        group.create_array("embedding_affinities", shape=pairs, chunks=(1, *chunks), dtype="uint8")
    if needs_classes(predictor.parameters):
        group.create_array("probabilities", shape=(predictor.classes, *shape), chunks=(1, *chunks), dtype="float16")
    group.attrs.update({"key": record["key"]})
    return group
