"""The ledger: which items are done, under which key, with which result."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from neuropil.errors import MachineError
from neuropil.work.atomic import disk_is_full
from neuropil.work.text import json_line


@dataclass(frozen=True)
class Entry:
    """What the ledger knows of an item: its key, how it ended, its result (JSON) or the reason of its failure."""

    name: str
    key: str
    state: Literal["done", "failed"]
    result: dict[str, Any] = field(default_factory=dict)
    reason: str | None = None
    seconds: float = 0.0


class Ledger:
    """An append-only file of entries; the last entry of a name counts.

    One process writes. Every entry is one `write` call, so a killed run loses at most the line it was
    writing; such a torn last line is cut off when the ledger is opened again. Memory holds the place of each
    entry, not its key and result.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self._places: dict[str, int] = {}
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
        place = self._places.get(name)
        if place is None:
            return None
        with open(self.path, "rb") as file:
            file.seek(place)
            return Entry(**json.loads(file.readline()))

    def add(self, entry: Entry) -> None:
        """Append an entry. Raises MachineError where it cannot be written; the ledger stays whole then."""
        line = json_line(vars(entry), finite=False)
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
        self._places[entry.name] = self._end
        self._end += len(line)

    def _read(self) -> None:
        with open(self.path, "rb") as file:
            for line in file:
                entry = _entry(line)
                if entry is None:
                    break
                self._places[entry["name"]] = self._end
                self._end += len(line)
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
