"""Affinities of whole volumes to instances in HDF5: block by block, joined, exported."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuropil.compute import ComputeParameters
from neuropil.em.agglomeration import VERSION as AGGLOMERATION
from neuropil.em.calibrations import Calibrated
from neuropil.em.decoding import VERSION, decode
from neuropil.em.export import output_path, write_segmentation
from neuropil.em.inference import whole
from neuropil.em.network_checkpoint import load_checkpoint
from neuropil.em.parameters import EmInferenceParameters
from neuropil.em.regridding import back
from neuropil.em.stitching import common, grown, joined, matches, neighbours
from neuropil.em.windows import Spans, blocks, slices
from neuropil.errors import InputError
from neuropil.work.atomic import atomic_path
from neuropil.work.items import Item, run_items
from neuropil.work.keys import content_key
from neuropil.work.ledger import Ledger


@dataclass(frozen=True)
class BlockJob:
    """One block to be decoded; picklable."""

    zarr: Path
    target: Path
    block: Spans
    offsets: tuple[tuple[int, ...], ...]
    calibration: Calibrated
    parameters: EmInferenceParameters
    seed: int
    spacing_nm: tuple[float, ...]


def decode_volumes(
    records: Iterable[Mapping[str, Any]],
    folder: Path,
    checkpoint: Path,
    output: Path,
    parameters: EmInferenceParameters,
    *,
    compute: ComputeParameters,
    seed: int,
) -> Iterator[dict[str, Any]]:
    """Decode the affinities of each volume and write its instances to HDF5, on the volume's own grid.

    Args:
        records: from `predict_volumes`.
        folder: the store that their paths are relative to; decoded blocks are kept there.
        checkpoint: calibrated; one without calibration, or of another method, is refused.
        output: a folder, or one .h5 file for one volume.
        parameters: blocks, class, decoding.
        compute: blocks are decoded by so many processes.
        seed: the root seed.

    Yields:
        {"name", "path" (relative to the output folder), "instances", "shape", "resolution_nm", "digest" (of the
        volume), "checkpoint", "class_id", "method" (of decoding)}.
    """
    loaded = load_checkpoint(checkpoint)
    calibration = loaded.calibration
    if calibration is None:
        raise InputError(
            f"{checkpoint}: its decoding is not calibrated; give calibrated.ckpt, not a training's own file"
        )
    if calibration.method != parameters.decoding.method:
        raise InputError(
            f"{checkpoint}: calibrated for {calibration.method}, not for em_segmentation.inference.decoding.method="
            f"{parameters.decoding.method}; set that to {calibration.method}, or calibrate anew (--tags train)"
        )
    records = list(records)
    ledger = Ledger(folder / "decoded.jsonl")
    for record in records:
        target = output_path(output, record["name"], alone=len(records) == 1)
        yield _decode_volume(
            record, folder, calibration, loaded.network.hyperparameters["spacing_nm"], target, parameters, ledger,
            compute, seed,
        )  # fmt: skip


def _decode_volume(
    record: Mapping[str, Any],
    folder: Path,
    calibration: Calibrated,
    spacing_nm: Sequence[float],
    target: Path,
    parameters: EmInferenceParameters,
    ledger: Ledger,
    compute: ComputeParameters,
    seed: int,
) -> dict[str, Any]:
    bounds = whole(record.get("grid", record["shape"]))
    decoding = parameters.decoding
    grid = list(blocks(bounds, decoding.block_size))
    grown_grid = [grown(block, bounds, decoding.overlap) for block in grid]
    settings = decoding.model_dump(mode="json", include={"stride", "min_size", "block_size", "overlap"})
    key = content_key(
        record["key"],
        settings,
        calibration.record(),
        parameters.class_id,
        seed,
        VERSION,
        AGGLOMERATION,
    )
    place = folder / f"{record['name']}.blocks"
    offsets = tuple(tuple(offset) for offset in record["offsets"])
    jobs = [
        BlockJob(folder / record["path"], place / f"{position}.npy", block, offsets, calibration, parameters,
                 seed + position, tuple(spacing_nm))
        for position, block in enumerate(grown_grid)
    ]  # fmt: skip
    items = [Item(f"{record['name']}/{position}", key, job) for position, job in enumerate(jobs)]
    entries = list(
        run_items(
            items, decode_block, ledger=ledger, compute=compute, label=f"decoding {record['name']}", total=len(items),
            present=lambda entry: (folder / entry.result["file"]).exists(),
        )
    )  # fmt: skip
    for entry in entries:
        if entry.state == "failed":
            raise InputError(f"{record['name']}: block {entry.name} could not be decoded: {entry.reason}")
    tables = joined([entry.result["count"] for entry in entries], _pairs(grid, grown_grid, jobs))
    parts = (
        (block, table[_load(job.target)[slices(block, [start for start, _ in job.block])]])
        for block, job, table in zip(grid, jobs, tables, strict=True)
    )
    provenance = {"volume_digest": record["digest"], "checkpoint": record["checkpoint"], **calibration.summary()}
    native = back(parts, record.get("grid", record["shape"]), record["shape"])
    write_segmentation(target, record, native, provenance, probabilities=folder / record["path"], parameters=parameters)
    return {
        "name": record["name"],
        "path": target.name,
        "instances": int(max((table.max() for table in tables), default=0)),
        "shape": record["shape"],
        "resolution_nm": record["resolution_nm"],
        "digest": record["digest"],
        "checkpoint": record["checkpoint"],
        "class_id": parameters.class_id,
        "method": calibration.method,
    }


def decode_block(job: BlockJob) -> dict[str, Any]:
    """Decode one block and save its ids as .npy; return their number and the file, relative to the store."""
    import zarr

    group: Any = zarr.open_group(job.zarr, mode="r")
    affinities = np.asarray(group["affinities"][(slice(None), *slices(job.block))])
    mask: NDArray[np.bool_] | None = None
    if job.parameters.class_id is not None:
        probabilities = np.asarray(group["probabilities"][(slice(None), *slices(job.block))])
        mask = probabilities.argmax(0) == job.parameters.class_id
    extra = None
    if job.calibration.counts_embedding and "embedding_affinities" in group:
        extra = np.asarray(group["embedding_affinities"][(slice(None), *slices(job.block))])
    decoding = job.parameters.decoding
    labels = decode(
        affinities, job.offsets, job.calibration,
        stride=decoding.stride, min_size=decoding.min_size, seed=job.seed, mask=mask,
        spacing_nm=job.spacing_nm, extra=extra,
    )  # fmt: skip
    with atomic_path(job.target) as part, open(part, "wb") as file:
        np.save(file, labels)
    return {"count": int(labels.max(initial=0)), "file": f"{job.target.parent.name}/{job.target.name}"}


def _pairs(
    grid: Sequence[Spans], grown_grid: Sequence[Spans], jobs: Sequence[BlockJob]
) -> Iterator[tuple[int, int, NDArray[np.int64]]]:
    for first, second in neighbours(grid):
        box = common(grown_grid[first], grown_grid[second])
        parts = [
            _load(jobs[position].target)[slices(box, [start for start, _ in grown_grid[position]])]
            for position in (first, second)
        ]
        yield first, second, matches(*parts)


def _load(path: Path) -> NDArray[np.uint32]:
    return np.load(path, mmap_mode="r")
