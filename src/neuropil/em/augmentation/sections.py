"""What befalls single sections before they are imaged: lost, partly lost, badly or unevenly stained."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from neuropil.em.augmentation.arrays import Grey, Spacing, happens, some_sections
from neuropil.em.augmentation.parameters import LowContrast, MissingParts, MissingSection, SectionContrast

_FEWEST = 3
"""Sections a patch must have for one to go missing: something has to be left on both sides, or nearly so."""


def without_sections(raw: Grey, parameters: MissingSection, rng: np.random.Generator) -> Grey:
    """Sections, one after the other, of one grey value each."""
    depth = raw.shape[0]
    if depth < _FEWEST or not happens(parameters.probability, rng):
        return raw
    count = int(rng.integers(1, min(parameters.max_sections, depth - 2), endpoint=True))
    first = int(rng.integers(depth - count, endpoint=True))
    out = raw.copy()
    out[first : first + count] = rng.uniform(*parameters.grey, (count, 1, 1))
    return out


def without_parts(raw: Grey, resolution_nm: Spacing, parameters: MissingParts, rng: np.random.Generator) -> Grey:
    """Sections with a band or a side of one grey value."""
    if not happens(parameters.probability, rng):
        return raw
    out = raw.copy()
    for section in some_sections(len(raw), parameters.sections, rng):
        out[section][_lost(raw.shape[1:], resolution_nm, parameters, rng)] = rng.uniform(*parameters.grey)
    return out


def _lost(
    shape: tuple[int, ...], resolution_nm: Spacing, parameters: MissingParts, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """The share of a section nearest to a wavy line (a band), or farthest on one side of it."""
    y = (np.arange(shape[0]) - rng.uniform(0, shape[0] - 1))[:, None] * resolution_nm[1]
    x = (np.arange(shape[1]) - rng.uniform(0, shape[1] - 1)) * resolution_nm[2]
    angle, phase = rng.uniform(0, 2 * math.pi, 2)
    across = y * math.cos(angle) + x * math.sin(angle)
    along = x * math.cos(angle) - y * math.sin(angle)
    extent = max(shape[0] * resolution_nm[1], shape[1] * resolution_nm[2])
    away = across + 0.03 * extent * np.sin(2 * math.pi * along / (0.5 * extent) + phase)
    if rng.random() < 0.5:
        away = np.abs(away)
    return away <= np.quantile(away, rng.uniform(*parameters.share))


def faded(raw: Grey, parameters: LowContrast, rng: np.random.Generator) -> Grey:
    """Sections with their contrast about their own mean reduced."""
    if not happens(parameters.probability, rng):
        return raw
    out = raw.copy()
    for section in some_sections(len(raw), parameters.sections, rng):
        mean = raw[section].mean()
        out[section] = mean + (raw[section] - mean) * np.float32(rng.uniform(*parameters.factor))
    return out


def uneven(raw: Grey, parameters: SectionContrast, rng: np.random.Generator) -> Grey:
    """Sections of unlike contrast and brightness."""
    if not happens(parameters.probability, rng):
        return raw
    gain = rng.normal(1, parameters.contrast, (len(raw), 1, 1)).astype(np.float32)
    offset = rng.normal(0, parameters.brightness, (len(raw), 1, 1)).astype(np.float32)
    return raw * gain + offset
