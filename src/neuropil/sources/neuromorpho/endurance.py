"""When to give up on a site: it stopped answering, and the next hundred thousand requests would do no better."""

from __future__ import annotations

from neuropil.errors import InputError
from neuropil.sources.http.faults import AGAIN, RequestError

_MOST = 20  # neurons in a row; each was tried `ingestion.http.attempts` times


class Endurance:
    """Counts neurons in a row for which the site did not answer.

    Args:
        site: its address, for the message.
    """

    def __init__(self, site: str) -> None:
        self._site = site
        self._row = 0

    def bear(self, error: InputError | None) -> None:
        """Take note of how a neuron ended.

        Args:
            error: None where it came. A missing record or a wrong file (404, a web page) is an answer, too.

        Raises:
            InputError: too many in a row had none.
        """
        silent = isinstance(error, RequestError) and error.kind == "passing"
        self._row = self._row + 1 if silent else 0
        if self._row >= _MOST:
            raise InputError(f"{self._site} has stopped answering ({error}); {AGAIN}")
