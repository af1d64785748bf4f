"""What stands in an SWC file, as a table of numbers: `id type x y z radius parent`, before anything is repaired."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from neuropil.errors import InputError
from neuropil.morphology.reading.swc_bytes import (
    check_bytes,
    decode,
    decode_western,
    read_bytes,
    refuse_foreign,
    without_padding,
)
from neuropil.morphology.reading.swc_header import strip_own_lines
from neuropil.morphology.reading.swc_lines import COLUMNS, MOST_COMMENTS, NAMES, read_lines

_LONGEST_COMMENT = 10_000
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Rows:
    """What stands in an SWC file.

    Attributes:
        table: (n, 7) float64, the rows in the file's order; n >= 1.
        comments: the lines that begin with `#`, without it and without those that neuropil wrote.
        repairs: how often each repair was made to read the text.
        notes: by row (its place in `table`) the comment behind it.
    """

    table: NDArray[np.float64]
    comments: tuple[str, ...]
    repairs: Counter[str]
    notes: dict[int, str] = field(default_factory=dict)


def read_rows(path: Path | str) -> Rows:
    """Read the rows of an SWC file; see `rows_of_bytes`.

    Raises:
        InputError: also where the file cannot be read or is no plain file.
    """
    return _rows(read_bytes(path), path)


def rows_of_bytes(data: bytes, file: Path | str) -> Rows:
    """Read the rows of an SWC file's bytes.

    Repairs, by name: `encoding` (not UTF-8), `padding` (NUL bytes or Ctrl-Z at the end), `float_id` (rows with an id,
    type or parent written 1.0), `long_comment` (cut to 10,000 letters) and those of `swc_lines.read_lines`.

    Args:
        data: the bytes.
        file: what to call them in messages.

    Raises:
        InputError: larger than 128 MiB, a line longer than 1 MiB, empty, compressed, binary or an HTML page, or with
            a line that is no row.
    """
    return _rows(check_bytes(data, file), file)


def _rows(data: bytes, file: Path | str) -> Rows:
    repairs: Counter[str] = Counter()
    refuse_foreign(data, file)
    data = without_padding(data, file, repairs)
    rows = alike_rows(data)
    if rows is None:
        lines = read_lines(decode(data, file, repairs), file)
        rows = Rows(lines.table, tuple(lines.comments), lines.repairs, lines.notes)
    if not len(rows.table):
        raise InputError(f"{file}: no rows; an SWC file has rows of {NAMES}")
    repairs.update(rows.repairs)
    comments = strip_own_lines(_comments(rows.comments, repairs))
    notes = dict(zip(rows.notes, _comments(rows.notes.values(), repairs), strict=True))
    return Rows(rows.table, comments, +repairs, notes)


def alike_rows(data: bytes) -> Rows | None:
    """All rows at once, as nearly every file allows; None where some line is not like the others.

    The numbers are those that `float` gives, to the last bit.
    """
    from neuropil.morphology.reading.swc_kernels import UNLIKE, tokenise

    data = data.removeprefix(_BYTE_ORDER_MARK)
    if not data.endswith((b"\n", b"\r")):
        data += b"\n"
    codes = np.frombuffer(data, np.uint8)
    lines = int(np.count_nonzero(codes == 10)) + int(np.count_nonzero(codes == 13))
    most = min(lines, len(data) // (2 * COLUMNS) + 1)  # the shortest row has seven digits, each with a space or \n
    table = np.empty((most, COLUMNS))
    spans = np.empty((min(lines, MOST_COMMENTS), 2), np.int64)
    slow = np.empty((most * COLUMNS, 3), np.int64)
    rows, comments, left, floats = tokenise(codes, table, spans, slow)
    if rows == UNLIKE:
        return None
    for place, start, end in slow[:left].tolist():
        table.flat[place] = float(data[start:end])
    texts = [data[start:end] for start, end in spans[:comments].tolist()]
    try:
        found, repairs = [text.decode() for text in texts], Counter(float_id=floats)
    except UnicodeDecodeError:
        found, repairs = decode_western(b"\n".join(texts)).split("\n"), Counter(float_id=floats, encoding=1)
    return Rows(table[:rows], tuple(found), repairs)


def _comments(texts: Iterable[str], repairs: Counter[str]) -> tuple[str, ...]:
    """Comments as one line each, as they can be written and read again."""
    found = [" ".join(text.splitlines()).strip() for text in texts]
    repairs["long_comment"] += sum(len(text) > _LONGEST_COMMENT for text in found)
    return tuple(text[:_LONGEST_COMMENT].rstrip() for text in found)
