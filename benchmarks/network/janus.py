"""Janus on the same path: its videocall plugin joins the two browsers."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.async_api import Page

from benchmarks.forwarding.janus import install

_PORT = 18_188
_STARTS = 10
_LISTENING = re.compile(rf":{_PORT:04X} [0-9A-F:]+ 0A ")
_PARTIES = Path(__file__).with_name("janus.js").read_text("utf-8")


def _configure(folder: Path, address: str, certificates: Path) -> None:
    (folder / "janus.jcfg").write_text(f"""
general: {{ debug_level = 2, debug_colors = false, session_timeout = 600 }}
media: {{ slowlink_threshold = 0 }}
nat: {{ ice_lite = true, ice_tcp = false, ice_enforce_list = "{address}" }}
""")
    # Over TLS: a page that came so may not speak to it otherwise.
    (folder / "janus.transport.websockets.jcfg").write_text(f"""
general: {{ json = "compact", ws = false, wss = true, wss_port = {_PORT}, wss_ip = "{address}" }}
certificates: {{ cert_pem = "{certificates}/self.crt", cert_key = "{certificates}/self.key" }}
""")
    (folder / "janus.plugin.videocall.jcfg").write_text("general: { events = false }\n")


@asynccontextmanager
async def running_janus(address: str, certificates: Path) -> AsyncIterator[str]:
    """Run Janus with NACK and RTX as it comes; yield the address of its WebSocket.

    ``certificates`` is the folder in which the service keeps its own, for Janus to use too.
    """
    with TemporaryDirectory() as name:
        _configure(Path(name), address, certificates)
        process = await _started(name, address)
        try:
            yield f"wss://{address}:{_PORT}"
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def _started(folder: str, address: str) -> asyncio.subprocess.Process:
    # Janus 1.1.2 dies of SIGSEGV in some of its starts. Whether it listens is looked up and not tried: a
    # connection that says nothing seemed to be what it died of later.
    for _ in range(_STARTS):
        process = await asyncio.create_subprocess_exec(
            install(), "--configs-folder", folder, "--disable-colors", cwd=folder,
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        while process.returncode is None:
            if _is_listening():
                return process
            await asyncio.sleep(0.05)
    raise RuntimeError("Janus does not start")


def _is_listening() -> bool:
    return _LISTENING.search(Path("/proc/self/net/tcp").read_text("ascii")) is not None


async def bring_parties(page: Page, url: str) -> None:
    """Add ``viaJanus`` to ``bench``."""
    await page.evaluate(f"(url) => {{ bench.viaJanus = ({_PARTIES})(url); }}", url)
