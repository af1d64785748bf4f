"""What became of all files, in a few lines: how many were kept, which repairs were made, why files were refused."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from neuropil.work.text import printable

STATUSES = ("kept", "repaired", "quarantined")
_KINDS = ("status", "repair", "remark", "quarantine")
_MOST = 500  # kinds of reasons that are told apart; a reason that quotes the file would else fill the memory
_NAMED = 4
_DETAIL = re.compile(r"\s*\([^()]*\)|(?<!\w)'(?:[^'\\]|\\.)*'(?!\w)|\"[^\"]*\"")


@dataclass
class _Count:
    files: int = 0
    nodes: int = 0
    example: str = ""


class Tally:
    """Counts the lines of a repair log as they come."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str], _Count] = {}

    def add(self, line: Mapping[str, Any], nodes: int, label: str) -> None:
        """Count a line of the log.

        Args:
            line: a record of the log (see `neuron_intake.Intake`).
            nodes: how many nodes the neuron has; 0 where it was refused.
            label: how messages name the file.
        """
        file = printable(f"{line['file']}, {line['member']}" if line.get("member") else str(line["file"]))
        self._count("status", line["status"], nodes, file)
        for kind in ("repair", "remark"):
            for name, count in line[f"{kind}s"].items():
                self._count(kind, name, count, file)
        if line["status"] == "quarantined":
            self._count("quarantine", reason_kind(line["reason"], label), 0, file)

    def _count(self, kind: str, what: str, nodes: int, file: str) -> None:
        key = (kind, what if (kind, what) in self._counts or len(self._counts) < _MOST else "other reasons")
        count = self._counts.setdefault(key, _Count(example=file))
        count.files += 1
        count.nodes += nodes

    def files(self, status: str) -> int:
        """How many files were kept, repaired or quarantined."""
        return self._counts.get(("status", status), _Count()).files

    def rows(self) -> Iterator[dict[str, Any]]:
        """The table: {"kind" (status | repair | remark | quarantine), "what", "files", "nodes", "example"}.

        Kind after kind, what happened most first. `nodes` are the nodes of the neurons, of a repair or a remark the
        number that goes with it (1 for one that concerns the whole file).
        """
        order = sorted(self._counts.items(), key=lambda item: (_KINDS.index(item[0][0]), -item[1].files, item[0][1]))
        for (kind, what), count in order:
            yield {"kind": kind, "what": what, **vars(count)}

    def note(self) -> str:
        """One line for a person: `Neurons: 340 kept, 7 repaired (radius 5, type 2), 1 quarantined (...)`."""
        details = {"kept": "", "repaired": self._most("repair"), "quarantined": self._most("quarantine")}
        return "Neurons: " + ", ".join(f"{self.files(status):,} {status}{details[status]}" for status in STATUSES)

    def _most(self, kind: str) -> str:
        rows = [row for row in self.rows() if row["kind"] == kind]
        if kind == "quarantine" and len(rows) == 1 and rows[0]["files"] == 1:
            return f" ({rows[0]['what']}: {rows[0]['example']})"
        texts = [f"{row['what']} {row['files']:,}" for row in rows[:_NAMED]]
        texts += [f"{len(rows) - _NAMED} more kinds"] if len(rows) > _NAMED else []
        return f" ({', '.join(texts)})" if texts else ""


def reason_kind(reason: str, label: str) -> str:
    """A reason without what differs from file to file: the file's name, the line, what is quoted, advice, numbers."""
    label = printable(" ".join(label.split()))
    text = reason.removeprefix(label)
    if text != reason:  # what is left begins with ", line 17: " or ": "
        text = text.partition(": ")[2] or text
    text = re.split(r"[;:] ", _DETAIL.sub("", text))[0]
    return re.sub(r"\d+", "N", " ".join(text.split())).strip(" .:,") or "no reason"
