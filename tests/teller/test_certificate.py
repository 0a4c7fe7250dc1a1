"""The self-made certificate: what it says, when it is renewed, and that a TLS client accepts it."""

import ipaddress
import socket
import ssl
import stat
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from teller import certificate
from teller.certificate import LIFETIME, RENEW_BEFORE, CertificateFiles, ensure_certificate, lan_addresses

NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)


def _read(files: CertificateFiles) -> x509.Certificate:
    return x509.load_pem_x509_certificate(files.cert.read_bytes())


def test_certificate_names_this_machine(tmp_path: Path) -> None:
    """Localhost, the host name and every address under which others reach us."""
    names = _read(ensure_certificate(tmp_path)).extensions.get_extension_for_class(
        x509.SubjectAlternativeName
    )
    assert set(names.value.get_values_for_type(x509.DNSName)) == {"localhost", socket.gethostname()}
    wanted = {"127.0.0.1", "::1", *lan_addresses()}
    assert set(map(str, names.value.get_values_for_type(x509.IPAddress))) == wanted


def test_certificate_is_one_that_browsers_take(tmp_path: Path) -> None:
    """P-256, for servers only, not an authority, at most 397 days, valid for phones with late clocks."""
    made = ensure_certificate(tmp_path, NOW)
    cert = _read(made)
    key = cert.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert key.curve.name == "secp256r1"
    assert cert.not_valid_after_utc - cert.not_valid_before_utc == LIFETIME <= timedelta(days=397)
    assert cert.not_valid_before_utc <= NOW - timedelta(hours=1)
    assert made.expires_at == cert.not_valid_after_utc
    assert not cert.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


def test_key_is_for_its_owner_only(tmp_path: Path) -> None:
    """Nobody else on the machine reads the key, and no half-written file is left."""
    made = ensure_certificate(tmp_path / "certs")
    assert stat.S_IMODE(made.key.stat().st_mode) == 0o600
    assert stat.S_IMODE(made.key.parent.stat().st_mode) == 0o700
    assert {file.name for file in made.key.parent.iterdir()} == {made.key.name, made.cert.name}


def test_certificate_is_kept_while_it_fits(tmp_path: Path) -> None:
    """A restart does not make people accept a new one; a week before its end it is renewed."""
    first = ensure_certificate(tmp_path, NOW)
    content = first.cert.read_bytes()
    assert ensure_certificate(tmp_path, first.expires_at - RENEW_BEFORE - timedelta(seconds=1)) == first
    assert first.cert.read_bytes() == content
    later = ensure_certificate(tmp_path, first.expires_at - RENEW_BEFORE)
    assert later.expires_at > first.expires_at
    assert later.cert.read_bytes() != content


def test_certificate_from_the_future_is_replaced(tmp_path: Path) -> None:
    """A clock that was wrong when it was made does not leave an unusable one."""
    ensure_certificate(tmp_path, NOW + timedelta(days=30))
    assert _read(ensure_certificate(tmp_path, NOW)).not_valid_before_utc < NOW


def test_new_address_makes_a_new_certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In another network the old certificate would name an address that is not ours."""
    before = ensure_certificate(tmp_path, NOW).cert.read_bytes()
    monkeypatch.setattr(certificate, "lan_addresses", lambda: ("198.51.100.7",))
    made = ensure_certificate(tmp_path, NOW)
    assert made.cert.read_bytes() != before
    names = _read(made).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert ipaddress.ip_address("198.51.100.7") in names.get_values_for_type(x509.IPAddress)


@pytest.mark.parametrize("broken", ["self.crt", "self.key"])
@pytest.mark.parametrize("how", ["missing", "garbage", "another"])
def test_damaged_files_are_replaced(tmp_path: Path, broken: str, how: str) -> None:
    """A missing, unreadable or foreign file leads to a fresh pair that fits together."""
    ensure_certificate(tmp_path / "mine", NOW)
    other = ensure_certificate(tmp_path / "other", NOW)
    file = tmp_path / "mine" / broken
    if how == "missing":
        file.unlink()
    else:
        file.write_bytes(b"garbage" if how == "garbage" else (other.cert.parent / broken).read_bytes())
    made = ensure_certificate(tmp_path / "mine", NOW)
    ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(made.cert, made.key)


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"])
def test_client_that_trusts_it_connects(tmp_path: Path, name: str) -> None:
    """A real TLS 1.3 handshake with host name check succeeds."""
    made = ensure_certificate(tmp_path)
    server_side = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server_side.load_cert_chain(made.cert, made.key)
    client_side = ssl.create_default_context(cafile=str(made.cert))
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            plain, _ = listener.accept()
            with server_side.wrap_socket(plain, server_side=True) as tls:
                tls.sendall(b"hello")

        thread = threading.Thread(target=serve)
        thread.start()
        with (
            socket.create_connection(listener.getsockname(), 10) as plain,
            client_side.wrap_socket(plain, server_hostname=name) as tls,
        ):
            assert tls.recv(5) == b"hello"
            assert tls.version() == "TLSv1.3"
        thread.join(10)


def test_own_addresses_are_reachable_ones() -> None:
    """No loopback and no link-local address; IPv4 before IPv6, each once."""
    addresses = [ipaddress.ip_address(text) for text in lan_addresses()]
    assert not any(address.is_loopback or address.is_link_local for address in addresses)
    assert [address.version for address in addresses] == sorted(address.version for address in addresses)
    assert len(set(addresses)) == len(addresses)
