"""Edge and bone weights of a patch, beside the plain way: scipy, one distance transform an instance.

The plain way is given twice: over the whole patch for each instance, and over each instance's bounding box.

    python tests/benchmarks/bench_em_weights.py [--instances 130] [--size 64x128x128] [--rounds 5] [--plain-rounds 1]

The ways take turns in one process. Times are seconds of processor time of this process (one thread), least and median
of the rounds; the first call, which compiles or loads the kernels, is stated apart. Both ways must agree.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, find_objects, maximum_filter, minimum_filter
from scipy.spatial import cKDTree

from neuropil.em.weights import voxel_weights

RESOLUTION_NM = (30.0, 6.0, 6.0)
EDGE, BONE = 10.0, 10.0


def cells(shape: tuple[int, ...], count: int, seed: int = 0) -> NDArray[np.int64]:
    """`count` compact instances that fill the patch, with background between some: the nearest of random points."""
    rng = np.random.default_rng(seed)
    pitch = np.array(RESOLUTION_NM)
    points = rng.uniform(0, 1, (count, 3)) * np.array(shape) * pitch
    places = np.stack(np.meshgrid(*[np.arange(size) for size in shape], indexing="ij"), -1).reshape(-1, 3) * pitch
    distances, nearest = cKDTree(points).query(places, k=2)
    ids = nearest[:, 0] + 1
    ids[distances[:, 1] - distances[:, 0] < 8] = 0
    return ids.reshape(shape).astype(np.int64)


def plain(ids: NDArray[np.int64]) -> NDArray[np.float64]:
    """Instance by instance over the whole patch."""
    weights = np.where(maximum_filter(ids, 3) != minimum_filter(ids, 3), EDGE, 1.0)
    weights[ids == 0] = 0
    for value in np.unique(ids[ids > 0]):
        mask = ids == value
        away = distance_transform_edt(mask, sampling=RESOLUTION_NM)
        weights[mask] *= 1 + away[mask] / away.max() * (BONE - 1)
    return weights


def boxed(ids: NDArray[np.int64]) -> NDArray[np.float64]:
    """Instance by instance over its bounding box and one voxel more, which the nearest other voxel cannot leave."""
    weights = np.where(maximum_filter(ids, 3) != minimum_filter(ids, 3), EDGE, 1.0)
    weights[ids == 0] = 0
    for value, box in enumerate(find_objects(ids), 1):
        if box is None:
            continue
        wider = tuple(slice(max(0, part.start - 1), part.stop + 1) for part in box)
        mask = ids[wider] == value
        away = distance_transform_edt(mask, sampling=RESOLUTION_NM)
        weights[wider][mask] *= 1 + away[mask] / away.max() * (BONE - 1)
    return weights


def own(ids: NDArray[np.int64]) -> NDArray[np.float32]:
    """What the data workers do."""
    return voxel_weights(ids, RESOLUTION_NM, weight_edge=EDGE, weight_bone=BONE)


def seconds(way: Callable[[NDArray[np.int64]], NDArray[np.floating]], ids: NDArray[np.int64]) -> float:
    """Processor time of one call."""
    start = time.process_time()
    way(ids)
    return time.process_time() - start


def main() -> None:
    """Print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--instances", type=int, default=130)
    parser.add_argument("--size", default="64x128x128")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--plain-rounds", type=int, default=1)
    given = parser.parse_args()
    ids = cells(tuple(int(size) for size in given.size.split("x")), given.instances)
    first = seconds(own, ids)
    np.testing.assert_allclose(own(ids), boxed(ids), rtol=1e-5)
    times: dict[str, list[float]] = {"own": [], "boxed": [], "plain": []}
    for turn in range(given.rounds):
        times["own"].append(seconds(own, ids))
        times["boxed"].append(seconds(boxed, ids))
        if turn < given.plain_rounds:
            times["plain"].append(seconds(plain, ids))
    result = {
        "size": given.size,
        "instances": len(np.unique(ids[ids > 0])),
        "first_call_s": round(first, 4),
        **{
            f"{name}_s": {"least": round(min(found), 4), "median": round(float(np.median(found)), 4)}
            for name, found in times.items()
            if found
        },
    }
    for name in ("boxed", "plain"):
        if times[name]:
            ratio = float(np.median(times[name]) / np.median(times["own"]))
            result[f"times_quicker_than_{name}"] = round(ratio, 1)
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
