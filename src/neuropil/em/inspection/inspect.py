"""All measures of all volumes, a volume an item; what is measured once is not measured again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from neuropil.compute import ComputeParameters
from neuropil.work.index import Index, Record
from neuropil.work.items import Item, run_items
from neuropil.work.keys import content_key
from neuropil.work.ledger import Ledger

VERSION = 1


def inspect_volumes(volumes: Iterable[Record], store: Path, compute: ComputeParameters) -> Index:
    """Measure each converted volume once, in bounded memory.

    Args:
        volumes: the index `volumes`.
        store: the folder that their paths are relative to.
        compute: how many processes.

    Returns:
        For each volume {"name", "digest", "sections" (see `sections.SectionMeasures`), "proportions" (see
        `proportions.Proportions`; or None), "labels": {NAME: {"fit" (see `label_fit.LabelFit`; or None), "labelled"
        (shares, by section of the annotated box)}}}; {"name", "problem"} of one that cannot be read.
    """
    records = list(volumes)
    entries = run_items(
        (_item(record, store) for record in records),
        _inspect,
        ledger=Ledger(store / "inspect.ledger.jsonl"),
        compute=compute,
        label="inspecting volumes",
        total=len(records),
    )
    return Index(
        [
            {"name": entry.name, "digest": record["digest"], **entry.result}
            if entry.state == "done"
            else {"name": entry.name, "digest": record["digest"], "problem": entry.reason}
            for record, entry in zip(records, entries, strict=True)
        ]
    )


def _item(record: Record, store: Path) -> Item:
    box = record.get("annotated_box")
    return Item(
        record["name"],
        content_key("inspect", VERSION, record["digest"], box, sorted(record["labels"])),
        (store / record["path"], list(record["labels"]), box),
    )


def _inspect(payload: tuple[Path, list[str], Any]) -> dict[str, Any]:
    from neuropil.em.volume import open_volume

    path, names, box = payload
    with open_volume(path) as volume:
        return inspection_of(volume.raw, {name: volume.labels[name] for name in names}, box)


def inspection_of(raw: Any, labels: Mapping[str, Any], box: Any = None) -> dict[str, Any]:
    """All measures of one volume, as plain values for JSON (see `inspect_volumes`).

    Args:
        raw: grey values, uint8, (z, y, x), an array or a dataset.
        labels: ids by name, each of raw's shape.
        box: ((z0, z1), (y0, y1), (x0, x1)), the voxels that are annotated; None = all.
    """
    from neuropil.em.inspection.coverage import labelled_shares
    from neuropil.em.inspection.label_fit import fit_labels
    from neuropil.em.inspection.proportions import measure_proportions
    from neuropil.em.inspection.sections import measure_sections

    proportions = measure_proportions(raw)
    measured = {}
    for name, ids in labels.items():
        fit = fit_labels(raw, ids, box)
        measured[name] = {"fit": fit.record() if fit else None, "labelled": labelled_shares(ids, box)}
    return {
        "sections": measure_sections(raw).record(),
        "proportions": proportions.record() if proportions else None,
        "labels": measured,
    }
