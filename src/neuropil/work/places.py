"""Where the entry of each name stands in a file, for millions of names."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator

_FREE = -1
_FILLED = 0.6  # of the slots, before their number doubles


class Places:
    """An open-addressing table of (hash of the name, byte in the file): 27 to 53 bytes a name.

    A dictionary takes some 135. Names are not held: where two share a hash, which 64 bits make rare, the file says
    whose entry it is.
    """

    def __init__(self) -> None:
        self._count = 0
        self._hashes, self._bytes = _slots(64)

    def __len__(self) -> int:
        return self._count

    def candidates(self, name: str) -> Iterator[int]:
        """The places that may be of a name: nearly always its own or none, but the entry there has the last word."""
        return (self._bytes[slot] for slot in self._slots_of(hash(name)))

    def put(self, name: str, place: int, is_it: Callable[[int], bool]) -> None:
        """Set the place of a name; `is_it` says whether the entry at a place is that of `name`."""
        number = hash(name)
        for slot in self._slots_of(number):
            if is_it(self._bytes[slot]):
                self._bytes[slot] = place
                return
        if self._count >= _FILLED * len(self._bytes):
            self._grow()
        self._fill(number, place)
        self._count += 1

    def _slots_of(self, number: int) -> Iterator[int]:
        """The slots that hold a hash."""
        last = len(self._bytes) - 1
        slot = number & last
        while self._bytes[slot] != _FREE:
            if self._hashes[slot] == number:
                yield slot
            slot = (slot + 1) & last

    def _fill(self, number: int, place: int) -> None:
        last = len(self._bytes) - 1
        slot = number & last
        while self._bytes[slot] != _FREE:
            slot = (slot + 1) & last
        self._hashes[slot], self._bytes[slot] = number, place

    def _grow(self) -> None:
        hashes, places = self._hashes, self._bytes
        self._hashes, self._bytes = _slots(2 * len(places))
        for number, place in zip(hashes, places, strict=True):
            if place != _FREE:
                self._fill(number, place)


def _slots(count: int) -> tuple[array[int], array[int]]:
    return array("q", [0]) * count, array("q", [_FREE]) * count
