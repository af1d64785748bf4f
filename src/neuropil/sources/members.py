"""The bytes of one file in an archive, read where they lie and no further than they may be."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import IO

from neuropil.errors import InputError

LARGEST = 256 << 20  # bytes of one member: a tree of a million nodes has 50 MB
RATIO = 200  # SWC packs to a quarter; this many times smaller than it unpacks to is no text of numbers
STORED, DEFLATED, GZIP = "stored", "deflated", "gzip"

_HEADER = struct.Struct("<4s22xHH")  # a member's own header in a zip: its mark, lengths of its name and extra field
_CHUNK = 1 << 16
_SLACK = 1 << 20  # what a small file may unpack to, whatever its ratio


@dataclass(frozen=True)
class Place:
    """Where a member lies.

    Attributes:
        file: the archive, or the plain tar it was unpacked to.
        offset: the byte where it begins; in a zip, where its header begins.
        packed: bytes it takes there.
        size: bytes it has; None where only unpacking tells.
        method: stored, deflated (in a zip) or gzip.
        crc: its checksum (CRC-32), in a zip.
    """

    file: str
    offset: int
    packed: int
    size: int | None
    method: str
    crc: int | None = None


def read_member(place: Place) -> bytes:
    """The bytes of a member.

    Raises:
        InputError: damaged, or larger than it says or may be; the message is only the reason.
    """
    try:
        with open(place.file, "rb") as file:
            file.seek(_start(file, place))
            data = _unpacked(file, place)
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})") from error
    except (zlib.error, EOFError) as error:
        raise InputError(f"damaged ({error}); get the archive anew") from error
    if place.size is not None and len(data) != place.size:
        raise InputError(f"damaged ({len(data)} bytes instead of {place.size}); get the archive anew")
    if place.crc is not None and zlib.crc32(data) != place.crc:
        raise InputError("damaged (its checksum is wrong); get the archive anew")
    return data


def _start(file: IO[bytes], place: Place) -> int:
    """Where the bytes themselves begin."""
    if place.crc is None:
        return place.offset
    file.seek(place.offset)
    header = file.read(_HEADER.size)
    if len(header) < _HEADER.size or not header.startswith(b"PK\3\4"):
        raise EOFError("no header where it should be")
    _, name, extra = _HEADER.unpack(header)
    return place.offset + _HEADER.size + int(name) + int(extra)


def _unpacked(file: IO[bytes], place: Place) -> bytes:
    most = min(LARGEST, RATIO * place.packed + _SLACK if place.size is None else place.size)
    if place.method == STORED:
        return file.read(min(place.packed, most + 1))
    unpacker = zlib.decompressobj(31 if place.method == GZIP else -15)
    pieces, left, room = [], place.packed, most + 1
    while room > 0 and not unpacker.eof:
        packed = unpacker.unconsumed_tail or file.read(min(_CHUNK, left))
        left -= 0 if unpacker.unconsumed_tail else len(packed)
        if not packed:
            raise EOFError("it ends too early")
        pieces.append(unpacker.decompress(packed, room))
        room -= len(pieces[-1])
    if room <= 0:
        raise InputError("unpacks to more than it may; no neuron is that large")
    return b"".join(pieces)
