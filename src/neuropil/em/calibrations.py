"""What was chosen on validation data for each way of decoding, as it stands in the checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuropil.em.agglomeration.classifier import Classifier

Affinities = NDArray[np.uint8]

MUTEX, MEAN, LEARNED = "mutex_watershed", "agglomeration", "learned"
NAMES = {MUTEX: "mutex watershed", MEAN: "agglomeration", LEARNED: "learned agglomeration"}
"""How the methods are called in tables and pictures."""


@dataclass(frozen=True)
class Calibration:
    """Of the mutex watershed.

    Attributes:
        bias_near: added to the affinities of neighbours, -1..1, after they were moved from 0..1 to -.5...+.5.
        bias_far: added to the long affinities.
        embedding_weight: share of the embedding's affinities in the ones that are decoded.
    """

    bias_near: float
    bias_far: float
    embedding_weight: float = 0.0

    @property
    def method(self) -> str:
        """As in `inference.decoding.method`."""
        return MUTEX

    @property
    def counts_embedding(self) -> bool:
        """Whether affinities of the embedding are needed."""
        return self.embedding_weight > 0

    def record(self) -> dict[str, Any]:
        """As plain values; what says nothing is left out, so that a checkpoint's key stays what it was."""
        weight = {"embedding_weight": self.embedding_weight} if self.embedding_weight else {}
        return {"bias_near": self.bias_near, "bias_far": self.bias_far, **weight}

    def summary(self) -> dict[str, Any]:
        """What fits into the attributes of a file."""
        return self.record()


@dataclass(frozen=True)
class MergeCalibration:
    """Of an agglomeration of supervoxels.

    Attributes:
        threshold: of the mean affinity, or of the probability, at which joining ends.
        seed_nm: of the supervoxels (`supervoxels`).
        far_weight: how much a far affinity counts beside a near one (`merge_by_mean`); not read by a classifier.
        embedding_weight: share of the embedding's affinities in the ones that are decoded.
        classifier: None = mean affinity.
        embedding_features: whether the classifier is told of the embedding's affinities.
    """

    threshold: float
    seed_nm: float
    far_weight: float = 0.0
    embedding_weight: float = 0.0
    classifier: Classifier | None = None
    embedding_features: bool = False

    @property
    def method(self) -> str:
        """As in `inference.decoding.method`."""
        return MEAN if self.classifier is None else LEARNED

    @property
    def counts_embedding(self) -> bool:
        """Whether affinities of the embedding are needed."""
        return self.embedding_weight > 0 or self.embedding_features

    def seen(self, affinities: Affinities, extra: Affinities | None) -> tuple[Affinities, Affinities | None]:
        """The affinities that supervoxels and the region graph are made of, and the extra ones of the graph."""
        return blended(affinities, extra, self.embedding_weight), extra if self.embedding_features else None

    def record(self) -> dict[str, Any]:
        """As plain values."""
        learned = {} if self.classifier is None else {"classifier": self.classifier.record()}
        return {**self.summary(), **learned}

    def summary(self) -> dict[str, Any]:
        """What fits into the attributes of a file."""
        return {
            "method": self.method,
            "threshold": self.threshold,
            "seed_nm": self.seed_nm,
            "far_weight": self.far_weight,
            "embedding_weight": self.embedding_weight,
            "embedding_features": self.embedding_features,
        }


Calibrated = Calibration | MergeCalibration


def read_calibration(record: Mapping[str, Any]) -> Calibrated:
    """As `record` gave it; without a method it is of the mutex watershed, once the only one."""
    values = dict(record)
    if values.pop("method", MUTEX) == MUTEX:
        return Calibration(**values)
    learned = values.pop("classifier", None)
    return MergeCalibration(**values, classifier=None if learned is None else Classifier.of_record(learned))


def blended(affinities: Affinities, extra: Affinities | None, weight: float) -> Affinities:
    """The affinities with a share `weight` of the extra ones."""
    if extra is None or weight == 0:
        return affinities
    mixed = np.empty_like(affinities)
    for channel, (own, other) in enumerate(zip(affinities, extra, strict=True)):
        mixed[channel] = np.rint(own * np.float32(1 - weight) + other * np.float32(weight))
    return mixed
