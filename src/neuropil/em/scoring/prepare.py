"""Truth, segmentation and baseline of the held-out parts, as components, side by side on disk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from neuropil.compute import ComputeParameters
from neuropil.em.baseline import Threshold
from neuropil.em.export import LABELS, PROBABILITIES
from neuropil.em.labels import class_of, inner_names, instance_name, is_instance
from neuropil.em.network_checkpoint import load_checkpoint
from neuropil.em.scoring.baseline_blocks import write_baseline
from neuropil.em.scoring.held_out import BASELINE, BLOCK, NETWORK, TRUTH, Inside, segmentation_path, spans
from neuropil.em.scoring.pieces import write_pieces
from neuropil.em.volume import open_volume
from neuropil.em.windows import Spans, slices
from neuropil.errors import InputError
from neuropil.statistics.volumes import having
from neuropil.work.atomic import atomic_path, remove_leftovers
from neuropil.work.items import Item, run_items
from neuropil.work.keys import content_key, file_digest
from neuropil.work.ledger import Entry, Ledger

VERSION = 1

_CHUNK = (64, 128, 128)
_NO_CLASSES = "no class probabilities were written; em_segmentation.inference.output_probs=true writes them"


@dataclass(frozen=True)
class _Job:
    """One part to be prepared; picklable."""

    record: Mapping[str, Any]
    volume_folder: Path
    segmentation: Path
    box: Spans
    labels: str
    threshold: Threshold
    target: Path
    key: str


def connect_held_out(
    volumes: Sequence[Mapping[str, Any]],
    volume_folder: Path,
    split: Mapping[str, Any],
    segmentations: Sequence[Mapping[str, Any]],
    output: Path,
    checkpoint: Path,
    store: Path,
    *,
    compute: ComputeParameters,
) -> Iterator[dict[str, Any]]:
    """Write the components of the truth, of the segmentation and of the baseline of each test part that was segmented.

    Everything is read and written block by block, so that parts may have any size; a part takes a few bytes a voxel of
    disk, compressed. What an earlier run wrote from the same files is kept.

    Args:
        volumes: records of the annotated volumes.
        volume_folder: what their paths are relative to.
        split: parts of each volume.
        segmentations: records of the index `em_segmentation`; "class_id", where it is there and not None, says which
            class alone was segmented.
        output: the folder (or the one file) that they were written to.
        checkpoint: calibrated; holds the baseline's threshold.
        store: where the parts go, one Zarr group each.
        compute: so many parts at once.

    Yields:
        {"name", "path" (relative to store), "volume" and "segmentation" (paths), "box", "labels" (which are scored),
        "class_id", "classes" (labels inside them that are scored too), "unscored" {labels: reason}, "counts"}.

    Raises:
        InputError: a part could not be read.
    """
    threshold = Threshold(**load_checkpoint(checkpoint).extra["baseline"])
    remove_leftovers(store)
    made = {(record["name"], record["digest"]): record for record in segmentations}
    jobs = [
        job
        for volume in having(volumes, split, "test")
        if (segmentation := made.get((volume["name"], volume["digest"]))) is not None
        and (job := _job(volume, volume_folder, split, segmentation, output, threshold, store)) is not None
    ]
    entries = run_items(
        [Item(job.record["name"], job.key, job) for job in jobs],
        prepare,
        ledger=Ledger(store / "parts.jsonl"),
        compute=compute,
        label="connecting held-out parts",
        total=len(jobs),
        present=lambda entry: _present(store, entry),
    )
    for entry in entries:
        if entry.state == "failed":
            raise InputError(f"{entry.name}: its held-out part could not be prepared: {entry.reason}")
        yield entry.result


def _job(
    volume: Mapping[str, Any],
    volume_folder: Path,
    split: Mapping[str, Any],
    segmentation: Mapping[str, Any],
    output: Path,
    threshold: Threshold,
    store: Path,
) -> _Job | None:
    labels = _scored_labels(volume["labels"], segmentation.get("class_id"))
    if labels is None:
        return None
    name = str(volume["name"])
    file, box = segmentation_path(output, segmentation["path"]), spans(split["volumes"][name]["test"])
    key = content_key(volume["digest"], file_digest(file), box, labels, vars(threshold), VERSION)
    return _Job(volume, volume_folder, file, box, labels, threshold, store / f"{name}.zarr", key)


def _scored_labels(labels: Sequence[str], class_id: int | None) -> str | None:
    """The labels whose instances a segmentation is compared with; None where nobody annotated them."""
    if class_id is None:
        return instance_name(labels)
    known = [name for name in (str(instance_name(labels)), *inner_names(labels)) if class_of(name) == class_id]
    return known[0] if known else None


def _present(store: Path, entry: Entry) -> bool:
    """Whether what stands there was written for this very entry: an older one may have been replaced."""
    import zarr

    place = store / entry.result["path"]
    return (place / "zarr.json").exists() and zarr.open_group(place, mode="r").attrs.get("key") == entry.key


def prepare(job: _Job) -> dict[str, Any]:
    """Write one part as a Zarr group; return its record."""
    import zarr

    name, shape = job.record["name"], [stop - start for start, stop in job.box]
    with (
        ExitStack() as stack,
        atomic_path(job.target, folder=True) as place,
    ):
        volume = stack.enter_context(open_volume(job.volume_folder / job.record["path"]))
        file = stack.enter_context(h5py.File(job.segmentation, "r"))
        group = zarr.open_group(place, mode="w")

        def array(name: str) -> Any:
            chunks = tuple(min(size, chunk) for size, chunk in zip(shape, _CHUNK, strict=True))
            return group.create_array(name, shape=tuple(shape), chunks=chunks, dtype="uint64")

        def connected(name: str, read: Any) -> int:
            return write_pieces(read, shape, array(name), block=BLOCK)

        counts = {
            TRUTH: connected(TRUTH, lambda box: _ids(volume.labels[job.labels], box, job.box)),
            NETWORK: connected(NETWORK, lambda box: _ids(file[LABELS], box, job.box)),
            BASELINE: write_baseline(
                Inside(volume.raw, job.box), volume.resolution_nm, job.threshold, array(BASELINE), job.target.parent
            ),
        }
        inner = [label for label in inner_names(volume.labels) if label != job.labels]
        scored = inner if PROBABILITIES in file else []
        for label in scored:
            value = class_of(label)
            counts[f"{label}_{TRUTH}"] = connected(
                f"{label}_{TRUTH}", lambda box, label=label: _ids(volume.labels[label], box, job.box)
            )
            counts[f"{label}_{NETWORK}"] = connected(
                f"{label}_{NETWORK}", lambda box, value=value: _of_class(file[PROBABILITIES], value, box, job.box)
            )
        group.attrs["key"] = job.key
    return {
        "name": name,
        "path": job.target.name,
        "volume": job.record["path"],
        "segmentation": job.segmentation.name,
        "box": [list(span) for span in job.box],
        "labels": job.labels,
        "class_id": class_of(job.labels),
        "classes": scored,
        "unscored": {label: _NO_CLASSES for label in inner if label not in scored},
        "counts": counts,
    }


def _ids(array: Any, box: Spans, part: Spans) -> NDArray[np.uint64]:
    """Ids of a box of the part, 0 = none."""
    values = np.asarray(array[_where(box, part)])
    return np.where(is_instance(values), values, 0).astype(np.uint64)


def _of_class(probabilities: Any, value: int, box: Spans, part: Spans) -> NDArray[np.uint8]:
    """Where a class is the likeliest; (class, z, y, x) probabilities."""
    values = np.asarray(probabilities[(slice(None), *_where(box, part))])
    if value >= len(values):  # the network knows fewer classes
        return np.zeros(values.shape[1:], np.uint8)
    return (values.argmax(0) == value).astype(np.uint8)


def _where(box: Spans, part: Spans) -> tuple[slice, ...]:
    return slices(box, [-start for start, _ in part])
