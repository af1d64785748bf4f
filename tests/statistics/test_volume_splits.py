"""Parts of a volume lie apart by the gap, do not overlap, and are refused where there is no room."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuropil.errors import InputError
from neuropil.statistics.volumes import split_volumes

OPTIONS: dict[str, Any] = {"val_fraction": 0.2, "test_fraction": 0.2, "gap_nm": 200.0}


def _record(shape: tuple[int, ...], resolution: tuple[float, ...], name: str = "a") -> dict[str, Any]:
    return {"name": name, "shape": list(shape), "resolution_nm": list(resolution), "digest": "d"}


@given(
    shape=st.tuples(*[st.integers(60, 400)] * 3),
    resolution=st.tuples(st.floats(8, 50), st.floats(4, 12), st.floats(4, 12)),
    share=st.floats(0, 0.08),
)
def test_parts_are_apart_by_the_gap_and_end_with_the_volume(
    shape: tuple[int, ...], resolution: tuple[float, ...], share: float
) -> None:
    gap = share * shape[0] * resolution[0]  # of the extent, so that there is room for three parts
    split = split_volumes([_record(shape, resolution)], val_fraction=0.2, test_fraction=0.2, gap_nm=gap, axis="z")
    parts = [split["volumes"]["a"][name] for name in ("train", "val", "test")]
    spans = [part[0] for part in parts]
    assert spans[0][0] == 0 and spans[2][1] == shape[0]
    assert all(stop > start for start, stop in spans)
    for before, after in itertools.pairwise(spans):
        assert (after[0] - before[1]) * resolution[0] >= gap - 1e-6
    assert all(part[1:] == [[0, shape[1]], [0, shape[2]]] for part in parts)


@pytest.mark.parametrize(
    ("shape", "resolution", "axis"),
    [
        ((170, 250, 250), (10, 10, 10), "z"),
        ((20, 1024, 512), (50, 4.6, 4.6), "y"),
        ((20, 512, 1024), (50, 4.6, 4.6), "x"),
    ],
)
def test_flat_volumes_are_split_in_plane(shape: tuple[int, ...], resolution: tuple[float, ...], axis: str) -> None:
    assert split_volumes([_record(shape, resolution)], **OPTIONS)["axes"] == {"a": axis}


def test_a_volume_without_room_is_named_with_the_field() -> None:
    with pytest.raises(InputError, match=r"volume tiny.*gap_nm"):
        split_volumes([_record((10, 10, 10), (10, 10, 10), "tiny")], **OPTIONS)


def test_the_hash_follows_the_boxes_and_the_data() -> None:
    record = _record((100, 100, 100), (10, 10, 10))
    first = split_volumes([record], **OPTIONS)["hash"]
    assert first == split_volumes([record], **OPTIONS)["hash"]
    assert first != split_volumes([{**record, "digest": "e"}], **OPTIONS)["hash"]
    assert first != split_volumes([record], **{**OPTIONS, "gap_nm": 100.0})["hash"]
