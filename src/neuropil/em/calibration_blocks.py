"""The blocks of volumes that calibration looks at: grey values, truth and affinities."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuropil.em.arrays import grey_statistics
from neuropil.em.inference import Predictor
from neuropil.em.labels import instance_name
from neuropil.em.network import EmNetwork
from neuropil.em.parameters import EmInferenceParameters
from neuropil.em.patches import components
from neuropil.em.regridding import grid_box, on_grid
from neuropil.em.volume import open_volume
from neuropil.em.windows import Spans, slices


@dataclass(frozen=True)
class Block:
    """A block on the network's grid, as inference sees it: biases found on another grid would be of other affinities.

    Attributes:
        raw: uint8 (z, y, x).
        truth: int64 (z, y, x), instances connected inside the block (2D: inside a section), 0 = none.
        affinities: uint8 (offset, z, y, x).
        extra: uint8 of the same shape, affinities of the embedding; None where they are not asked for.
        offsets: of the affinities.
        spacing_nm: voxel size (z, y, x).
    """

    raw: NDArray[np.uint8]
    truth: NDArray[np.int64]
    affinities: NDArray[np.uint8]
    extra: NDArray[np.uint8] | None
    offsets: list[tuple[int, ...]]
    spacing_nm: tuple[float, float, float]


class BlockReader:
    """Reads blocks of the parts of volumes.

    Args:
        network: makes the affinities.
        parameters: windows; how large a block is and how many of a part are looked at.
        folder: what the volumes' paths are relative to.
        split: parts of each volume.
    """

    def __init__(
        self, network: EmNetwork, parameters: EmInferenceParameters, folder: Path, split: Mapping[str, Any]
    ) -> None:
        self._predictor, self._options = Predictor(network, parameters), network.hyperparameters
        self._decoding, self._folder, self._split = parameters.decoding, folder, split

    def boxes(self, record: Mapping[str, Any], part: str) -> list[Spans]:
        """Which voxels of the network's grid are looked at, of the part of one volume; nothing is read."""
        with open_volume(self._folder / record["path"]) as volume:
            seen = on_grid(volume, self._options["spacing_nm"], int(self._options["spatial_dims"]))
            box = grid_box(self._split["volumes"][record["name"]][part], volume.shape, seen.shape)
        return spread(box, self._decoding.block_size, self._decoding.calibration_blocks)

    def blocks(self, record: Mapping[str, Any], part: str) -> Iterator[Block]:
        """Each of them, one in memory at a time; no voxel outside the part is read."""
        offsets = [tuple(int(step) for step in offset) for offset in self._options["offsets"]]
        given = self._split["volumes"][record["name"]][part]
        boxes = self.boxes(record, part)
        with open_volume(self._folder / record["path"]) as volume:
            mean, std = grey_statistics(volume, given)
            seen = on_grid(volume, self._options["spacing_nm"], int(self._options["spatial_dims"]))
            labels = seen.labels[str(instance_name(seen.labels))]
            bounds = grid_box(given, volume.shape, seen.shape)
            for box in boxes:
                prediction = self._predictor.predict(seen, box, bounds=bounds, mean=mean, std=std)
                extra = prediction.embedding_affinities
                yield Block(
                    raw=np.rint(np.asarray(seen.raw[slices(box)])).astype(np.uint8),
                    truth=self._instances(np.asarray(labels[slices(box)]).astype(np.int64)),
                    affinities=np.rint(prediction.affinities * 255).astype(np.uint8),
                    extra=None if extra is None else np.rint(extra * 255).astype(np.uint8),
                    offsets=list(offsets),
                    spacing_nm=seen.resolution_nm,
                )

    def _instances(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """Connected inside the block; in 2D inside each section, as sections are decoded one by one."""
        if int(self._options["spatial_dims"]) == 3:
            return components(ids, smallest=1)
        apart = [components(section[None], smallest=1) for section in ids]
        highest = np.cumsum([0, *(int(section.max()) for section in apart[:-1])])
        return np.concatenate([np.where(one > 0, one + more, 0) for one, more in zip(apart, highest, strict=True)])


def spread(box: Spans, most: Sequence[int], count: int) -> list[Spans]:
    """At most `count` boxes of at most `most` voxels along each axis, spread evenly over a box.

    The box is cut into equal parts, so that none is thin; a box that fits is looked at as a whole, and one that is cut
    into more parts than are wanted gives those in the middle of equal runs of them.
    """
    axes = []
    for (start, stop), size in zip(box, most, strict=True):
        parts = -(-(stop - start) // size)
        ends = [start + (stop - start) * part // parts for part in range(parts + 1)]
        axes.append(list(pairwise(ends)))
    found: list[Spans] = [(z, y, x) for z, y, x in product(*axes)]
    if len(found) <= count:
        return found
    return [found[(2 * place + 1) * len(found) // (2 * count)] for place in range(count)]
