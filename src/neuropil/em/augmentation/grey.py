"""Grey values of the whole patch: contrast, brightness, gamma, noise."""

from __future__ import annotations

import numpy as np

from neuropil.em.augmentation.arrays import Grey, happens
from neuropil.em.augmentation.parameters import Intensity, Noise


def relit(raw: Grey, parameters: Intensity, rng: np.random.Generator) -> Grey:
    """Contrast factor and brightness, then gamma over the range of the patch: low + range ((grey - low) / range)^gamma.

    As MONAI's `ScaleIntensity`, `ShiftIntensity` and `AdjustContrast`, whose import alone takes longer than all the
    changes of a short training.
    """
    if not happens(parameters.probability, rng):
        return raw
    contrast, brightness = rng.uniform(*parameters.contrast), rng.uniform(*parameters.brightness)
    gamma = rng.uniform(*parameters.gamma)
    grey = raw * np.float32(contrast) + np.float32(brightness)
    low, high = grey.min(), grey.max()
    if high > low:
        grey = low + (high - low) * ((grey - low) / (high - low)) ** np.float32(gamma)
    return grey


def noisy(raw: Grey, parameters: Noise, rng: np.random.Generator) -> Grey:
    """Gaussian noise, drawn in 32 bit."""
    if not happens(parameters.probability, rng):
        return raw
    noise = rng.standard_normal(raw.shape, np.float32)
    noise *= np.float32(rng.uniform(*parameters.deviation))
    noise += raw
    return noise
