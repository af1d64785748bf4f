"""Bytes of a plain or a gzipped file at any place."""

from __future__ import annotations

import os
import zlib
from bisect import bisect_right
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from neuropil.errors import InputError

_PIECE = 1 << 20
_SPACING = 16 << 20  # unpacked bytes between two places from which unpacking can start again


class Bytes(Protocol):
    """A long row of bytes."""

    def read_at(self, offset: int, count: int) -> bytearray:
        """`count` bytes from `offset`. Raises InputError where the file ends before."""
        ...

    def close(self) -> None:
        """Close the file."""
        ...


class PlainBytes:
    """A file as it is. It is read, not mapped, so that what was read does not stay in the process's memory."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = os.open(path, os.O_RDONLY)

    def read_at(self, offset: int, count: int) -> bytearray:
        """`count` bytes from `offset`."""
        read, data = 0, bytearray(count)
        while read < count:
            got = os.preadv(self._file, [memoryview(data)[read:]], offset + read)
            if not got:
                missing = count - read
                raise InputError(f"{self._path}: it is cut off, {missing} bytes are missing; copy or download it again")
            read += got
        return data

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)


@dataclass(frozen=True)
class _Mark:
    """A state of unpacking: the bytes unpacked and read before it, and the decompressor."""

    unpacked: int
    packed: int
    state: Any


class GzipBytes:
    """What a gzip file unpacks to, at any place, without unpacking it to disk.

    Reading on is as quick as unpacking. While it goes, the state of the decompressor (some 50 kB) is kept at every
    16 MiB, so that going back costs the unpacking of 16 MiB at most, not of all before it (the idea of zran.c, zlib).

    Args:
        path: the file.
        start: the byte at which the gzipped part begins.
    """

    def __init__(self, path: Path, start: int = 0) -> None:
        self._path = path
        self._file = open(path, "rb")  # noqa: SIM115 (closed by `close`)
        self._marks = [_Mark(0, start, zlib.decompressobj(wbits=31))]
        self._resume(self._marks[0])

    def _resume(self, mark: _Mark) -> None:
        self._unpacked, self._packed = mark.unpacked, mark.packed
        self._state = mark.state.copy()
        self._left = b""  # unpacked, not yet handed out; ends at byte `_unpacked`

    def read_at(self, offset: int, count: int) -> bytearray:
        """`count` bytes from `offset` of the unpacked file."""
        start = self._unpacked - len(self._left)
        nearest = self._marks[bisect_right(self._marks, offset, key=lambda mark: mark.unpacked) - 1]
        if offset < start or nearest.unpacked > self._unpacked:
            self._resume(nearest)
        done, data = 0, bytearray(count)
        while done < count:
            start = self._unpacked - len(self._left)
            if offset + done < self._unpacked:
                first = offset + done - start
                piece = memoryview(self._left)[first : first + count - done]
                data[done : done + len(piece)] = piece
                done += len(piece)
            else:
                self._left = self._next()
        return data

    def _next(self) -> bytes:
        """The next unpacked bytes."""
        while True:
            if self._unpacked - self._marks[-1].unpacked >= _SPACING and not self._state.unconsumed_tail:
                self._marks.append(_Mark(self._unpacked, self._packed, self._state.copy()))
            packed = self._state.unconsumed_tail or self._fill()
            try:
                piece = self._state.decompress(packed, _PIECE)
            except zlib.error as error:
                raise InputError(f"{self._path}: it is damaged ({error}); copy or download it again") from error
            if self._state.eof:  # another member may follow; what was read of it goes back
                self._packed -= len(self._state.unused_data)
                self._state = zlib.decompressobj(wbits=31)
            if piece:
                self._unpacked += len(piece)
                return bytes(piece)

    def _fill(self) -> bytes:
        self._file.seek(self._packed)
        packed = self._file.read(1 << 16)
        if not packed:
            raise InputError(f"{self._path}: it is cut off; copy or download it again")
        self._packed += len(packed)
        return packed

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def open_bytes(path: Path, start: int = 0, *, packed: bool | None = None) -> Bytes:
    """The bytes of a file, unpacked where it is gzipped.

    Args:
        path: the file.
        start: where the gzipped part begins; plain bytes are counted from the file's first in any case.
        packed: whether it is gzipped; None: told by the first two bytes.

    Raises:
        InputError: it cannot be read.
    """
    try:
        if packed is None:
            with open(path, "rb") as file:
                packed = file.read(2) == b"\x1f\x8b"
        return GzipBytes(path, start) if packed else PlainBytes(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
