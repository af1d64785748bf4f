"""Grey values of the whole patch: contrast, brightness, gamma, noise."""

from __future__ import annotations

import numpy as np

from neuropil.em.augmentation.arrays import Grey, happens
from neuropil.em.augmentation.parameters import Intensity, Noise


def relit(raw: Grey, parameters: Intensity, rng: np.random.Generator) -> Grey:
    """Contrast factor, brightness and gamma (MONAI's `ScaleIntensity`, `ShiftIntensity` and `AdjustContrast`)."""
    if not happens(parameters.probability, rng):
        return raw
    import torch
    from monai.transforms.intensity.array import AdjustContrast, ScaleIntensity, ShiftIntensity

    contrast, brightness = rng.uniform(*parameters.contrast), rng.uniform(*parameters.brightness)
    gamma = rng.uniform(*parameters.gamma)
    grey = ScaleIntensity(minv=None, maxv=None, factor=contrast - 1)(torch.tensor(raw)[None])
    return np.asarray(AdjustContrast(gamma)(ShiftIntensity(brightness)(grey)))[0]


def noisy(raw: Grey, parameters: Noise, rng: np.random.Generator) -> Grey:
    """Gaussian noise, drawn in 32 bit."""
    if not happens(parameters.probability, rng):
        return raw
    noise = rng.standard_normal(raw.shape, np.float32)
    noise *= np.float32(rng.uniform(*parameters.deviation))
    noise += raw
    return noise
