"""Certificates of phones: made once, looked at before Asterisk sees them."""

import stat
from pathlib import Path

import pytest

from dialer.asterisk.certificate import CertificateError, checked, own_certificate


def test_our_own_is_made_once_for_names_and_addresses(tmp_path: Path) -> None:
    certificate, key = own_certificate(tmp_path / "tls", ["127.0.0.1", "pbx.example.org"])
    before = certificate.read_bytes()
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert own_certificate(tmp_path / "tls", ["other.example.org"]) == (certificate, key)
    assert certificate.read_bytes() == before


def test_files_that_do_not_belong_together_are_named(tmp_path: Path) -> None:
    one, _ = own_certificate(tmp_path / "one", ["a.example.org"])
    _, other = own_certificate(tmp_path / "other", ["b.example.org"])
    with pytest.raises(CertificateError, match=r"phones\.certificate .* belong together"):
        checked(one, other)
    with pytest.raises(CertificateError, match="cannot be used"):
        checked(tmp_path / "none.pem", other)
