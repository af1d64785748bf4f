"""The scattering transform: what it keeps, what it does not care for, and its parts against direct sums."""

from __future__ import annotations

import numpy as np
import pytest

from neuropil.views.scattering import ANGLES, SCALES, _bank, channels, scattering

SIDE = 64


def _picture(seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    grey = np.zeros((SIDE, SIDE), np.uint8)
    for _ in range(12):
        row, column = rng.integers(20, 44, 2)
        grey[row : row + rng.integers(1, 8), column : column + rng.integers(1, 8)] = rng.integers(60, 255)
    return grey


def test_one_channel_a_path_and_one_sample_a_window() -> None:
    found = scattering(_picture())
    assert found.shape == (channels(), SIDE // 2**SCALES, SIDE // 2**SCALES)
    assert channels() == 1 + SCALES * ANGLES + ANGLES**2 * SCALES * (SCALES - 1) // 2
    assert np.isfinite(found).all() and (found >= 0).all()


def test_an_even_picture_has_its_mean_and_nothing_else() -> None:
    found = scattering(np.full((SIDE, SIDE), 51, np.uint8))
    np.testing.assert_allclose(found[0], 0.2, atol=1e-5)
    assert np.abs(found[1:]).max() < 1e-4


def test_a_wavelet_answers_to_stripes_of_its_own_angle() -> None:
    wave = 127.5 + 127.5 * np.cos(0.75 * np.pi / 2 * np.arange(SIDE))  # the frequency of wavelets of scale 1
    first = scattering(np.tile(wave.astype(np.uint8), (SIDE, 1)))[1 : 1 + SCALES * ANGLES]
    by_path = first.mean(axis=(1, 2)).reshape(SCALES, ANGLES)
    assert np.unravel_index(by_path.argmax(), by_path.shape) == (1, 0)
    turned = scattering(np.tile(wave.astype(np.uint8)[:, None], (1, SIDE)))[1 : 1 + SCALES * ANGLES]
    by_path = turned.mean(axis=(1, 2)).reshape(SCALES, ANGLES)
    assert np.unravel_index(by_path.argmax(), by_path.shape) == (1, ANGLES // 2)


def test_a_small_shift_changes_it_less_than_it_changes_the_picture() -> None:
    grey = _picture()
    moved = np.roll(grey, 2, axis=1)
    pictures = np.linalg.norm(grey.astype(float) - moved) / np.linalg.norm(grey.astype(float))
    one, other = scattering(grey), scattering(moved)
    assert np.linalg.norm(one - other) / np.linalg.norm(one) < 0.5 * pictures


def test_the_second_order_is_that_of_whole_pictures() -> None:
    """Moduli at full resolution, filters one after the other: what the short cuts must come to."""
    grey = _picture(3)
    step = 2**SCALES
    padded = np.pad(grey / 255, step, mode="symmetric")
    bank = _bank(padded.shape, SCALES, ANGLES)
    expected = []
    for j in range(SCALES):
        for angle in range(ANGLES):
            first = np.abs(np.fft.ifft2(np.fft.fft2(padded) * bank.wavelets[j, angle]))
            for later in range(j + 1, SCALES):
                for other in range(ANGLES):
                    second = np.abs(np.fft.ifft2(np.fft.fft2(first) * bank.wavelets[later, other]))
                    expected.append(np.fft.ifft2(np.fft.fft2(second) * bank.average).real[::step, ::step][1:-1, 1:-1])
    found = scattering(grey)[1 + SCALES * ANGLES :]
    error = np.linalg.norm(found - np.array(expected)) / np.linalg.norm(expected)
    assert error < 0.05, error


def test_a_picture_that_does_not_divide_is_refused() -> None:
    with pytest.raises(ValueError, match="multiples of 16"):
        scattering(np.zeros((60, 64), np.uint8))
