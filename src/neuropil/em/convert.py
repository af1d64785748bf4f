"""Any readable volume to the project's own HDF5: CREMI layout, uint8 grey values, uint64 ids."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuropil.em.components import write_components
from neuropil.em.container import new_container, new_dataset
from neuropil.em.formats.lazy import Box
from neuropil.em.formats.units import Lengths
from neuropil.em.labels import MITOCHONDRION, NO_ID, annotated_classes
from neuropil.em.streaming import Place, pieces, storage_blocks
from neuropil.em.volume import LABELS_GROUP, LabelSource, Volume, open_volume
from neuropil.errors import InputError
from neuropil.work.keys import file_digest

VERSION = 2
CLASSES = "classes"
"""The dataset of classes in the unified label space; all others hold ids of instances."""


@dataclass(frozen=True)
class Source:
    """Where a volume lies, and what is known of it besides.

    Attributes:
        path: the file or folder of grey values.
        key: the array of grey values (HDF5, Zarr); None: found by its name.
        labels: labels by name that lie elsewhere; None: those that lie in the file.
        classes: for labels of classes, by name: the class in the unified space of each value in the file. Such labels
            become the dataset `classes`, and the components of its mitochondria the dataset `mitochondria`.
        declared_nm: voxel size (z, y, x), nanometres, whatever the file states.
        resolution_nm: voxel size where the file states none.
        annotated: the classes that were annotated; None: what the file says, or what its labels say.
        provenance: plain values about where it comes from (licence, citation, url ...), kept in the file.
    """

    path: Path
    key: str | None = None
    labels: Mapping[str, LabelSource] | None = None
    classes: Mapping[str, Mapping[int, int]] = field(default_factory=dict)
    declared_nm: Lengths | None = None
    resolution_nm: Lengths | None = None
    annotated: tuple[int, ...] | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)


def convert_volume(
    source: Path | Source, target: Path, *, name: str, resolution_nm: Lengths | None = None
) -> dict[str, Any]:
    """Stream a volume to HDF5 in the CREMI layout, block by block in the order in which it lies in its file.

    Grey values of another type than uint8 are scaled linearly from their minimum and maximum to 0..255. Ids stay as
    they are, 64 bits; what CREMI writes where there is no instance becomes 0. Labels of a part of the raw data are
    zero outside it, with the part in their attribute `annotated_box`.

    Args:
        source: a file as `open_volume` reads it, or more about it.
        target: the file to make; it is whole or not there.
        name: the volume's name in the project.
        resolution_nm: voxel size (z, y, x) in nanometres, where the file has none and `source` is a path.

    Returns:
        A record of the index `volumes`: name, path (the target's file name), shape, resolution_nm, labels, instances
        (how many ids each has), annotated, annotated_box, offset_nm, provenance (with the names of the files and the
        voxel size that the file itself states), digest (SHA-256 of the new file), source (the old file's name).

    Raises:
        InputError: the source cannot be used; names the file, the field and what to do.
        MachineError: the disk is full.
    """
    if not isinstance(source, Source):
        source = Source(Path(source), resolution_nm=resolution_nm)
    with open_volume(
        source.path, resolution_nm=source.resolution_nm, declared_nm=source.declared_nm, key=source.key,
        labels=source.labels,
    ) as volume:  # fmt: skip
        converter = _Converter(volume, source)
        with new_container(Path(target), converter.about(name)) as file:
            converter.fill(file)
        record = converter.record(name)
    return {**record, "path": Path(target).name, "digest": file_digest(Path(target)), "source": source.path.name}


class _Converter:
    """One volume on its way."""

    def __init__(self, volume: Volume, source: Source) -> None:
        self._volume, self._source = volume, source
        self._low, self._high = _range(volume)
        self._box: Box | None = volume.annotated_box
        self._instances: dict[str, int] = {}
        names = [CLASSES if label in source.classes else label for label in volume.labels]
        twice = {label for label in names if names.count(label) > 1}
        if twice:
            raise InputError(f"{volume.path}: it has two kinds of labels {', '.join(sorted(twice))}; keep one")
        self._labels = names
        self._components = bool(source.classes) and "mitochondria" not in names and any(
            MITOCHONDRION in mapping.values() for mapping in source.classes.values()
        )  # fmt: skip

    @property
    def annotated(self) -> list[int]:
        """The classes that were annotated, ascending: as told, as the file says, or as the labels say."""
        told = self._source.annotated if self._source.annotated is not None else self._volume.annotated
        if told is not None:
            return sorted(set(told))
        others = [label for label in self._labels if not (label == CLASSES and self._source.classes)]
        mapped = {value for mapping in self._source.classes.values() for value in mapping.values()}
        return sorted(mapped.union(annotated_classes({"labels": others})))

    def about(self, name: str) -> dict[str, Any]:
        """The attributes of the file."""
        told = {key: value for key, value in self._source.provenance.items() if isinstance(value, (str, int, float))}
        return {**told,
                "name": name, "source": self._source.path.name, "source_dtype": str(self._volume.raw.dtype),
                "grey_range": (self._low, self._high), "annotated": np.asarray(self.annotated, np.int64),
                "converter": VERSION}  # fmt: skip

    def fill(self, file: Any) -> None:
        """Write the raw data and all labels."""
        _copy_raw(self._volume, file, self._low, self._high)
        for label in self._volume.labels:
            self._copy_labels(file, label)
        if self._components:
            dataset = self._new(file, "mitochondria")
            self._instances["mitochondria"] = write_components(
                file[f"{LABELS_GROUP}/{CLASSES}"], MITOCHONDRION, dataset
            )  # fmt: skip
            self._labels.append("mitochondria")

    def record(self, name: str) -> dict[str, Any]:
        """What the index says of the volume."""
        volume, whole = self._volume, [[0, size] for size in self._volume.shape]
        files = {volume.path.name, *(source.path.name for source in (self._source.labels or {}).values())}
        return {
            "name": name,
            "shape": list(volume.shape),
            "resolution_nm": list(volume.resolution_nm),
            "labels": sorted(self._labels),
            "instances": dict(sorted(self._instances.items())),
            "annotated": self.annotated,
            "annotated_box": [list(span) for span in self._box] if self._box else whole,
            "offset_nm": list(volume.offset_nm) if volume.offset_nm else None,
            "provenance": {
                **self._source.provenance,
                "files": sorted(files),
                "resolution_in_file": list(volume.stated_nm) if volume.stated_nm else None,
            },
        }

    def _new(self, file: Any, label: str) -> Any:
        volume = self._volume
        dataset = new_dataset(file, f"{LABELS_GROUP}/{label}", volume.shape, "uint64", volume.resolution_nm)
        if volume.offset_nm:
            dataset.attrs["offset"] = volume.offset_nm
        box = self._box or tuple((0, size) for size in volume.shape)
        dataset.attrs["annotated_box"] = np.asarray(box, np.int64)
        return dataset

    def _copy_labels(self, file: Any, label: str) -> None:
        volume, mapping = self._volume, self._source.classes.get(label)
        name = CLASSES if mapping is not None else label
        dataset, ids = self._new(file, name), _Ids()
        for place, values in _blocks(volume, volume.labels[label]):
            for outer, inner in pieces(place, 8):
                numbers = _whole_numbers(volume, label, values[inner])
                if mapping is not None:
                    numbers = _mapped(numbers, mapping)
                dataset[outer] = numbers
                if name != CLASSES:
                    ids.add(numbers)
        if name != CLASSES:
            self._instances[name] = ids.count


class _Ids:
    """Counts the ids that occur."""

    def __init__(self) -> None:
        self._seen: set[int] = set()

    def add(self, ids: NDArray[np.uint64]) -> None:
        """Count those of an array, 0 not among them."""
        import fastremap

        self._seen.update(fastremap.unique(ids).tolist())

    @property
    def count(self) -> int:
        """How many different ids there are."""
        return len(self._seen - {0})


def _whole_numbers(volume: Volume, label: str, values: NDArray[Any]) -> NDArray[np.uint64]:
    """Ids as they are kept; raises InputError for what is no id."""
    where = f"{volume.path}: {LABELS_GROUP}/{label}"
    if values.dtype.kind == "f":
        exact = 2.0 ** (np.finfo(values.dtype).nmant + 1)
        if not np.isfinite(values).all() or (values != np.rint(values)).any() or (np.abs(values) > exact).any():
            raise InputError(f"{where} holds numbers that are no integers; ids must be integers")
        values = values.astype(np.int64)
    if values.dtype.kind == "i" and values.size and values.min() < 0:
        raise InputError(f"{where} holds negative ids; write 0 for background")
    ids = values.astype(np.uint64)
    ids[ids == NO_ID] = 0
    return ids


def _mapped(values: NDArray[np.uint64], mapping: Mapping[int, int]) -> NDArray[np.uint64]:
    """Values of the file as classes of the unified space; those that are not in the mapping become 0."""
    classes = np.zeros_like(values)
    for value, new in mapping.items():
        classes[values == value] = new
    return classes


def _range(volume: Volume) -> tuple[float, float]:
    """The grey values that become 0 and 255."""
    if volume.raw.dtype == np.uint8:
        return 0.0, 255.0
    low, high = np.inf, -np.inf
    for _, values in _blocks(volume, volume.raw):
        if not np.isfinite(values).all():
            raise InputError(f"{volume.path}: {volume.raw.name} holds values that are not finite; replace them first")
        low, high = min(low, float(values.min())), max(high, float(values.max()))
    if low == high:
        raise InputError(f"{volume.path}: {volume.raw.name} is {low:g} everywhere; there is no image in it")
    return low, high


def _copy_raw(volume: Volume, file: Any, low: float, high: float) -> None:
    dataset = new_dataset(file, "volumes/raw", volume.shape, "uint8", volume.resolution_nm)
    if volume.offset_nm:
        dataset.attrs["offset"] = volume.offset_nm
    for place, values in _blocks(volume, volume.raw):
        for outer, inner in pieces(place, 8):
            grey = values[inner]
            if grey.dtype != np.uint8:
                grey = np.rint((grey.astype(np.float64) - low) * (255 / (high - low))).astype(np.uint8)
            dataset[outer] = grey


def _blocks(volume: Volume, dataset: Any) -> Iterator[tuple[Place, NDArray[Any]]]:
    """An array block by block; a damaged chunk in the source is the source's fault, not the disk's."""
    for place in storage_blocks(dataset):
        try:
            values = np.asarray(dataset[place])
        except (OSError, RuntimeError, ValueError, EOFError, zlib.error) as error:
            z = place[0]
            raise InputError(
                f"{volume.path}: {dataset.name}, sections {z.start} to {z.stop - 1} cannot be read, "
                "the file is damaged; copy or download it again"
            ) from error
        yield place, values
