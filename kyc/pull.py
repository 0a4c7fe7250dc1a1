"""Fetching model files over HTTP: resumed where a connection broke, verified before they get their names.

An unfinished file is ``NAME.part`` beside its place; what a server sends is never trusted further than
the SHA-256 in the registry reaches.
"""

import asyncio
import fcntl
import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote, urlsplit

import aiohttp

from contract.errors import ModelError
from kyc.install import is_here, sync_folder
from kyc.packs import verify_model
from kyc.registry import Model

# Tells how much of a model's file is here, in bytes.
Progress = Callable[[Model, int], None]

_TRIES = 5
# Doubled before each further try: about a quarter of a minute in all.
_PAUSE_S = 1.0
# A bank's proxy may scan a file before it lets the first byte through.
_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=15, sock_read=60)
_BLOCK = 65_536
# For a file whose size nobody stated; the largest recogniser known is 261 MB.
_BYTES_MAX = 512 * 1024 * 1024
_WORTH_ANOTHER_TRY = frozenset({408, 425, 429, 500, 502, 503, 504})
_CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")


class _Interrupted(Exception):
    """Another try may help; the text says what happened."""


async def pull_models(
    models: Iterable[Model],
    models_dir: Path,
    progress: Progress,
    *,
    mirror: str = "",
    pause_s: float = _PAUSE_S,
) -> tuple[Path, ...]:
    """Fetch those of ``models`` that ``models_dir`` lacks; return what was fetched.

    ``mirror`` is an URL under which the files lie by their names, in place of their publishers' URLs.
    Proxies are taken from the environment.

    Raises:
        ModelError: not to be had, of another SHA-256, another program fetches here, or the disk refuses.
            What was fetched completely stays, and so does the begun part of a file.
    """
    wanted = [(model, _url(model, mirror)) for model in models]
    try:
        with _alone(models_dir):
            missing = [(model, url) for model, url in wanted if not is_here(model, models_dir)]
            async with aiohttp.ClientSession(timeout=_TIMEOUT, trust_env=True) as http:
                for model, url in missing:
                    await _pull(http, model, url, models_dir, progress, pause_s)
        return tuple(models_dir / model.file for model, _ in missing)
    except OSError as error:
        raise ModelError(f"{models_dir}: {error.strerror or error}") from error


def _url(model: Model, mirror: str) -> str:
    url = f"{mirror.rstrip('/')}/{quote(model.file)}" if mirror else model.source
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise ModelError(f"{url or model.file} is no URL of HTTP")
    return url


@contextmanager
def _alone(models_dir: Path) -> Iterator[None]:
    """Keep a second program from writing the same part files."""
    models_dir.mkdir(parents=True, exist_ok=True)
    with (models_dir / ".pull.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ModelError(f"another program fetches models into {models_dir}") from error
        yield


async def _pull(
    http: aiohttp.ClientSession, model: Model, url: str, models_dir: Path, progress: Progress, pause_s: float
) -> None:
    part = models_dir / f"{model.file}.part"
    begun = _size(part) > 0
    await _fetched(http, model, url, part, progress, pause_s)
    try:
        _put_into_place(part, model)
    except ModelError:
        if not begun:
            raise
        # The beginning was of another file, or damaged: once more from the start.
        await _fetched(http, model, url, part, progress, pause_s)
        _put_into_place(part, model)


def _put_into_place(part: Path, model: Model) -> None:
    """Rename what was fetched, or remove it and raise ModelError when it is not what was wanted."""
    try:
        verify_model(part, model)
    except ModelError:
        part.unlink()
        raise
    part.replace(part.with_name(model.file))
    sync_folder(part.parent)


async def _fetched(
    http: aiohttp.ClientSession, model: Model, url: str, part: Path, progress: Progress, pause_s: float
) -> None:
    """Fetch what ``part`` lacks, in several tries."""
    tried = 0
    while True:
        tried += 1
        try:
            await _try(http, model, url, part, progress)
            return
        except (_Interrupted, aiohttp.ClientError, TimeoutError) as error:
            if tried == _TRIES or isinstance(error, aiohttp.InvalidURL):
                text = str(error) or type(error).__name__
                raise ModelError(f"{model.file} from {url}: {text}") from error
        await asyncio.sleep(pause_s * 2 ** (tried - 1))


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


async def _try(http: aiohttp.ClientSession, model: Model, url: str, part: Path, progress: Progress) -> None:
    have = _size(part)
    if model.bytes is not None and have >= model.bytes:
        return
    # Packed on the way its offsets would be others.
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    async with http.get(url, headers=headers) as answer:
        begin = _offset(model, url, answer, have)
        with part.open("ab") as file:
            file.truncate(begin or 0)
            if begin is None:
                raise _Interrupted("another part was sent than was asked for")
            await _write(answer, file, model, begin, progress)
            os.fsync(file.fileno())


def _offset(model: Model, url: str, answer: aiohttp.ClientResponse, have: int) -> int | None:
    """Return from which byte on ``answer`` has the file, None when it is another part than asked for."""
    if answer.status in _WORTH_ANOTHER_TRY:
        raise _Interrupted(f"HTTP {answer.status}")
    if answer.status == 206:
        found = _CONTENT_RANGE.match(answer.headers.get("Content-Range", ""))
        if found and int(found[1]) == have:
            return have
        return None
    # All of it is here when its size was not known, or the file there is another one: the hash will tell.
    if answer.status == 416 and have:
        return have
    if answer.status != 200:
        raise ModelError(f"{model.file} from {url}: HTTP {answer.status}")
    return 0


async def _write(
    answer: aiohttp.ClientResponse, file: BinaryIO, model: Model, have: int, progress: Progress
) -> None:
    if answer.status == 416:
        return
    most = model.bytes or _BYTES_MAX
    progress(model, have)
    async for block in answer.content.iter_chunked(_BLOCK):
        have += len(block)
        if have > most:
            file.truncate(0)
            raise ModelError(f"{model.file} from {answer.url}: longer than {most} bytes")
        file.write(block)
        progress(model, have)
    if model.bytes is not None and have < model.bytes:
        raise _Interrupted(f"ended after {have} of {model.bytes} bytes")
