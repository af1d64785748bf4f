"""An index: what a step made, one JSON object a line, read as a stream."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from neuropil.errors import InputError
from neuropil.work.atomic import atomic_path

Record = Mapping[str, Any]
_SKIPPED = "skipped"


class Index:
    """Records of what a step made, in order; or none, with the reason why there was nothing to do.

    An index made from a list keeps it. One made from an iterator writes the records to a temporary file, and
    one opened from a file reads them anew at each iteration, so millions of records cost no memory. On disk
    it is JSON lines; an index that is empty for a reason is one
    line `{"skipped": "no volumes: ..."}`.
    """

    def __init__(self, records: Iterable[Record] = (), *, reason: str | None = None) -> None:
        self._records: Iterable[Record] = _spooled(records) if isinstance(records, Iterator) else records
        self._reason = reason
        self._length: int | None = None

    @classmethod
    def skipped(cls, reason: str) -> Index:
        """An index of nothing, because of `reason`."""
        return cls((), reason=reason)

    @classmethod
    def open(cls, path: Path | str) -> Index:
        """Open the file as an index. Raises InputError where a line is not a JSON object."""
        lines = _Lines(Path(path))
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
            self._length = sum(1 for _ in self._records)
        return self._length

    def __repr__(self) -> str:
        return f"Index(skipped: {self._reason})" if self._reason else f"Index({len(self)} records)"

    def save(self, path: Path | str) -> None:
        """Write the records to `path`, whole or not at all."""
        write_lines(path, [{_SKIPPED: self._reason}] if self._reason else self)


def write_lines(path: Path | str, records: Iterable[Record]) -> int:
    """Write records as JSON lines, streaming, whole or not at all; return how many."""
    count = 0
    with atomic_path(path) as part, open(part, "w", encoding="utf-8") as file:
        for record in records:
            file.write(json.dumps(record, ensure_ascii=False, allow_nan=False) + "\n")
            count += 1
    return count


def read_lines(path: Path | str) -> Iterator[dict[str, Any]]:
    """Read JSON lines as a stream; blank lines are passed over. Raises InputError with file and line."""
    return iter(_Lines(Path(path)))


class _Lines:
    """The objects of a JSON lines file, read anew at each iteration."""

    def __init__(self, path: Path, keep: Any = None) -> None:
        self.path = path
        self._keep = keep  # what must live as long as the file is read

    def __deepcopy__(self, memo: dict[int, Any]) -> _Lines:
        return self  # never changed; a copied temporary folder would remove the file under the other's feet

    def __iter__(self) -> Iterator[dict[str, Any]]:
        try:
            file = self.path.open(encoding="utf-8-sig", errors="replace")
        except OSError as error:
            raise InputError(f"{self.path}: cannot be read ({error.strerror})") from error
        with file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield _parse(line, self.path, number)


def _spooled(records: Iterator[Record]) -> _Lines:
    """Write the records to a temporary file that goes when nobody reads it any more."""
    folder = tempfile.TemporaryDirectory(prefix="neuropil-index-")
    path = Path(folder.name) / "records.jsonl"
    write_lines(path, records)
    return _Lines(path, keep=folder)


def _parse(line: str, path: Path, number: int) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except ValueError as error:
        raise InputError(f"{path}, line {number}: not JSON ({error}); each line must be one JSON object") from error
    if not isinstance(record, dict):
        raise InputError(f"{path}, line {number}: a {type(record).__name__}; each line must be one JSON object")
    return record
