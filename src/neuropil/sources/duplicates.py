"""The same cell under two names: found by geometry (see `morphology.likeness`), told, and dropped only where asked."""

from __future__ import annotations

import logging
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from neuropil.compute import ComputeParameters
from neuropil.sources.neuron_intake import FINGERPRINT, LEDGER
from neuropil.sources.parameters import DuplicateHandling
from neuropil.work.index import Index, Record, Spool
from neuropil.work.items import Item, run_items
from neuropil.work.keys import content_key
from neuropil.work.ledger import Ledger

logger = logging.getLogger(__name__)

_MOST_COMPARED = 16  # earlier neurons of one fingerprint that a neuron is laid over; the first is a copy, or none is
_RELATIVE, _ABSOLUTE = 5e-4, 0.02  # of a fingerprint's lengths (micrometres): files round to 0.01
_LENGTHS = ("long", "middle", "short", "mean", "farthest")


class Deduplicated(NamedTuple):
    """The neurons and their metadata as they go on, and the table of those that are copies (see `find_duplicates`)."""

    neurons: Index
    metadata: Index
    duplicates: Index


def find_duplicates(
    neurons: Index, metadata: Index, store: Path, handling: DuplicateHandling, compute: ComputeParameters
) -> Deduplicated:
    """Compare all neurons by geometry; memory holds no neuron and no fingerprint, only the places of what is dropped.

    Fingerprints go into a table on disk, sorted by what they count; only neurons whose fingerprints agree are read
    again and laid over each other. What was compared under the same content is not compared again.

    Args:
        neurons, metadata: one record a neuron in the same order, the neurons with "neuron_name", "swc", "digest".
        store: where the SWC files are.
        handling: report = all neurons go on; drop_later = of neurons that hold the same tracing the first goes on,
            in the order of the sources.
        compute: how many processes.

    Returns:
        The neurons and metadata that go on. `duplicates`, a row of each neuron that repeats an earlier one:
        {"neuron_name", "source", "duplicate_of", "source_of", "across_sources", "kind" (same nodes | same branch
        points), "nodes", "nodes_of", "moved_um", "turned_degrees", "mirrored", "median_um", "largest_um" (distance of
        the nodes once laid over each other), "dropped"}.
    """
    with _table() as table:
        small = _fill(table, neurons, store)
        spool, dropped = Spool(), set()
        across = 0
        for position, row in _compared(table, store, compute):
            across += row["across_sources"]
            spool.append({**row, "dropped": handling == "drop_later"})
            dropped.add(position)
    note = _note(len(neurons), small, len(dropped), across, handling)
    logger.info("%s", note)
    duplicates = spool.index(note=note if dropped else None)
    if handling == "report" or not dropped:
        return Deduplicated(neurons, metadata, duplicates)
    return Deduplicated(Index(_Without(neurons, dropped)), Index(_Without(metadata, dropped)), duplicates)


@contextmanager
def _table() -> Iterator[sqlite3.Connection]:
    """A table of fingerprints in a temporary file."""
    with (
        tempfile.TemporaryDirectory(prefix="neuropil-likeness-") as folder,
        closing(sqlite3.connect(Path(folder) / "fingerprints.sqlite")) as table,
    ):
        table.execute("PRAGMA journal_mode = OFF")
        table.execute("PRAGMA synchronous = OFF")
        columns = ", ".join(f"{name} REAL" for name in _LENGTHS)
        table.execute(
            "CREATE TABLE cells (position INTEGER PRIMARY KEY, name TEXT, source TEXT, swc TEXT, digest TEXT, "
            f"nodes INTEGER, landmarks INTEGER, tips INTEGER, {columns})"
        )
        yield table


def _fill(table: sqlite3.Connection, neurons: Index, store: Path) -> int:
    """Write the fingerprint of each neuron into the table; how many are too small to have one."""
    repaired = Ledger(store / LEDGER)
    names = ("landmarks", "tips", *_LENGTHS)
    small = 0
    for position, record in enumerate(neurons):
        found = _fingerprint(record, repaired, store)
        if found is None:
            small += 1
            continue
        own = (position, record["neuron_name"], record["source"], record["swc"], record["digest"], record["nodes"])
        values = (*own, *(found[name] for name in names))
        table.execute(f"INSERT INTO cells VALUES ({', '.join('?' * len(values))})", values)
    table.execute("CREATE INDEX by_shape ON cells (landmarks, tips, long)")
    return small


def _fingerprint(record: Record, repaired: Ledger, store: Path) -> Mapping[str, Any] | None:
    """The fingerprint of a neuron: noted when it was repaired, or taken of its file where an older store is read."""
    entry = repaired.last(record["neuron_name"])
    if entry is not None and entry.result.get("digest") == record["digest"] and FINGERPRINT in entry.result:
        noted: Mapping[str, Any] | None = entry.result[FINGERPRINT]
        return noted
    from neuropil.morphology.likeness import fingerprint
    from neuropil.morphology.swc import load_neuron

    found = fingerprint(load_neuron(store / record["swc"]))
    return None if found is None else found._asdict()


class _Cell(NamedTuple):
    """A row of the table, without its fingerprint."""

    position: int
    name: str
    source: str
    swc: str
    digest: str
    nodes: int


def _compared(
    table: sqlite3.Connection, store: Path, compute: ComputeParameters
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Lay each neuron over the earlier ones of its fingerprint: its position and row, where one is a copy."""
    from neuropil.morphology import likeness

    spool = Spool()
    for cell, earlier in _alike(table):
        spool.append({"cell": cell, "earlier": earlier})
    pairs = Index(spool.lines())
    if not len(pairs):
        return

    def items() -> Iterator[Item]:
        for cell, *earlier in _cells(pairs):
            digests = [one.digest for one in (cell, *earlier)]
            paths = [store / one.swc for one in (cell, *earlier)]
            yield Item(cell.name, content_key("copies", likeness.VERSION, digests), paths)

    entries = run_items(
        items(),
        _first_copy,
        ledger=Ledger(store / "duplicates.ledger.jsonl"),
        compute=compute,
        label="comparing likely copies",
        total=len(pairs),
    )
    for (cell, *earlier), entry in zip(_cells(pairs), entries, strict=True):
        if entry.result.get("copy") is not None:
            yield cell.position, _row(cell, earlier[entry.result["copy"]], entry.result["likeness"])


def _cells(pairs: Index) -> Iterator[list[_Cell]]:
    """Of each line a neuron, then the earlier ones that it may repeat."""
    return ([_Cell(*one) for one in (pair["cell"], *pair["earlier"])] for pair in pairs)


def _alike(table: sqlite3.Connection) -> Iterator[tuple[_Cell, list[_Cell]]]:
    """Each neuron with the earlier ones whose fingerprints agree with its own, in their order."""
    own = ", ".join(_Cell._fields)
    near = " AND ".join(
        f"{name} BETWEEN :{name} * {1 - _RELATIVE} - {_ABSOLUTE} AND :{name} * {1 + _RELATIVE} + {_ABSOLUTE}"
        for name in _LENGTHS
    )
    query = (
        f"SELECT {own} FROM cells WHERE landmarks = :landmarks AND tips = :tips AND {near} AND position < :position "
        f"ORDER BY position LIMIT {_MOST_COMPARED}"
    )
    names = (*_Cell._fields, "landmarks", "tips", *_LENGTHS)
    for row in table.execute(f"SELECT {', '.join(names)} FROM cells ORDER BY position"):
        values = dict(zip(names, row, strict=True))
        earlier = [_Cell(*found) for found in table.execute(query, values)]
        if earlier:
            yield _Cell(*row[: len(_Cell._fields)]), earlier


def _first_copy(paths: list[Path]) -> dict[str, Any]:
    """Which of the later paths is the first that holds the tracing of the first path, and how it lies over it."""
    from neuropil.morphology.likeness import likeness
    from neuropil.morphology.swc import load_neuron

    neuron = load_neuron(paths[0])
    for place, path in enumerate(paths[1:]):
        found = likeness(load_neuron(path), neuron)
        if found is not None:
            return {"copy": place, "likeness": found._asdict()}
    return {"copy": None}


def _row(cell: _Cell, original: _Cell, found: dict[str, Any]) -> dict[str, Any]:
    return {
        "neuron_name": cell.name,
        "source": cell.source,
        "duplicate_of": original.name,
        "source_of": original.source,
        "across_sources": cell.source != original.source,
        "kind": "same nodes" if found["same_nodes"] else "same branch points",
        "nodes": cell.nodes,
        "nodes_of": original.nodes,
        "moved_um": round(found["moved"], 3),
        "turned_degrees": round(found["turned"], 3),
        "mirrored": found["mirrored"],
        "median_um": round(found["median"], 4),
        "largest_um": round(found["largest"], 4),
    }


class _Without:
    """An index without the records at some positions, read anew at each iteration."""

    def __init__(self, records: Index, dropped: set[int]) -> None:
        self._records, self._dropped = records, dropped

    def __iter__(self) -> Iterator[Record]:
        return (record for position, record in enumerate(self._records) if position not in self._dropped)

    def __len__(self) -> int:
        return len(self._records) - len(self._dropped)


def _note(neurons: int, small: int, copies: int, across: int, handling: DuplicateHandling) -> str:
    """One line for a person."""
    compared = f"{neurons - small:,} neurons compared" + (f", {small:,} too small to be told apart" if small else "")
    if not copies:
        return f"Duplicates: none ({compared})"
    what = "dropped" if handling == "drop_later" else "kept; ingestion.neurons.duplicates=drop_later drops them"
    return f"Duplicates: {copies:,} neurons repeat an earlier one, {across:,} across sources ({compared}); {what}"
