"""Many items through one function: what is done stays done, what fails is told, the rest goes on."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from neuropil.compute import ComputeParameters, open_pool
from neuropil.errors import InputError, MachineError
from neuropil.work.ledger import Entry, Ledger
from neuropil.work.progress import Progress

logger = logging.getLogger(__name__)

Work = Callable[[Any], dict[str, Any]]


@dataclass(frozen=True)
class Item:
    """One piece of work: its name (unique in the ledger), its content key, and what the function is given."""

    name: str
    key: str
    payload: Any = field(repr=False)


def run_items(
    items: Iterable[Item],
    function: Work,
    *,
    ledger: Ledger,
    compute: ComputeParameters,
    label: str,
    total: int | None = None,
    present: Callable[[Entry], bool] | None = None,
) -> Iterator[Entry]:
    """Run `function(item.payload)` for the items that are missing or stale; yield an entry for each, in order.

    Args:
        items: a stream; at most a few dozen are held at a time.
        function: a picklable function that writes its outputs whole (`work.atomic`) and returns a small JSON
            object. `InputError` marks the item as failed; `MachineError` stops the run; any other exception
            is a defect: it is logged with its traceback and marks the item as failed.
        ledger: where entries are looked up and added.
        compute: how many processes, or which dask scheduler.
        label: what the progress bar says.
        total: how many items there are, where known.
        present: asked of an entry that is done: are its outputs still there? Default: trust the ledger.

    Yields:
        The entry of each item, in the order of the items.
    """
    with open_pool(compute) as pool, Progress(label, total) as progress:
        for entry, fresh in pool.stream(_Attempt(function), _planned(items, ledger, present)):
            if fresh:
                ledger.add(entry)
            if entry.state == "failed":
                logger.warning("%s: %s", entry.name, entry.reason)
            progress.advance()
            yield entry


def _planned(
    items: Iterable[Item], ledger: Ledger, present: Callable[[Entry], bool] | None
) -> Iterator[tuple[bool, Any]]:
    """For each item whether it must be run, with the item or its finished entry."""
    for item in items:
        entry = ledger.find(item.name, item.key)
        if entry is not None and (present is None or present(entry)):
            yield False, (entry, False)
        else:
            yield True, item


@dataclass(frozen=True)
class _Attempt:
    """Run the function on one item, in whichever process, and say how it ended."""

    function: Work

    def __call__(self, item: Item) -> tuple[Entry, bool]:
        start = time.perf_counter()
        try:
            result, reason = self.function(item.payload), None
        except MachineError:
            raise
        except InputError as error:
            result, reason = {}, str(error)
        except Exception as error:
            logger.exception("%s failed", item.name)
            result, reason = {}, f"{type(error).__name__}: {error}"
        seconds = round(time.perf_counter() - start, 4)
        return Entry(item.name, item.key, "failed" if reason else "done", result, reason, seconds), True
