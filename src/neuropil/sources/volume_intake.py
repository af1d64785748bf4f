"""Raw volumes to the volume store: each converted to the project's own HDF5."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from neuropil.compute import ComputeParameters
from neuropil.errors import InputError
from neuropil.sources.leftovers import remove_others
from neuropil.work.atomic import remove_leftovers
from neuropil.work.index import Index, Record
from neuropil.work.items import Item, run_items
from neuropil.work.keys import content_key
from neuropil.work.ledger import Ledger

logger = logging.getLogger(__name__)

_SMALL = 1 << 30  # bytes that are read sooner than processes start
_PROVENANCE = ("licence", "citation", "url")


def take_in_volumes(raw: Index, raw_store: Path, store: Path, compute: ComputeParameters) -> tuple[Index, Index]:
    """Convert every raw volume to `store/NAME.h5`; one that cannot be used is left out and told.

    Args:
        raw: raw records, {"name", "source", "raw": {"path", "key"}, "labels": {LABEL: {"path", "key", "classes"}}
            (absent: those that lie in the file), "resolution_nm" ((z, y, x), whatever the file says, or None),
            "default_resolution_nm" (where the file says none), "annotated" (classes), "split", "licence", "citation",
            "url", "problem" (why it cannot be used)}; or {"name", "file", "source"} of a file that says all of itself.
        raw_store: what their relative paths are relative to.
        store: where the converted volumes go. Volumes of an earlier run that are no longer there are removed from it.
        compute: how many processes.

    Returns:
        The index `volumes` (see `convert_volume`; "path" is relative to the store, and "source" and "split" are those
        of the raw record), and the index `volume_log` of all raw records, {"name", "source", "state" (done or
        refused), "reason"}.

    Raises:
        InputError: not one volume can be used.
    """
    records = list(raw)
    remove_leftovers(store)
    usable = [record for record in records if not record.get("problem")]
    digests = _digests(usable, raw_store, store, compute)
    entries = run_items(
        (_volume_item(record, raw_store, store, digests) for record in usable),
        _convert,
        ledger=Ledger(store / "convert.ledger.jsonl"),
        compute=compute,
        label="converting volumes",
        total=len(usable),
        present=lambda entry: (store / f"{entry.name}.h5").exists(),
    )
    volumes, log = [], []
    for record in records:
        entry = None if record.get("problem") else next(entries)
        reason = str(record.get("problem") if entry is None else entry.reason or "")
        if entry is not None and entry.state == "done":
            made = {"path": f"{entry.name}.h5", "source": record["source"], "split": record.get("split")}
            volumes.append({**entry.result, **made})
        elif entry is None:
            logger.warning("%s: %s", record["name"], reason)
        log.append({"name": record["name"], "source": record["source"], "state": "refused" if reason else "done",
                    "reason": reason or None})  # fmt: skip
    refused = [line["reason"] for line in log if line["state"] == "refused"]
    if not volumes:
        raise InputError(f"none of the {len(records)} volumes can be used; the first: {refused[0]}")
    if refused:
        logger.warning("%d of %d volumes left out; the first: %s", len(refused), len(records), refused[0])
    remove_others(store, {str(volume["path"]) for volume in volumes}, suffix=".h5")
    return Index(volumes), Index(log)


def _paths(record: Record, raw_store: Path) -> list[Path]:
    """The files of a record: that of the grey values, then those of labels."""
    labels = record.get("labels") or {}
    first = record["raw"]["path"] if "raw" in record else record["file"]
    return [raw_store / path for path in (first, *(labels[name]["path"] for name in sorted(labels)))]


def _digests(records: list[Record], raw_store: Path, store: Path, compute: ComputeParameters) -> dict[str, str]:
    """The content of each file of the records, as a hash, by path; read again only where its size or time changed."""
    paths = dict.fromkeys(path for record in records for path in _paths(record, raw_store))
    stamps = {path: _stamp(path) for path in paths}
    if sum(one[1] for stamp in stamps.values() for one in stamp if len(one) > 1) < _SMALL:
        compute = ComputeParameters(workers=1, scheduler=None)
    items = (Item(str(path), content_key(stamp), path) for path, stamp in stamps.items())
    entries = run_items(
        items, _digest, ledger=Ledger(store / "sources.ledger.jsonl"), compute=compute, label="reading volumes",
        total=len(paths),
    )  # fmt: skip
    return {entry.name: entry.result["digest"] for entry in entries}


def _stamp(path: Path) -> list[list[Any]]:
    """Names, sizes and times of change of a file, or of all files in a folder."""
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    return [[file.name, *_state(file)] for file in files if not file.is_dir()]


def _state(file: Path) -> Iterator[int]:
    try:
        status = file.stat()
    except OSError:
        return
    yield from (status.st_size, status.st_mtime_ns)


def _digest(path: Path) -> dict[str, Any]:
    from neuropil.em.volume import volume_digest

    try:
        return {"digest": volume_digest(path)}
    except OSError as error:  # the conversion says so, with what to do
        return {"digest": f"unreadable: {error.strerror}"}


def _volume_item(record: Record, raw_store: Path, store: Path, digests: Mapping[str, str]) -> Item:
    from neuropil.em.convert import VERSION

    contents = [digests[str(path)] for path in _paths(record, raw_store)]
    told = {key: value for key, value in record.items() if key not in ("file", "raw", "labels")}
    labels = {
        name: [Path(one["path"]).name, one.get("key"), one.get("classes")]
        for name, one in (record.get("labels") or {}).items()
    }
    inside = [record.get("raw", {}).get("key"), "labels" in record]
    key = content_key("convert", VERSION, told, labels, inside, contents)
    return Item(record["name"], key, (dict(record), raw_store, store / f"{record['name']}.h5"))


def _convert(payload: tuple[dict[str, Any], Path, Path]) -> dict[str, Any]:
    from neuropil.em.convert import Source, convert_volume
    from neuropil.em.volume import LabelSource

    record, raw_store, target = payload
    labels = record.get("labels")
    sources = {name: LabelSource(raw_store / one["path"], one.get("key")) for name, one in (labels or {}).items()}
    mappings = {
        name: {int(value): int(new) for value, new in one["classes"].items()}
        for name, one in (labels or {}).items()
        if one.get("classes")
    }
    source = Source(
        path=_paths(record, raw_store)[0],
        key=record.get("raw", {}).get("key"),
        labels=None if labels is None else sources,
        classes=mappings,
        declared_nm=_lengths(record.get("resolution_nm")),
        resolution_nm=_lengths(record.get("default_resolution_nm")),
        annotated=None if record.get("annotated") is None else tuple(int(value) for value in record["annotated"]),
        provenance={name: record[name] for name in _PROVENANCE if record.get(name) is not None},
    )
    return convert_volume(source, target, name=record["name"])


def _lengths(value: Any) -> tuple[float, float, float] | None:
    if value is None:
        return None
    z, y, x = (float(length) for length in value)
    return z, y, x
