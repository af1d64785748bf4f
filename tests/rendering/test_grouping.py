from __future__ import annotations

import pytest

from neuropil.errors import InputError
from neuropil.rendering.grouping import group_keys

METADATA = [
    {"neuron_name": "a", "archive": "Markram", "date": "2001", "reference_pmid": ["1", "2"]},
    {"neuron_name": "b", "archive": "Markram", "date": "2002"},
    {"neuron_name": "c", "archive": "Staiger", "laboratory": "Rostock", "date": "2001"},
    {"neuron_name": "d", "date": "2001"},
]
NAMES = list("abcde")


def test_a_laboratory_is_the_field_of_that_name_else_the_archive() -> None:
    assert group_keys(NAMES, METADATA, "laboratory") == ["Markram", "Markram", "Rostock", None, None]


def test_any_field_can_group_and_two_together() -> None:
    assert group_keys(NAMES, METADATA, "date") == ["2001", "2002", "2001", "2001", None]
    assert group_keys(NAMES, METADATA, "reference_pmid") == ["1, 2", None, None, None, None]
    joined = group_keys(NAMES, METADATA, "laboratory+date")
    assert joined == ["Markram + 2001", "Markram + 2002", "Rostock + 2001", None, None]


def test_a_field_that_nobody_has_is_refused_with_those_there_are() -> None:
    with pytest.raises(InputError, match=r"rendering.split_by=datum.*archive, date, laboratory, reference_pmid"):
        group_keys(NAMES, METADATA, "datum")
    with pytest.raises(InputError, match="none at all"):
        group_keys(NAMES, [], "laboratory")


def test_the_recording_day_is_read_from_names_and_cells_of_an_unknown_day_stay_with_their_laboratory() -> None:
    names = ["C010398B-P2", "C010398B-P3", "2005-01-25-A1", "I03192A", "I0319_3A", "AK137"]
    archives = ["Markram", "Markram", "Lab", "Svoboda", "Svoboda", "Cauli"]
    records = [{"neuron_name": name, "archive": one} for name, one in zip(names, archives, strict=True)]
    records[2]["recording_date"] = "2005-01-26"
    assert group_keys(names, records, "laboratory+recording_date") == [
        "Markram + 010398", "Markram + 010398", "Lab + 2005-01-26",
        "Svoboda + day not known", "Svoboda + day not known", "Cauli + day not known",
    ]  # fmt: skip
    assert group_keys(names, records, "recording_date") == ["010398", "010398", "2005-01-26", None, None, None]
