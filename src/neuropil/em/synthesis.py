"""The embedded sample volume: neuropil that looks like EM and whose truth is known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuropil.em.container import new_container, new_dataset
from neuropil.em.labels import CLEFT, MITOCHONDRION, NEURON
from neuropil.em.synthesis_parameters import SampleVolumeParameters

VERSION = 1


def grow_volume(target: Path, parameters: SampleVolumeParameters, seed: int) -> dict[str, Any]:
    """Grow a volume and write it as HDF5 in the CREMI layout.

    Datasets: `volumes/raw` (uint8) and, in `volumes/labels`, `neuron_ids`, `mitochondria`, `clefts` (uint64 ids)
    and `classes` (uint64, the unified label space of `neuropil.em.labels`). Sections are shifted against each
    other as sections are, and the labels with them, because people annotate what they see in the section.

    Args:
        target: the file to make.
        parameters: size and appearance.
        seed: equal seeds and parameters give equal voxels.

    Returns:
        name, shape, resolution_nm and labels of the volume, as in the index `volumes`.
    """
    from neuropil.em.appearance import develop, photograph
    from neuropil.em.tissue import grow_tissue

    rng = np.random.default_rng([seed, VERSION])
    tissue = grow_tissue(parameters, rng)
    grey = photograph(tissue, parameters, rng)
    classes = np.full(parameters.shape, NEURON, np.uint64)
    classes[tissue.clefts > 0] = CLEFT
    classes[tissue.mitochondria > 0] = MITOCHONDRION
    labels = {
        "classes": classes,
        "clefts": tissue.clefts,
        "mitochondria": tissue.mitochondria,
        "neuron_ids": tissue.neurons,
    }
    shifts = _shifts(parameters, rng)
    raw = develop(_shifted(grey, shifts), parameters, rng)
    resolution = parameters.resolution_nm
    with new_container(Path(target), {"source": "neuropil sample volume", "seed": seed, "version": VERSION}) as file:
        new_dataset(file, "volumes/raw", parameters.shape, "uint8", resolution)[...] = raw
        for name, values in labels.items():
            dataset = new_dataset(file, f"volumes/labels/{name}", parameters.shape, "uint64", resolution)
            dataset[...] = _shifted(values, shifts)
    return {
        "name": Path(target).stem,
        "shape": list(parameters.shape),
        "resolution_nm": list(resolution),
        "labels": sorted(labels),
    }


def _shifts(parameters: SampleVolumeParameters, rng: np.random.Generator) -> NDArray[np.int64]:
    """Whole-voxel shifts (y, x) of each section."""
    pitch = np.asarray(parameters.resolution_nm[1:])
    drift = rng.normal(scale=parameters.misalignment_nm, size=(parameters.shape[0], 2))
    return np.rint(drift / pitch).astype(np.int64)


def _shifted(volume: NDArray[Any], shifts: NDArray[np.int64]) -> NDArray[Any]:
    """Sections moved by whole voxels; what leaves at one side is repeated from the edge at the other."""
    moved = np.empty_like(volume)
    rows, columns = np.arange(volume.shape[1]), np.arange(volume.shape[2])
    for z, (dy, dx) in enumerate(shifts):
        y = np.clip(rows - dy, 0, volume.shape[1] - 1)
        x = np.clip(columns - dx, 0, volume.shape[2] - 1)
        moved[z] = volume[z][np.ix_(y, x)]
    return moved
