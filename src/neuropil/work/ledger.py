"""The ledger: which items are done, under which key, with which result."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from neuropil.errors import MachineError
from neuropil.work.atomic import disk_is_full
from neuropil.work.places import Places
from neuropil.work.text import json_line


class Entry:
    """What the ledger knows of an item: its key, how it ended, its result (JSON) or the reason of its failure.

    Between processes an entry travels as its line: the process that ran the item writes the JSON, the one that keeps
    the ledger passes it on, and a result is read again only where somebody asks for it.

    Attributes:
        name, key: of the item.
        state: `done` or `failed`.
        reason: why it failed; None where it did not.
        seconds: what it took.
        fresh: whether it was run now and not found in the ledger. It is not written, nor is `brief`.
        brief: what `run_items` was asked to tell of the result.
    """

    def __init__(
        self,
        name: str,
        key: str,
        state: Literal["done", "failed"],
        result: Mapping[str, Any] | None = None,
        reason: str | None = None,
        seconds: float = 0.0,
    ) -> None:
        self.name, self.key, self.state, self.reason, self.seconds = name, key, state, reason, seconds
        self.fresh = False
        self.brief: Any = None
        self._result: dict[str, Any] | None = dict(result or {})
        self._line: bytes | None = None

    @property
    def result(self) -> dict[str, Any]:
        """What the item's function returned, as JSON keeps it; {} of one that failed."""
        if self._result is None:
            self._result = json.loads(self.line)["result"]
        return self._result

    @property
    def line(self) -> bytes:
        """The entry as a line of JSON, written once."""
        if self._line is None:
            names = ("name", "key", "state", "result", "reason", "seconds")
            self._line = json_line({name: getattr(self, name) for name in names}, finite=False)
        return self._line

    def encoded(self) -> Entry:
        """The same entry, its line written. Raises TypeError where the result is no JSON."""
        self._line = self.line
        return self

    def __repr__(self) -> str:
        return f"Entry({self.name}, {self.key}, {self.state}{f': {self.reason}' if self.reason else ''})"

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_result": None, "_line": self.line}


class Ledger:
    """An append-only file of entries; the last entry of a name counts.

    One process writes. Every entry is one `write` call, so a killed run loses at most the line it was
    writing; such a torn last line is cut off when the ledger is opened again. Memory holds the place of each
    entry, not its name, key and result.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self._places = Places()
        self._end = 0
        if self.path.exists():
            self._read()

    def __len__(self) -> int:
        return len(self._places)

    def find(self, name: str, key: str) -> Entry | None:
        """The entry of an item that was done under this very key; None where it is missing, failed or stale."""
        entry = self.last(name)
        return entry if entry is not None and (entry.key, entry.state) == (key, "done") else None

    def last(self, name: str) -> Entry | None:
        """The last entry of an item, whatever its key and however it ended; None where there is none."""
        entries = (self._at(place) for place in self._places.candidates(name))
        return next((entry for entry in entries if entry.name == name), None)

    def add(self, entry: Entry) -> None:
        """Append an entry. Raises MachineError where it cannot be written; the ledger stays whole then."""
        line = entry.line
        try:
            if not self._end:
                self.path.parent.mkdir(parents=True, exist_ok=True)
            with open(self.path, "ab", buffering=0) as file:
                if file.write(line) != len(line):
                    os.truncate(self.path, self._end)
                    raise MachineError(f"{self.path}: the disk is full; free some space and run again")
        except OSError as error:
            why = "the disk is full" if disk_is_full(error) else str(error.strerror)
            raise MachineError(f"{self.path}: cannot be written ({why}); free some space and run again") from error
        self._put(entry.name, len(line))

    def _put(self, name: str, length: int) -> None:
        """Take note of the entry at the end of the file."""
        self._places.put(name, self._end, lambda place: self._at(place).name == name)
        self._end += length

    def _at(self, place: int) -> Entry:
        with open(self.path, "rb") as file:
            file.seek(place)
            return Entry(**json.loads(file.readline()))

    def _read(self) -> None:
        with open(self.path, "rb") as file:
            for line in file:
                entry = _entry(line)
                if entry is None:
                    break
                self._put(entry["name"], len(line))
        if self._end < self.path.stat().st_size:
            os.truncate(self.path, self._end)


def _entry(line: bytes) -> dict[str, Any] | None:
    if not line.endswith(b"\n"):
        return None
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) and {"name", "key", "state"} <= set(entry) else None
