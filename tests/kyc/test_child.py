"""The model process, here run inside the test's own."""

import importlib
import inspect
import io
import os
import pkgutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import kyc
from contract.errors import ModelError
from contract.ports import FaceFinding, ImageFinding
from kyc import child, matching
from kyc.images import encode_jpeg
from kyc.packs import find_pack
from kyc.pipes import (
    PREFIX,
    Broke,
    Inspect,
    Job,
    Load,
    Match,
    Ready,
    Refused,
    Watch,
    body_length,
    packed,
    unpacked,
)
from kyc.registry import CPU

PICTURE = encode_jpeg(np.full((400, 400, 3), 90, np.uint8))


def replies_to(*messages: Any, tail: bytes = b"") -> list[Any]:
    """Return what the child answers to ``messages``, followed by the raw ``tail``."""
    out = io.BytesIO()
    child.serve(io.BytesIO(b"".join(packed(message) for message in messages) + tail), out)
    data, replies = out.getvalue(), []
    while data:
        end = PREFIX + body_length(data[:PREFIX])
        replies.append(unpacked(data[PREFIX:end]))
        data = data[end:]
    return replies


def test_it_answers_each_job_once_and_in_order(own_card: bytes, still: bytes) -> None:
    """Ready comes first, then one reply to each job, good or bad; the end of input ends it."""
    jobs = (Inspect(PICTURE), Inspect(b"rubbish"), Match(own_card, still), Match(PICTURE, b""))
    ready, inspected, refused, matched, refused_too = replies_to(Load(find_pack(None), (CPU,)), *jobs)
    assert ready == Ready()
    assert isinstance(inspected, ImageFinding)
    assert isinstance(matched, FaceFinding)
    assert isinstance(refused, Refused)
    assert isinstance(refused_too, Refused)
    assert refused.code == refused_too.code == "not_an_image"


def test_models_that_do_not_load_are_reported(tmp_path: Path) -> None:
    """Without its files the child says so and ends; the text has no path in it."""
    pack = find_pack(None)
    pack = replace(pack, paths=tuple(tmp_path / path.name for path in pack.paths))
    (reply,) = replies_to(Load(pack, (CPU,)), Inspect(PICTURE))
    assert isinstance(reply, Broke)
    assert str(tmp_path) not in reply.text


@pytest.mark.parametrize(
    ("error", "text"), [(ModelError("altered"), "altered"), (RuntimeError("secret"), "Inspect: RuntimeError")]
)
def test_a_job_that_breaks_ends_nothing(monkeypatch: pytest.MonkeyPatch, error: Exception, text: str) -> None:
    """An unforeseen exception is a reply; its text, which may hold personal data, stays inside."""

    def broken(_: bytes) -> None:
        raise error

    monkeypatch.setattr(matching, "inspect_image", broken)
    replies = replies_to(Load(find_pack(None), (CPU,)), Inspect(PICTURE), Inspect(PICTURE))
    assert replies == [Ready(), Broke(text), Broke(text)]


def test_a_cut_off_prefix_ends_it() -> None:
    """A server that died while writing is the end of input."""
    assert replies_to(Load(find_pack(None), (CPU,)), tail=b"\x00\x00") == [Ready()]


def test_it_speaks_on_a_pipe_that_nobody_else_writes_to() -> None:
    """As a process: only replies come out of standard output, and it yields to live calls."""
    jobs = packed(Load(find_pack(None), (CPU,))) + packed(Inspect(PICTURE))
    command = [sys.executable, "-P", "-m", "kyc.child"]
    done = subprocess.run(command, input=jobs, capture_output=True, check=True, timeout=60)
    ready_end = PREFIX + body_length(done.stdout[:PREFIX])
    assert unpacked(done.stdout[PREFIX:ready_end]) == Ready()
    reply = done.stdout[ready_end:]
    assert len(reply) == PREFIX + body_length(reply[:PREFIX])
    assert unpacked(reply[PREFIX:]).width == 400


def test_main_serves_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    """Main lowers the priority and hands the pipes on."""
    served: list[int] = []
    monkeypatch.setattr(child, "serve", lambda jobs, replies: served.append(replies.fileno()))
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setattr(os, "nice", served.append)
    monkeypatch.setattr(os, "dup2", lambda *_: None)
    monkeypatch.setattr(cv2, "setNumThreads", served.append)
    child.main()
    assert served[:2] == [5, 1]
    assert served[2] not in (0, 1, 2)
    assert os.fstat(1)


def kinds(of: type[Job[Any]]) -> Iterator[type[Job[Any]]]:
    """Yield every kind of work of the product."""
    for kind in of.__subclasses__():
        if kind.__module__.startswith("kyc.") and "HANDLER" in vars(kind):
            yield kind
        yield from kinds(kind)


def test_every_kind_of_work_has_its_handler() -> None:
    """What a job names is there and takes the models and the job."""
    for module in pkgutil.iter_modules(kyc.__path__, "kyc."):
        importlib.import_module(module.name)
    found = list(kinds(Job))
    assert {Inspect, Match, Watch} <= set(found)
    for kind in found:
        function = child.handler(kind.HANDLER)
        assert len(inspect.signature(function).parameters) == 2, kind


@given(st.binary(max_size=2000), st.binary(max_size=2000))
def test_messages_survive_the_pipe(card: bytes, still: bytes) -> None:
    """What is packed is unpacked."""
    data = packed(Match(card, still))
    assert body_length(data[:PREFIX]) == len(data) - PREFIX
    assert unpacked(data[PREFIX:]) == Match(card, still)
