"""Where training patches lie: which part, and which voxel of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuropil.em.arrays import Part
from neuropil.em.parameters import EmSamplingParameters
from neuropil.em.places import CLASS_PLACES, CLASS_VOXELS, INSTANCE_PLACES
from neuropil.errors import InputError

_WEIGHTS = "em_segmentation.data.volume_weights"


def drawn_volumes(records: Iterable[Mapping[str, Any]], weights: Mapping[str, float]) -> list[Mapping[str, Any]]:
    """The records of those volumes that are drawn at all: whose weight is not 0.

    Args:
        records: of the index `volumes`: name and source.
        weights: by source or by volume.

    Raises:
        InputError: no key is a source or a volume of this run, or all volumes weigh 0.
    """
    records = list(records)
    names = sorted({str(record["name"]) for record in records})
    sources = sorted({str(record.get("source") or "") for record in records})
    if weights and not set(weights) & {*names, *sources}:
        raise InputError(
            f"{_WEIGHTS}: none of {', '.join(sorted(weights))} is a source ({', '.join(sources)}) or a volume "
            f"({', '.join(names)}) of this run; name one of these"
        )
    kept = [record for record in records if _weight(record["name"], record.get("source") or "", weights) > 0]
    if records and not kept:
        raise InputError(f"{_WEIGHTS}: every volume of this run has the weight 0; raise one")
    return kept


def part_shares(parts: Sequence[Part], weights: Mapping[str, float]) -> NDArray[np.float64]:
    """How often each part is drawn, summing to 1.

    Without weights a part is drawn in proportion to its voxels. With them, a volume that is named has its own weight;
    the other volumes of one source share that source's weight (1 where it is not named) in proportion to their voxels.

    Args:
        parts: of one kind (training or validation).
        weights: by source or by volume.
    """
    voxels = np.array([part.voxels for part in parts], float)
    groups = [part.volume if part.volume in weights else f"source:{part.source}" for part in parts]
    shares = np.array([_weight(part.volume, part.source, weights) for part in parts])
    if not weights or not shares.any():
        return voxels / voxels.sum()
    for group in set(groups):
        inside = np.array([other == group for other in groups])
        shares[inside] *= voxels[inside] / voxels[inside].sum()
    return shares / shares.sum()


def _weight(name: str, source: str, weights: Mapping[str, float]) -> float:
    return float(weights.get(name, weights.get(source, 1.0)))


class PlaceSampler:
    """Draws voxels about which patches are cut.

    Args:
        parts: what is drawn from.
        parameters: shares of the ways of drawing.
        smallest: instances of fewer voxels are not drawn.
    """

    def __init__(self, parts: Sequence[Part], parameters: EmSamplingParameters, smallest: int) -> None:
        self._parts, self._power, self._smallest = list(parts), parameters.instance_power, smallest
        ways = {"uniform": parameters.uniform, "classes": parameters.classes, "instances": parameters.instances}
        self._ways = [way for way, share in ways.items() if share > 0]
        self._shares = np.array([ways[way] for way in self._ways]) / sum(ways.values())
        self._tables: dict[tuple[int, str], NDArray[np.int64]] = {}

    def draw(self, position: int, rng: np.random.Generator) -> tuple[int, int, int] | None:
        """A voxel (z, y, x) of a part that the patch should lie about; None: anywhere.

        By classes: each class that occurs in the part as often as another, then one of its voxels. By instances: an
        instance in proportion to its voxels to the power `instance_power`, then one of its voxels. Where the part has
        nothing of the kind the patch lies anywhere.
        """
        way = self._ways[int(rng.choice(len(self._ways), p=self._shares))]
        if way == "uniform":
            return None
        counts, places = (self._table(position, f"{way} {what}") for what in ("voxels", "places"))
        odds = (counts > 0).astype(float) if way == "classes" else _odds(counts, self._power, self._smallest)
        if not odds.any():
            return None
        chosen = int(np.searchsorted(np.cumsum(odds), rng.random() * odds.sum(), side="right"))
        flat = int(places[chosen, int(rng.integers(min(int(counts[chosen]), places.shape[1])))])
        z, y, x = np.unravel_index(flat, self._parts[position].shape)
        return int(z), int(y), int(x)

    def _table(self, position: int, name: str) -> NDArray[np.int64]:
        if (position, name) not in self._tables:
            folder = self._parts[position].folder
            file = {"classes voxels": CLASS_VOXELS, "classes places": CLASS_PLACES,
                    "instances voxels": "instances.npy", "instances places": INSTANCE_PLACES}[name]  # fmt: skip
            table = np.load(folder / file, mmap_mode="r" if name.endswith("places") else None)
            self._tables[position, name] = table["voxels"] if name == "instances voxels" else table
        return self._tables[position, name]

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_tables": {}}


def _odds(voxels: NDArray[np.int64], power: float, smallest: int) -> NDArray[np.float64]:
    return np.where(voxels >= smallest, voxels.astype(float) ** power, 0.0)


def box_start(
    place: Sequence[int] | None, shape: Sequence[int], size: Sequence[int], rng: np.random.Generator
) -> tuple[int, ...]:
    """The first voxel of a box inside a part.

    Args:
        place: a voxel that the box should hold, about its middle (up to a quarter of the box away, so that a network
            cannot learn where the middle is); None: the box lies anywhere.
        shape: of the part.
        size: of the box, at most `shape`.
        rng: draws.
    """
    if place is None:
        return tuple(int(rng.integers(whole - length + 1)) for whole, length in zip(shape, size, strict=True))
    starts = []
    for voxel, whole, length in zip(place, shape, size, strict=True):
        away = length // 4
        start = voxel - length // 2 + int(rng.integers(-away, away + 1))
        starts.append(min(max(start, 0), whole - length))
    return tuple(starts)
