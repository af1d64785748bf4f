"""The bytes of what is called an SWC file, in bounded memory, and whether they can be one."""

from __future__ import annotations

import codecs
import os
import re
import stat
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from neuropil.errors import InputError

LARGEST = 128 << 20
"""Bytes of a file: a tree of a million nodes has 50 MB."""

LONGEST_LINE = 1 << 20
"""Bytes of a line, and of what is read at once."""

_FOREIGN = {
    b"\x1f\x8b": "compressed with gzip; unpack it first",
    b"PK\x03\x04": "a zip archive; unpack it first",
    b"BZh": "compressed with bzip2; unpack it first",
    b"\xfd7zXZ\0": "compressed with xz; unpack it first",
    b"\x28\xb5\x2f\xfd": "compressed with zstd; unpack it first",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive; unpack it first",
    b"%PDF": "a PDF document, not an SWC file",
    b"\x89HDF": "an HDF5 file, not an SWC file",
}
_MARKUP = re.compile(rb"(?:\xef\xbb\xbf)?\s*<[!?a-zA-Z]")
_PADDING = (b"\0", b"\x1a")
_CONTROL = bytes({*range(1, 32)} - {*b"\t\n\v\f\r\x1a"})
_WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def read_bytes(path: Path | str) -> bytes:
    """The bytes of a file, which must be a plain one, not too large, and of lines.

    Raises:
        InputError: it cannot be read, is no plain file (a folder, a pipe, a device), is larger than `LARGEST` or has
            a line longer than `LONGEST_LINE`; nothing beyond that line is read.
    """
    try:
        # Without O_NONBLOCK to open a pipe would wait for somebody to write into it.
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        descriptor = os.open(path, flags)
        try:
            about = os.fstat(descriptor)
            if not stat.S_ISREG(about.st_mode):
                kind = "a folder" if stat.S_ISDIR(about.st_mode) else "a pipe or device"
                raise InputError(f"{path}: {kind}, not a file")
            if about.st_size > LARGEST:
                raise InputError(_too_large(path))
            return b"".join(_bounded(iter(lambda: os.read(descriptor, LONGEST_LINE), b""), path))
        finally:
            os.close(descriptor)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    except ValueError as error:  # a NUL in the name
        raise InputError(f"{str(path)!r}: cannot be read ({error})") from error


def check_bytes(data: bytes, file: Path | str) -> bytes:
    """The same bytes, where they are within the bounds that `read_bytes` holds a file to."""
    for _ in _bounded((data[at : at + LONGEST_LINE] for at in range(0, len(data), LONGEST_LINE)), file):
        pass
    return data


def refuse_foreign(data: bytes, file: Path | str) -> None:
    """Refuse what is no text of an SWC file by its first bytes: compressed, markup, binary."""
    for start, meaning in _FOREIGN.items():
        if data.startswith(start):
            raise InputError(f"{file}: {meaning}")
    if _MARKUP.match(data):
        raise InputError(f"{file}: an HTML or XML page, not an SWC file; download it again")
    head = data[:4096]
    if not head.startswith(_WIDE) and (len(head) - len(head.translate(None, _CONTROL))) * 20 > len(head):
        raise InputError(f"{file}: binary data, not an SWC file")


def without_padding(data: bytes, file: Path | str, repairs: Counter[str]) -> bytes:
    """The bytes without what a crash (NUL) or DOS (Ctrl-Z) left behind the last line: the repair `padding`.

    Raises:
        InputError: nothing is left, or what is left is no text.
    """
    if data.startswith(_WIDE):
        return data
    if data.rstrip().endswith(_PADDING):
        data = data.rstrip(b"\0\x1a \t\r\n")
        repairs["padding"] += 1
    if not data.strip():
        raise InputError(f"{file}: the file is empty" + (" but for NUL bytes" if repairs["padding"] else ""))
    if b"\0" in data:
        raise InputError(f"{file}: binary data, not an SWC file")
    return data


def decode(data: bytes, file: Path | str, repairs: Counter[str]) -> str:
    """The text, with \\n at the ends of lines; what is not UTF-8 is the repair `encoding`.

    UTF-16 is known by its mark; anything else that is no UTF-8 is taken for Windows' Western European code page,
    which differs from Latin-1 only where Latin-1 has no letters.
    """
    try:
        text = data.decode("utf-16" if data.startswith(_WIDE) else "utf-8-sig")
    except UnicodeDecodeError:
        if data.startswith(_WIDE):
            raise InputError(f"{file}: binary data, not an SWC file") from None
        text = decode_western(data)
        repairs["encoding"] += 1
    if data.startswith(_WIDE):
        repairs["encoding"] += 1
        if "\0" in text:
            raise InputError(f"{file}: binary data, not an SWC file")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def decode_western(data: bytes) -> str:
    """Text of one byte a letter; any bytes can be read."""
    try:
        return data.decode("cp1252")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _bounded(chunks: Iterable[bytes], file: Path | str) -> Iterator[bytes]:
    """The chunks, of which none is larger than a line may be."""
    total = line = 0
    for chunk in chunks:
        total += len(chunk)
        if total > LARGEST:
            raise InputError(_too_large(file))
        ends = [place for place in (chunk.find(b"\n"), chunk.find(b"\r")) if place >= 0]
        if line + (min(ends) if ends else len(chunk)) > LONGEST_LINE:
            raise InputError(f"{file}: a line is longer than {LONGEST_LINE >> 20} MiB; not an SWC file")
        line = len(chunk) - 1 - max(chunk.rfind(b"\n"), chunk.rfind(b"\r")) if ends else line + len(chunk)
        yield chunk


def _too_large(file: Path | str) -> str:
    return f"{file}: larger than {LARGEST >> 20} MiB; no neuron is that large"
