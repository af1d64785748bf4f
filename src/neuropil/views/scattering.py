"""The scattering transform of a picture: wavelet moduli of two orders, averaged locally; nothing is learnt.

Bruna and Mallat, Invariant scattering convolution networks, IEEE TPAMI 35 (2013). Morlet wavelets as in kymatio
(Andreux et al., JMLR 21, 2020): the scale of wavelet j is .8 * 2^j pixels, its frequency 3/4 pi 2^-j.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

SCALES = 4
"""J: the average reaches over 2^J pixels."""

ANGLES = 6
"""L: orientations of the wavelets, over half a turn."""

Spectrum = NDArray[np.complex64]


class _Bank(NamedTuple):
    """Filters in the Fourier domain: wavelets (scales, angles, H, W), and the average (H, W)."""

    wavelets: NDArray[np.float32]
    average: NDArray[np.float32]


def channels(scales: int = SCALES, angles: int = ANGLES) -> int:
    """How many channels `scattering` gives: 1 + J L + L^2 J (J - 1) / 2."""
    return 1 + scales * angles + angles**2 * scales * (scales - 1) // 2


def scattering(grey: NDArray[np.uint8], *, scales: int = SCALES, angles: int = ANGLES) -> NDArray[np.float32]:
    """The coefficients of orders 0, 1 and 2 of a grey picture.

    The picture is continued by reflection beyond its edges. Moduli are kept at twice the resolution that their
    wavelet's scale asks for, which aliases little and saves most of the work.

    Args:
        grey: [H, W], 0 to 255; both sides divisible by 2^scales.
        scales: J.
        angles: L.

    Returns:
        [channels, H / 2^J, W / 2^J], not negative, for a picture scaled to 0..1. First the local mean, then the
        wavelets by scale and angle, then their pairs (j1, angle 1, j2 > j1, angle 2).

    Raises:
        ValueError: a side is not divisible by 2^scales, or smaller than that.
    """
    step = 2**scales
    if any(side % step or side < step for side in grey.shape):
        raise ValueError(f"scattering: sides {grey.shape} must be multiples of {step}")
    padded = np.pad((grey / 255).astype(np.float32), step, mode="symmetric")
    bank = _bank(padded.shape, scales, angles)
    spectrum = _forward(padded)
    found = [_averaged(spectrum, bank, step)]
    firsts = [
        (j, *_modulus(spectrum, bank.wavelets[j, angle], 2 ** max(j - 1, 0)))
        for j in range(scales)
        for angle in range(angles)
    ]
    found += [_averaged(first, bank, step) for _, first, _ in firsts]
    for j, first, kept in firsts:
        for later in range(j + 1, scales):
            thin = 2 ** max(later - 1, 0) // kept
            for angle in range(angles):
                wavelet = _folded(bank.wavelets[later, angle], kept)
                found.append(_averaged(_modulus(first, wavelet, thin)[0], bank, step))
    return np.maximum(np.stack(found)[:, 1:-1, 1:-1], 0)


def _modulus(spectrum: Spectrum, wavelet: NDArray[np.float32], thin: int) -> tuple[Spectrum, int]:
    """The spectrum of |x * wavelet|, every `thin`-th sample kept, and `thin`."""
    from scipy import fft

    modulus = np.asarray(np.abs(fft.ifft2(_thinned(spectrum * wavelet, thin))), np.float32)
    return _forward(modulus), thin


def _forward(picture: NDArray[np.float32]) -> Spectrum:
    from scipy import fft

    return np.asarray(fft.fft2(picture), np.complex64)


def _averaged(spectrum: Spectrum, bank: _Bank, step: int) -> NDArray[np.float32]:
    """The local mean of what a spectrum stands for, at one sample a `step` of the padded picture."""
    from scipy import fft

    kept = bank.average.shape[0] // spectrum.shape[0]
    low = _thinned(spectrum * _folded(bank.average, kept), step // kept)
    return np.asarray(fft.ifft2(low).real, np.float32)


def _thinned(spectrum: Spectrum, step: int) -> Spectrum:
    """The spectrum of every `step`-th sample along both axes: its periods laid over each other."""
    if step == 1:
        return spectrum
    height, width = spectrum.shape
    return spectrum.reshape(step, height // step, step, width // step).mean(axis=(0, 2), dtype=np.complex64)


def _folded(response: NDArray[np.float32], step: int) -> NDArray[np.float32]:
    """A filter for pictures of which every `step`-th sample is kept."""
    if step == 1:
        return response
    height, width = response.shape
    return response.reshape(step, height // step, step, width // step).sum(axis=(0, 2))


@lru_cache(maxsize=4)
def _bank(shape: tuple[int, int], scales: int, angles: int) -> _Bank:
    wavelets = [[_morlet(shape, j, np.pi * turn / angles, 4 / angles) for turn in range(angles)] for j in range(scales)]
    return _Bank(np.array(wavelets, np.float32), _bell(shape, 0.8 * 2 ** (scales - 1)).astype(np.float32))


def _morlet(shape: tuple[int, int], j: int, angle: float, slant: float) -> NDArray[np.float64]:
    """The response of a Morlet wavelet whose mean is 0; it is real."""
    sigma, frequency = 0.8 * 2**j, 0.75 * np.pi / 2**j
    shifted = _bell(shape, sigma, angle, slant, frequency)
    bell = _bell(shape, sigma, angle, slant)
    return shifted - shifted[0, 0] / bell[0, 0] * bell


def _bell(
    shape: tuple[int, int], sigma: float, angle: float = 0.0, slant: float = 1.0, frequency: float = 0.0
) -> NDArray[np.float64]:
    """The response of a Gaussian of `sigma` pixels (along `angle`; across it sigma / slant), moved to a frequency.

    Summed over the neighbouring periods of the discrete spectrum.
    """
    down, across = (2 * np.pi * np.fft.fftfreq(side) for side in shape)
    found = np.zeros(shape)
    for row in (-1, 0, 1):
        for column in (-1, 0, 1):
            y, x = down[:, None] + 2 * np.pi * row, across[None, :] + 2 * np.pi * column
            along = x * np.cos(angle) + y * np.sin(angle) - frequency
            aside = y * np.cos(angle) - x * np.sin(angle)
            found += np.exp(-0.5 * sigma**2 * (along**2 + (aside / slant) ** 2))
    return found
