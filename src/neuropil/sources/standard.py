"""What is known of a neuron in one form, whatever its source: beside the source's own fields, under these names.

    repository, source_id, source_url   where it comes from, its id and page there
    laboratory                          who traced it (neuromorpho.org's archive)
    publications                        a list of {"doi", "pmid"}
    licence, citation                   of the repository; the publications with the repository
    region_path                         brain regions, coarse to fine, without the layer, which is `layer`
    cell_type_path                      broad group, class, markers, then transcriptomic types
    dendrite_type, apical               spiny, aspiny ...; intact, truncated ...
    traced                              what was traced: soma, axon, dendrites ...
    integrity                           compartment -> complete, moderate or incomplete
    measured                            what the tracing holds: diameter, 3d, angles

What is unknown is absent; what a source's own field of the same name says is kept.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import quote

from neuropil.sources.repositories import CELL_TYPES, NEUROMORPHO, REPOSITORIES, repository_of

SCIENTIFIC_NAMES = {
    "mus musculus": "mouse",
    "homo sapiens": "human",
    "rattus norvegicus": "rat",
    "rattus rattus": "rat",
    "danio rerio": "zebrafish",
    "macaca mulatta": "rhesus",
}
LAYER = re.compile(r"\b(?:layers?|l)[\s_]*([1-6](?:\s*[-/&]\s*[1-6])?[ab]?)\b", re.IGNORECASE)

_WHOLE = {"brain", "central nervous system", "peripheral nervous system", "forebrain", "midbrain", "hindbrain"}
_COARSE = {
    *("neocortex", "isocortex", "cerebral cortex", "cortex", "hippocampus", "basal ganglia", "cerebellum", "thalamus"),
    *("hypothalamus", "amygdala", "brainstem", "pons", "medulla", "spinal cord", "retina", "main olfactory bulb"),
    *("olfactory bulb", "optic lobe", "mushroom body", "ventral nerve cord", "myelencephalon", "mesencephalon"),
}  # fmt: skip
_GROUPS = {"principal cell", "interneuron", "glia", "neuron", "sensory receptor", "projection neuron"}
_MARKER = re.compile(
    r"positive|negative|expressing|immunoreactive|^(?:local|long) projecting$|^(?:glutamat|gaba|cholin|dopamin)ergic$",
    re.IGNORECASE,
)
_DOI = re.compile(r"10\.\d{4,9}/\S+")
_STATES = {"complete", "moderate", "incomplete"}
_ABSENT = re.compile(r"no\s", re.IGNORECASE)  # "No Axon"
_WORD = re.compile(r"[A-Za-z]+")
_COMPARTMENTS = {"dendrite": "dendrites", "axons": "axon", "neurite": "neurites", "process": "processes"}


def standard_fields(record: Mapping[str, Any]) -> dict[str, Any]:
    """The fields above of a record that holds what is known under the source's own names."""
    repository = repository_of(record)
    publications = publications_of(record)
    known = REPOSITORIES.get(repository or "")
    cited = [_reference(one) for one in publications] + ([known.short] if known else [])
    fields = {
        "repository": repository,
        "source_id": _source_id(record),
        "source_url": _page(record, repository),
        "laboratory": record.get("archive"),
        "publications": publications,
        "licence": known.licence if known else None,
        "citation": "; ".join(cited),
        "region_path": _sorted(_texts(record.get("brain_region")), _region_rank, without=LAYER),
        "cell_type_path": _cell_type_path(record),
        "traced": [_compartment(text) for text in _items(record.get("domain")) if not _ABSENT.match(text)],
        "integrity": integrity_of(_text(record, "physical_Integrity", "physical_integrity")),
        "measured": [text.casefold() for text in _items(record.get("attributes"))],
    }
    return {key: value for key, value in fields.items() if value and key not in record}


def publications_of(record: Mapping[str, Any]) -> list[dict[str, str]]:
    """The papers that a record names, each {"doi", "pmid"} as far as known.

    Lists of one length (`reference_doi`, `reference_pmid`) name the same papers in the same order.
    """
    dois = [match[0].rstrip(".,;") for text in _texts(record.get("reference_doi")) if (match := _DOI.search(text))]
    pmids = [text for one in _texts(record.get("reference_pmid")) if (text := one.removesuffix(".0")).isdecimal()]
    dois, pmids = list(dict.fromkeys(dois)), list(dict.fromkeys(pmids))
    if len(dois) == len(pmids):
        return [{"doi": doi, "pmid": pmid} for doi, pmid in zip(dois, pmids, strict=True)]
    return [{"doi": doi} for doi in dois] + [{"pmid": pmid} for pmid in pmids]


def integrity_of(text: str) -> dict[str, str]:
    """How complete each compartment is: "Dendrites & Axon Moderate" -> {"dendrites": "moderate", "axon": "moderate"}.

    A state holds for the compartments named before it, back to the state before.
    """
    found: dict[str, str] = {}
    named: list[str] = []
    for word in _WORD.findall(text):
        if word.casefold() in _STATES:
            found |= dict.fromkeys(named, word.casefold())
            named = []
        elif word.casefold() != "and":
            named.append(_compartment(word))
    return found


def _compartment(text: str) -> str:
    return _COMPARTMENTS.get(text.casefold(), text.casefold())


def _source_id(record: Mapping[str, Any]) -> str | None:
    found = next((record[key] for key in ("neuron_id", "specimen__id", "cell_specimen_id") if record.get(key)), None)
    return None if found is None else str(found)


def _page(record: Mapping[str, Any], repository: str | None) -> str | None:
    if repository == NEUROMORPHO:
        name = str(record.get("source_name", record["neuron_name"]))
        return f"https://neuromorpho.org/neuron_info.jsp?neuron_name={quote(name)}"
    if repository == CELL_TYPES and record.get("specimen__id"):
        return f"https://celltypes.brain-map.org/experiment/morphology/{record['specimen__id']}"
    return None


def _reference(publication: Mapping[str, str]) -> str:
    return f"doi:{publication['doi']}" if "doi" in publication else f"PMID:{publication['pmid']}"


def _cell_type_path(record: Mapping[str, Any]) -> list[str]:
    types = _sorted(_texts(record.get("cell_type")), _cell_type_rank)
    finer = [str(record[key]) for key in ("met_type", "t_type") if record.get(key)]
    return list(dict.fromkeys([*types, *finer]))


def _sorted(texts: list[str], rank: Callable[[str], int], *, without: re.Pattern[str] | None = None) -> list[str]:
    """The texts by rank, then as given, each once, without those that a pattern matches as a whole."""
    once: dict[str, str] = {}
    for text in texts:
        if without is None or not without.fullmatch(text):
            once.setdefault(text.casefold(), text)
    return sorted(once.values(), key=rank)


def _region_rank(text: str) -> int:
    return 0 if text.casefold() in _WHOLE else 1 if text.casefold() in _COARSE else 2


def _cell_type_rank(text: str) -> int:
    return 0 if text.casefold() in _GROUPS else 2 if _MARKER.search(text) else 1


def _text(record: Mapping[str, Any], *keys: str) -> str:
    return next((str(record[key]) for key in keys if record.get(key)), "")


def _texts(value: Any) -> list[str]:
    values: Iterable[Any] = value if isinstance(value, (list, tuple)) else [] if value is None else [value]
    return [text for item in values if (text := str(item).strip())]


def _items(value: Any) -> list[str]:
    """The parts of a text such as "Dendrites, Soma, Axon", or of a list of such texts."""
    return [part.strip() for text in _texts(value) for part in text.split(",") if part.strip()]
