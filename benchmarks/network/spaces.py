"""Two network namespaces, phone and server, on either end of the emulated path. Root only.

This process moves into the server's namespace and takes its children with it; Chromium is started in
the phone's by a wrapper.
"""

import ctypes
import fcntl
import json
import os
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path

from benchmarks.network.line import Line

SERVER = "10.77.2.2"
# The phone's addresses: one of a Wi-Fi, one of a mobile network.
WIFI, MOBILE = "10.77.1.2", "10.77.3.2"
_TUNSETIFF, _IFF_TUN, _IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
_CLONE_NEWNET = 0x40000000


def _ip(*words: str) -> None:
    subprocess.run(("ip", *words), check=True)


def _tun(name: str) -> int:
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(fd, _TUNSETIFF, struct.pack("16sH", name.encode(), _IFF_TUN | _IFF_NO_PI))
    return fd


@contextmanager
def _namespace(name: str) -> Iterator[str]:
    _ip("netns", "add", name)
    try:
        _ip("-n", name, "link", "set", "lo", "up")
        yield name
    finally:
        _ip("netns", "del", name)


@contextmanager
def _inside(space: str) -> Iterator[None]:
    """Move this thread, and what it starts, into ``space``."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open("/proc/self/ns/net") as home, open(f"/run/netns/{space}") as there:
        if libc.setns(there.fileno(), _CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")
        try:
            yield
        finally:
            libc.setns(home.fileno(), _CLONE_NEWNET)


class Network:
    """The path between phone and server, and the phone's choice of address."""

    def __init__(self, phone: str, process: subprocess.Popen[str]) -> None:
        self.phone = phone
        self._process = process

    def _tell(self, **command: object) -> None:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        if self._process.stdout.readline() != "ok\n":
            raise RuntimeError("the path ended")

    def use(self, line: Line, seed: int = 1) -> None:
        """Put lines of this kind in force, for every party and both ways."""
        self._tell(line=asdict(line), seed=seed)

    def cut(self, *, off: bool) -> None:
        """Lose everything, or no longer."""
        self._tell(cut=off)

    def log(self, file: Path) -> None:
        """Write which RTP packets went to the server since the last time; see ``path.RTP_RECORD``."""
        self._tell(log=str(file))

    def go_mobile(self) -> None:
        """Take the Wi-Fi away, its address too, and give the phone its other network."""
        _ip("-n", self.phone, "link", "set", "mobile", "up")
        _ip("-n", self.phone, "route", "add", "default", "dev", "mobile", "metric", "200")
        # With the address still there, Linux would go on sending from it through the other device.
        _ip("-n", self.phone, "address", "flush", "dev", "wifi")
        _ip("-n", self.phone, "link", "set", "wifi", "down")

    def go_wifi(self) -> None:
        """Be back on the Wi-Fi alone."""
        _ip("-n", self.phone, "address", "replace", f"{WIFI}/24", "dev", "wifi")
        _ip("-n", self.phone, "link", "set", "wifi", "up")
        _ip("-n", self.phone, "route", "replace", "default", "dev", "wifi", "metric", "100")
        _ip("-n", self.phone, "link", "set", "mobile", "down")


@contextmanager
def joined() -> Iterator[Network]:
    """Make the namespaces and the path, move into the server's; on leaving nothing of it is left."""
    tag = f"{os.getpid():x}"
    with ExitStack() as stack:
        phone = stack.enter_context(_namespace(f"phone-{tag}"))
        server = stack.enter_context(_namespace(f"server-{tag}"))
        devices = {"server": SERVER, "wifi": WIFI, "mobile": MOBILE}
        fds = []
        for name, address in devices.items():
            # Made under a name of its own: other benchmarks may be at it in the same namespace.
            fds.append(_tun(f"{name[:6]}{tag}"))
            stack.callback(os.close, fds[-1])
            space = server if name == "server" else phone
            _ip("link", "set", f"{name[:6]}{tag}", "netns", space)
            _ip("-n", space, "link", "set", f"{name[:6]}{tag}", "name", name)
            _ip("-n", space, "address", "add", f"{address}/24", "dev", name)
        _ip("-n", server, "link", "set", "server", "up")
        _ip("-n", server, "route", "add", "default", "dev", "server")
        process = subprocess.Popen(
            (sys.executable, "-m", "benchmarks.network.path", *map(str, fds)),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, pass_fds=fds, text=True,
        )  # fmt: skip
        stack.callback(process.wait)
        stack.callback(process.terminate)
        network = Network(phone, process)
        network.go_wifi()
        stack.enter_context(_inside(server))
        yield network


def chromium_in(space: str, folder: Path) -> str:
    """Write a program that is Chromium inside ``space``; return its path."""
    program = folder / "chromium"
    program.write_text(f'#!/bin/sh\nexec ip netns exec {space} /usr/bin/chromium "$@"\n')
    program.chmod(0o755)
    return str(program)
