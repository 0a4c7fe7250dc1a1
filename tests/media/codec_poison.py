"""Kills the process that opens a codec.

``poison()`` overwrites the first instruction of every codec-opening function of the libraries bundled
with PyAV with one that no processor executes, in this process's memory only. What survives afterwards
has opened no codec. aiortc 1.16 reaches Opus, VP8 and H.264 through PyAV's libavcodec alone; libopus,
libvpx and x264 are poisoned as well, so that no other road to them stays open.

``python -m tests.media.codec_poison ARGUMENTS`` runs teller's command line with poisoned codecs, in the
media workers too; merging needs codecs and has them.
"""

import ctypes
import mmap
import platform
import re
import resource
import sys
from importlib import import_module
from pathlib import Path

# The functions without which nothing is decoded or encoded, by the beginning of the library's name.
FUNCTIONS = {
    "libavcodec": ("avcodec_open2", "avcodec_send_packet", "avcodec_send_frame"),
    "libopus": ("opus_encoder_create", "opus_decoder_create", "opus_multistream_encoder_create"),
    "libvpx": ("vpx_codec_enc_init_ver", "vpx_codec_dec_init_ver"),
}
# An instruction that is defined to be undefined, per machine.
_ILLEGAL = {"x86_64": b"\x0f\x0b", "aarch64": b"\x00\x00\x00\x00"}
_PROT_READ, _PROT_WRITE, _PROT_EXEC = 1, 2, 4


def poison() -> list[str]:
    """Make opening any codec fatal (SIGILL) in this process; return the names of what was poisoned.

    Raises:
        RuntimeError: the libraries are not found, so nothing would be proven.
    """
    # Dying is what is wanted, a core file of a gigabyte is not.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    import_module("av")
    poisoned = []
    for path in _loaded():
        for prefix, names in FUNCTIONS.items():
            if path.name.startswith(f"{prefix}-"):
                library = ctypes.CDLL(str(path))
                poisoned += [name for name in names if _overwrite(library, name)]
    if not set(FUNCTIONS["libavcodec"]) <= set(poisoned):
        raise RuntimeError("PyAV's libavcodec was not found")
    return poisoned


def _loaded() -> list[Path]:
    maps = Path("/proc/self/maps").read_text()
    return sorted({Path(found) for found in re.findall(r"(/\S+\.so[.\d]*)$", maps, re.MULTILINE)})


def _overwrite(library: ctypes.CDLL, name: str) -> bool:
    try:
        address = ctypes.cast(getattr(library, name), ctypes.c_void_p).value
    except AttributeError:
        return False
    assert address is not None
    illegal = _ILLEGAL[platform.machine()]
    page = address & ~(mmap.PAGESIZE - 1)
    length = address + len(illegal) - page
    libc = ctypes.CDLL(None, use_errno=True)
    everything = _PROT_READ | _PROT_WRITE | _PROT_EXEC
    if libc.mprotect(ctypes.c_void_p(page), ctypes.c_size_t(length), everything):
        raise RuntimeError(f"mprotect: errno {ctypes.get_errno()}")
    ctypes.memmove(address, illegal, len(illegal))
    libc.mprotect(ctypes.c_void_p(page), ctypes.c_size_t(length), _PROT_READ | _PROT_EXEC)
    return True


def main() -> None:
    """Run teller's command line, codecs poisoned."""
    poison()
    vars(import_module("teller.media_pool"))["MODULE"] = "tests.media.codec_poison"
    sys.argv[0] = "teller"
    import_module("teller.cli").main()


if __name__ == "__main__":
    main()
