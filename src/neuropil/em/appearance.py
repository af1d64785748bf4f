"""What the microscope shows of the sample's tissue: one grey value a voxel."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neuropil.em.synthesis_parameters import SampleVolumeParameters
from neuropil.em.tissue import Tissue, smooth_noise

Grey = NDArray[np.float32]


def photograph(tissue: Tissue, parameters: SampleVolumeParameters, rng: np.random.Generator) -> Grey:
    """Grey values (z, y, x), about 0 (dark, stained) to 1 (bright), before noise and before sections differ.

    Sections are slabs, not planes: a membrane that runs obliquely through a section is a broad grey band, one
    that stands upright a thin dark line.
    """
    from scipy.ndimage import gaussian_filter

    spacing = np.asarray(parameters.resolution_nm)
    grey = _cytoplasm(tissue, spacing, rng)
    _draw_vesicles(grey, tissue, spacing, rng)
    _draw_mitochondria(grey, tissue, spacing, rng)
    grey *= 1 - 0.8 * _membranes(tissue.neurons, spacing)
    dark = gaussian_filter(tissue.densities.astype(np.float32), (0.3, 1.3, 1.3))
    grey *= 1 - 0.8 * np.clip(1.2 * dark, 0, 1)
    return gaussian_filter(grey, (0, 0.6, 0.6))


def develop(grey: Grey, parameters: SampleVolumeParameters, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Grain, and sections of differing brightness and contrast; uint8 as a camera gives it."""
    from scipy.ndimage import gaussian_filter

    grain = rng.normal(size=grey.shape).astype(np.float32)
    grain = 0.65 * grain + gaussian_filter(grain, (0, 0.8, 0.8)) * 1.6
    depth = (grey.shape[0], 1, 1)
    gain = 1 + parameters.contrast_jitter * rng.normal(size=depth)
    offset = 0.6 * parameters.contrast_jitter * rng.normal(size=depth)
    image = (grey + parameters.noise * grain - 0.5) * gain + 0.5 + offset
    return np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8)


def _cytoplasm(tissue: Tissue, spacing: NDArray[np.float64], rng: np.random.Generator) -> Grey:
    """Each neurite has its own shade; granules, filaments and larger clouds lie in it."""
    from scipy.ndimage import gaussian_filter

    shade = rng.normal(0.7, 0.035, size=int(tissue.neurons.max()) + 1).astype(np.float32)
    shade[rng.random(len(shade)) < 0.08] -= 0.14  # glia and dark axons
    grey = shade[tissue.neurons]
    shape = grey.shape
    fine = gaussian_filter(rng.normal(size=shape).astype(np.float32), (0.5, 1.1, 1.1))
    grey += 0.04 * fine / fine.std() + 0.03 * smooth_noise(shape, spacing, 120, rng)
    # Ribosomes and cut filaments: dark specks of about 20 nm.
    specks = gaussian_filter((rng.random(shape) < 0.012).astype(np.float32), (0, 0.9, 0.9))
    grey -= 1.5 * np.clip(specks, 0, 0.2)
    return grey


def _membranes(neurons: NDArray[np.uint64], spacing: NDArray[np.float64]) -> Grey:
    """How much of each voxel is membrane, 0..1."""
    import edt
    from scipy.ndimage import gaussian_filter

    pitch = float(spacing[1])
    profile = np.empty(neurons.shape, np.float32)
    for section, labels in enumerate(neurons):
        away = edt.edt(np.ascontiguousarray(labels), anisotropy=(pitch, float(spacing[2]))) - pitch / 2
        profile[section] = np.exp(-((away / 10.0) ** 2))
    profile = gaussian_filter(profile, (0, 0.5, 0.5))
    # Where the neurite changes from one section to the next the membrane crosses the slab: a grey band.
    oblique = np.zeros(neurons.shape, np.float32)
    changes = neurons[1:] != neurons[:-1]
    oblique[1:] += changes
    oblique[:-1] += changes
    return np.maximum(profile, 0.45 * gaussian_filter(np.minimum(oblique, 1.0), (0, 1.2, 1.2)))


def _draw_vesicles(grey: Grey, tissue: Tissue, spacing: NDArray[np.float64], rng: np.random.Generator) -> None:
    """Rings of 36-44 nm with a bright lumen, one section deep, packed where the tissue says so."""
    places = np.argwhere(tissue.vesicles)
    if not len(places):
        return
    pitch = float(spacing[1])
    reach = int(np.ceil(26 / pitch))
    wanted = max(1, round(len(places) * np.prod(spacing) * 5e-6))  # vesicles in a nm3 of the pool
    for z, y, x in places[rng.integers(len(places), size=wanted)]:
        y0, x0 = max(0, y - reach), max(0, x - reach)
        box = (z, slice(y0, y + reach + 1), slice(x0, x + reach + 1))
        yy, xx = np.ogrid[y0 : y0 + grey[box].shape[0], x0 : x0 + grey[box].shape[1]]
        distance = np.hypot((yy - y) * pitch, (xx - x) * spacing[2])
        grey[box] -= (0.3 * np.exp(-(((distance - rng.uniform(15, 20)) / 6) ** 2))).astype(np.float32)


def _draw_mitochondria(grey: Grey, tissue: Tissue, spacing: NDArray[np.float64], rng: np.random.Generator) -> None:
    """A dark double membrane, a grey matrix, and cristae as wavy stripes about 45 nm apart."""
    import edt

    inside = tissue.mitochondria > 0
    if not inside.any():
        return
    count = int(tissue.mitochondria.max())
    away = np.stack([edt.edt(part, anisotropy=tuple(spacing[1:])) for part in tissue.mitochondria])
    directions = rng.normal(size=(count + 1, 3)) * (0.5, 1, 1)
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    places = np.argwhere(inside)
    ids = tissue.mitochondria[inside]
    wave = ((places * spacing) * directions[ids]).sum(1) + 22 * smooth_noise(grey.shape, spacing, 90, rng)[inside]
    cristae = np.clip(np.sin(2 * np.pi * wave / 48) * 1.6, -1, 1)
    matrix = 0.36 + rng.normal(0, 0.03, count + 1)[ids] + 0.07 * cristae
    rim = np.exp(-(((away[inside] - 6) / 8.0) ** 2))
    grey[inside] = (matrix * (1 - 0.45 * rim) + 0.15 * grey[inside] - 0.1).astype(np.float32)
