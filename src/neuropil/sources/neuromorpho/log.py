"""What became of every neuron that was listed, as `download_log.jsonl`, and that in one line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from neuropil.sources.neuromorpho.files import FOLDER, Files
from neuropil.sources.neuromorpho.morphometry import Measures
from neuropil.sources.neuromorpho.parameters import NeuromorphoNeurons
from neuropil.sources.neuromorpho.records import problem_of, with_files
from neuropil.work.index import write_lines

LOG = "download_log.jsonl"
_NOT_ASKED = "metadata_only is set"


class DownloadLog:
    """Writes the log.

    Args:
        parameters: what was wanted.
        files: what is known of the files.
        measures: what is known of the measures.
    """

    def __init__(self, parameters: NeuromorphoNeurons, files: Files, measures: Measures) -> None:
        self._parameters, self._files, self._measures = parameters, files, measures
        self._counts: Counter[str] = Counter()
        self._bytes = 0

    def write(self, store: Path, records: Iterable[dict[str, Any]]) -> None:
        """Write a line for each record of the list: {"neuron_id", "neuron_name", "source", "status", "file", "url",
        "bytes", "sha256", "attempts", "faults", "reason", "morphometry"}.

        `status` is `downloaded` (by this run), `present` (no request was made for it), `failed` (the next run tries
        again) or `skipped` (not asked for). `faults` are the reasons of attempts that failed before one succeeded.
        `morphometry` is `present`, `failed` or, where it was not asked for, null.
        """
        write_lines(store / LOG, self._lines(records))

    @property
    def failed(self) -> int:
        """Neurons without a file though it was asked for."""
        return self._counts["failed"]

    def line(self, seconds: float) -> str:
        """One line for a person, with the rate of what this run fetched."""
        texts = [f"{self._counts[status]:,} {status}" for status in ("downloaded", "present", "failed", "skipped")]
        rate = ""
        if self._counts["downloaded"] and seconds > 0:
            count = self._counts["downloaded"]
            rate = f"; {self._bytes / 1e6:,.1f} MB in {seconds:,.0f} s, {count / seconds:.1f} neurons per second"
        return f"NeuroMorpho.org: {', '.join(texts)}{rate}"

    def _lines(self, records: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        names = with_files(records)
        for record in records:
            problem = problem_of(record)
            line = self._bare(record, problem) if problem else self._line(record, next(names)[1])
            self._counts[line["status"]] += 1
            self._bytes += line["bytes"] or 0 if line["status"] == "downloaded" else 0
            yield line

    def _bare(self, record: dict[str, Any], reason: str) -> dict[str, Any]:
        """The line of a record that cannot be used."""
        name = record.get("neuron_name")
        return {
            "neuron_id": record.get("neuron_id"),
            "neuron_name": None if name is None else str(name),
            "source": "neuromorpho",
            "status": "failed",
            "file": None,
            "url": None,
            "bytes": None,
            "sha256": None,
            "attempts": 0,
            "faults": [],
            "reason": reason,
            "morphometry": None,
        }

    def _line(self, record: dict[str, Any], name: str) -> dict[str, Any]:
        line = self._bare(record, "") | {"reason": None, "morphometry": self._of_measures(record)}
        if self._parameters.metadata_only:
            return line | {"status": "skipped", "reason": _NOT_ASKED}
        last = self._files.entry(name)
        if last is None:  # the run ended before its turn came
            return line | {"status": "skipped", "reason": "the run ended before"}
        done, faults = last.result, list(last.result.get("faults", []))
        line |= {"url": done.get("url"), "faults": faults, "reason": last.reason}
        if not self._files.stands(name):
            return line | {"attempts": len(faults)}
        return line | {
            "status": "downloaded" if self._files.is_fresh(name) else "present",
            "file": f"{FOLDER}/{name}",
            "bytes": done.get("size"),
            "sha256": done.get("sha256"),
            "attempts": len(faults) + (done.get("url") is not None),
        }

    def _of_measures(self, record: dict[str, Any]) -> str | None:
        if self._measures.of(record) is not None:
            return "present"
        return "failed" if self._parameters.fetch_morphometry and self._measures.reason(record) else None
