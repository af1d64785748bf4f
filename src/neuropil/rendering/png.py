"""A small PNG writer for the pictures of a view (PNG specification, second edition)."""

from __future__ import annotations

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

from neuropil.rendering.deflate import deflated

PALETTE = ((255, 255, 255), (25, 25, 25), (31, 119, 180), (214, 39, 40), (148, 33, 160), (127, 127, 127))
"""Colours of the classes 0..5: background white, soma black, axon blue, basal red, apical purple, other grey."""

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GREY, _PALETTE = 0, 3


def black_and_white(silhouette: NDArray[np.bool_]) -> bytes:
    """A 1-bit picture of [H, W]: False is black, True white."""
    height, width = silhouette.shape
    return _file(width, height, 1, _GREY, deflated(np.packbits(silhouette, axis=1)))


def class_pictures(classes: NDArray[np.uint8]) -> tuple[bytes, bytes]:
    """Two pictures of [H, W], deflated once: 8-bit grey with the classes as values, and the same with `PALETTE`."""
    height, width = classes.shape
    stream = deflated(classes)
    palette = _chunk(b"PLTE", bytes(part for colour in PALETTE for part in colour))
    return _file(width, height, 8, _GREY, stream), _file(width, height, 8, _PALETTE, stream, palette)


def grey_8_bit(values: NDArray[np.uint8]) -> bytes:
    """An 8-bit grey picture of [H, W]."""
    height, width = values.shape
    return _file(width, height, 8, _GREY, deflated(values))


def grey_16_bit(values: NDArray[np.uint16]) -> bytes:
    """A 16-bit grey picture of [H, W]."""
    height, width = values.shape
    return _file(width, height, 16, _GREY, deflated(values))


def _file(width: int, height: int, bits: int, colour: int, stream: bytes, extra: bytes = b"") -> bytes:
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    return b"".join([_SIGNATURE, _chunk(b"IHDR", header), extra, _chunk(b"IDAT", stream), _chunk(b"IEND", b"")])


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(data, zlib.crc32(kind)))
