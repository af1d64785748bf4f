"""Raw volumes to the volume store: each converted to the project's own HDF5."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from neuropil.compute import ComputeParameters
from neuropil.errors import InputError
from neuropil.sources.leftovers import remove_others
from neuropil.work.index import Index, Record
from neuropil.work.items import Item, run_items
from neuropil.work.keys import content_key, file_digest
from neuropil.work.ledger import Ledger

logger = logging.getLogger(__name__)


def take_in_volumes(raw: Index, raw_store: Path, store: Path, compute: ComputeParameters) -> Index:
    """Convert every raw volume to `store/NAME.h5`; one that cannot be read is left out with a warning.

    Args:
        raw: raw records (see `sample_volumes`).
        raw_store: what their relative paths are relative to.
        store: where the converted volumes go. Volumes of an earlier run that are no longer there are removed from it.
        compute: how many processes.

    Returns:
        The index `volumes`: {"name", "path" (relative to the store), "shape" (z, y, x), "resolution_nm" (z, y, x),
        "labels", "digest", "source"}.

    Raises:
        InputError: not one volume can be used.
    """
    records = list(raw)
    entries = run_items(
        (_volume_item(record, raw_store, store) for record in records),
        _convert,
        ledger=Ledger(store / "convert.ledger.jsonl"),
        compute=compute,
        label="converting volumes",
        total=len(records),
        present=lambda entry: (store / f"{entry.name}.h5").exists(),
    )
    volumes, refused = [], []
    for record, entry in zip(records, entries, strict=True):
        if entry.state == "done":
            volumes.append({**entry.result, "path": f"{entry.name}.h5", "source": record["source"]})
        else:
            refused.append(str(entry.reason))
    if not volumes:
        raise InputError(f"none of the {len(records)} volumes can be used; the first: {refused[0]}")
    if refused:
        logger.warning("%d of %d volumes left out; the first: %s", len(refused), len(records), refused[0])
    remove_others(store, {str(volume["path"]) for volume in volumes}, suffix=".h5")
    return Index(volumes)


def _volume_item(record: Record, raw_store: Path, store: Path) -> Item:
    from neuropil.em.convert import VERSION

    name, file = record["name"], raw_store / record["file"]
    try:
        content = file_digest(file)
    except OSError as error:
        content = f"unreadable: {error.strerror}"
    return Item(name, content_key("convert", VERSION, name, content), (file, store / f"{name}.h5", name))


def _convert(payload: tuple[Path, Path, str]) -> dict[str, Any]:
    from neuropil.em.convert import convert_volume

    source, target, name = payload
    return convert_volume(source, target, name=name)
