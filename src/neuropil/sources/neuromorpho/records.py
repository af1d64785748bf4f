"""What the API of NeuroMorpho.org says: pages of a list, measures of a neuron; and where its files are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

from neuropil.sources.http.client import Answer, as_json
from neuropil.sources.http.faults import AttemptError
from neuropil.sources.names import safe_name

MEASURES = (
    "surface",
    "volume",
    "soma_Surface",
    "n_stems",
    "n_bifs",
    "n_branch",
    "width",
    "height",
    "depth",
    "diameter",
    "length",
    "eucDistance",
    "pathDistance",
    "branch_Order",
    "contraction",
    "fragmentation",
    "partition_asymmetry",
    "pk_classic",
    "bif_ampl_local",
    "bif_ampl_remote",
    "fractal_Dim",
)
"""Measures of a neuron, spelt as they are here; in answers the case of letters varies. Lengths are micrometres."""

_SPELT = {name.casefold(): name for name in MEASURES}


class Page(NamedTuple):
    """A page of a list: the list's neurons in all, neurons on a full page, and the records."""

    total: int
    size: int
    records: list[dict[str, Any]]


def page_of(answer: Answer, number: int, size: int) -> Page:
    """The page that an answer holds.

    Args:
        answer: `{"_embedded": {"neuronResources": [...]}, "page": {"size", "totalElements", "number"}}`; without
            `_embedded` where the page is empty.
        number: of the page that was asked for, from 0.
        size: neurons on a page that were asked for; a server may give fewer, and says so.

    Raises:
        AttemptError: it is no such page.
    """
    said = as_json(answer)
    about = said.get("page") if isinstance(said, dict) else None
    total = about.get("totalElements") if isinstance(about, dict) else None
    if not isinstance(about, dict) or not isinstance(total, int) or total < 0:
        raise AttemptError("sends no list of neurons", "content")
    if about.get("number", number) != number:
        raise AttemptError(f"sends page {about['number']} in place of {number}", "content")
    records = (said.get("_embedded") or {}).get("neuronResources") or []
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise AttemptError("sends no list of neurons", "content")
    given = about.get("size", size)
    return Page(total, min(size, given) if _is_count(given) and given else size, records)


def measures_of(answer: Answer, neuron_id: int) -> dict[str, Any]:
    """The measures that an answer holds, under the names of `MEASURES`; None for one that is not known.

    Raises:
        AttemptError: it holds none, or those of another neuron.
    """
    said = as_json(answer)
    if not isinstance(said, dict) or str(said.get("neuron_id", neuron_id)) != str(neuron_id):
        raise AttemptError("sends no measures of this neuron", "content")
    found: dict[str, Any] = {}
    for key, value in said.items():
        name = _SPELT.get(key.casefold())
        if name is not None and found.get(name) is None:
            found[name] = _number(value)
    if not found:
        raise AttemptError("sends no measures of this neuron", "content")
    return {name: found[name] for name in MEASURES if name in found}


def problem_of(record: Mapping[str, Any]) -> str | None:
    """Why a record of the list cannot be used, or None."""
    if not _is_count(record.get("neuron_id")):
        return "its record has no neuron_id"
    missing = [key for key in ("neuron_name", "archive") if not _is_text(record.get(key))]
    return f"its record has no {missing[0]}" if missing else None


def with_files(records: Iterable[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], str]]:
    """Each record that can be used, with its file's name: `NAME.CNG.swc`.

    Names are compared without regard to case, as some file systems do; the second of a name has its neuron_id besides.
    """
    taken: set[str] = set()
    for record in records:
        if problem_of(record) is not None:
            continue
        name = safe_name(record["neuron_name"])
        if name.casefold() in taken:
            name = f"{name}__{record['neuron_id']}"
        taken.add(name.casefold())
        yield record, f"{name}.CNG.swc"


def file_url(site: str, record: Mapping[str, Any]) -> str:
    """Where the neuron's standardised file usually is."""
    archive, name = quote(record["archive"].lower(), safe=""), quote(record["neuron_name"], safe="")
    return f"{site.rstrip('/')}/dableFiles/{archive}/CNG%20version/{name}.CNG.swc"


def measures_url(site: str, neuron_id: int) -> str:
    """Where the neuron's measures are."""
    return f"{site.rstrip('/')}/api/morphometry/id/{neuron_id}"


def neuron_page_url(site: str, record: Mapping[str, Any]) -> str:
    """The page about the neuron, for people."""
    return f"{site.rstrip('/')}/neuron_info.jsp?neuron_name={quote(record['neuron_name'], safe='')}"


def _number(value: Any) -> float | None:
    """A number, also where it is written as text; None for `N/A` and its kin, which are no JSON of others."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if abs(number) < float("inf") else None


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())
