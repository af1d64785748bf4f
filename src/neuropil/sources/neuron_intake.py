"""Raw neurons to the neuron store: each read, repaired and written, and every file accounted for."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from neuropil.compute import ComputeParameters
from neuropil.errors import InputError
from neuropil.sources.leftovers import remove_others
from neuropil.sources.members import Place, read_member
from neuropil.sources.metadata import normalised
from neuropil.sources.tally import Tally
from neuropil.work.atomic import remove_leftovers
from neuropil.work.index import Index, Record, Spool
from neuropil.work.items import Item, run_items
from neuropil.work.keys import content_key, file_digest
from neuropil.work.ledger import Entry, Ledger
from neuropil.work.text import printable

if TYPE_CHECKING:
    from neuropil.morphology.repair import Repaired

logger = logging.getLogger(__name__)

VERSION = 3
LEDGER = "repair.ledger.jsonl"
FINGERPRINT = "fingerprint"
"""Under this name the ledger notes the fingerprint of a repaired neuron (`morphology.likeness`), or null."""


class Intake(NamedTuple):
    """The neurons that can be used, what is known of them, what became of every file, and that in a few lines."""

    neurons: Index
    metadata: Index
    log: Index
    summary: Index


def take_in_neurons(raw: Index, raw_store: Path, store: Path, compute: ComputeParameters) -> Intake:
    """Read and repair every raw neuron and write it to `store/swc/NAME.swc`; nothing is held in memory.

    Args:
        raw: raw records (see `sample_neurons` and `folder_neurons`).
        raw_store: what their relative paths are relative to.
        store: where the repaired files go. Files of neurons that are no longer there are removed from it.
        compute: how many processes.

    Returns:
        `neurons`: {"neuron_name", "swc" (relative to the store), "source", "digest" (SHA-256 of the file), "nodes",
        "types" (SWC types of its nodes), "repairs" (names)}. `metadata`: what the source says, normalised. `log`, a
        record of every file: {"neuron_name", "file", "member" (in an archive), "source", "status" (kept | repaired |
        quarantined), "repairs", "remarks" (counts by name), "reason" (of a quarantine)}. `summary`: see `Tally.rows`.

    Raises:
        InputError: not one file can be used.
    """
    remove_leftovers(store)
    entries = run_items(
        (_neuron_item(record, raw_store, store) for record in raw),
        _repair,
        ledger=Ledger(store / LEDGER),
        compute=compute,
        label="repairing neurons",
        total=len(raw),
        present=lambda entry: (store / _swc(entry.name)).exists(),
    )
    neurons, metadata, log, tally = Spool(), Spool(), Spool(), Tally()
    refused = None
    for record, entry in zip(raw, entries, strict=True):
        line = _logged(record, entry)
        log.append(line)
        tally.add(line, entry.result.get("nodes", 0), _label(record, raw_store))
        if entry.state == "done":
            neurons.append(_neuron_record(record, entry))
            metadata.append(normalised(entry.name, record["source"], record.get("metadata", {})))
        else:
            refused = refused or entry.reason
    kept = neurons.index()
    if not len(kept):
        raise InputError(f"none of the {len(raw)} SWC files can be used; the first: {refused}")
    remove_others(store / "swc", (f"{record['neuron_name']}.swc" for record in kept), count=len(kept))
    logger.info("%s", tally.note())
    return Intake(kept, metadata.index(), log.index(note=tally.note()), Index(list(tally.rows())))


def _swc(name: str) -> str:
    return f"swc/{name}.swc"


@dataclass(frozen=True)
class _Raw:
    """What a worker is given: the file, or the place of a member in an archive, and where it goes."""

    file: Path
    label: str
    target: Path
    source: str
    place: Place | None = None
    problem: str | None = None


def _label(record: Record, raw_store: Path) -> str:
    """How messages name a file; a member of an archive stands behind the archive."""
    file = str(raw_store / record["swc"])
    return f"{file}, {record['member']}" if "member" in record else file


def _neuron_item(record: Record, raw_store: Path, store: Path) -> Item:
    from neuropil.morphology import likeness, repair

    name, file = record["neuron_name"], raw_store / record["swc"]
    place = Place(**record["place"]) if "place" in record else None
    problem = record.get("problem")
    content = problem or (f"{record['digest']} {record['member']}" if place else _digest(file))
    return Item(
        name,
        content_key("repair", VERSION, repair.VERSION, likeness.VERSION, name, record["source"], content),
        _Raw(file, _label(record, raw_store), store / _swc(name), record["source"], place, problem),
    )


def _digest(file: Path) -> str:
    try:
        return file_digest(file)
    except OSError as error:
        return f"unreadable: {error.strerror}"  # the reader will say it, and the run goes on


def _repair(raw: _Raw) -> dict[str, Any]:
    from neuropil.morphology.likeness import fingerprint
    from neuropil.morphology.swc import write_swc

    if raw.problem:
        raise InputError(f"{raw.label}: {raw.problem}")
    repaired = _read(raw)
    named = repaired.neuron.renamed(raw.target.stem)
    origin = printable(raw.label.removeprefix(f"{raw.file.parent}/"))
    write_swc(named, raw.target, source=f"{raw.source}, {origin}", repairs=sorted(repaired.repairs))
    known = fingerprint(named)
    return {
        FINGERPRINT: None if known is None else known._asdict(),
        "digest": file_digest(raw.target),
        "nodes": len(named),
        "types": sorted(set(named.types.tolist())),
        "repairs": repaired.repairs,
        "remarks": repaired.remarks,
    }


def _read(raw: _Raw) -> Repaired:
    if raw.place is None:
        from neuropil.morphology.swc import read_swc

        return read_swc(raw.file)
    from neuropil.morphology.swc import read_swc_bytes

    try:
        data = read_member(raw.place)
    except InputError as error:
        raise InputError(f"{raw.label}: {error}") from error
    return read_swc_bytes(data, name=raw.target.stem, file=raw.label)


def _neuron_record(record: Record, entry: Entry) -> dict[str, Any]:
    return {
        "neuron_name": entry.name,
        "swc": _swc(entry.name),
        "source": record["source"],
        "digest": entry.result["digest"],
        "nodes": entry.result["nodes"],
        "types": entry.result["types"],
        "repairs": sorted(entry.result["repairs"]),
    }


def _logged(record: Record, entry: Entry) -> dict[str, Any]:
    line = {"neuron_name": entry.name, "file": record["swc"], "source": record["source"]}
    if "member" in record:
        line["member"] = record["member"]
    if entry.state == "failed":
        return {**line, "status": "quarantined", "repairs": {}, "remarks": {}, "reason": entry.reason}
    repairs, remarks = entry.result["repairs"], entry.result["remarks"]
    return {**line, "status": "repaired" if repairs else "kept", "repairs": repairs, "remarks": remarks}
