from __future__ import annotations

import io

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from neuropil.rendering.png import PALETTE, black_and_white, class_pictures, grey_8_bit, grey_16_bit

SIZES = st.tuples(st.integers(1, 40), st.integers(1, 40))


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


@given(SIZES.flatmap(lambda size: arrays(bool, size)))
def test_silhouettes_read_as_they_were_written(silhouette: np.ndarray) -> None:
    picture = opened(black_and_white(silhouette))
    assert picture.mode == "1"
    np.testing.assert_array_equal(np.asarray(picture), silhouette)


@given(SIZES.flatmap(lambda size: arrays(np.uint8, size, elements=st.integers(0, 5))))
def test_both_class_pictures_hold_the_classes(classes: np.ndarray) -> None:
    grey, coloured = map(opened, class_pictures(classes))
    assert (grey.mode, coloured.mode) == ("L", "P")
    np.testing.assert_array_equal(np.asarray(grey), classes)
    np.testing.assert_array_equal(np.asarray(coloured), classes)
    np.testing.assert_array_equal(np.asarray(coloured.convert("RGB")), np.array(PALETTE, np.uint8)[classes])


@given(SIZES.flatmap(lambda size: arrays(np.uint8, size)))
def test_coverage_keeps_all_8_bits(values: np.ndarray) -> None:
    picture = opened(grey_8_bit(values))
    assert picture.mode == "L"
    np.testing.assert_array_equal(np.asarray(picture), values)


@given(SIZES.flatmap(lambda size: arrays(np.uint16, size)))
def test_depth_keeps_all_16_bits(depth: np.ndarray) -> None:
    picture = opened(grey_16_bit(depth))
    assert picture.mode == "I;16"
    np.testing.assert_array_equal(np.asarray(picture), depth)
