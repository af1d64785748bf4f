"""Parsed trees, kept beside the views: a neuron that is rendered again with other parameters is not parsed again.

A kept tree is a line of JSON (key, name, number of nodes, checksum) and the arrays of a `Neuron` one after the other,
little-endian: points float64 (n, 3), radii float64, types int32, parents int64; about as large as its SWC file. It is
read in an eighth of the time that parsing takes; an `.npz` of the same arrays would take as long as parsing.
"""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from neuropil.morphology.swc import load_neuron
from neuropil.morphology.tree import Neuron
from neuropil.work.atomic import atomic_path
from neuropil.work.keys import content_key

VERSION = 1
"""Part of every kept tree's key: raise it when a file would be read as another tree."""

SUFFIX = ".tree"

_ARRAYS = (("points", "<f8", 3), ("radii", "<f8", 1), ("types", "<i4", 1), ("parents", "<i8", 1))


def load_tree(file: Path, digest: str, kept: Path | None) -> Neuron:
    """Read a neuron, from where it is kept if that is of this very file.

    A kept tree that is stale or damaged is read anew and replaced. Comments are not kept.

    Args:
        file: the SWC file.
        digest: of the file's content (`work.keys.file_digest`).
        kept: the place of the kept tree; None keeps nothing.

    Returns:
        The same tree in both cases, to the bit.
    """
    if kept is None:
        return load_neuron(file)
    key = content_key(VERSION, digest)
    neuron = _read(kept, key)
    if neuron is None:
        neuron = load_neuron(file)
        with atomic_path(kept) as part:
            part.write_bytes(_packed(neuron, key))
    return neuron


def _packed(neuron: Neuron, key: str) -> bytes:
    body = b"".join(np.ascontiguousarray(getattr(neuron, name), kind).tobytes() for name, kind, _ in _ARRAYS)
    head = {"key": key, "name": neuron.name, "nodes": len(neuron), "crc": zlib.crc32(body)}
    return json.dumps(head).encode() + b"\n" + body


def _read(kept: Path, key: str) -> Neuron | None:
    """The kept tree; None where it is missing, torn, of another file or no tree at all: the SWC file is the truth."""
    try:
        head, _, body = kept.read_bytes().partition(b"\n")
        said = json.loads(head)
        if said["key"] != key or said["crc"] != zlib.crc32(body):
            return None
        return Neuron(said["name"], **_arrays(bytearray(body), said["nodes"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _arrays(body: bytearray, nodes: int) -> dict[str, Any]:
    """The arrays of a body, writable like any others."""
    arrays, place = {}, 0
    for name, kind, columns in _ARRAYS:
        array = np.frombuffer(body, kind, nodes * columns, place)
        arrays[name] = array.reshape(nodes, columns) if columns > 1 else array
        place += array.nbytes
    return arrays
