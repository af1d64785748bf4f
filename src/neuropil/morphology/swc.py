"""SWC files: read with repair, and written."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from neuropil.morphology.repair import Repaired, repair
from neuropil.morphology.rows import read_rows
from neuropil.morphology.swc_header import own_lines
from neuropil.morphology.tree import Neuron
from neuropil.work.atomic import write_text

_SUFFIXES = re.compile(r"(\.cng)?\.e?swc$", re.IGNORECASE)


def neuron_name(file: str | Path) -> str:
    """The neuron's name: the file's name without folder, `.swc` and neuromorpho.org's `.CNG`."""
    return _SUFFIXES.sub("", Path(file).name)


def read_swc(path: Path | str) -> Repaired:
    """Read an SWC file and repair it; units are micrometres.

    Returns:
        The neuron, its nodes sorted so that parents stand first, with the repairs and remarks by name.

    Raises:
        InputError: the file cannot be repaired; the message says why.
    """
    path = Path(path)
    return repair(read_rows(path), name=neuron_name(path), file=path)


def load_neuron(path: Path | str) -> Neuron:
    """Read and repair an SWC file, as `read_swc`, where only the neuron is asked for."""
    return read_swc(path).neuron


def write_swc(neuron: Neuron, path: Path | str, *, source: str | None = None, repairs: Sequence[str] = ()) -> None:
    """Write a neuron as SWC, whole or not at all; numbers are written so that reading gives the very same.

    Args:
        neuron: what to write; ids are 1..n in the order of its nodes.
        path: the file.
        source: where the neuron is from, for the header.
        repairs: names of the repairs made to it, for the header.
    """
    comments = [*own_lines(neuron.name, source, repairs), *neuron.comments]
    head = [f"# {' '.join(comment.splitlines())}" for comment in comments]
    parents = [parent + 1 if parent >= 0 else -1 for parent in neuron.parents.tolist()]
    columns = (neuron.types.tolist(), *neuron.points.T.tolist(), neuron.radii.tolist(), parents)
    rows = [
        f"{number} {kind} {x!r} {y!r} {z!r} {radius!r} {parent}"
        for number, (kind, x, y, z, radius, parent) in enumerate(zip(*columns, strict=True), 1)
    ]
    write_text(path, "\n".join([*head, *rows]) + "\n")
