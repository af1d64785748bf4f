"""What calibration tries for each method of decoding, and what each try gives on a block."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from neuropil.em.agglomeration.classifier import Classifier
from neuropil.em.agglomeration.merging import Merges
from neuropil.em.agglomeration.pieces import Pieces, without_small
from neuropil.em.agglomeration.teaching import learn, majority
from neuropil.em.calibration_blocks import Block, BlockReader
from neuropil.em.calibrations import LEARNED, MUTEX, Calibrated, Calibration, MergeCalibration
from neuropil.em.decoding import decode, fitting
from neuropil.em.metrics import Contingency
from neuropil.em.parameters import EmDecodingParameters

logger = logging.getLogger(__name__)

Setting = tuple[float, ...]


class Trial(Protocol):
    """A method of decoding and the settings to be tried."""

    def tables(self, block: Block) -> Iterator[tuple[Setting, Contingency]]:
        """Each setting, and truth against instances of the block under it."""

    def calibration(self, setting: Setting) -> Calibrated:
        """What a setting means."""


def trial_of(
    decoding: EmDecodingParameters, reader: BlockReader, teachers: Sequence[Mapping[str, Any]], seed: int
) -> Trial:
    """The trial of `decoding.method`; `learned` teaches its classifier here.

    Args:
        decoding: the method and its candidates.
        reader: reads blocks.
        teachers: records of the volumes with a training part; only `learned` reads it.
        seed: the root seed.
    """
    if decoding.method == MUTEX:
        return _MutexTrial(decoding, seed)
    if decoding.method == LEARNED:
        return _LearnedTrial(decoding, *_taught(decoding, reader, teachers, seed))
    return _MeanTrial(decoding)


class _MutexTrial:
    """Biases, and the share of the embedding's affinities where there are any."""

    def __init__(self, decoding: EmDecodingParameters, seed: int) -> None:
        self._decoding, self._seed = decoding, seed

    def tables(self, block: Block) -> Iterator[tuple[Setting, Contingency]]:
        decoding = self._decoding
        for weight in _shares(decoding, block):
            for setting in product(decoding.bias_near, decoding.bias_far, (weight,)):
                labels = decode(
                    block.affinities, block.offsets, self.calibration(setting), stride=decoding.stride,
                    min_size=decoding.min_size, seed=self._seed, spacing_nm=block.spacing_nm, extra=block.extra,
                )  # fmt: skip
                yield setting, Contingency.of(block.truth, labels)

    def calibration(self, setting: Setting) -> Calibrated:
        return Calibration(*setting)


class _MeanTrial:
    """Thresholds of the mean affinity, weights of the far affinities, the embedding's share: one pass for each pair
    of weights serves all thresholds, and thresholds are compared by tables of supervoxels."""

    def __init__(self, decoding: EmDecodingParameters) -> None:
        self._decoding = decoding

    def tables(self, block: Block) -> Iterator[tuple[Setting, Contingency]]:
        for share in _shares(self._decoding, block):
            pieces: Pieces | None = None
            for weight in self._decoding.far_weight:
                calibration = MergeCalibration(0.0, self._decoding.seed_nm, weight, share)
                pieces = _pieces(block, calibration) if pieces is None else pieces
                for threshold, table in _cut(pieces, calibration, self._decoding, block.truth):
                    yield (threshold, weight, share), table

    def calibration(self, setting: Setting) -> Calibrated:
        threshold, weight, share = setting
        return MergeCalibration(threshold, self._decoding.seed_nm, weight, share)


class _LearnedTrial:
    """Thresholds of the classifier's probability."""

    def __init__(self, decoding: EmDecodingParameters, classifier: Classifier, embedding: bool) -> None:
        self._decoding, self._classifier, self._embedding = decoding, classifier, embedding

    def tables(self, block: Block) -> Iterator[tuple[Setting, Contingency]]:
        calibration = self.calibration((0.0,))
        assert isinstance(calibration, MergeCalibration)
        for threshold, table in _cut(_pieces(block, calibration), calibration, self._decoding, block.truth):
            yield (threshold,), table

    def calibration(self, setting: Setting) -> Calibrated:
        return MergeCalibration(
            setting[0], self._decoding.seed_nm, classifier=self._classifier, embedding_features=self._embedding
        )


def _taught(
    decoding: EmDecodingParameters, reader: BlockReader, teachers: Sequence[Mapping[str, Any]], seed: int
) -> tuple[Classifier, bool]:
    """The classifier, and whether it was told of the embedding's affinities."""
    found, embedding = [], False
    for record in teachers:
        for block in reader.blocks(record, "train"):
            embedding = block.extra is not None
            pieces = _pieces(block, MergeCalibration(0.0, decoding.seed_nm, embedding_features=embedding))
            found.append((pieces.graph, majority(pieces.regions, block.truth, pieces.graph.regions)))
    try:
        return learn(found, seed=seed), embedding
    except ValueError as error:  # a volume of a few voxels, or a network that was hardly trained
        logger.info("decoding.method=learned: %s in the training parts; fragments are joined by mean affinity", error)
        return Classifier.none(), embedding


def _shares(decoding: EmDecodingParameters, block: Block) -> tuple[float, ...]:
    return (0.0,) if block.extra is None else decoding.embedding_weight


def _pieces(block: Block, calibration: MergeCalibration) -> Pieces:
    affinities, offsets, extra = fitting(block.affinities, block.offsets, block.extra)
    seen, second = calibration.seen(affinities, extra)
    return Pieces.of(seen, offsets, block.spacing_nm, calibration.seed_nm, extra=second)


def _cut(
    pieces: Pieces, calibration: MergeCalibration, decoding: EmDecodingParameters, truth: NDArray[np.int64]
) -> Iterator[tuple[float, Contingency]]:
    """Each threshold, and the table of what it joins."""
    merges: Merges = pieces.merges(calibration, lowest=min(decoding.threshold))
    table = Contingency.of(truth, pieces.regions)
    for threshold in decoding.threshold:
        segments = without_small(pieces.graph, merges.segments(threshold), decoding.min_size)
        joined = Contingency(table.truth, segments[table.predicted].astype(np.uint64), table.voxels)
        yield threshold, Contingency.total((joined, Contingency.total(())))
