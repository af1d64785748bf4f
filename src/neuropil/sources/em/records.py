"""Raw records of EM volumes: what a source found, for the conversion to read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

Split = Literal["train", "val", "test"]
Lengths = tuple[float, float, float]

NEURON_IDS, MITOCHONDRIA, CLEFTS, SEMANTIC = "neuron_ids", "mitochondria", "clefts", "semantic"
BACKGROUND, NEURON, CLEFT, MITOCHONDRION, MITOCHONDRION_BOUNDARY = 0, 1, 2, 3, 4
CLASSES_OF_LABELS = {
    NEURON_IDS: (BACKGROUND, NEURON),  # where all neurons are known, so is what is none
    CLEFTS: (CLEFT,),
    MITOCHONDRIA: (MITOCHONDRION,),
}
"""The classes of the unified label space that are annotated where labels of a name are."""


@dataclass(frozen=True)
class Publication:
    """Whose volumes they are.

    Attributes:
        source: the source's name.
        licence: under which they may be used; None where the publisher states none.
        citation: what is cited by who uses them.
    """

    source: str
    licence: str | None
    citation: str


@dataclass(frozen=True)
class Place:
    """Where an array lies.

    Attributes:
        path: a file, or a folder of sections or chunks.
        key: the array in an HDF5 file or a Zarr store; None where there is but one that fits.
        classes: for a mask of classes, the class of the unified label space by value.
    """

    path: Path
    key: str | None = None
    classes: Mapping[int, int] | None = None


@dataclass(frozen=True)
class Found:
    """A volume of a source: its name, where it lies, what is known of it, or why it cannot be used.

    Attributes:
        name: unique in its source.
        raw: where the grey values lie.
        labels: where its labels lie, by name.
        resolution_nm: voxel size (z, y, x), whatever the file says.
        default_resolution_nm: the same, where the file says nothing.
        split: the part it was published as.
        url: where it is published.
        problem: why it cannot be used.
    """

    name: str
    raw: Place
    labels: Mapping[str, Place] = field(default_factory=dict)
    resolution_nm: Lengths | None = None
    default_resolution_nm: Lengths | None = None
    split: Split | None = None
    url: str | None = None
    problem: str | None = None

    @property
    def annotated(self) -> list[int]:
        """The classes annotated in it, by its labels."""
        classes: set[int] = set()
        for name, place in self.labels.items():
            classes |= set(place.classes.values() if place.classes else CLASSES_OF_LABELS.get(name, ()))
        return sorted(classes)


def raw_record(found: Found, publication: Publication, store: Path) -> dict[str, Any]:
    """The raw record of a volume.

    Returns:
        {"name", "source", "raw": {"path" (relative to the raw store, or absolute where it lies elsewhere), "key"},
        "labels": {name: {"path", "key", "classes"}}, "resolution_nm" ((z, y, x), or None: the file says it),
        "default_resolution_nm" (where the file does not), "annotated" (classes), "split", "licence", "citation",
        "url", "problem"}.
    """
    return {
        "name": found.name,
        "source": publication.source,
        "raw": {"path": _stored(found.raw.path, store), "key": found.raw.key},
        "labels": {
            name: {
                "path": _stored(place.path, store),
                "key": place.key,
                "classes": {str(value): one for value, one in place.classes.items()} if place.classes else None,
            }
            for name, place in found.labels.items()
        },
        "resolution_nm": found.resolution_nm and list(found.resolution_nm),
        "default_resolution_nm": found.default_resolution_nm and list(found.default_resolution_nm),
        "annotated": found.annotated,
        "split": found.split,
        "licence": publication.licence,
        "citation": publication.citation,
        "url": found.url,
        "problem": found.problem,
    }


def _stored(path: Path, store: Path) -> str:
    return path.relative_to(store).as_posix() if path.is_relative_to(store) else str(path.absolute())
