"""SWC files: read with repair, and written."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from neuropil.morphology.reading.rows import read_rows, rows_of_bytes
from neuropil.morphology.reading.swc_header import own_lines
from neuropil.morphology.repair import Repaired, repair
from neuropil.morphology.soma import effective_somata
from neuropil.morphology.tree import Neuron
from neuropil.work.atomic import write_bytes

_SUFFIXES = re.compile(r"(\.cng)?\.e?swc$", re.IGNORECASE)
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def neuron_name(file: str | Path) -> str:
    """The neuron's name: the file's name without folder, `.swc` and neuromorpho.org's `.CNG`.

    It is safe as the name of a file: no separator of folders, Windows' neither, nothing that is not printed (`_`
    takes its place), composed letters (NFC, so that macOS and Linux agree), and never empty or `..` (`unnamed`).
    """
    name = _SUFFIXES.sub("", re.split(r"[/\\]", str(file).rstrip("/\\"))[-1].strip())
    name = unicodedata.normalize("NFC", _UNPRINTABLE.sub("_", name)).strip()
    return name if name.strip(". ") else "unnamed"


def read_swc(path: Path | str) -> Repaired:
    """Read an SWC file and repair it; units are micrometres.

    Returns:
        The neuron, its nodes sorted so that parents stand first, with the repairs and remarks by name.

    Raises:
        InputError: the file cannot be repaired; the message says why.
    """
    return repair(read_rows(path), name=neuron_name(path), file=path)


def read_swc_bytes(data: bytes, *, name: str, file: Path | str) -> Repaired:
    """Read the bytes of an SWC file that stands in another one, such as an archive, and repair it.

    Args:
        data: the bytes.
        name: the neuron's name.
        file: what to call the bytes in messages.

    Raises:
        InputError: as `read_swc`.
    """
    return repair(rows_of_bytes(data, file), name=name, file=file)


def load_neuron(path: Path | str) -> Neuron:
    """Read and repair an SWC file, as `read_swc`, where only the neuron is asked for."""
    return read_swc(path).neuron


def write_swc(neuron: Neuron, path: Path | str, *, source: str | None = None, repairs: Sequence[str] = ()) -> None:
    """Write a neuron as SWC, whole or not at all; see `format_swc`."""
    write_bytes(path, format_swc(neuron, source=source, repairs=repairs))


def format_swc(neuron: Neuron, *, source: str | None = None, repairs: Sequence[str] = ()) -> bytes:
    """A neuron as the bytes of an SWC file; numbers are written so that reading gives the very same.

    Args:
        neuron: what to write; ids are 1..n in the order of its nodes.
        source: where the neuron is from, for the header.
        repairs: names of the repairs made to it, for the header.
    """
    comments = [*own_lines(neuron.name, source, effective_somata(neuron).kinds, repairs), *neuron.comments]
    head = "".join(f"# {' '.join(comment.replace(chr(0), ' ').splitlines())}\n" for comment in comments)
    # A name from the file system may hold bytes that are no text.
    return head.encode("utf-8", "backslashreplace") + _rows(neuron)


def _rows(neuron: Neuron) -> bytes:
    """The rows as text, each number with the fewest digits that give it back."""
    import pyarrow
    from pyarrow import compute

    parents = np.where(neuron.parents >= 0, neuron.parents + 1, -1)
    columns = [np.arange(1, len(neuron) + 1), neuron.types, *neuron.points.T, neuron.radii, parents]
    texts = [pyarrow.array(np.ascontiguousarray(column)).cast(pyarrow.string()) for column in columns]
    lines = compute.binary_join_element_wise(compute.binary_join_element_wise(*texts, " "), "", "\n")
    return b"".join(lines.cast(pyarrow.binary()).to_pylist())
