"""How often and how long a request is tried: exponential back-off with jitter, and what the server asks for."""

from __future__ import annotations

import random

from neuropil.sources.http.faults import AttemptError, RequestError
from neuropil.sources.http.parameters import HttpParameters

_CONTENT_MOST = 2  # wrong content twice is no accident of the way


class Patience:
    """The faults of one request so far, and the decision to try again.

    An attempt waits `backoff_s * 2^(n-1)` seconds after the n-th fault in a row, at most `backoff_most_s`, times a
    random factor of 0.5 to 1 (so that many clients do not come back together), and never less than the server's
    Retry-After.

    Args:
        url: the address as it stands in messages.
        http: attempts and waits.
        advice: what a person can do where the request fails for good, beside what the fault itself says.
    """

    def __init__(self, url: str, http: HttpParameters, advice: str | None = None) -> None:
        self.faults: list[str] = []
        self._url, self._http, self._advice = url, http, advice
        self._row = self._content = 0

    def bear(self, fault: AttemptError, *, progressed: bool = False) -> float:
        """Seconds to wait before the next attempt.

        Args:
            fault: how the last attempt failed.
            progressed: it brought something all the same, so the count begins anew.

        Raises:
            RequestError: there is to be no further attempt.
        """
        self.faults.append(fault.reason)
        self._row = 0 if progressed else self._row + 1
        self._content += fault.kind == "content"
        if fault.kind == "final" or self._content >= _CONTENT_MOST:
            raise self._error(fault)
        if fault.wait is not None and fault.wait > self._http.retry_after_most_s:
            raise self._error(fault, f", and asks to wait {fault.wait:,.0f} s")
        if self._row >= self._http.attempts:
            raise self._error(fault, f" ({self._row} attempts)" if self._row > 1 else "")
        pause = min(self._http.backoff_most_s, self._http.backoff_s * 2.0 ** min(max(self._row - 1, 0), 60))
        return max(fault.wait or 0.0, pause * random.uniform(0.5, 1.0))

    def _error(self, fault: AttemptError, more: str = "") -> RequestError:
        advice = f"{fault.advice}; {self._advice}" if self._advice else fault.advice
        return RequestError(self._url, fault.reason + more, advice, fault.status, fault.kind)
