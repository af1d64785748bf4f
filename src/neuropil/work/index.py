"""An index: what a step made, one JSON object a line, read as a stream."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sized
from pathlib import Path
from typing import Any

from neuropil.errors import InputError
from neuropil.work.atomic import atomic_path
from neuropil.work.text import json_line

Record = Mapping[str, Any]
_SKIPPED = "skipped"


class Index:
    """Records of what a step made, in order; or none, with the reason why there was nothing to do.

    An index made from a list keeps it, one made from another iterable asks it anew at each iteration. One made from
    an iterator writes the records to a temporary file, and one opened from a file reads them at each iteration, so
    millions of records cost no memory. On disk it is JSON lines; an index that is empty for a reason is one line
    `{"skipped": "no volumes: ..."}`.

    Args:
        records: the records.
        reason: why there are none.
        note: a line for the summary of the run ("Neurons: 340 kept, ..."); it is not written to disk.
    """

    def __init__(self, records: Iterable[Record] = (), *, reason: str | None = None, note: str | None = None) -> None:
        self._records: Iterable[Record] = _spooled(records) if isinstance(records, Iterator) else records
        self._reason = reason
        self._length: int | None = None
        self.note = note

    @classmethod
    def skipped(cls, reason: str) -> Index:
        """An index of nothing, because of `reason`."""
        return cls((), reason=reason)

    @classmethod
    def open(cls, path: Path | str) -> Index:
        """Open the file as an index. Raises InputError where a line is not a JSON object."""
        lines = Lines(Path(path))
        first = next(iter(lines), None)
        if first is not None and set(first) == {_SKIPPED}:
            return cls.skipped(str(first[_SKIPPED]))
        return cls(lines)

    @property
    def reason(self) -> str | None:
        """Why the index is empty; None where it holds records or where no reason is known."""
        return self._reason

    def __iter__(self) -> Iterator[Record]:
        return iter(self._records)

    def __len__(self) -> int:
        if self._length is None:
            records = self._records
            self._length = len(records) if isinstance(records, Sized) else sum(1 for _ in records)
        return self._length

    def __repr__(self) -> str:
        return f"Index(skipped: {self._reason})" if self._reason else f"Index({len(self)} records)"

    def save(self, path: Path | str) -> None:
        """Write the records to `path`, whole or not at all."""
        write_lines(path, [{_SKIPPED: self._reason}] if self._reason else self)


class Spool:
    """Takes records one by one into a temporary file; for a step that makes several indexes in one pass."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="neuropil-index-")
        self._path = Path(self._folder.name) / "records.jsonl"
        self._file = open(self._path, "wb")  # noqa: SIM115 (closed when the index is made)

    def append(self, record: Record) -> int:
        """Write a record; return the byte at which it stands."""
        place = self._file.tell()
        self._file.write(json_line(record))
        return place

    def lines(self) -> Lines:
        """End the writing: the records, read anew at each iteration; the file goes when nobody reads it any more."""
        self._file.close()
        return Lines(self._path, keep=self._folder)

    def index(self, note: str | None = None) -> Index:
        """End the writing: the records as an index."""
        return Index(self.lines(), note=note)


def write_lines(path: Path | str, records: Iterable[Record]) -> int:
    """Write records as JSON lines, streaming, whole or not at all; return how many."""
    count = 0
    with atomic_path(path) as part, open(part, "wb") as file:
        for record in records:
            file.write(json_line(record))
            count += 1
    return count


def read_lines(path: Path | str) -> Iterator[dict[str, Any]]:
    """Read JSON lines as a stream; blank lines are passed over. Raises InputError with file and line."""
    return iter(Lines(Path(path)))


class Lines:
    """The objects of a JSON lines file, read anew at each iteration."""

    def __init__(self, path: Path, keep: Any = None) -> None:
        self.path = path
        self._keep = keep  # what must live as long as the file is read

    def __deepcopy__(self, memo: dict[int, Any]) -> Lines:
        return self  # never changed; a copied temporary folder would remove the file under the other's feet

    def __iter__(self) -> Iterator[dict[str, Any]]:
        try:
            file = self.path.open(encoding="utf-8-sig", errors="replace")
        except OSError as error:
            raise InputError(f"{self.path}: cannot be read ({error.strerror})") from error
        with file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield parse_line(line, str(self.path), number)

    def __len__(self) -> int:
        with open(self.path, "rb") as file:
            return sum(1 for line in file if line.strip())

    def at(self, place: int) -> dict[str, Any]:
        """The record that stands at a byte of the file (see `Spool.append`)."""
        with open(self.path, "rb") as file:
            file.seek(place)
            return dict(json.loads(file.readline()))


def _spooled(records: Iterator[Record]) -> Lines:
    """Write the records to a temporary file that goes when nobody reads it any more."""
    spool = Spool()
    for record in records:
        spool.append(record)
    return spool.lines()


def parse_line(line: str, label: str, number: int) -> dict[str, Any]:
    """The JSON object on a line. Raises InputError with the file (`label`) and the number of the line."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{label}, line {number}: not JSON ({error}); each line must be one JSON object") from error
    if not isinstance(record, dict):
        raise InputError(f"{label}, line {number}: a {type(record).__name__}; each line must be one JSON object")
    return record
