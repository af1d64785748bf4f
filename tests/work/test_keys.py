"""Content keys: equal content, equal key; any change, another key; no key for what has no stable text."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuropil.compute import ComputeParameters
from neuropil.work.keys import content_key, file_digest

plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@given(plain)
def test_key_is_a_function_of_content(value: object) -> None:
    assert content_key(value) == content_key(value)
    assert len(content_key(value)) == 40


@given(st.dictionaries(st.text(max_size=4), st.integers(), min_size=2, max_size=5))
def test_order_of_a_mapping_does_not_matter(value: dict[str, int]) -> None:
    assert content_key(value) == content_key(dict(reversed(value.items())))


def test_parts_are_kept_apart() -> None:
    assert content_key("ab", "c") != content_key("a", "bc")
    assert content_key(["a", "b"]) != content_key("a", "b")


def test_parameters_change_the_key() -> None:
    assert content_key(ComputeParameters(workers=1)) != content_key(ComputeParameters(workers=2))


def test_objects_without_stable_text_are_refused() -> None:
    with pytest.raises(TypeError, match="object"):
        content_key(object())


def test_digest_reads_content_not_name(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(b"x" * (1 << 20) + b"y")
    assert file_digest(tmp_path / "a") == file_digest(tmp_path / "b")
    (tmp_path / "b").write_bytes(b"x" * (1 << 20) + b"z")
    assert file_digest(tmp_path / "a") != file_digest(tmp_path / "b")
