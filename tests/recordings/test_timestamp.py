"""A time authority's token over a record's signature, got over HTTP and checked offline."""

import asyncio
import http.server
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from contract.errors import StorageError
from contract.facts import MergeFailed
from contract.keeping_facts import RecordTimestamped
from recordings.bundle import verify_bundle, write_bundle
from recordings.pipeline import Pipeline, PipelineSettings
from recordings.signature import RECORD_SIGNATURE, TIMESTAMP, open_signer
from recordings.timestamp import BYTES_MAX, ask_for_timestamp, check_timestamp, read_roots
from recordings.verify import Report, verify_archive, verify_folder
from tests.recordings.authority import Authority, running_authority
from tests.recordings.bench import Bench, staged_bench
from tests.recordings.ceph import free_port
from tests.recordings.desk import TENANT, OneTenant

CONTENT = b"what was signed"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Authority]:
    """Return an authority that answers."""
    with running_authority(tmp_path_factory.mktemp("tsa") / "authority") as running:
        yield running


def _code(token: bytes, content: bytes, root: Path | None = None) -> str:
    with pytest.raises(StorageError) as refused:
        check_timestamp(token, content, read_roots(root) if root else ())
    return refused.value.code


def test_a_token_is_over_one_content_and_by_one_authority(authority: Authority, tmp_path: Path) -> None:
    """Its own root vouches for it, another one does not, and without any nobody is believed."""
    token = ask_for_timestamp(authority.url, CONTENT)
    trusted = check_timestamp(token, CONTENT, read_roots(authority.root))
    assert trusted.trusted
    assert not check_timestamp(token, CONTENT, ()).trusted
    assert _code(token, b"something else", authority.root) == "timestamp_of_another_record"
    with running_authority(tmp_path / "other") as other:
        assert _code(token, CONTENT, other.root) == "timestamp_wrong"
    with pytest.raises(StorageError, match="no certificates"):
        read_roots(tmp_path / "nothing.pem")


def test_a_flipped_bit_of_a_token_is_found(authority: Authority) -> None:
    """Wherever it is, the token is no token, over something else, or by nobody under the root."""
    token = ask_for_timestamp(authority.url, CONTENT)
    for at in range(0, len(token), 29):
        altered = bytearray(token)
        altered[at] ^= 1
        assert _code(bytes(altered), CONTENT, authority.root).startswith("timestamp_"), at
    for wrong in (b"", token[:-1], token + b"\0" * BYTES_MAX):
        assert _code(wrong, CONTENT) == "timestamp_damaged"


@dataclass
class _Answers:
    """What an authority of ill will says."""

    status: int = 200
    body: bytes = b""


@contextmanager
def _answering(answers: _Answers) -> Iterator[str]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(answers.status)
            self.send_header("Content-Length", str(len(answers.body)))
            self.end_headers()
            self.wfile.write(answers.body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_what_is_no_answer_is_refused(authority: Authority) -> None:
    """Errors, pages, an old token, one over something else, and nobody at all."""
    old = ask_for_timestamp(authority.url, CONTENT)
    for answers in (
        _Answers(500, old),
        _Answers(200, b"<html>sign in</html>"),
        _Answers(200, bytes(BYTES_MAX + 1)),
        # Asked before: its nonce is of that question.
        _Answers(200, old),
        _Answers(200, ask_for_timestamp(authority.url, b"other")),
    ):
        with _answering(answers) as url, pytest.raises(StorageError) as refused:
            ask_for_timestamp(url, CONTENT)
        assert refused.value.code == "timestamp_refused"
    with pytest.raises(StorageError) as refused:
        ask_for_timestamp(f"http://127.0.0.1:{free_port()}/", CONTENT)
    assert refused.value.code == "timestamp_unreachable"


# --- in the archive ------------------------------------------------------------------------------


def _pipeline(bench: Bench, url: str) -> Pipeline:
    signer = open_signer(bench.root / "records.pem")
    return Pipeline(
        bench.staged.spool, bench.journal, bench.jobs, bench.archive, OneTenant(), bench.clock, signer,
        "worker-1", PipelineSettings(), timestamp_url=url,
    )  # fmt: skip


async def _blocks(path: Path) -> AsyncIterator[bytes]:
    yield await asyncio.to_thread(path.read_bytes)


async def _verified(bench: Bench, root: Path | None) -> Report:
    return await verify_archive(bench.archive, TENANT, bench.case, read_roots(root) if root else ())


async def test_a_record_gets_its_timestamp_when_the_authority_is_back(tmp_path: Path) -> None:
    """The archive does not wait for it, the record is whole meanwhile; then the token lies beside it."""
    bench, port = await staged_bench(tmp_path), free_port()
    pipeline = _pipeline(bench, f"http://127.0.0.1:{port}/")
    assert await pipeline.run_one(await bench.job())
    assert (await _verified(bench, None)).intact
    for _ in range(4):
        assert not await pipeline.run_one(await bench.job("timestamp"))
    assert await bench.facts(MergeFailed) == []
    with running_authority(tmp_path / "authority", port) as authority:
        assert await pipeline.run_one(await bench.job("timestamp"))
        # Once is enough, also for a worker that did not hear of it.
        assert await pipeline.run_one(await bench.job("timestamp"))
    assert len(await bench.facts(RecordTimestamped)) == 1
    report = await _verified(bench, authority.root)
    assert report.intact, report
    assert report.stamped is not None
    assert report.stamped.trusted
    folder = tmp_path / "archive" / TENANT / bench.case
    assert verify_folder(folder, bench.case, None, read_roots(authority.root)).intact

    parts = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    bundle = tmp_path / "bundle.tar"
    await write_bundle(bundle, bench.case, {n: partial(_blocks, p) for n, p in parts.items()}, 0.0)
    exported = verify_bundle(bundle, read_roots(authority.root))[1]
    assert (exported.stamped, exported.problems) == (report.stamped, ("export_not_signed",))

    token = folder / TIMESTAMP
    content = token.read_bytes()
    token.write_bytes(content[:-9] + bytes([content[-9] ^ 1]) + content[-8:])
    assert (await _verified(bench, authority.root)).problems == ("timestamp_wrong",)
    token.unlink()
    assert (await _verified(bench, None)).problems == ("timestamp_missing",)
    token.write_bytes(content)
    (folder / RECORD_SIGNATURE).write_bytes((folder / RECORD_SIGNATURE).read_bytes() + b" ")
    assert "timestamp_of_another_record" in (await _verified(bench, None)).problems
