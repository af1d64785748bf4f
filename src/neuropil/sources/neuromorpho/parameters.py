"""Which neurons of NeuroMorpho.org are fetched: section `ingestion.neurons.neuromorpho`."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from neuropil.parameters import Length, Positive, Section
from neuropil.sources.volume_parameters import Url

FIELD = "ingestion.neurons.neuromorpho"


def _listed(value: Any) -> Any:
    """Turn one value into a list of one: `species: mouse` says what `species: [mouse]` does."""
    return (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list) else value


Values = Annotated[tuple[Annotated[str, Field(min_length=1)], ...], BeforeValidator(_listed), Field(min_length=1)]


class NeuromorphoNeurons(Section):
    """Neurons of NeuroMorpho.org. How requests are made (rate, retries, trust) stands in `ingestion.http`."""

    query: str | None = Field(
        None, min_length=1, description="one field and its value, such as species:mouse; null = filters say it"
    )
    filters: dict[str, Values] = Field(
        {}, description="values by field, such as {species: [mouse], domain: ['Dendrites, Soma, Axon']}; all must hold"
    )
    fetch_morphometry: bool = Field(False, description="also the measures of each neuron: one request more for each")
    find: bool = Field(
        False,
        description="where a file is not at its usual address, look up the link on the neuron's page, which the site's "
        "terms do not allow to scripts",
    )
    count_only: bool = Field(False, description="say how many neurons there are, and fetch none")
    metadata_only: bool = Field(False, description="fetch what is known of the neurons, but no SWC files")
    max_pages: Positive | None = Field(None, description="pages of the list that are read; null = all")
    page_size: int = Field(500, ge=1, le=500, description="neurons on a page of the list")
    refresh: bool = Field(
        False, description="ask for the list again, though it is there; files that are there are kept"
    )
    overwrite: bool = Field(False, description="ask for everything again: the list, the measures and the files")
    most_mb: Length = Field(200.0, description="a file that is larger is refused")
    site: Url = Field("https://neuromorpho.org", description="where the API, the pages and the files are")
    hosts: tuple[str, ...] = Field(
        ("*.neuromorpho.org",), description="hosts it may redirect to besides its own; *.name: all below name"
    )

    @model_validator(mode="after")
    def _one_question(self) -> NeuromorphoNeurons:
        if self.query and self.filters:
            raise ValueError("give query or filters, not both; write the query's field as one of the filters")
        return self

    @property
    def nothing(self) -> str | None:
        """Why no neuron comes of it by choice, else None."""
        if self.count_only:
            return f"no neurons: {FIELD}.count_only is set"
        return f"no neurons: {FIELD}.metadata_only is set" if self.metadata_only else None
