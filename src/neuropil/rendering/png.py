"""A small PNG writer: four kinds of picture, run-length deflate of the standard library's zlib.

Pictures of neurons are mostly background, where Z_RLE compresses as well as a full search and ten times as fast
(PNG specification, second edition; RFC 1950).
"""

from __future__ import annotations

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

PALETTE = ((255, 255, 255), (25, 25, 25), (31, 119, 180), (214, 39, 40), (148, 33, 160), (127, 127, 127))
"""Colours of the classes 0..5: background white, soma black, axon blue, basal red, apical purple, other grey."""

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GREY, _PALETTE = 0, 3


def black_and_white(silhouette: NDArray[np.bool_]) -> bytes:
    """A 1-bit picture of [H, W]: False is black, True white."""
    height, width = silhouette.shape
    return _file(width, height, 1, _GREY, _deflate(np.packbits(silhouette, axis=1)))


def class_pictures(classes: NDArray[np.uint8]) -> tuple[bytes, bytes]:
    """Two pictures of [H, W], deflated once: 8-bit grey with the classes as values, and the same with `PALETTE`."""
    height, width = classes.shape
    stream = _deflate(classes)
    palette = _chunk(b"PLTE", bytes(part for colour in PALETTE for part in colour))
    return _file(width, height, 8, _GREY, stream), _file(width, height, 8, _PALETTE, stream, palette)


def grey_16_bit(values: NDArray[np.uint16]) -> bytes:
    """A 16-bit grey picture of [H, W]."""
    height, width = values.shape
    return _file(width, height, 16, _GREY, _deflate(values.astype(">u2").view(np.uint8)))


def _deflate(rows: NDArray[np.uint8]) -> bytes:
    """The image data of rows of bytes, each behind filter type 0 (none)."""
    filtered = np.zeros((len(rows), rows.shape[1] + 1), np.uint8)
    filtered[:, 1:] = rows
    packer = zlib.compressobj(1, zlib.DEFLATED, zlib.MAX_WBITS, 9, zlib.Z_RLE)
    return packer.compress(filtered.data) + packer.flush()


def _file(width: int, height: int, bits: int, colour: int, stream: bytes, extra: bytes = b"") -> bytes:
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    return b"".join([_SIGNATURE, _chunk(b"IHDR", header), extra, _chunk(b"IDAT", stream), _chunk(b"IEND", b"")])


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(data, zlib.crc32(kind)))
