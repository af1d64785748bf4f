"""Many items through one function: what is done stays done, what fails is told, the rest goes on."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from neuropil.compute import ComputeParameters, open_pool
from neuropil.errors import InputError, MachineError
from neuropil.work.ledger import Entry, Ledger
from neuropil.work.progress import Progress
from neuropil.work.text import printable

logger = logging.getLogger(__name__)

Work = Callable[[Any], dict[str, Any]]

_TOLD = 5  # failures that are told one by one; a folder of ten thousand web pages is told in one line


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
    brief: Callable[[dict[str, Any]], Any] | None = None,
) -> Iterator[Entry]:
    """Run `function(item.payload)` for the items that are missing or stale; yield an entry for each, in order.

    Args:
        items: a stream; a few are held for each process, a few hundred where they take milliseconds.
        function: a picklable function that writes its outputs whole (`work.atomic`) and returns a small JSON
            object. `InputError` marks the item as failed; `MachineError` stops the run; any other exception
            is a defect: it is logged with its traceback and marks the item as failed. The first failures are
            told one by one, the others by their number; entries hold the reasons of all.
        ledger: where entries are looked up and added.
        compute: how many processes, or which dask scheduler.
        label: what the progress bar says.
        total: how many items there are, where known.
        present: asked of an entry that is done: are its outputs still there? Default: trust the ledger.
        brief: what is to be told of a large result at once (a picklable function), as `Entry.brief`; it is worked out
            where the item is run, so that the leading process need not read the result.

    Yields:
        The entry of each item, in the order of the items.
    """
    failures = 0
    with open_pool(compute) as pool, Progress(label, total) as progress:
        for entry in pool.stream(_Attempt(function, brief), _planned(items, ledger, present, brief)):
            if entry.fresh:
                ledger.add(entry)
            if entry.state == "failed":
                failures += 1
                if failures <= _TOLD:
                    logger.warning("%s: %s", printable(entry.name), entry.reason)
            progress.advance()
            yield entry
    if failures > _TOLD:
        logger.warning("%s: %d more failed; %s holds their reasons", label, failures - _TOLD, ledger.path)


def _planned(
    items: Iterable[Item],
    ledger: Ledger,
    present: Callable[[Entry], bool] | None,
    brief: Callable[[dict[str, Any]], Any] | None,
) -> Iterator[tuple[bool, Any]]:
    """For each item whether it must be run, with the item or its finished entry."""
    for item in items:
        entry = ledger.find(item.name, item.key)
        if entry is not None and (present is None or present(entry)):
            entry.brief = brief(entry.result) if brief is not None else None
            yield False, entry
        else:
            yield True, item


@dataclass(frozen=True)
class _Attempt:
    """Run the function on one item, in whichever process, and say how it ended."""

    function: Work
    brief: Callable[[dict[str, Any]], Any] | None = None

    def __call__(self, item: Item) -> Entry:
        start = time.perf_counter()
        try:
            result, reason = self.function(item.payload), None
        except MachineError:
            raise
        except InputError as error:
            result, reason = {}, printable(str(error))
        except Exception as error:
            self._tell(item, error)
            result, reason = {}, printable(f"{type(error).__name__}: {error}")
        seconds = round(time.perf_counter() - start, 4)
        entry = Entry(item.name, item.key, "failed" if reason else "done", result, reason, seconds)
        entry.fresh = True
        entry.brief = self.brief(result) if self.brief is not None and not reason else None
        return entry.encoded()

    def _tell(self, item: Item, error: Exception) -> None:
        """Log a defect with its traceback; one that meets every item is told a few times only by each process."""
        kind = f"{getattr(self.function, '__qualname__', self.function)}: {type(error).__name__}"
        _defects[kind] += 1
        if _defects[kind] <= _TOLD:
            logger.exception("%s failed", printable(item.name))


_defects: Counter[str] = Counter()
