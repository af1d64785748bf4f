"""The project's own deflate: what any zlib reads back, at zlib's size."""

from __future__ import annotations

import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from neuropil.rendering.deflate import deflated

SIZES = st.tuples(st.integers(1, 40), st.integers(1, 60))


def filtered(rows: np.ndarray) -> bytes:
    """Rows as PNG wants them: high byte first, each behind filter type 0."""
    data = rows.astype(">u2").view(np.uint8) if rows.dtype == np.uint16 else rows
    return b"".join(b"\0" + row.tobytes() for row in data)


def by_zlib(data: bytes) -> bytes:
    packer = zlib.compressobj(1, zlib.DEFLATED, zlib.MAX_WBITS, 9, zlib.Z_RLE)
    return packer.compress(data) + packer.flush()


@given(SIZES.flatmap(lambda size: arrays(np.uint8, size, elements=st.sampled_from([0, 0, 0, 0, 1, 2, 255]))))
def test_zlib_reads_back_runs(rows: np.ndarray) -> None:
    assert zlib.decompress(deflated(rows)) == filtered(rows)


@given(SIZES.flatmap(lambda size: arrays(np.uint16, size)))
def test_zlib_reads_back_high_bytes_first(rows: np.ndarray) -> None:
    assert zlib.decompress(deflated(rows)) == filtered(rows)


@pytest.mark.parametrize("length", [1, 2, 3, 4, 10, 11, 257, 258, 259, 260, 261, 517, 3000])
@pytest.mark.parametrize("value", [0, 7])
def test_runs_of_every_length_are_kept(length: int, value: int) -> None:
    rows = np.full((3, length + 2), 9, np.uint8)
    rows[:, 1 : length + 1] = value
    assert zlib.decompress(deflated(rows)) == filtered(rows)


@pytest.mark.parametrize("growth", [1.2, 1.6, 2.0])
def test_codes_longer_than_allowed_are_shortened(growth: float) -> None:
    # Counts that grow like powers would give the rarest bytes codes of up to 40 bits.
    counts = np.minimum(growth ** np.arange(40), 60_000).astype(int) + 1
    values = np.random.default_rng(0).permutation(np.repeat(np.arange(40), counts)).astype(np.uint8)
    rows = values[: len(values) // 100 * 100].reshape(-1, 100)
    assert zlib.decompress(deflated(rows)) == filtered(rows)


def test_the_checksum_of_a_large_picture_holds() -> None:
    rows = np.full((3000, 4000), 255, np.uint8)
    assert zlib.decompress(deflated(rows)) == filtered(rows)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_no_larger_than_what_zlib_makes_of_the_same_runs(kind: type) -> None:
    rng = np.random.default_rng(1)
    rows = np.zeros((256, 256), kind)
    for _ in range(200):
        row, column = rng.integers(0, 250, 2)
        rows[row, column : column + rng.integers(1, 6)] = rng.integers(1, np.iinfo(kind).max)
    assert len(deflated(rows)) < 1.02 * len(by_zlib(filtered(rows)))
