"""The common fields: sizes written with x, names joined by +, unknown keys refused."""

from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from neuropil.parameters import Lengths3, Section, Size3, Words


class Example(Section):
    """One of each."""

    size: Size3 = (1, 2, 3)
    voxel_nm: Lengths3 = (30.0, 6.0, 6.0)
    names: Annotated[tuple[str, ...], Words] = ("a",)


@given(st.tuples(*[st.integers(1, 10_000)] * 3))
def test_sizes_can_be_written_in_every_way(size: tuple[int, int, int]) -> None:
    text = "x".join(map(str, size))
    for written in (text, text.upper(), list(size), size, text.replace("x", " x ")):
        assert Example(size=written).size == size  # type: ignore[arg-type]


@given(st.tuples(*[st.floats(0.5, 1e4)] * 3))
def test_json_form_reads_back(voxel: tuple[float, float, float]) -> None:
    once = Example(voxel_nm=voxel).model_dump(mode="json")
    assert Example(**once).model_dump(mode="json") == once


@pytest.mark.parametrize("wrong", ["64x128", "1x2x3x4", 64, [1, 2], "axbxc", "0x1x1", "1x-2x3", None])
def test_wrong_sizes_are_refused(wrong: object) -> None:
    with pytest.raises(ValidationError):
        Example(size=wrong)  # type: ignore[arg-type]


def test_names_are_joined_by_plus() -> None:
    assert Example(names="a+b").names == ("a", "b")  # type: ignore[arg-type]
    assert Example(names=["a"]).names == ("a",)  # type: ignore[arg-type]


def test_unknown_keys_are_refused_and_values_frozen() -> None:
    with pytest.raises(ValidationError):
        Example(sise="1x1x1")  # type: ignore[call-arg]
    with pytest.raises(ValidationError):
        Example().size = (2, 2, 2)  # type: ignore[misc]
