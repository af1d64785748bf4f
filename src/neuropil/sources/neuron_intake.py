"""Raw neurons to the neuron store: each read, repaired and written, and every file accounted for."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, NamedTuple

from neuropil.compute import ComputeParameters
from neuropil.errors import InputError
from neuropil.sources.leftovers import remove_others
from neuropil.sources.metadata import normalised
from neuropil.work.index import Index, Record
from neuropil.work.items import Item, run_items
from neuropil.work.keys import content_key, file_digest
from neuropil.work.ledger import Entry, Ledger

logger = logging.getLogger(__name__)


class Intake(NamedTuple):
    """The neurons that can be used, what is known of them, and what became of every file."""

    neurons: Index
    metadata: Index
    log: Index


def take_in_neurons(raw: Index, raw_store: Path, store: Path, compute: ComputeParameters) -> Intake:
    """Read and repair every raw neuron and write it to `store/swc/NAME.swc`.

    Args:
        raw: raw records (see `sample_neurons`).
        raw_store: what their relative paths are relative to.
        store: where the repaired files go. Files of neurons that are no longer there are removed from it.
        compute: how many processes.

    Returns:
        `neurons`: {"neuron_name", "swc" (relative to the store), "source", "digest" (SHA-256 of the file), "nodes",
        "repairs" (names)}. `metadata`: what the source says, normalised. `log`, a record of every file: {"neuron_name",
        "file", "source", "status" (kept | repaired | quarantined), "repairs", "remarks" (counts by name), "reason"
        (of a quarantine)}.

    Raises:
        InputError: not one file can be used.
    """
    records = list(raw)
    entries = run_items(
        (_neuron_item(record, raw_store, store) for record in records),
        _repair,
        ledger=Ledger(store / "repair.ledger.jsonl"),
        compute=compute,
        label="repairing neurons",
        total=len(records),
        present=lambda entry: (store / _swc(entry.name)).exists(),
    )
    neurons, metadata, log = [], [], []
    for record, entry in zip(records, entries, strict=True):
        log.append(_logged(record, entry))
        if entry.state == "done":
            neurons.append(_neuron_record(record, entry))
            metadata.append(normalised(entry.name, record["source"], record.get("metadata", {})))
    if not neurons:
        raise InputError(f"none of the {len(records)} SWC files can be used; the first: {log[0]['reason']}")
    remove_others(store / "swc", {Path(neuron["swc"]).name for neuron in neurons})
    _summarise(log)
    return Intake(Index(neurons), Index(metadata), Index(log))


def _swc(name: str) -> str:
    return f"swc/{name}.swc"


def _neuron_item(record: Record, raw_store: Path, store: Path) -> Item:
    from neuropil.morphology.repair import VERSION

    name, file = record["neuron_name"], raw_store / record["swc"]
    try:
        content = record.get("problem") or file_digest(file)
    except OSError as error:
        content = f"unreadable: {error.strerror}"  # the reader will say it, and the run goes on
    key = content_key("repair", VERSION, name, record["source"], content)
    return Item(name, key, (file, store / _swc(name), record["source"], record.get("problem")))


def _repair(payload: tuple[Path, Path, str, str | None]) -> dict[str, Any]:
    from neuropil.morphology.swc import read_swc, write_swc

    file, target, source, problem = payload
    if problem:
        raise InputError(f"{file}: {problem}")
    repaired = read_swc(file)
    named = repaired.neuron.renamed(target.stem)
    write_swc(named, target, source=f"{source}, {file.name}", repairs=sorted(repaired.repairs))
    return {
        "digest": file_digest(target),
        "nodes": len(named),
        "repairs": repaired.repairs,
        "remarks": repaired.remarks,
    }


def _neuron_record(record: Record, entry: Entry) -> dict[str, Any]:
    return {
        "neuron_name": entry.name,
        "swc": _swc(entry.name),
        "source": record["source"],
        "digest": entry.result["digest"],
        "nodes": entry.result["nodes"],
        "repairs": sorted(entry.result["repairs"]),
    }


def _logged(record: Record, entry: Entry) -> dict[str, Any]:
    line = {"neuron_name": entry.name, "file": record["swc"], "source": record["source"]}
    if entry.state == "failed":
        return {**line, "status": "quarantined", "repairs": {}, "remarks": {}, "reason": entry.reason}
    repairs, remarks = entry.result["repairs"], entry.result["remarks"]
    return {**line, "status": "repaired" if repairs else "kept", "repairs": repairs, "remarks": remarks}


def _summarise(log: list[dict[str, Any]]) -> None:
    counts = {status: sum(line["status"] == status for line in log) for status in ("kept", "repaired", "quarantined")}
    logger.info("neurons: %s", ", ".join(f"{count} {status}" for status, count in counts.items()))
