"""What classical image processing reaches: threshold the membranes, then a distance-transform watershed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

METHOD = "threshold + watershed"
_QUANTILES = (0.25, 0.35, 0.45)
_SEED_NM = (20.0, 40.0)
_SMOOTH_NM = 10.0


@dataclass(frozen=True)
class Threshold:
    """What the baseline is told, chosen on validation data like the network's decoding.

    Attributes:
        quantile: of the smoothed grey values, below which a voxel is membrane.
        seed_nm: a seed is a connected region that is farther than this from every membrane, nanometres.
    """

    quantile: float
    seed_nm: float


def candidates() -> Iterator[Threshold]:
    """The thresholds that calibration tries."""
    for quantile, seed_nm in product(_QUANTILES, _SEED_NM):
        yield Threshold(quantile, seed_nm)


def threshold_watershed(
    raw: NDArray[np.uint8], resolution_nm: Sequence[float], threshold: Threshold, *, level: float | None = None
) -> NDArray[np.int32]:
    """Segment grey values (z, y, x), membranes being dark, into ids 1..n.

    Args:
        raw: grey values.
        resolution_nm: voxel size (z, y, x).
        threshold: what is membrane, what is a seed.
        level: the smoothed grey value up to which a voxel is membrane; None = the quantile of these values.
    """
    import cc3d
    import edt
    from skimage.segmentation import watershed

    smooth = smoothed(raw, resolution_nm)
    cells = np.ascontiguousarray(smooth > (np.quantile(smooth, threshold.quantile) if level is None else level))
    away = edt.edt(cells, anisotropy=tuple(resolution_nm))
    seeds = cc3d.connected_components(away > threshold.seed_nm, connectivity=6)
    if not seeds.any():
        return np.ones(raw.shape, np.int32)
    return watershed(-away, seeds.astype(np.int32))


def smoothed(raw: NDArray[np.uint8], resolution_nm: Sequence[float]) -> NDArray[np.float32]:
    """Grey values after a Gaussian of 10 nm, along the axes whose voxels are not much longer."""
    from scipy.ndimage import gaussian_filter

    sigma = [_SMOOTH_NM / step if step <= 2 * _SMOOTH_NM else 0 for step in resolution_nm]
    return np.asarray(gaussian_filter(raw.astype(np.float32), sigma))
