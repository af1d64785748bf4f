"""Whether bytes are what they should be: a web page saved as a volume is a failure, not a file."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import Literal

FileKind = Literal["zip", "hdf5", "nifti", "tiff", "swc", "text", "any"]

HEAD = 4096  # bytes from a file's start that are looked at

_HTML = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*|<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body)\b", re.I | re.S
)
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_COLUMNS = 7  # of a row of SWC
_TAIL = 1 << 12  # bytes from a file's end that are looked at
_ROWS_LOOKED_AT = 20
_HDF5 = b"\x89HDF\r\n\x1a\n"
_NAMES = {
    "zip": "a zip archive",
    "hdf5": "an HDF5 file",
    "nifti": "a NIfTI file",
    "tiff": "a TIFF file",
    "swc": "an SWC file",
    "text": "text",
}


def is_html(head: bytes) -> bool:
    """Whether bytes begin as a web page does."""
    return _HTML.match(head[:HEAD]) is not None


def problem_of_head(head: bytes, kind: FileKind, name: str) -> str | None:
    """What is wrong with a file that begins so, or None.

    Args:
        head: its first bytes, at least `HEAD` of them where it has as many.
        kind: what it should be.
        name: its name; what is named as a web page may be one.
    """
    if is_html(head) and not name.lower().endswith((".html", ".htm")):
        return f"a web page came instead of {_NAMES.get(kind, 'the file')}"
    return None if _begins_as(head, kind) else f"what came is not {_NAMES[kind]}"


def problem_of_file(path: Path, kind: FileKind, name: str) -> str | None:
    """What is wrong with a whole file, or None: its head, and for a zip or an SWC file that it reaches its end."""
    with open(path, "rb") as file:
        problem = problem_of_head(file.read(HEAD), kind, name)
    if problem is None and kind == "zip" and not zipfile.is_zipfile(path):
        return "the zip archive has no end"
    return _problem_of_rows(path) if problem is None and kind == "swc" else problem


def _begins_as(head: bytes, kind: FileKind) -> bool:
    match kind:
        case "zip":
            return head.startswith((b"PK\3\4", b"PK\5\6"))
        case "hdf5":  # a user block of 512 bytes or a power of two more may come first
            return any(head[start : start + len(_HDF5)] == _HDF5 for start in (0, 512, 1024, 2048))
        case "nifti":
            return head.startswith(b"\x1f\x8b") or head[344:348] in (b"n+1\0", b"ni1\0") or head[4:8] == b"n+2\0"
        case "tiff":
            return head.startswith(_TIFF)
        case "swc":
            lines = head.splitlines()
            return b"\0" not in head and _has_row(lines[:-1] if len(head) >= HEAD else lines)  # the last may be cut
        case "text":
            return b"\0" not in head or head.startswith((b"\xff\xfe", b"\xfe\xff"))
        case _:
            return True


def _has_row(lines: list[bytes]) -> bool:
    """Whether these lines can begin an SWC file: one of them begins with a number, or all are comments or empty."""
    words = [line.replace(b",", b" ").split()[0] for line in lines if line.strip(b" \t,") and line.lstrip()[:1] != b"#"]
    return not words or any(_is_number(word) for word in words[:_ROWS_LOOKED_AT])


def _is_number(word: bytes) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _problem_of_rows(path: Path) -> str | None:
    """What is wrong with an SWC file: it has no row, or its last one is cut (a body whose length no header told)."""
    with open(path, "rb") as file:
        if not any(line.strip() and not line.lstrip().startswith(b"#") for line in file):
            return "the SWC file has no row"
        file.seek(max(0, file.seek(0, 2) - _TAIL))
        last = file.read().splitlines(keepends=True)[-1]
    words = last.replace(b",", b" ").split()
    cut = not last.endswith((b"\n", b"\r")) and words and not words[0].startswith(b"#") and len(words) < _COLUMNS
    return "the last row of the SWC file is cut" if cut else None
