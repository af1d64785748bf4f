"""The repositories that neurons come from: licence, terms and how they ask to be cited."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

NEUROMORPHO = "NeuroMorpho.Org"
CELL_TYPES = "Allen Cell Types Database"
BRAIN_IMAGE_LIBRARY = "Brain Image Library"
SAMPLE = "neuropil sample"


@dataclass(frozen=True)
class Repository:
    """A repository.

    Attributes:
        name: as it is cited.
        url: its page.
        licence: under which its data may be used, in a few words.
        short: how it is named in the citation of one neuron.
        policy: what it asks of those who publish with its data, a sentence or two.
        terms: where that is written.
        papers: whether it asks for the papers that describe the reconstructions.
        references: BibTeX entries of what it asks to be cited, by key.
    """

    name: str
    url: str
    licence: str
    short: str
    policy: str
    terms: str
    papers: bool
    references: Mapping[str, Mapping[str, str]]


_TECUATL = {
    "type": "article",
    "author": "Tecuatl, Carolina and Ljungquist, Bengt and Ascoli, Giorgio A.",
    "title": "Accelerating the continuous community sharing of digital neuromorphology data",
    "journal": "FASEB BioAdvances",
    "volume": "6",
    "number": "7",
    "pages": "207--221",
    "year": "2024",
    "doi": "10.1096/fba.2024-00048",
}
_ALLEN_CELL_TYPES = {
    "type": "misc",
    "author": "{Allen Institute for Brain Science}",
    "title": "Allen Cell Types Database",
    "year": "2015",
    "url": "https://celltypes.brain-map.org",
    "note": "RRID:SCR_014806",
}
_BIL = {
    "type": "misc",
    "author": "{Brain Image Library}",
    "title": "Brain Image Library, a BRAIN Initiative archive",
    "url": "https://www.brainimagelibrary.org",
    "note": "RRID:SCR_017272",
}

REPOSITORIES = {
    NEUROMORPHO: Repository(
        NEUROMORPHO,
        "https://neuromorpho.org",
        "CC BY 4.0",
        "NeuroMorpho.Org (RRID:SCR_002145)",
        "Cite all three: the original papers that describe the reconstructions (below, as far as the records name "
        "them), the complete name NeuroMorpho.Org (RRID:SCR_002145), and Tecuatl, Ljungquist and Ascoli 2024, FASEB "
        "BioAdvances 6:207-221.",
        "https://neuromorpho.org/useterm.jsp",
        True,
        {"tecuatl_2024_neuromorpho": _TECUATL},
    ),
    CELL_TYPES: Repository(
        CELL_TYPES,
        "https://celltypes.brain-map.org",
        "Allen Institute Terms of Use (noncommercial use, with citation)",
        "Allen Cell Types Database, Allen Institute for Brain Science (RRID:SCR_014806)",
        "Cite the database with its address (Allen Institute for Brain Science, Allen Cell Types Database, "
        "celltypes.brain-map.org); for single cells name the specimen's id and the address of its page.",
        "https://alleninstitute.org/legal/citation-policy",
        False,
        {"allen_cell_types": _ALLEN_CELL_TYPES},
    ),
    BRAIN_IMAGE_LIBRARY: Repository(
        BRAIN_IMAGE_LIBRARY,
        "https://www.brainimagelibrary.org",
        "as the data set's own page in the library says",
        "Brain Image Library (RRID:SCR_017272)",
        "Cite the data set as its own page in the library says, with the paper that describes it.",
        "https://www.brainimagelibrary.org",
        True,
        {"brain_image_library": _BIL},
    ),
}


def repository_of(record: Mapping[str, Any]) -> str | None:
    """The repository that a record of a neuron comes from; None where nothing says so.

    A record says it itself (`repository` or `database`), or it has the columns of the Allen Cell Types Database, or
    comes from NeuroMorpho.org or has that archive's form (an archive and a `neuron_id`), wherever it was read.
    """
    for field in ("repository", "database"):
        if record.get(field):
            return str(record[field])
    if record["source"] == "sample":
        return SAMPLE
    if "donor__species" in record:
        return CELL_TYPES
    in_form = "archive" in record and "neuron_id" in record
    return NEUROMORPHO if record["source"] == "neuromorpho" or in_form else None
