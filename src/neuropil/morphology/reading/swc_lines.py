"""The lines of an SWC file one by one, for files of which some line is not like the others."""

from __future__ import annotations

import math
import re
from array import array
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from neuropil.errors import InputError

COLUMNS = 7
NAMES = "id, type, x, y, z, radius, parent"
MOST_COMMENTS = 1 << 20

_WHOLE_COLUMNS = (0, 1, 6)
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_FORTRAN = re.compile(r"([0-9.])[dD]([+-]?[0-9])")
_DECIMAL_COMMA = re.compile(r"[+-]?[0-9]+,[0-9]+(?:[eE][+-]?[0-9]+)?")
_MISSING = re.compile(r"[+-]?nan(?:\([a-z]*\))?|na|n/a|null|none|", re.IGNORECASE)
_INFINITE = re.compile(r"([+-]?)inf(?:inity)?", re.IGNORECASE)
_WHOLE = re.compile(r"[+-]?[0-9]+")
_DIGIT = re.compile(r"[0-9]")
_WIDE_SPACE = re.compile(r"[^\S\x00-\x7f]")  # such as that which does not break
_MINUS = str.maketrans("\N{MINUS SIGN}\N{EN DASH}", "--")


@dataclass
class Lines:
    """What stands in the lines of a file.

    Attributes:
        table: (n, 7) float64, the rows.
        comments: comments and lines of column names, in order.
        notes: by row the comment behind it.
        repairs: how often each repair was made to read the lines.
    """

    table: NDArray[np.float64]
    comments: list[str]
    notes: dict[int, str]
    repairs: Counter[str]


@dataclass
class _Row:
    """The fields of a line, with what was done to tell them apart."""

    fields: list[str]
    repairs: set[str] = field(default_factory=set)


def read_lines(text: str, file: Path | str) -> Lines:
    """Read a text line by line.

    Repairs, by name, each counted by rows: `separators` (commas, semicolons or quotes; an empty field is a missing
    value), `decimal_comma`, `number_format` (Fortran's 1D-3, a typographic minus), `extra_columns` (beyond the
    seventh: left out), `header_row` (column names without `#`: kept as a comment), `torn_last_row` (the file ends in
    the middle of a row: left out), `float_id` (an id, type or parent written 1.0), `row_comment` (behind a row: kept
    among the comments).

    Raises:
        InputError: a line that is no row, or column names in another order than that of SWC.
    """
    found = Lines(np.empty((0, COLUMNS)), [], {}, Counter())
    values = array("d")
    broken: tuple[int, str] | None = None
    for number, line in enumerate(_split(text), 1):
        content, mark, comment = line.partition("#")
        content = content.strip()
        if not content:
            if mark:
                found.comments.append(comment)
            if len(found.comments) > MOST_COMMENTS:
                raise InputError(f"{file}: more than {MOST_COMMENTS:,} comments; not an SWC file")
            continue
        if broken:
            raise InputError(f"{file}, line {broken[0]}: not a row of {NAMES}: {broken[1][:60]!r}")
        row = _row(content)
        numbers = _numbers(row)
        if numbers is not None:
            if comment.strip():
                found.notes[len(values) // COLUMNS] = comment
                row.repairs.add("row_comment")
            values.extend(numbers)
            found.repairs.update(row.repairs)
        elif not values and _number(row.fields[0], row) is None:
            _check_order(row.fields, f"{file}, line {number}")
            found.comments.append(line)
            found.repairs["header_row"] += 1
        else:
            broken = number, content
    if broken and not values:
        raise InputError(f"{file}, line {broken[0]}: not a row of {NAMES}: {broken[1][:60]!r}")
    found.repairs["torn_last_row"] += broken is not None
    found.table = np.frombuffer(values, np.float64).reshape(-1, COLUMNS) if values else found.table
    return found


def _split(text: str) -> Iterator[str]:
    """The lines of a text that may be large."""
    start = 0
    while start < len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        yield text[start:end]
        start = end + 1


def _row(line: str) -> _Row:
    """The columns of a line, whatever stands between them."""
    plain = line.split()
    if "," not in line and ";" not in line and '"' not in line:
        return _Row(plain, set() if line.isascii() or not _WIDE_SPACE.search(line) else {"separators"})
    if ";" not in line and '"' not in line and len(plain) >= COLUMNS:
        with_comma = [column for column in plain if "," in column]
        if all(_DECIMAL_COMMA.fullmatch(column) for column in with_comma):
            return _Row([column.replace(",", ".") for column in plain], {"decimal_comma"})
    mark = ";" if ";" in line else ","
    fields = line.split(mark) if len(plain) == 1 else re.split(rf"\s*{mark}\s*|\s+", line)
    row = _Row([column.strip("\"'") for column in fields] if '"' in line else fields, {"separators"})
    while len(row.fields) > COLUMNS and not row.fields[-1]:
        row.fields.pop()
    if mark == ";" and any(_DECIMAL_COMMA.fullmatch(column) for column in row.fields):
        row.fields = [column.replace(",", ".") for column in row.fields]
        row.repairs.add("decimal_comma")
    return row


def _numbers(row: _Row) -> list[float] | None:
    """The first seven fields as numbers; None where there are fewer or one is no number."""
    fields = row.fields[:COLUMNS]
    if len(fields) < COLUMNS:
        return None
    numbers = _plain_numbers(fields)
    if numbers is None:
        found = [_number(text, row) for text in fields]
        numbers = [value for value in found if value is not None]
        if len(numbers) < COLUMNS:
            return None
    if len(row.fields) > COLUMNS:
        row.repairs.add("extra_columns")
    whole = [fields[column] for column in _WHOLE_COLUMNS]
    if any(not text.isdigit() and _DIGIT.search(text) and not _WHOLE.fullmatch(text) for text in whole):
        row.repairs.add("float_id")
    return numbers


def _plain_numbers(fields: list[str]) -> list[float] | None:
    """The fields as numbers where `float` and `_number` agree on what is one, as on nearly every row."""
    together = "".join(fields)
    if not together.isascii() or "_" in together:
        return None
    try:
        return [float(text) for text in fields]
    except ValueError:
        return None


def _number(text: str, row: _Row) -> float | None:
    """A field as a number, NaN where it says that there is none; None where it is something else."""
    if _NUMBER.fullmatch(text):
        return float(text)
    if _MISSING.fullmatch(text):
        return math.nan
    infinite = _INFINITE.fullmatch(text)
    if infinite:
        return -math.inf if infinite[1] == "-" else math.inf
    mended = _FORTRAN.sub(r"\1e\2", text.translate(_MINUS))
    if mended == text or not _NUMBER.fullmatch(mended):
        return None
    row.repairs.add("number_format")
    return float(mended)


def _check_order(names: list[str], place: str) -> None:
    """Refuse columns that are named in another order: read as they stand they would be another neuron."""
    plain = [re.sub(r"[^a-z]", "", name.lower()) for name in names]
    expected = {"x": 2, "y": 3, "z": 4, "radius": 5, "parent": 6}
    if {"x", "y", "z"} <= set(plain):
        if any(name in plain and plain.index(name) != column for name, column in expected.items()):
            raise InputError(f"{place}: the columns are {', '.join(names)[:60]}; write them in the order {NAMES}")
        if len(plain) > 5 and plain[5].startswith("diam"):
            raise InputError(f"{place}: the sixth column is a diameter; an SWC file has the radius there, half of it")
