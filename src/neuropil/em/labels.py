"""The label space that all volumes share, and what a volume's own labels say in it.

Classes: 0 background, 1 neuron, 2 synaptic cleft, 3 mitochondrion, 4 mitochondrion boundary, 5..15 headroom.

No volume has everything annotated. A voxel's code is its class (0 or more), `OTHER` (none of the classes annotated in
this volume, so one of the rest, no one knows which) or `UNKNOWN` (nobody looked). A neuron's voxel is a neuron also
where nobody looked for mitochondria; background is annotated where neurons are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuropil.errors import InputError

BACKGROUND, NEURON, CLEFT, MITOCHONDRION, MITOCHONDRION_BOUNDARY = range(5)
CLASSES = 16
"""Classes of the label space; those from 5 on have no name yet."""
OTHER = -1
UNKNOWN = -100

NO_ID = np.uint64(0xFFFFFFFFFFFFFFFF)
"""What CREMI writes where there is no instance."""

_INSTANCES = "neuron_ids"
_CLASSES = "classes"
_CLASS_OF = {"mitochondria": MITOCHONDRION, "clefts": CLEFT, "synapses": CLEFT}


def instance_name(labels: Mapping[str, Any] | Sequence[str]) -> str | None:
    """The dataset whose ids are to be segmented: neurons where they are annotated, else mitochondria, else None."""
    return next((name for name in (_INSTANCES, "mitochondria") if name in labels), None)


def annotated(volumes: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The records of the index `volumes` whose instances are annotated, so that they can teach and be scored."""
    return [record for record in volumes if instance_name(record["labels"]) is not None]


def annotated_classes(record: Mapping[str, Any]) -> tuple[int, ...]:
    """The classes that somebody looked for in a volume, ascending.

    Args:
        record: of the index `volumes`. Its "annotated" is taken where it is there; else its labels tell: neurons
            (with the background), clefts, mitochondria. A dataset `classes` of which nothing is told says all.
    """
    stated = record.get("annotated")
    if stated is not None:
        return tuple(sorted({int(value) for value in stated}))
    labels = record["labels"]
    if _CLASSES in labels:
        return tuple(range(CLASSES))
    found = {value for name, value in _CLASS_OF.items() if name in labels}
    return tuple(sorted(found | ({BACKGROUND, NEURON} if _INSTANCES in labels else set())))


def annotated_mask(classes: Iterable[int], num_classes: int) -> NDArray[np.bool_]:
    """Which of the first `num_classes` classes are annotated, (num_classes,)."""
    mask = np.zeros(num_classes, np.bool_)
    mask[[value for value in classes if value < num_classes]] = True
    return mask


def class_map(labels: Mapping[str, NDArray[Any]], classes: Sequence[int]) -> NDArray[np.int8]:
    """Codes of voxels in the shared label space, (z, y, x).

    `classes` is taken as it is, but its background is `OTHER` where nobody looked for neurons. Otherwise neurons,
    then mitochondria, then clefts are drawn over each other, on background where neurons are annotated and on
    `OTHER` where not.

    Args:
        labels: arrays of one shape by dataset name.
        classes: what is annotated in the volume (`annotated_classes`).

    Raises:
        InputError: `classes` holds a value that is no class.
    """
    rest = BACKGROUND if BACKGROUND in classes else OTHER
    if _CLASSES in labels:
        codes = np.asarray(labels[_CLASSES])
        if codes.size and int(codes.max()) >= CLASSES:
            raise InputError(
                f"label `classes` holds {int(codes.max())}; classes are 0 to {CLASSES - 1} (0 background, 1 neuron, "
                "2 cleft, 3 mitochondrion, 4 its boundary)"
            )
        codes = codes.astype(np.int8)
        return codes if rest == BACKGROUND else np.where(codes == BACKGROUND, np.int8(rest), codes)
    codes = np.full(next(iter(labels.values())).shape, rest, np.int8)
    if _INSTANCES in labels:
        codes[is_instance(labels[_INSTANCES])] = NEURON
    for name, value in _CLASS_OF.items():
        if name in labels:
            codes[is_instance(labels[name])] = value
    return codes


def is_instance(ids: NDArray[Any]) -> NDArray[np.bool_]:
    """Where ids name an instance."""
    return np.asarray((ids > 0) & (ids.astype(np.uint64, copy=False) != NO_ID))


def inner_names(labels: Iterable[str]) -> list[str]:
    """The datasets of instances that lie inside those of `instance_name`, in the order in which they override them."""
    names = list(labels)
    return [name for name in _CLASS_OF if name in names and name != instance_name(names)]


def class_of(name: str) -> int:
    """The class of the instances in a dataset."""
    return NEURON if name == _INSTANCES else _CLASS_OF[name]


def id_bases(counts: Iterable[int]) -> list[int]:
    """What to add to the instances 1..n of each volume so that no two volumes of a data set share an id.

    Args:
        counts: instances of each volume.

    Returns:
        An offset for each, Python integers: sums of them fit in 64 bits as long as the data fit on a disk.
    """
    bases, total = [], 0
    for count in counts:
        bases.append(total)
        total += int(count)
    return bases
