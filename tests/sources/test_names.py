"""Names of neurons: file names on every system, no two alike, whatever the files are called."""

import logging
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuropil.sources.names import LONGEST, safe_name, told_apart

HOSTILE = [
    "",
    ".",
    "..",
    "...swc",
    "../../etc/passwd",
    "..\\..\\boot",
    "/absolute",
    "C:\\drive",
    "name\x00nul",
    "line\nbreak",
    "\x1b[31mred",
    "rtl\u202egnp",
    " both ends ",
    "dots...",
    "CON",
    "con.backup",
    "LPT1",
    "a" * 400,
    "細胞" * 200,
    "\U00020000" * 100,
    os.fsdecode(b"\xff\xfe"),
    "star*?<>|\":'",
    "~user",
    "-rf",
    "$HOME",
    "e\u0301",
]


def named(*names, source="folder"):
    records = [{"neuron_name": name, "source": source} for name in names]
    return [record["neuron_name"] for record in told_apart(records, "neuron_name")]


ALIKE = ["a", "A", "ß", "SS", "e\u0301", "é", "..", "CON", "x" * 300, "a__folder", "a__folder1"]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_name_becomes_one_plain_file_in_the_folder(tmp_path, name):
    safe = safe_name(name)
    file = tmp_path / f"{safe}.swc"
    file.write_text("x")
    assert [path.name for path in tmp_path.iterdir()] == [f"{safe}.swc"]
    assert len(file.name.encode()) <= LONGEST + 4
    assert not set(safe) & set('/\\:*?"<>|\0\n\x1b') and safe.strip(". ") == safe != ""
    assert safe.split(".")[0].upper() not in {"CON", "PRN", "AUX", "NUL", "LPT1"}


@given(st.text(st.characters(), max_size=300))
def test_any_name_is_made_safe_once_and_for_all(name):
    safe = safe_name(name)
    assert safe == safe_name(safe) and 0 < len(safe.encode()) <= LONGEST


@pytest.mark.parametrize("name", ["010626DS1", "2007-12-14-A1", "Cell (left) +1", "zelle_ä", "細胞", "a.b.c"])
def test_plain_name_stays_as_it_is(name):
    assert safe_name(name) == name


def test_long_names_that_differ_at_their_end_stay_apart():
    assert safe_name("a" * 300 + "1") != safe_name("a" * 300 + "2")


@given(st.lists(st.sampled_from(ALIKE), max_size=30))
def test_no_two_names_are_alike_on_a_system_without_case(names):
    unique = named(*names)
    assert len({name.casefold() for name in unique}) == len(names)
    assert all(safe_name(name) == name or len(name.encode()) > LONGEST for name in unique)


def test_names_depend_on_nothing_but_the_order():
    names = named("a", "a", "A", "b", "a")
    assert names == named("a", "a", "A", "b", "a") == ["a", "a__folder", "A__folder1", "b", "a__folder2"]


def test_many_new_names_are_told_in_a_few_lines(caplog):
    with caplog.at_level(logging.WARNING):
        named(*["a"] * 100)
    assert len(caplog.records) == 4 and "96 more" in caplog.text
