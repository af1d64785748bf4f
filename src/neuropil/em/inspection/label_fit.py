"""Do labels lie on the image they were drawn on? Edges of labels against dark lines and slopes of the image."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft2, next_fast_len, rfft2
from scipy.ndimage import gaussian_filter, sobel, uniform_filter

from neuropil.em.container import slabs
from neuropil.em.inspection.symmetries import IDENTITY, Symmetry, symmetries

Box = Sequence[Sequence[int]]
Place = tuple[int, slice, slice]

FOUND = 8.0
"""Agreement from which labels and image belong together: eight deviations of what shifted labels reach."""

_WINDOW = 512  # voxels compared in plane; the half of it where labels must be read across their sections
_CANDIDATES, _SECTIONS = 24, 8  # places looked at, and of these the ones compared
_HELD = 1 << 25  # voxels: labels of smaller volumes are read once, 4 bytes each
_TELLING_EDGES = 5000  # voxels of edge; a few synapses may lie where nothing is dark
_DENSE = 0.03  # edges among the voxels: cells that fill a volume have .06 to .1
_LEAST_EDGES, _LEAST_SIZE = 200, 48  # voxels of edge in a place; voxels along y and x
_NEAR, _REACH = 4, 128  # voxels: an annotator's accuracy; how far misplaced labels are searched
_DEPTHS = 3  # sections up and down
_BETTER = 1.5  # another place must agree so much better
_SMOOTH, _BACKGROUND = 1.5, 25  # voxels: of the membranes, of what is around them


@dataclass(frozen=True)
class LabelFit:
    """How well the labels of a volume fit the image, as they are and moved.

    Attributes:
        edges: voxels of edge that were compared.
        share: of the voxels that were compared.
        agreement: correlation of the labels' edges with the image as they are, up to four voxels off, in standard
            deviations of the correlation of labels that are shifted further. Above `FOUND` they belong together;
            by chance it is about 2.
        deviation: that standard deviation, as a correlation: what can be told with so many edges.
        best: the same of the best place found, at `shift` under `symmetry`.
        symmetry: how the labels must be turned to fit: "as stored", "axes x y z", "y mirrored" ...
        shift: voxels (z, y, x) by which they must be moved then.
    """

    edges: int
    share: float
    agreement: float
    deviation: float
    best: float
    symmetry: str
    shift: tuple[int, int, int]

    @property
    def fits_as_stored(self) -> bool:
        """Whether no other place in reach is better, so that turning them is not tried."""
        here = self.best < _BETTER * self.agreement if self.agreement >= FOUND else self.shift == (0, 0, 0)
        return here and self.agreement >= FOUND / 2

    @property
    def misfit(self) -> str | None:
        """ "turned", "moved", "unrelated" or, where they fit or too little is known, None.

        Neurons that fill a volume correlate with its image by .3 and more, sparse mitochondria and synapses by .04 and
        more. Labels are called unrelated only where .2, or .05 of sparse ones, would have stood out.
        """
        moved = self.best >= FOUND and self.best >= _BETTER * self.agreement
        if moved and self.symmetry != IDENTITY.name:
            return "turned"
        if moved and any(self.shift):
            return "moved"
        expected = 0.2 if self.share >= _DENSE else 0.05
        telling = self.deviation < expected / FOUND and self.edges >= _TELLING_EDGES
        return "unrelated" if self.agreement < FOUND / 2 and telling else None

    def record(self) -> dict[str, Any]:
        """As plain values for JSON."""
        rounded = {name: float(f"{getattr(self, name):.4g}") for name in ("share", "agreement", "deviation", "best")}
        return {**asdict(self), **rounded, "shift": list(self.shift), "misfit": self.misfit}


def fit_labels(raw: Any, labels: Any, box: Box | None = None) -> LabelFit | None:
    """Look where labels fit the image best.

    Edges of the labels in plane are correlated with two pictures of the image, how dark it is against what lies
    around (membranes) and how steep (organelles), at all shifts at once by Fourier transform. Only labels that do not
    fit as they are (or have another shape) are tried with their axes exchanged and mirrored.

    Args:
        raw: grey values, (z, y, x), an array or a dataset.
        labels: ids, of raw's shape or with the axes in another order.
        box: ((z0, z1), (y0, y1), (x0, x1)), the voxels that are annotated; None = all.

    Returns:
        The fit; None where there are too few edges to compare or the shapes cannot be brought together.
    """
    area = _Area(raw, labels, box)
    fits = [fit for fit in [_compared(area, IDENTITY)] if fit] if area.shape == area.label_shape else []
    if area.shape == area.label_shape and (not fits or fits[0].fits_as_stored):
        return fits[0] if fits else None
    fits += [fit for one in symmetries(area.label_shape, area.shape) if (fit := _compared(area, one))]
    if not fits:
        return None
    best, stored = max(fits, key=lambda fit: fit.best), fits[0]
    agreement = stored.agreement if stored.symmetry == IDENTITY.name else 0.0
    return LabelFit(stored.edges, stored.share, agreement, stored.deviation, best.best, best.symmetry, best.shift)


class _Area:
    """The annotated part of a volume; places are relative to it."""

    def __init__(self, raw: Any, labels: Any, box: Box | None) -> None:
        same = tuple(raw.shape) == tuple(labels.shape)
        self._start = tuple(one[0] for one in box) if box and same else (0, 0, 0)
        stop = tuple(one[1] for one in box) if box and same else raw.shape
        self._raw, self._labels = raw, _held(labels) if np.prod(labels.shape) <= _HELD else labels
        self._waves: dict[tuple[int, ...], NDArray[np.complex64]] = {}
        self.shape = tuple(int(end - start) for start, end in zip(self._start, stop, strict=True))
        self.label_shape = self.shape if same else tuple(int(size) for size in labels.shape)

    def places(self, window: int) -> Iterator[Place]:
        """Sections and windows spread over the area (golden-ratio steps: even for any number of them)."""
        depth, height, width = self.shape
        h, w = (_quick(min(window, size)) for size in (height, width))
        for number in range(_CANDIDATES):
            z = (number * 0.6180339887 + 0.5) % 1 * depth
            y, x = ((number * step + 0.5) % 1 for step in (0.7548776662, 0.5698402910))
            top, left = round(y * (height - h)), round(x * (width - w))
            yield int(z), slice(top, top + h), slice(left, left + w)

    def waves(self, place: Place) -> NDArray[np.complex64]:
        """Fourier transforms of how dark and how steep the image is at a place; kept, they serve every symmetry."""
        z, y, x = place
        key = z, y.start, y.stop, x.start, x.stop
        if key not in self._waves:
            image = np.asarray(self._raw[self._moved((slice(z, z + 1), y, x))][0]).astype(np.float32)
            smooth = gaussian_filter(image, _SMOOTH)
            dark, steep = uniform_filter(image, _BACKGROUND) - smooth, np.hypot(sobel(smooth, 0), sobel(smooth, 1))
            self._waves[key] = rfft2(_standard(np.stack([dark, steep])))
        return self._waves[key]

    def labels(self, place: tuple[slice, slice, slice], symmetry: Symmetry) -> NDArray[Any]:
        """The labels at a place of the image, were they turned."""
        return symmetry.turned(np.asarray(self._labels[self._moved(symmetry.source(place, self.label_shape))]))

    def _moved(self, place: tuple[slice, ...]) -> tuple[slice, ...]:
        return tuple(slice(one.start + by, one.stop + by) for one, by in zip(place, self._start, strict=True))


def _held(labels: Any) -> NDArray[np.uint32]:
    """Labels in memory, the two halves of each id folded into one: neighbours stay different, but for one in 2^32."""
    held = np.empty(labels.shape, np.uint32)
    for part in slabs(labels.shape[0]):
        ids = np.asarray(labels[part]).astype(np.uint64)
        held[part] = (ids ^ (ids >> np.uint64(32))).astype(np.uint32)
    return held


def _compared(area: _Area, symmetry: Symmetry) -> LabelFit | None:
    """The fit under one symmetry: correlations at all shifts, summed over places."""
    window = _WINDOW if symmetry.keeps_sections else _WINDOW // 2
    if min(min(window, size) for size in area.shape[1:]) < _LEAST_SIZE:
        return None
    total: NDArray[np.float32] | None = None
    depths = range(-_DEPTHS, _DEPTHS + 1) if symmetry == IDENTITY else range(1)
    edges = places = 0
    for place in area.places(window):
        drawn = _edges_at(area, place, depths, symmetry)
        if drawn[len(drawn) // 2].sum() < _LEAST_EDGES:
            continue
        correlations = _correlations(area.waves(place), drawn)
        total = correlations if total is None else np.add(total, correlations, dtype=np.float32)
        edges += int(drawn[len(drawn) // 2].sum())
        places += 1
        if places == _SECTIONS:
            break
    return None if total is None else _judged(total / np.float32(places), edges, places, symmetry, depths)


def _edges_at(area: _Area, place: Place, depths: range, symmetry: Symmetry) -> NDArray[np.float32]:
    """Edges of the labels in the sections around a place, (depths, y, x); none beyond the first and last section."""
    z, y, x = place
    low, high = max(0, z + depths[0]), min(area.shape[0], z + depths[-1] + 1)
    ids = area.labels((slice(low, high), y, x), symmetry)
    edges = np.zeros((len(depths), *ids.shape[1:]), np.float32)
    first = low - (z + depths[0])
    edges[first : first + len(ids)] = [edges_of(one) for one in ids]
    return edges


def edges_of(ids: NDArray[Any]) -> NDArray[np.bool_]:
    """The voxels of a section, (y, x), that touch another id along y or x."""
    edges = np.zeros(ids.shape, bool)
    for axis in (0, 1):
        ahead, behind = [slice(None)] * 2, [slice(None)] * 2
        ahead[axis], behind[axis] = slice(1, None), slice(None, -1)
        differs = ids[tuple(ahead)] != ids[tuple(behind)]
        edges[tuple(ahead)] |= differs
        edges[tuple(behind)] |= differs
    return edges


def _correlations(waves: NDArray[np.complex64], drawn: NDArray[np.float32]) -> NDArray[np.float32]:
    """Correlation of two pictures of an image with edges at every shift, (2, depths, y, x), shift 0 in the middle."""
    height, width = drawn.shape[1:]
    product = waves[:, None] * np.conj(rfft2(_standard(drawn)))[None]
    correlations = irfft2(product, s=(height, width)) / (height * width)
    return np.fft.fftshift(correlations, axes=(2, 3))


def _quick(size: int) -> int:
    """The largest size up to this one that is quick to transform."""
    return next(one for one in range(size, 0, -1) if next_fast_len(one, real=True) == one)


def _standard(pictures: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean 0 and deviation 1; all zeros where there is nothing."""
    pictures = pictures - pictures.mean((1, 2), keepdims=True)
    deviation = pictures.std((1, 2), keepdims=True)
    return np.divide(pictures, deviation, out=np.zeros_like(pictures), where=deviation > 0)


def _judged(correlations: NDArray[np.float32], edges: int, places: int, symmetry: Symmetry, depths: range) -> LabelFit:
    """Agreement near no shift and at the best shift, in deviations of the shifts beyond sixteen voxels."""
    height, width = correlations.shape[2:]
    y, x = height // 2, width // 2
    down, right = np.abs(np.arange(height) - y)[:, None], np.abs(np.arange(width) - x)[None]
    far = (down > 4 * _NEAR) | (right > 4 * _NEAR)
    here = list(depths).index(0)
    deviation = np.maximum(correlations[:, here, far].std(1), 1e-9)
    scores = np.sqrt(((correlations / deviation[:, None, None, None]) ** 2).sum(0))
    near = scores[here, y - _NEAR : y + _NEAR + 1, x - _NEAR : x + _NEAR + 1].max()
    reach_y, reach_x = min(_REACH, height // 4), min(_REACH, width // 4)
    reached = scores[:, y - reach_y : y + reach_y + 1, x - reach_x : x + reach_x + 1]
    place = np.unravel_index(int(reached.argmax()), reached.shape)
    shift = (-depths[int(place[0])], int(place[1]) - reach_y, int(place[2]) - reach_x)
    if shift[0] == 0 and max(abs(shift[1]), abs(shift[2])) <= _NEAR:
        shift = (0, 0, 0)
    return LabelFit(
        edges,
        edges / (places * height * width),
        float(near),
        float(deviation.mean()),
        float(reached.max()),
        symmetry.name,
        shift,
    )
