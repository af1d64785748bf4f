"""A held-out part of a volume, opened without reading it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from neuropil.em.export import LABELS
from neuropil.em.formats.lazy import Box, LazyArray
from neuropil.em.labels import NEURON
from neuropil.em.volume import open_volume
from neuropil.em.windows import Spans

TRUTH, NETWORK, BASELINE = "truth", "network", "baseline"
"""Arrays of a prepared part."""
BLOCK = (64, 256, 256)
"""Voxels (z, y, x) that are read and counted together."""


class Inside(LazyArray):
    """The voxels of a box of an array (z, y, x), read when they are sliced.

    Args:
        array: of the whole volume: an h5py dataset, a `LazyArray` ...
        box: which voxels.
    """

    def __init__(self, array: Any, box: Spans) -> None:
        super().__init__([stop - start for start, stop in box], array.dtype, getattr(array, "name", ""))
        self._array, self._start = array, [start for start, _ in box]

    def read(self, box: Box) -> NDArray[Any]:
        """The voxels of a box inside the box."""
        where = tuple(slice(a + zero, b + zero) for (a, b), zero in zip(box, self._start, strict=True))
        return np.asarray(self._array[where])


@dataclass(frozen=True)
class ClassPart:
    """Instances of a class that lies inside the others (mitochondria, clefts), in the held-out part.

    Attributes:
        name: of the labels ("mitochondria").
        truth, network: ids of components, (z, y, x), 0 = none.
    """

    name: str
    truth: Any
    network: Any


@dataclass(frozen=True)
class HeldOut:
    """The test part of a volume: arrays (z, y, x) on disk, of one shape, read when they are sliced.

    Truth and segmentations carry ids 1..n of components that are connected inside the part: what joins them outside
    cannot be seen here, by no method.

    Attributes:
        name: the volume's name.
        box: where the part lies in the volume.
        resolution_nm: voxel size (z, y, x).
        class_id: of the instances that are scored (`neuropil.em.labels`).
        raw: grey values.
        truth, network, baseline: ids of components.
        true_ids, network_ids: the ids as they stand in the files of the volume and of the segmentation.
        classes: what lies inside the instances and could be scored too.
        unscored: labels that could not be scored, with the reason.
    """

    name: str
    box: Spans
    resolution_nm: tuple[float, float, float]
    class_id: int
    raw: Any
    truth: Any
    network: Any
    baseline: Any
    true_ids: Any
    network_ids: Any
    classes: tuple[ClassPart, ...]
    unscored: Mapping[str, str]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels (z, y, x)."""
        z, y, x = (stop - start for start, stop in self.box)
        return z, y, x

    @property
    def bounds(self) -> Spans:
        """The part's own box, from 0 on."""
        z, y, x = self.shape
        return (0, z), (0, y), (0, x)

    @property
    def background_counts(self) -> bool:
        """Whether truth 0 means "no such object" (mitochondria) and not "not annotated" or a membrane (neurons)."""
        return self.class_id != NEURON


def open_held_out(
    records: Iterable[Mapping[str, Any]], store: Path, volume_folder: Path, output: Path
) -> Iterator[HeldOut]:
    """The prepared parts, each open while it is in hand.

    Args:
        records: of `connect_held_out`.
        store: what it wrote.
        volume_folder: what the paths of volumes are relative to.
        output: the folder (or the one file) that the segmentations were written to.
    """
    import zarr

    for record in records:
        group: Any = zarr.open_group(store / record["path"], mode="r")
        box = spans(record["box"])
        with (
            open_volume(volume_folder / record["volume"]) as volume,
            h5py.File(segmentation_path(output, record["segmentation"]), "r") as file,
        ):
            z, y, x = volume.resolution_nm
            yield HeldOut(
                name=record["name"],
                box=box,
                resolution_nm=(z, y, x),
                class_id=int(record["class_id"]),
                raw=Inside(volume.raw, box),
                truth=group[TRUTH],
                network=group[NETWORK],
                baseline=group[BASELINE],
                true_ids=Inside(volume.labels[record["labels"]], box),
                network_ids=Inside(file[LABELS], box),
                classes=tuple(
                    ClassPart(name, group[f"{name}_{TRUTH}"], group[f"{name}_{NETWORK}"]) for name in record["classes"]
                ),
                unscored=dict(record["unscored"]),
            )


def segmentation_path(output: Path, name: str) -> Path:
    """The file of a segmentation: in the folder `output`, or `output` itself."""
    return output / name if output.is_dir() else output


def spans(box: Iterable[Iterable[int]]) -> Spans:
    """A box as it stands in JSON, as spans."""
    z, y, x = ((int(start), int(stop)) for start, stop in box)
    return z, y, x
