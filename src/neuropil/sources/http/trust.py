"""Whom we trust: the TLS contexts."""

from __future__ import annotations

import ssl

from neuropil.errors import InputError
from neuropil.sources.http.parameters import HttpParameters

# Old servers offer Diffie-Hellman with a key that OpenSSL rightly refuses (DH_KEY_TOO_SMALL). Without it they take
# another exchange (ECDHE); certificates are verified as ever.
OLD_SERVERS = "HIGH:!DH:!aNULL"


def tls_context(http: HttpParameters, *, old: bool = False) -> ssl.SSLContext:
    """The context for connections: verified unless `insecure` was chosen.

    Args:
        http: `ca_bundle` and `insecure`.
        old: with the ciphers for old servers.

    Raises:
        InputError: `ca_bundle` cannot be read or holds no certificates.
    """
    import httpx

    context = httpx.create_ssl_context()
    if http.ca_bundle is not None:
        try:
            context.load_verify_locations(cafile=http.ca_bundle)
        except (OSError, ssl.SSLError) as error:
            why = getattr(error, "strerror", None) if not isinstance(error, ssl.SSLError) else None
            why = why or "it holds no certificates in PEM form"
            raise InputError(f"ingestion.http.ca_bundle: {http.ca_bundle} cannot be used ({why})") from error
    if http.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if old:
        context.set_ciphers(OLD_SERVERS)
    return context
