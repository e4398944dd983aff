"""Certificates for phones: those of the settings, looked at; or one of our own, made by openssl.

Debian has the program openssl wherever it has ca-certificates.
"""

from __future__ import annotations

import ipaddress
import os
import ssl
import subprocess
from collections.abc import Sequence
from pathlib import Path

DAYS = 825
"""What browsers still believe (CA/Browser Forum, before 2020)."""
LIMIT_S = 30
CERTIFICATE, KEY = "certificate.pem", "key.pem"


class CertificateError(RuntimeError):
    """A certificate cannot be used or made; the message says what to do."""

    id = "bad_certificate"


def checked(certificate: Path, key: Path) -> tuple[Path, Path]:
    """Both, if they can be read and belong together. Raises CertificateError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise CertificateError(
            f"phones.certificate {certificate} and phones.key {key} cannot be used: {error}. Give "
            "PEM files that belong together and that Prozvon may read."
        ) from error
    return certificate.absolute(), key.absolute()


def own_certificate(folder: Path, names: Sequence[str]) -> tuple[Path, Path]:
    """A certificate signed by itself for these names and addresses; made once, kept in `folder`."""
    certificate, key = folder / CERTIFICATE, folder / KEY
    if certificate.exists() and key.exists():
        return checked(certificate, key)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    alternatives = ",".join(f"{'IP' if _is_address(name) else 'DNS'}:{name}" for name in names)
    command = [
        "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
        "-nodes", "-days", str(DAYS), "-subj", "/CN=Prozvon", "-addext",
        f"subjectAltName={alternatives}", "-keyout", str(key), "-out", str(certificate),
    ]  # fmt: skip
    before = os.umask(0o077)
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CertificateError(
            f"No certificate could be made ({error}). Install openssl, or give phones.certificate "
            "and phones.key."
        ) from error
    finally:
        os.umask(before)
    if done.returncode:
        raise CertificateError(f"openssl made no certificate: {done.stderr.strip()[-300:]}")
    return checked(certificate, key)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
