"""The question that is put to NeuroMorpho.org: GET with a query, or POST with values by field."""

from __future__ import annotations

from functools import partial
from typing import Any
from urllib.parse import quote, urlencode

from neuropil.errors import InputError
from neuropil.sources.http.client import HttpClient
from neuropil.sources.http.parameters import HttpParameters
from neuropil.sources.neuromorpho.parameters import FIELD, NeuromorphoNeurons
from neuropil.sources.neuromorpho.records import Page, page_of
from neuropil.work.keys import content_key


class Question:
    """Which neurons are wanted.

    Args:
        parameters: `query` or `filters`, and the site.

    Raises:
        InputError: neither says which neurons are wanted.
    """

    def __init__(self, parameters: NeuromorphoNeurons) -> None:
        if not parameters.query and not parameters.filters:
            raise InputError(f"no neurons are asked for; set {FIELD}.query=species:mouse, say, or {FIELD}.filters")
        self._parameters = parameters
        self.size = parameters.page_size

    def __str__(self) -> str:
        if self._parameters.query:
            return self._parameters.query
        return ", ".join(f"{field}: {' or '.join(values)}" for field, values in self._parameters.filters.items())

    @property
    def key(self) -> str:
        """Of the finished list: another key, another list."""
        said = self._parameters
        most = None if said.max_pages is None else said.max_pages * said.page_size
        return content_key("neuromorpho", said.site, said.query, said.filters, most)

    def page(self, client: HttpClient, number: int, size: int) -> Page:
        """A page of the list, from 0. Without a fixed order pages overlap and leave neurons out, so it is sorted.

        Raises:
            RequestError: it cannot be had.
        """
        said = self._parameters
        fields = {} if said.query is None else {"q": said.query}
        fields |= {"page": str(number), "size": str(size), "sort": "neuron_id,asc"}
        options: dict[str, Any] = {"headers": {"Accept": "application/json"}, "hosts": said.hosts}
        if said.query is None:
            options |= {"method": "POST", "body": {field: list(values) for field, values in said.filters.items()}}
        url = f"{said.site.rstrip('/')}/api/neuron/select?{urlencode(fields, quote_via=quote, safe=':,')}"
        field = f"{FIELD}.{'query' if said.query else 'filters'}"
        advice = f"the question was {field}; {said.site.rstrip('/')}/api/neuron/fields lists what can be asked for"
        return client.get(url, partial(page_of, number=number, size=size), advice=advice, **options)


def neurons_counted(parameters: NeuromorphoNeurons, http: HttpParameters) -> int:
    """How many neurons there are, in one short request; nothing else is fetched."""
    question = Question(parameters)
    with HttpClient(http) as client:
        return question.page(client, 0, 1).total


def count_line(parameters: NeuromorphoNeurons, http: HttpParameters) -> str:
    """The count as a line for a person: `NeuroMorpho.org has 1,234 neurons with species:mouse`."""
    return f"NeuroMorpho.org has {neurons_counted(parameters, http):,} neurons with {Question(parameters)}"
