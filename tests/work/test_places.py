"""The table of places answers as a dictionary does, in a fraction of its memory."""

from __future__ import annotations

import sys
from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st

from neuropil.work import places
from neuropil.work.places import Places


class File:
    """Names written one after another; a place is a number of them."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.table = Places()

    def write(self, name: str) -> None:
        self.names.append(name)
        self.table.put(name, len(self.names) - 1, lambda place: self.names[place] == name)

    def find(self, name: str) -> int | None:
        return next((place for place in self.table.candidates(name) if self.names[place] == name), None)


@given(st.lists(st.text(max_size=3)), st.lists(st.text(max_size=3)))
def test_it_answers_as_a_dictionary_does(written: list[str], asked: list[str]) -> None:
    file, known = File(), {}
    for place, name in enumerate(written):
        file.write(name)
        known[name] = place
    assert len(file.table) == len(known)
    assert all(file.find(name) == known.get(name) for name in [*written, *asked])


@given(st.lists(st.integers(0, 200)), st.integers(1, 7))
def test_names_that_share_a_hash_are_kept_apart(written: list[int], hashes: int) -> None:
    with patch.object(places, "hash", lambda name: int(name) % hashes, create=True):
        file, known = File(), {}
        for place, name in enumerate(map(str, written)):
            file.write(name)
            known[name] = place
        assert len(file.table) == len(known)
        assert all(file.find(str(name)) == known.get(str(name)) for name in range(200))


def test_the_file_is_asked_once_for_a_name_that_is_there_and_not_for_one_that_is_not() -> None:
    file = File()
    for number in range(10_000):
        file.write(f"neuron {number}")
    for number in range(0, 20_000, 7):
        assert list(file.table.candidates(f"neuron {number}")) == ([number] if number < 10_000 else [])


def test_a_name_costs_at_most_fifty_four_bytes() -> None:
    table = Places()
    for number in range(50_000):
        table.put(f"neuron {number}", number, lambda place: False)
    size = sum(sys.getsizeof(array) for array in (table._hashes, table._bytes))
    assert size <= 54 * 50_000
