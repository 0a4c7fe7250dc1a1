"""A network for the measurement alone, so that nothing else's packets, filters or addresses take part."""

import ctypes
import os
import shutil
import subprocess

import ifaddr

_CLONE_NEWNET = 0x4000_0000
# RFC 2544 section 12 sets 198.18.0.0/15 aside for benchmarks.
_ADDRESS = "198.18.0.1"
_COMMANDS = (
    "ip link set lo up",
    # Janus never uses the loopback interface; packets to an own address stay in the kernel all the same.
    "ip link add load type veth peer name other",
    f"ip address add {_ADDRESS}/24 dev load",
    "ip link set load up",
    "ip link set other up",
)


def own_network() -> str:
    """Move this process into a new network namespace and return its one address, for both ends.

    It vanishes with the process. Without root the machine's own first address is returned instead.

    Raises:
        RuntimeError: there is no address but loopback.
    """
    if os.geteuid() == 0 and shutil.which("ip") and not ctypes.CDLL(None).unshare(_CLONE_NEWNET):
        for command in _COMMANDS:
            subprocess.run(command.split(), check=True)
        return _ADDRESS
    for adapter in ifaddr.get_adapters():
        for ip in adapter.ips:
            if isinstance(ip.ip, str) and not ip.ip.startswith("127."):
                return ip.ip
    raise RuntimeError("Janus needs an address beside loopback; run this as root, or connect a network")
