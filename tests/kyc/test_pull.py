"""Fetching models from a real server on this machine that can break in every way."""

import asyncio
import dataclasses
import fcntl
import hashlib
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from contract.errors import ModelError
from kyc import pull
from kyc.pull import pull_models
from kyc.registry import YUNET, Model

CONTENT = random.Random(5).randbytes(300_000)
OTHER = random.Random(6).randbytes(300_000)

# What a server does with a request for bytes from an offset on: writes an answer, and closes.
Answer = Callable[[asyncio.StreamWriter, int], None]


def whole(content: bytes = CONTENT) -> Answer:
    """Answer with everything, whatever was asked for."""
    return lambda writer, _: _respond(writer, "200 OK", content, len(content))


def ranged(content: bytes = CONTENT, cut: int | None = None) -> Answer:
    """Answer from the offset on; with ``cut`` end the connection after that many bytes of the file."""

    def answer(writer: asyncio.StreamWriter, offset: int) -> None:
        rest = content[offset:cut]
        size = len(content)
        if not offset:
            _respond(writer, "200 OK", rest, size)
        elif offset >= size:
            _respond(writer, "416 Range Not Satisfiable", b"", 0)
        else:
            line = f"Content-Range: bytes {offset}-{size - 1}/{size}"
            _respond(writer, "206 Partial Content", rest, size - offset, line)

    return answer


def refused(status: str) -> Answer:
    """Answer with an error."""
    return lambda writer, _: _respond(writer, status, b"no", 2)


def elsewhere(writer: asyncio.StreamWriter, offset: int) -> None:
    """Answer with another part than was asked for."""
    line = f"Content-Range: bytes {offset + 1}-{len(CONTENT) - 1}/{len(CONTENT)}"
    rest = CONTENT[offset + 1 :]
    _respond(writer, "206 Partial Content", rest, len(rest), line)


def hung_up(writer: asyncio.StreamWriter, _: int) -> None:
    """Close without a word."""


def _respond(writer: asyncio.StreamWriter, status: str, body: bytes, length: int, *lines: str) -> None:
    head = (f"HTTP/1.1 {status}", f"Content-Length: {length}", "Connection: close", *lines)
    writer.write("\r\n".join(head).encode() + b"\r\n\r\n" + body)


@dataclass
class Server:
    """Does ``answers`` one after another, the last one for ever; keeps paths and offsets of requests."""

    answers: list[Answer]
    url: str = ""
    paths: list[str] = field(default_factory=list)
    offsets: list[int] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
        assert headers["accept-encoding"] == "identity"
        self.paths.append(head[0].split()[1])
        self.offsets.append(int(headers.get("range", "bytes=0-")[6:-1]))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        answer(writer, self.offsets[-1])
        writer.close()


@asynccontextmanager
async def served(*answers: Answer) -> AsyncIterator[Server]:
    """Run a server."""
    server = Server(list(answers))
    async with await asyncio.start_server(server.serve, "127.0.0.1", 0) as listening:
        server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        yield server


def model(url: str, content: bytes = CONTENT) -> Model:
    """Return an entry for ``content`` at ``url``."""
    digest = hashlib.sha256(content).hexdigest()
    return dataclasses.replace(
        YUNET, file="a model.onnx", sha256=digest, bytes=len(content), source=f"{url}/a"
    )


def names(folder: Path) -> list[str]:
    """Return what lies in ``folder``."""
    return sorted(path.name for path in folder.iterdir())


async def fetch(wanted: Model, folder: Path, mirror: str = "") -> tuple[list[int], tuple[Path, ...]]:
    """Fetch one model; return what progress told, and what was fetched."""
    told: list[int] = []
    placed = await pull_models(
        [wanted], folder, lambda _, have: told.append(have), mirror=mirror, pause_s=0.001
    )
    return told, placed


async def test_a_file_is_fetched_once(tmp_path: Path) -> None:
    """It arrives whole under its name, progress ends at its size, and the second time nothing is asked."""
    async with served(ranged()) as server:
        told, placed = await fetch(model(server.url), tmp_path / "models")
        assert placed == (tmp_path / "models" / "a model.onnx",)
        assert placed[0].read_bytes() == CONTENT
        assert (told[0], told[-1], told) == (0, len(CONTENT), sorted(told))
        assert await fetch(model(server.url), tmp_path / "models") == ([], ())
        assert server.paths == ["/a"]
    assert names(tmp_path / "models") == [".pull.lock", "a model.onnx"]


@pytest.mark.parametrize(
    "broken",
    [ranged(cut=100_000), whole(CONTENT[:100_000]), hung_up, refused("503 Busy"), refused("429 Slow")],
)
async def test_a_connection_that_breaks_is_resumed(tmp_path: Path, broken: Answer) -> None:
    """Each try begins where the one before ended."""
    async with served(broken, ranged(cut=200_000), ranged()) as server:
        await fetch(model(server.url), tmp_path)
        begun = 100_000 if server.offsets[1] else 0
        assert server.offsets == [0, begun, 200_000]
    assert (tmp_path / "a model.onnx").read_bytes() == CONTENT


async def test_a_later_call_resumes_too(tmp_path: Path) -> None:
    """When every try broke, what came is kept, and the next call goes on from there."""
    async with served(ranged(cut=100_000)) as server:
        with pytest.raises(ModelError, match=r"a model\.onnx from .*: "):
            await fetch(model(server.url), tmp_path)
        assert len(server.offsets) == 5
    assert (tmp_path / "a model.onnx.part").stat().st_size == 100_000
    assert not (tmp_path / "a model.onnx").exists()
    async with served(ranged()) as server:
        await fetch(model(server.url), tmp_path)
        assert server.offsets == [100_000]


async def test_a_server_without_ranges_starts_over(tmp_path: Path) -> None:
    """When everything is sent in place of the rest, it is not appended."""
    (tmp_path / "a model.onnx.part").write_bytes(CONTENT[:1000])
    async with served(whole()) as server:
        await fetch(model(server.url), tmp_path)
        assert server.offsets == [1000]
    assert (tmp_path / "a model.onnx").read_bytes() == CONTENT


async def test_another_part_than_asked_for_is_thrown_away(tmp_path: Path) -> None:
    """A range that begins elsewhere is never written; the next try asks for the whole."""
    (tmp_path / "a model.onnx.part").write_bytes(CONTENT[:1000])
    async with served(elsewhere, ranged()) as server:
        await fetch(model(server.url), tmp_path)
        assert server.offsets == [1000, 0]


@pytest.mark.parametrize("begun", [OTHER[:1000], OTHER, OTHER + b"more"], ids=["begun", "whole", "longer"])
async def test_a_wrong_beginning_is_found_out(tmp_path: Path, begun: bytes) -> None:
    """A part of another file ends in a wrong hash; then it is fetched from the start, once."""
    (tmp_path / "a model.onnx.part").write_bytes(begun)
    async with served(ranged()) as server:
        await fetch(model(server.url), tmp_path)
        assert server.offsets[-1] == 0
    assert (tmp_path / "a model.onnx").read_bytes() == CONTENT


async def test_a_wrong_hash_leaves_nothing(tmp_path: Path) -> None:
    """A model of the right size and another content never gets its name, and is not tried for again."""
    async with served(ranged(OTHER)) as server:
        with pytest.raises(ModelError, match=r"has SHA-256 .* wanted"):
            await fetch(model(server.url), tmp_path)
        assert server.offsets == [0]
    assert names(tmp_path) == [".pull.lock"]


async def test_a_model_in_place_with_a_wrong_hash_is_replaced(tmp_path: Path) -> None:
    """What has the name and not the content is fetched anew."""
    (tmp_path / "a model.onnx").write_bytes(OTHER)
    async with served(ranged()) as server:
        await fetch(model(server.url), tmp_path)
    assert (tmp_path / "a model.onnx").read_bytes() == CONTENT


async def test_a_server_that_sends_without_end_is_cut_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not a byte more than the registry names is kept; a file of unknown size has a bound as well."""
    async with served(whole(CONTENT + OTHER)) as server:
        with pytest.raises(ModelError, match="longer than 300000 bytes"):
            await fetch(model(server.url), tmp_path)
        assert (tmp_path / "a model.onnx.part").stat().st_size == 0
        monkeypatch.setattr(pull, "_BYTES_MAX", 400_000)
        with pytest.raises(ModelError, match="longer than 400000 bytes"):
            await fetch(dataclasses.replace(model(server.url), bytes=None), tmp_path)


async def test_a_file_of_unknown_size_is_fetched_and_resumed(tmp_path: Path) -> None:
    """Without a stated size the server's end counts; a part that is complete already is found so."""
    async with served(ranged()) as server:
        unknown = dataclasses.replace(model(server.url), bytes=None)
        await fetch(unknown, tmp_path)
        (tmp_path / "a model.onnx").rename(tmp_path / "a model.onnx.part")
        await fetch(unknown, tmp_path)
        assert server.offsets == [0, 300_000]
    assert (tmp_path / "a model.onnx").read_bytes() == CONTENT


@pytest.mark.parametrize("status", ["404 Not Found", "403 Forbidden", "410 Gone"])
async def test_a_refusal_is_told_at_once(tmp_path: Path, status: str) -> None:
    """What another try cannot mend is not tried again; the address stands in the error."""
    async with served(refused(status)) as server:
        with pytest.raises(ModelError, match=rf"a model\.onnx from {server.url}/a: HTTP {status[:3]}"):
            await fetch(model(server.url), tmp_path)
        assert server.offsets == [0]


async def test_a_server_that_stays_busy_is_given_up(tmp_path: Path) -> None:
    """After the last try its answer is told."""
    async with served(refused("503 Busy")) as server:
        with pytest.raises(ModelError, match="HTTP 503"):
            await fetch(model(server.url), tmp_path)
        assert len(server.offsets) == 5


async def test_a_mirror_is_asked_by_file_name(tmp_path: Path) -> None:
    """Below the mirror's URL, with and without a slash at its end; the publisher is not asked."""
    for mirror in ("/models", "/models/"):
        async with served(ranged()) as server:
            await fetch(model("http://127.0.0.1:9"), tmp_path / mirror.strip("/"), server.url + mirror)
        (tmp_path / "models" / "a model.onnx").unlink()
        assert server.paths == ["/models/a%20model.onnx"]


@pytest.mark.parametrize("mirror", ["ftp://mirror/models", "file:///etc", "mirror", "https://"])
async def test_only_http_is_spoken(tmp_path: Path, mirror: str) -> None:
    """Another kind of URL is an error before anything is written."""
    with pytest.raises(ModelError, match="no URL of HTTP"):
        await fetch(model("http://127.0.0.1:9"), tmp_path / "models", mirror)
    assert not (tmp_path / "models").exists()


async def test_nobody_there_is_told(tmp_path: Path) -> None:
    """A closed port is an error with the address."""
    async with served(whole()) as server:
        pass
    with pytest.raises(ModelError, match=server.url):
        await fetch(model(server.url), tmp_path)


async def test_two_programs_do_not_fetch_into_one_folder(tmp_path: Path) -> None:
    """The second is told of the first."""
    with (tmp_path / ".pull.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(ModelError, match="another program"):
            await fetch(model("http://127.0.0.1:9"), tmp_path)


async def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """A file where the folder should be is an error with its path."""
    (tmp_path / "models").write_text("in the way")
    with pytest.raises(ModelError, match="models"):
        await fetch(model("http://127.0.0.1:9"), tmp_path / "models")
