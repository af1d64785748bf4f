"""Certificates and keys for test servers, made with openssl on the spot."""

from __future__ import annotations

import ssl
import subprocess
from pathlib import Path


def server_context(certificate: tuple[Path, Path], weak_dh: Path | None, only_dh: bool) -> ssl.SSLContext:
    """The context of a server; see `loopback.Loopback`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    if weak_dh is not None:
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        ciphers = "DHE-RSA-AES256-GCM-SHA384:DHE-RSA-AES128-GCM-SHA256"
        context.set_ciphers(f"{ciphers}{'' if only_dh else ':ECDHE-RSA-AES256-GCM-SHA384'}:@SECLEVEL=0")
        context.load_dh_params(weak_dh)
        context.options |= ssl.OP_CIPHER_SERVER_PREFERENCE
    return context


def make_certificate(
    folder: Path, name: str = "server", hosts: str = "IP:127.0.0.1,DNS:localhost"
) -> tuple[Path, Path]:
    """A self-signed certificate for these hosts, and its key, made with openssl."""
    certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
    names = f"subjectAltName={hosts}"
    command = [
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=localhost",
        "-addext",
        names,
    ]
    _openssl(*command, "-keyout", str(key), "-out", str(certificate))
    return certificate, key


def make_weak_dh(folder: Path) -> Path:
    """Diffie-Hellman parameters of 1024 bits, which clients refuse."""
    path = folder / "dh1024.pem"
    _openssl("dhparam", "-dsaparam", "-out", str(path), "1024")
    return path


def _openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True, timeout=120)
