"""How the HTTP layer behaves: section `ingestion.http`."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from neuropil.parameters import Length, Positive, Section


class HttpParameters(Section):
    """How files and records are fetched from servers, whichever the source."""

    concurrency: int = Field(8, ge=1, le=64, description="requests in flight at once, over all hosts")
    per_host: int = Field(4, ge=1, le=64, description="of these, to one host")
    requests_per_s: Length | None = Field(None, description="requests begun per second at one host; null = no limit")
    connect_timeout_s: Length = Field(20.0, description="seconds until a connection stands")
    read_timeout_s: Length = Field(60.0, description="longest silence of a server, in seconds")
    slowest_bytes_per_s: float = Field(
        1000.0, ge=0, description="a body that comes slower, over read_timeout_s, is broken off and asked for again"
    )
    attempts: Positive = Field(6, description="attempts in a row that may fail without progress")
    backoff_s: Length = Field(1.0, description="wait before the second attempt; doubles with each, with jitter")
    backoff_most_s: Length = Field(60.0, description="longest such wait")
    retry_after_most_s: Length = Field(
        900.0, description="longest wait a server may ask for (Retry-After); one that asks for more ends the run"
    )
    most_gb: Length = Field(200.0, description="largest file fetched, in GB, where the source states no limit")
    ca_bundle: Path | None = Field(
        None, description="certificates (PEM) trusted besides the usual ones, such as those of your network's proxy"
    )
    insecure: bool = Field(False, description="do not verify who a server is; only where nothing else helps")
    contact: str | None = Field(
        None, pattern=r"^[\x21-\x7e]+$", description="mail or web address that servers see beside neuropil's name"
    )

    @property
    def warning(self) -> str | None:
        """The line for log and summary where servers are not verified, else None."""
        if not self.insecure:
            return None
        return (
            "ingestion.http.insecure is set: no server's certificate was verified, so what came may come from anyone; "
            "give the certificates your network needs with ingestion.http.ca_bundle instead"
        )
