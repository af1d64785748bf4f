"""Neurons of NeuroMorpho.org: the list, then the measures, then the files; what is there is not asked for.

NeuroMorpho.org: Ascoli, Donohue, Halavi 2007, J Neurosci 27:9247; Tecuatl, Ljungquist, Ascoli 2024, FASEB BioAdvances
6:207; its API: Akram et al. 2018, Sci Data 5:180006.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from neuropil.errors import InputError, MachineError
from neuropil.sources.http.client import HttpClient
from neuropil.sources.http.parameters import HttpParameters
from neuropil.sources.neuromorpho.files import FOLDER, Files
from neuropil.sources.neuromorpho.listing import listed
from neuropil.sources.neuromorpho.log import LOG, DownloadLog
from neuropil.sources.neuromorpho.morphometry import Measures
from neuropil.sources.neuromorpho.parameters import FIELD, NeuromorphoNeurons
from neuropil.sources.neuromorpho.query import count_line
from neuropil.sources.neuromorpho.records import with_files
from neuropil.work.atomic import remove_leftovers
from neuropil.work.index import Lines

__all__ = ["count_line", "neuromorpho_neurons"]

logger = logging.getLogger(__name__)


def neuromorpho_neurons(parameters: NeuromorphoNeurons, http: HttpParameters, store: Path) -> Iterator[dict[str, Any]]:
    """Fetch the neurons that are asked for and yield a raw record of each, by neuron_id.

    Nothing is asked for twice: neither the list of the same question (until `refresh`), nor measures, nor files. A
    killed run goes on where it was. A neuron that cannot be had is told in the log, and the next run tries it again.

    Args:
        parameters: the question and what is fetched. With `count_only` or `metadata_only` nothing is yielded (see
            `NeuromorphoNeurons.nothing`); `count_line` gives the count.
        http: limits, waits and trust.
        store: the folder of the source. It gets `metadata.jsonl` (the records of the list as the API gives them),
            `query.json` (the question, the count and the day), `morphometry.jsonl` where that is asked for,
            `swc/NAME.CNG.swc` and `download_log.jsonl` (see `DownloadLog.write`).

    Yields:
        {"neuron_name", "swc" (relative to the store), "source": "neuromorpho", "metadata": the API's record, with
        "morphometry" where it is known}; a neuron that could not be had has the reason as "problem".

    Raises:
        InputError: nothing was asked for, no neuron fits, the list cannot be had, or the site stopped answering.
        MachineError: the disk is full.
    """
    if parameters.count_only:
        _say(count_line(parameters, http))
        return
    store.mkdir(parents=True, exist_ok=True)
    remove_leftovers(store)
    files, measures = Files(parameters, store), Measures(store)
    with HttpClient(http) as client:
        records = listed(parameters, client, store)
        log = DownloadLog(parameters, files, measures)
        start = time.monotonic()
        try:
            if parameters.fetch_morphometry:
                measures.fetch(parameters, client, records)
            if not parameters.metadata_only:
                files.fetch(client, records)
        except MachineError:
            raise  # there may be no room for a log either
        except InputError:
            log.write(store, records)
            raise
        log.write(store, records)
        _say(log.line(time.monotonic() - start))
    if log.failed:
        logger.warning(
            "%d of %d neurons of NeuroMorpho.org could not be had; %s says why, and the next run tries them again",
            *(log.failed, len(records), store / LOG),
        )
    if not parameters.metadata_only:
        yield from _raw(records, files, measures, store)


def _raw(records: Lines, files: Files, measures: Measures, store: Path) -> Iterator[dict[str, Any]]:
    """The raw records of the list's neurons."""
    if not any(files.stands(name) for _, name in with_files(records)):
        raise InputError(f"{store / LOG}: not one of {len(records)} neurons could be had ({FIELD}); it says why")
    for record, name in with_files(records):
        known = measures.of(record)
        raw = {
            "neuron_name": record["neuron_name"],
            "swc": f"{FOLDER}/{name}",
            "source": "neuromorpho",
            "metadata": record if known is None else {**record, "morphometry": known},
        }
        yield raw if files.stands(name) else {**raw, "problem": _problem(files, name)}


def _problem(files: Files, name: str) -> str:
    last = files.entry(name)
    return f"could not be had ({(last.reason if last is not None else None) or 'its file is gone'})"


def _say(line: str) -> None:
    """Tell a person what was asked for on the console, where progress is told too."""
    logger.info("%s", line)
    sys.stderr.write(f"{line}\n")
