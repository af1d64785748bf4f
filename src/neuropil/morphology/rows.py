"""The text of an SWC file as a table of numbers: `id type x y z radius parent`, before anything is repaired."""

from __future__ import annotations

import codecs
import io
import re
import warnings
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from neuropil.errors import InputError
from neuropil.morphology.swc_header import strip_own_lines

COLUMNS = 7
_LARGEST = 1 << 30  # bytes: a tree of a million nodes has 50 MB
_FLOAT_ID = re.compile(r"^[ \t]*\d+\.|\.0*[ \t]*$", re.MULTILINE)
_COMMENT = re.compile(r"^[ \t]*#(.*)", re.MULTILINE)
_HTML = re.compile(r"\s*<(!doctype|html|head|body|\?xml)", re.IGNORECASE)


@dataclass(frozen=True)
class Rows:
    """What stands in an SWC file.

    Attributes:
        table: (n, 7) float64, the rows in the file's order; n >= 1.
        comments: the lines that begin with `#`, without it.
        repairs: how often each repair was made to read the text.
    """

    table: NDArray[np.float64]
    comments: tuple[str, ...]
    repairs: Counter[str]


def read_rows(path: Path) -> Rows:
    """Read the rows of an SWC file.

    Repairs, by name: `encoding` (not UTF-8), `separators` (commas or semicolons between the columns),
    `decimal_comma`, `extra_columns` (beyond the seventh), `header_row` (column names without `#`), `torn_last_row`
    (the file ends in the middle of a row, which is left out), `float_id` (ids or parents written `1.0`).

    Raises:
        InputError: the file cannot be read, is empty, binary or an HTML page, or has a row that is none.
    """
    text, repairs = _text(path)
    comments = tuple(comment.strip() for comment in _COMMENT.findall(text))
    if _FLOAT_ID.search(text):
        repairs["float_id"] = 1
    table = _parse(text)
    if table is None or table.shape[1] != COLUMNS:
        table, found = _parse_row_by_row(path, text.split("\n"))
        repairs.update(found)
    if not len(table):
        raise InputError(f"{path}: no rows; an SWC file has rows of id, type, x, y, z, radius, parent")
    return Rows(table, strip_own_lines(comments), repairs)


def _text(path: Path) -> tuple[str, Counter[str]]:
    """The file's text with \\n at the ends of lines, and whether its encoding was one to mend."""
    try:
        if path.stat().st_size > _LARGEST:
            raise InputError(f"{path}: larger than {_LARGEST >> 20} MiB; no neuron is that large")
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    if not data.strip():
        raise InputError(f"{path}: the file is empty")
    text, repairs = _decode(path, data)
    if _HTML.match(text):
        raise InputError(f"{path}: an HTML page, not an SWC file; download it again")
    return text.replace("\r\n", "\n").replace("\r", "\n"), repairs


def _decode(path: Path, data: bytes) -> tuple[str, Counter[str]]:
    wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    if not wide and b"\0" in data:
        raise InputError(f"{path}: binary data, not an SWC file")
    try:
        return (data.decode("utf-16"), Counter(encoding=1)) if wide else (data.decode("utf-8-sig"), Counter())
    except UnicodeDecodeError:
        if wide:
            raise InputError(f"{path}: binary data, not an SWC file") from None
        return data.decode("latin-1"), Counter(encoding=1)


def _parse(text: str) -> NDArray[np.float64] | None:
    """All rows at once, as nearly every file allows; None where some row is not like the others."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that there is no row is told by the reader
            return np.loadtxt(io.StringIO(text), comments="#", ndmin=2)
    except ValueError:
        return None


def _parse_row_by_row(path: Path, lines: list[str]) -> tuple[NDArray[np.float64], Counter[str]]:
    rows: list[list[float]] = []
    repairs: Counter[str] = Counter()
    numbered = [(number, line.split("#")[0].strip()) for number, line in enumerate(lines, 1)]
    numbered = [(number, line) for number, line in numbered if line]
    for position, (number, line) in enumerate(numbered):
        fields = _fields(line, repairs)
        row = _numbers(fields)
        if row is not None:
            if len(fields) > COLUMNS:
                repairs["extra_columns"] += 1
            rows.append(row)
        elif not rows and not _numbers(fields[:1] * COLUMNS):
            repairs["header_row"] += 1
        elif rows and position == len(numbered) - 1:
            repairs["torn_last_row"] += 1
        else:
            raise InputError(f"{path}, line {number}: not a row of id, type, x, y, z, radius, parent: {line[:60]!r}")
    return np.array(rows, np.float64).reshape(-1, COLUMNS), repairs


def _fields(line: str, repairs: Counter[str]) -> list[str]:
    """The columns of a row, whatever stands between them."""
    plain = line.split()
    if "," not in line and ";" not in line:
        return plain
    if len(plain) >= COLUMNS and all(field.count(",") <= 1 and not field.endswith((",", ";")) for field in plain):
        repairs["decimal_comma"] += 1
        return [field.replace(",", ".") for field in plain]
    repairs["separators"] += 1
    return line.replace(",", " ").replace(";", " ").split()


def _numbers(fields: list[str]) -> list[float] | None:
    """The first seven fields as numbers; None where there are fewer or one is no number."""
    try:
        row = [float(field) for field in fields[:COLUMNS]]
    except ValueError:
        return None
    return row if len(row) == COLUMNS else None
