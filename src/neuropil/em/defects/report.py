"""Every volume that a source named, with what is wrong with it: a row a defect, and a row for each sound volume."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from neuropil.em.defects.known import known_defects
from neuropil.em.defects.rules import find_defects
from neuropil.em.inspection.misshapen import turned_labels
from neuropil.work.index import Index, Record

SEVERITIES = ("refused", "severe", "minor", "known", "none")
"""Refused: not converted. Severe and minor: see `defect.Defect`. Known: reported by others. None: nothing was found."""

_NAMED = 4


def report_defects(
    volumes: Iterable[Record], inspections: Iterable[Record], log: Iterable[Record], raw: Iterable[Record],
    raw_store: Path,
) -> tuple[Index, list[Mapping[str, Any]]]:  # fmt: skip
    """All defects.

    Args:
        volumes: the index `volumes`.
        inspections: of them (see `inspection.inspect.inspect_volumes`), by name.
        log: what became of every raw volume: {"name", "source", "state" ("done" | "refused"), "reason"}.
        raw: the index `raw_volumes`.
        raw_store: what its relative paths are relative to.

    Returns:
        The table, {"volume", "source", "severity" (see `SEVERITIES`), "check", "label", "finding", "what_to_do"}, with
        a note where there are defects. And what the sheet of pictures shows: {"row", "record", "defect"} of a
        converted volume, {"row", "raw", "turns"} of one that was refused.
    """
    converted = {record["name"]: record for record in volumes}
    measured = {record["name"]: record for record in inspections}
    given = {record["name"]: record for record in raw}
    rows: list[dict[str, Any]] = []
    shown: list[Mapping[str, Any]] = []
    for line in log:
        name = line["name"]
        if line["state"] == "refused":
            one = given.get(name)
            turns = turned_labels(one, raw_store) if one is not None and "shape" in str(line["reason"]) else {}
            found = [_refused(line, turns)]
            shown.append({"row": found[0], "raw": one, "turns": turns})
        else:
            found = []
            for defect in find_defects(converted[name], measured[name]):
                row = _row(line, defect.severity, defect.check, defect.finding, defect.what_to_do, defect.label)
                found.append(row)
                shown.append({"row": row, "record": converted[name], "defect": defect})
            known = known_defects({"name": name, "source": line["source"]})
            found += [_row(line, "known", "reported by others", one.report, one.what_to_do) for one in known]
        rows += found or [_row(line, "none", "all", "no evident defect", "")]
    return Index(rows, note=note(rows)), shown


def note(rows: Iterable[Mapping[str, Any]]) -> str | None:
    """A line for a person, "Volumes: 2 of 5 have defects (beta: voxel size; jurkat: noise)"; None where none has."""
    rows = list(rows)
    found: dict[str, list[str]] = {}
    for row in rows:
        if row["severity"] != "none":
            told = "refused" if row["severity"] == "refused" else row["check"]
            found.setdefault(row["volume"], []).append(told)
    if not found:
        return None
    texts = [f"{volume}: {_told(checks)}" for volume, checks in found.items()]
    more = [f"{len(texts) - _NAMED} more"] if len(texts) > _NAMED else []
    total = len({row["volume"] for row in rows})
    return f"Volumes: {len(found)} of {total} have defects ({'; '.join([*texts[:_NAMED], *more])})"


def _told(checks: Iterable[str]) -> str:
    return ", ".join(f"{check} x{count}" if count > 1 else check for check, count in Counter(checks).items())


def _refused(line: Record, turns: Mapping[str, str]) -> dict[str, Any]:
    """A volume that was not converted; where its labels fit the image with their axes exchanged, that is said."""
    if not turns:
        return _row(line, "refused", "cannot be used", str(line["reason"]), "what the reason says, then run again")
    told = "; ".join(f"{name} fits with its {turn}" for name, turn in turns.items())
    advice = "turn the labels in the source file, then run ingestion again"
    return _row(line, "refused", "transposed labels", f"{line['reason']} ({told})", advice, ", ".join(turns))


def _row(
    line: Record, severity: str, check: str, finding: str, what_to_do: str, label: str | None = None
) -> dict[str, Any]:
    return {"volume": line["name"], "source": line["source"], "severity": severity, "check": check, "label": label,
            "finding": finding, "what_to_do": what_to_do}  # fmt: skip
