"""A real S3 server for the tests: Ceph's RADOS gateway with one monitor and one disk, from Debian's packages.

Everything lies in one temporary folder and listens on free ports of the loopback address; each process
is our own child and is stopped by its id. Needs root, because the daemons chown their folders.
"""

import contextlib
import os
import secrets
import shutil
import socket
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.recordings.certificates import Certificate, make_certificate

_CONF = """
[global]
fsid = {fsid}
mon host = v2:127.0.0.1:{mon_port}
public addr = 127.0.0.1
cluster addr = 127.0.0.1
ms bind ipv4 = true
ms bind port min = 6800
ms bind port max = 7568
auth cluster required = none
auth service required = none
auth client required = none
osd pool default size = 1
osd pool default min size = 1
osd crush chooseleaf type = 0
mon allow pool size one = true
osd pool default pg num = 1
osd pool default pg autoscale mode = off
mon max pg per osd = 2000
mon data avail crit = 1
run dir = {root}/run
log file = {root}/log/$name.log
admin socket = {root}/run/$name.asok
[mon]
mon data = {root}/mon
[osd]
osd data = {root}/osd
osd objectstore = bluestore
bluestore block size = 4294967296
bluestore block create = true
osd memory target = 939524096
[client.rgw]
ms mon client mode = crc
rgw frontends = beast ssl_endpoint=127.0.0.1:{port} ssl_certificate={pem}
rgw enable usage log = false
rgw thread pool size = 32
"""
_ACCESS_KEY = "TELLERTESTKEY"


@dataclass(frozen=True)
class Gateway:
    """A running gateway, over TLS. ``region`` is Ceph's zonegroup."""

    endpoint: str
    access_key: str
    secret_key: str
    certificate: Certificate
    region: str = "default"


@contextlib.contextmanager
def running_gateway(root: Path) -> Iterator[Gateway]:
    """Start a cluster of one in ``root`` and stop it, all within ``root``."""
    certificate = make_certificate(root)
    port, secret = free_port(), secrets.token_hex(16)
    cluster = _Cluster(root, port, certificate)
    try:
        cluster.start(secret)
        yield Gateway(f"127.0.0.1:{port}", _ACCESS_KEY, secret, certificate)
    finally:
        cluster.stop()


def free_port() -> int:
    """Return a port of the loopback address that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(what: str, is_so: Callable[[], bool], seconds: float) -> None:
    """Poll until ``is_so``, or fail and say what is still missing."""
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            raise TimeoutError(f"still missing after {seconds:.0f} s: {what}")
        time.sleep(0.1)


class _Cluster:
    def __init__(self, root: Path, port: int, certificate: Certificate) -> None:
        self._root = root
        self._port = port
        self._fsid = str(uuid.uuid4())
        self._mon_port = free_port()
        self._running: list[subprocess.Popen[bytes]] = []
        for folder in ("run", "log", "mon", "osd"):
            (root / folder).mkdir()
        self._conf = root / "ceph.conf"
        self._conf.write_text(
            _CONF.format(fsid=self._fsid, mon_port=self._mon_port, root=root, port=port, pem=certificate.both)
        )

    def start(self, secret: str) -> None:
        self._start_monitor()
        self._start_disk()
        self._run(
            "radosgw-admin", "-n", "client.rgw", "user", "create", "--uid=teller", "--display-name=teller",
            f"--access-key={_ACCESS_KEY}", f"--secret-key={secret}",
        )  # fmt: skip
        self._spawn("radosgw", "-n", "client.rgw", "-f")
        wait_until("the gateway's port", lambda: listens(self._port), 40)

    def stop(self) -> None:
        for process in reversed(self._running):
            process.terminate()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _start_monitor(self) -> None:
        monmap = str(self._root / "monmap")
        address = f"[v2:127.0.0.1:{self._mon_port}]"
        self._run("monmaptool", "--create", "--addv", "a", address, "--fsid", self._fsid, monmap)
        self._run("ceph-mon", *_AS_ROOT, "--mkfs", "-i", "a", "--monmap", monmap)
        self._spawn("ceph-mon", *_AS_ROOT, "-f", "-i", "a")
        wait_until("the monitor", lambda: self._asks("status"), 40)

    def _start_disk(self) -> None:
        disk = str(uuid.uuid4())
        self._run("ceph", "osd", "create", disk)
        self._run("ceph", "osd", "crush", "add", "osd.0", "1", "root=default", "host=here")
        self._run("ceph-osd", *_AS_ROOT, "-i", "0", "--mkfs", "--osd-uuid", disk)
        self._spawn("ceph-osd", *_AS_ROOT, "-f", "-i", "0")
        wait_until("the disk daemon", lambda: b"1 up" in self._output("ceph", "osd", "stat"), 40)

    def _environment(self) -> dict[str, str]:
        return os.environ | {"CEPH_CONF": str(self._conf)}

    def _run(self, *command: str) -> None:
        done = subprocess.run(command, env=self._environment(), capture_output=True, timeout=60, check=False)
        if done.returncode:
            raise RuntimeError(f"{command[0]}: {done.stderr.decode(errors='replace')[-2000:]}")

    def _output(self, *command: str) -> bytes:
        try:
            return subprocess.run(
                command, env=self._environment(), capture_output=True, timeout=10, check=False
            ).stdout
        except subprocess.TimeoutExpired:
            return b""

    def _asks(self, what: str) -> bool:
        return b"cluster" in self._output("ceph", "--connect-timeout", "5", what)

    def _spawn(self, *command: str) -> None:
        for process in self._running:
            if process.poll() is not None:
                raise RuntimeError(f"a Ceph daemon ended with {process.returncode}; see {self._root}/log")
        log = (self._root / "log" / f"{command[0]}.out").open("wb")
        with log:
            self._running.append(subprocess.Popen(command, env=self._environment(), stdout=log, stderr=log))


_AS_ROOT = ("--setuser", "root", "--setgroup", "root")


def is_installed() -> bool:
    """Tell whether Debian's packages are there: ceph-mon, ceph-osd and radosgw."""
    return all(shutil.which(name) for name in ("ceph-mon", "ceph-osd", "radosgw"))


def listens(port: int) -> bool:
    """Tell whether somebody accepts connections on this port of the loopback address."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
