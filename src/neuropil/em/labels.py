"""The label space that all volumes share, and what a volume's own labels say in it.

Classes: 0 background, 1 neuron, 2 synaptic cleft, 3 mitochondrion, 4 mitochondrion boundary, 5..15 headroom.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

BACKGROUND, NEURON, CLEFT, MITOCHONDRION, MITOCHONDRION_BOUNDARY = range(5)

_INSTANCES = "neuron_ids"
_CLASS_OF = {"mitochondria": MITOCHONDRION, "clefts": CLEFT, "synapses": CLEFT}
_NO_CLEFT = np.uint64(0xFFFFFFFFFFFFFFFF)  # what CREMI writes where there is none


def instance_name(labels: Mapping[str, Any] | list[str]) -> str | None:
    """The dataset whose ids are to be segmented: neurons where they are annotated, else mitochondria, else None."""
    return next((name for name in (_INSTANCES, "mitochondria") if name in labels), None)


def annotated(volumes: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The records of the index `volumes` whose instances are annotated, so that they can teach and be scored."""
    return [record for record in volumes if instance_name(record["labels"]) is not None]


def class_map(labels: Mapping[str, NDArray[Any]], *, ignore_index: int) -> NDArray[np.int64]:
    """Classes of the unified label space, (z, y, x).

    Args:
        labels: arrays of one shape by dataset name. `classes` is taken as it is. Otherwise neurons, then
            mitochondria, then clefts are drawn over each other. Where nothing that is annotated says what a
            voxel is and neurons were not annotated, it is `ignore_index`: unknown is not background.
        ignore_index: the value for unknown.
    """
    if "classes" in labels:
        return np.asarray(labels["classes"]).astype(np.int64)
    shape = next(iter(labels.values())).shape
    classes = np.full(shape, ignore_index, np.int64)
    if _INSTANCES in labels:
        classes = np.where(labels[_INSTANCES] > 0, NEURON, BACKGROUND).astype(np.int64)
    for name, value in _CLASS_OF.items():
        if name in labels:
            ids = np.asarray(labels[name])
            classes[(ids > 0) & (ids.astype(np.uint64) != _NO_CLEFT)] = value
    return classes
