"""A self-made certificate, so that a phone in the same network may open its camera.

Browsers give camera and microphone to secure origins only. The certificate is its own issuer; people
accept it once per browser. Production uses a certificate of the bank's own authority instead.
"""

import ipaddress
import os
import socket
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import ifaddr
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

# Safari refuses server certificates that live longer than 398 days; one day of reserve.
LIFETIME = timedelta(days=397)
RENEW_BEFORE = timedelta(days=7)
# Clocks of phones lag.
BACKDATED = timedelta(days=1)
# X.509 bound of a common name, RFC 5280 ub-common-name.
_COMMON_NAME_MAX = 64


@dataclass(frozen=True, slots=True)
class CertificateFiles:
    """PEM files on disk; the key is readable by its owner only."""

    cert: Path
    key: Path
    expires_at: datetime


def lan_addresses() -> tuple[str, ...]:
    """Return this machine's addresses that others may reach, IPv4 first; nothing is sent to find them."""
    found = {
        ipaddress.ip_address(ip.ip[0] if isinstance(ip.ip, tuple) else ip.ip)
        for adapter in ifaddr.get_adapters()
        for ip in adapter.ips
    }
    reachable = [address for address in found if not (address.is_loopback or address.is_link_local)]
    return tuple(map(str, sorted(reachable, key=lambda address: (address.version, int(address)))))


def ensure_certificate(folder: Path, now: datetime | None = None) -> CertificateFiles:
    """Return the certificate in ``folder``, made anew when it does not fit this machine any more.

    It is renewed seven days before its end and when the machine's names or addresses changed.
    """
    now = now or datetime.now(UTC)
    cert, key = folder / "self.crt", folder / "self.key"
    names = _names()
    present = _load(cert, key)
    if present is None or not _fits(present, names, now):
        present = _make(names, now, cert, key)
    return CertificateFiles(cert, key, present.not_valid_after_utc)


def _names() -> tuple[str, ...]:
    return ("localhost", socket.gethostname(), "127.0.0.1", "::1", *lan_addresses())


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _load(cert: Path, key: Path) -> x509.Certificate | None:
    try:
        loaded = x509.load_pem_x509_certificate(cert.read_bytes())
        private = serialization.load_pem_private_key(key.read_bytes(), None)
    except (OSError, ValueError, TypeError):
        return None
    return loaded if private.public_key() == loaded.public_key() else None


def _fits(cert: x509.Certificate, names: tuple[str, ...], now: datetime) -> bool:
    stated = cert.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    wanted = {_general_name(name) for name in names}
    return (
        set(stated) == wanted and cert.not_valid_before_utc <= now < cert.not_valid_after_utc - RENEW_BEFORE
    )


def _make(names: tuple[str, ...], now: datetime, cert: Path, key: Path) -> x509.Certificate:
    private = ec.generate_private_key(ec.SECP256R1())
    made = _sign(private, names, now)
    cert.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    _replace(key, pem, 0o600)
    _replace(cert, made.public_bytes(serialization.Encoding.PEM), 0o644)
    return made


def _sign(private: ec.EllipticCurvePrivateKey, names: tuple[str, ...], now: datetime) -> x509.Certificate:
    title = f"Video Teller on {socket.gethostname()}"[:_COMMON_NAME_MAX]
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, title)])
    start = now - BACKDATED
    unique = tuple(dict.fromkeys(map(_general_name, names)))
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + LIFETIME)
        .add_extension(x509.SubjectAlternativeName(unique), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(private, hashes.SHA256())
    )


def _replace(file: Path, data: bytes, mode: int) -> None:
    part = file.with_name(f"{file.name}.{os.getpid()}.part")
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    part.replace(file)
