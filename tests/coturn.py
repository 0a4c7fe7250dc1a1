"""A real TURN server on free loopback ports, stopped by its pid."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from socket import AF_INET, SOCK_DGRAM, SOCK_STREAM, socket
from time import monotonic, sleep

from teller.certificate import CertificateFiles, ensure_certificate

SECRET = "shared with coturn"
START_S = 20.0


@dataclass(frozen=True, slots=True)
class Coturn:
    """A running server: its URIs, its certificate, what it logged."""

    port: int
    tls_port: int
    certificate: CertificateFiles
    log: Path

    @property
    def udp(self) -> str:
        """Return the URI of the way over UDP."""
        return f"turn:127.0.0.1:{self.port}?transport=udp"

    @property
    def tcp(self) -> str:
        """Return the URI of the way over TCP."""
        return f"turn:127.0.0.1:{self.port}?transport=tcp"

    @property
    def tls(self) -> str:
        """Return the URI of the way over TLS."""
        return f"turns:127.0.0.1:{self.tls_port}?transport=tcp"


def free_port() -> int:
    """Return a port that is free for both UDP and TCP."""
    while True:
        with socket(AF_INET, SOCK_DGRAM) as udp, socket(AF_INET, SOCK_STREAM) as tcp:
            udp.bind(("127.0.0.1", 0))
            port: int = udp.getsockname()[1]
            try:
                tcp.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


@contextmanager
def running_coturn(folder: Path, *more: str, loopback_peers: bool = True) -> Iterator[Coturn]:
    """Run coturn with ``more`` words; without ``loopback_peers`` it forbids to relay to this machine."""
    folder.mkdir(parents=True, exist_ok=True)
    made = ensure_certificate(folder / "certs")
    server = Coturn(free_port(), free_port(), made, folder / "coturn.log")
    words = [
        "turnserver", "-n", "--no-cli", "--listening-ip=127.0.0.1", "--relay-ip=127.0.0.1",
        f"--listening-port={server.port}", f"--tls-listening-port={server.tls_port}",
        f"--cert={made.cert}", f"--pkey={made.key}", "--realm=bank.example",
        "--use-auth-secret", f"--static-auth-secret={SECRET}", "--log-file=stdout",
        f"--pidfile={folder / 'pid'}", f"--userdb={folder / 'turndb'}", *more,
    ]  # fmt: skip
    if loopback_peers:
        words.append("--allow-loopback-peers")
    with server.log.open("wb") as log:
        process = subprocess.Popen(words, stdout=log, stderr=log, cwd=folder)
    try:
        _until_open(server, process)
        yield server
    finally:
        process.terminate()
        process.wait(10)


def _until_open(server: Coturn, process: subprocess.Popen[bytes]) -> None:
    deadline = monotonic() + START_S
    while not (_listens(server.port) and _listens(server.tls_port)):
        if process.poll() is not None or monotonic() > deadline:
            raise AssertionError(f"coturn does not listen:\n{server.log.read_text()[-3000:]}")
        sleep(0.05)


def _listens(port: int) -> bool:
    with socket(AF_INET, SOCK_STREAM) as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
