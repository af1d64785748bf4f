"""Text that can be written down: nothing steers a terminal, nothing is lost in a file."""

import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuropil.work.text import json_line, printable

texts = st.text(st.characters(), max_size=20)  # lone surrogates among them


@given(texts)
def test_printable_text_can_be_encoded_and_holds_no_control_character(text: str) -> None:
    shown = printable(text)
    shown.encode()
    assert not any(ord(sign) < 32 or 127 <= ord(sign) < 160 for sign in shown)
    assert printable(shown) == shown


@given(st.dictionaries(texts, texts, max_size=3))
def test_a_line_reads_back_as_the_same(record: dict[str, str]) -> None:
    line = json_line(record)
    assert line.count(b"\n") == 1 and json.loads(line.decode()) == record


def test_escapes_of_a_terminal_are_written_out() -> None:
    assert printable("a\x1b[31mb\u202ec") == r"a\x1b[31mb\u202ec"
    assert printable("Zelle ä 細胞.swc") == "Zelle ä 細胞.swc"


def test_name_that_is_no_utf8_survives() -> None:
    name = os.fsdecode(b"cell\xff.swc")
    assert json.loads(json_line({"file": name}))["file"] == name
    assert printable(name) == r"cell\udcff.swc"


def test_number_that_is_not_finite_is_refused_unless_allowed() -> None:
    with pytest.raises(ValueError):
        json_line({"x": float("nan")})
    assert json_line({"x": float("inf")}, finite=False) == b'{"x": Infinity}\n'
