"""Neurons of the Allen Institute: section `ingestion.neurons.allen`. Every address is a default, none a constant."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from neuropil.parameters import Positive, Section, Words

Url = Annotated[str, Field(pattern=r"^https?://[^\s]+$")]
AllenDatabase = Literal["cell_types", "patch_seq"]

FIELD = "ingestion.neurons.allen"

_CELL_TYPES = "https://celltypes.brain-map.org"
_BIL = "https://download.brainimagelibrary.org/biccn/zeng"


def _pattern(text: str) -> str:
    """The text, where it is a regular expression with a group `id`."""
    try:
        found = re.compile(text)
    except re.error as error:
        raise ValueError(f"no regular expression ({error})") from error
    if "id" not in found.groupindex:
        raise ValueError("it must hold the cell's id as (?P<id>...)")
    return text


def _with_id(url: str) -> str:
    if "{id}" not in url:
        raise ValueError("write {id} where the file's number goes")
    return url


def _values(value: Any) -> Any:
    """Turn `a+b`, one value or a list into texts: the command line cuts at commas and reads 5 as a number."""
    values = value.split("+") if isinstance(value, str) else value if isinstance(value, (list, tuple)) else [value]
    return tuple(str(one).strip() for one in values)


Values = Annotated[tuple[str, ...], BeforeValidator(_values), Field(min_length=1)]


class PatchSeqListing(Section):
    """A directory of the Brain Image Library with SWC files of Patch-seq cells, and the table of their types."""

    url: Url = Field(description="address of the directory's listing; what lies below it is looked through")
    table: Path | None = Field(
        None, description="CSV of the cells' types, a row a cell; null = nothing is known of them"
    )
    id_column: str = Field("cell_specimen_id", description="column of the table that holds the cell's id")
    columns: dict[str, str | None] = Field(
        {
            "t_type": "T-type Label",
            "met_type": "MET-type",
            "dendrite_type": "dendrite_type",
            "brain_region": "structure",
            "species": "species",
        },
        description="column of the table by fact; null = none",
    )
    facts: dict[str, str | None] = Field(
        {}, description="facts of all cells of the listing that no table says; null = none"
    )
    file_name: Annotated[str, AfterValidator(_pattern)] = Field(
        r"(?P<id>\d+)(?:_(?P<form>\w+))?\.swc",
        description="regular expression for the names of SWC files, with the cell's id and, where there are several "
        "files of a cell, their form",
    )
    prefer: Annotated[tuple[str, ...], Words] = Field(
        ("transformed", "upright", "raw"), description="which form is taken of several, the first there is"
    )


_VISP = PatchSeqListing(
    url=f"{_BIL}/pseq/morph/200526/",
    facts={
        "species": "mouse",
        "brain_region": "visual cortex",
        "archive": "Allen Patch-seq",
        "reference_doi": "10.1016/j.cell.2020.09.057",
    },
)
_MOP = PatchSeqListing(
    url=f"{_BIL}/tolias/pseq/morph/",
    id_column="Cell",
    columns={"t_type": "RNA type", "rna_family": "RNA family", "layer": "Targeted layer"},
    facts={
        "species": "mouse",
        "brain_region": "primary motor cortex",
        "archive": "Tolias Patch-seq",
        "reference_doi": "10.1038/s41586-020-2907-3",
    },
    file_name=r"(?P<id>.+)\.swc",
    prefer=(),
)


class PatchSeqNeurons(Section):
    """Patch-seq cells: reconstructions in the Brain Image Library, transcriptomic types in tables."""

    listings: dict[str, PatchSeqListing | None] = Field(
        {"visp": _VISP, "mop": _MOP}, description="directories looked through, by name; null drops one"
    )
    depth: int = Field(3, ge=0, le=10, description="folders below each address that are looked into")
    most_folders: Positive = Field(20_000, description="folders looked into at most, for a listing without an end")
    unlabelled: bool = Field(True, description="also cells that no table has a row of")


class AllenNeurons(Section):
    """Reconstructions of the Allen Cell Types Database and of the Allen Institute's Patch-seq cells."""

    databases: Annotated[tuple[AllenDatabase, ...], Words] = Field(
        ("cell_types", "patch_seq"), min_length=1, description="which are read, in this order"
    )
    path: Path | None = Field(
        None,
        description="folder with the SWC files (named by specimen) and the table of specimens on disk; nothing is "
        "fetched then; null = fetch",
    )
    table: Path | None = Field(
        None,
        description="table of specimens on disk (the database's CSV export, or an answer of its RMA service); "
        "null = the one in `path` or above it, else it is fetched",
    )
    specimens: Literal["csv", "rma"] = Field("csv", description="what is asked for the table: its CSV export or RMA")
    csv: Url = Field(f"{_CELL_TYPES}/cell_types_specimen_details.csv", description="address of the CSV export")
    rma: Url = Field("https://api.brain-map.org/api/v2/data/query.json", description="address of the RMA service")
    reconstruction: Annotated[Url, AfterValidator(_with_id)] = Field(
        f"{_CELL_TYPES}/api/v2/well_known_file_download/{{id}}",
        description="address of a reconstruction; {id} = its nrwkf__id",
    )
    hosts: Annotated[tuple[str, ...], Words] = Field(
        ("*.brain-map.org",), description="hosts a file may redirect to besides its own; *.name: all below name"
    )
    filters: dict[str, Values | None] = Field(
        {},
        description="specimens taken: by column of the table the values wanted, such as "
        "{donor__species: [Mus musculus], nr__reconstruction_type: [full]}",
    )
    most: Positive | None = Field(None, description="neurons taken at most, the first by id; null = all")
    most_mb: Positive = Field(200, description="a reconstruction that is larger is refused, in MB")
    count_only: bool = Field(False, description="say how many reconstructions there are, fetch none")
    metadata_only: bool = Field(False, description="fetch tables and listings, no reconstruction")
    refresh: bool = Field(False, description="ask for tables and listings anew; files that are there are kept")
    overwrite: bool = Field(False, description="fetch everything anew; else what is there makes no request")
    patch_seq: PatchSeqNeurons = Field(default_factory=PatchSeqNeurons)

    @property
    def nothing(self) -> str | None:
        """Why no neuron comes of it by choice, else None."""
        if self.count_only:
            return f"no neurons: {FIELD}.count_only is set"
        return f"no neurons: {FIELD}.metadata_only is set" if self.metadata_only else None
