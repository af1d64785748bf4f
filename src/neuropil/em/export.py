"""Instances as HDF5 in the CREMI layout."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuropil.em.container import new_container, new_dataset, slabs
from neuropil.em.parameters import EmInferenceParameters
from neuropil.em.resampling import nearest
from neuropil.em.volume import LABELS_GROUP, SUFFIXES
from neuropil.em.windows import Spans, slices
from neuropil.errors import InputError

LABELS = f"{LABELS_GROUP}/neuron_ids"
PROBABILITIES = "volumes/probabilities"


def output_path(output: Path, name: str, *, alone: bool) -> Path:
    """Where the instances of a volume go: `output` itself where it names an HDF5 file, else a file in that folder."""
    if output.suffix.lower() not in SUFFIXES:
        return output / f"{name}.h5"
    if not alone:
        raise InputError(f"em_output={output}: one file, but there are several volumes; give a folder")
    return output


def write_segmentation(
    target: Path,
    record: Mapping[str, Any],
    parts: Iterable[tuple[Spans, NDArray[np.uint64]]],
    provenance: Mapping[str, Any],
    *,
    probabilities: Path,
    parameters: EmInferenceParameters,
) -> None:
    """Write `volumes/labels/neuron_ids` (uint64) with its resolution and where it comes from.

    Args:
        target: the file; whole or not there.
        record: the volume's name, shape and resolution_nm, (z, y, x).
        parts: boxes and their ids; they cover the volume.
        provenance: digests and calibration, kept as attributes of the file.
        probabilities: Zarr group whose `probabilities`, float16 (class, z, y, x), are copied.
        parameters: `output_probs` says whether they are.
    """
    shape, resolution = tuple(record["shape"]), tuple(record["resolution_nm"])
    with new_container(target, {"name": record["name"], **provenance}) as file:
        dataset = new_dataset(file, LABELS, shape, "uint64", resolution)
        for box, ids in parts:
            dataset[slices(box)] = ids
        if parameters.output_probs:
            _copy_probabilities(file, probabilities, shape, resolution)


def _copy_probabilities(file: Any, source: Path, shape: tuple[int, ...], resolution: tuple[float, ...]) -> None:
    import zarr

    array: Any = zarr.open_group(source, mode="r")["probabilities"]
    z, y, x = resolution
    dataset = new_dataset(file, PROBABILITIES, (array.shape[0], *shape), "float16", (z, y, x))
    rows, columns = (nearest(old, new) for old, new in zip(array.shape[2:], shape[1:], strict=True))
    sections = nearest(array.shape[1], shape[0])
    for part in slabs(shape[0]):
        depth = sections[part]
        values = array[:, int(depth[0]) : int(depth[-1]) + 1]
        if array.shape[1:] != shape:  # predicted on another grid: each voxel takes those of the one it lies in
            values = values[np.ix_(np.arange(len(values)), depth - depth[0], rows, columns)]
        dataset[:, part] = values
