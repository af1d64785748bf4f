"""Volumes whose labels have another shape than the image: is it another order of the axes?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from neuropil.em.formats.opening import open_container
from neuropil.em.inspection.label_fit import FOUND, fit_labels
from neuropil.errors import InputError
from neuropil.work.index import Record


@contextmanager
def opened(record: Record, raw_store: Path) -> Iterator[tuple[Any, dict[str, Any]]]:
    """The image and the labels of a raw volume, whatever their shapes.

    Args:
        record: of the index `raw_volumes`.
        raw_store: what its relative paths are relative to.

    Raises:
        InputError: a file cannot be opened.
    """
    with ExitStack() as stack:
        place: Mapping[str, Any] = record.get("raw") or {"path": record["file"], "key": None}
        container = stack.enter_context(open_container(raw_store / place["path"]))
        grid = container.raw(place.get("key"))
        labels = {}
        for name, source in (record.get("labels") or {}).items():
            one = stack.enter_context(open_container(raw_store / source["path"]))
            labels[name] = one.label(source.get("key")).array
        if record.get("labels") is None:
            labels = {name: one.array for name, one in container.labels().items() if one.name != grid.name}
        yield grid.array, labels


def turned_labels(record: Record, raw_store: Path) -> dict[str, str]:
    """How labels of another shape than the image must be turned to fit it, by name ("axes in the order x y z").

    Those labels whose edges agree with the image once turned; none where the volume cannot be read, which the log of
    volumes tells. Arguments as for `opened`.
    """
    turns = {}
    with suppress(InputError, OSError), opened(record, raw_store) as (raw, labels):
        for name, array in labels.items():
            if tuple(array.shape) != tuple(raw.shape):
                fit = fit_labels(raw, array)
                if fit is not None and fit.best >= FOUND:
                    turns[name] = fit.symmetry
    return turns
