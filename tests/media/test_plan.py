"""The planned m-lines."""

import pytest

from contract.errors import ProtocolError
from media.plan import LINES_MIN, PLAN, OfferedLine, check_offer

_WANTED = ("VP8", "H264")


def _offer(count: int = len(PLAN)) -> list[OfferedLine]:
    return [
        OfferedLine(
            line.kind.value,
            "sendonly" if line.publishes else "recvonly",
            ("opus",) if line.kind == "audio" else ("AV1", "VP8"),
        )
        for line in PLAN[:count]
    ]


@pytest.mark.parametrize("count", range(LINES_MIN, len(PLAN) + 1))
def test_the_plan_and_its_shorter_forms_fit(count: int) -> None:
    """Lines may be left out at the end, down to a call of two."""
    check_offer(_offer(count), _WANTED)


def test_any_line_may_be_inactive() -> None:
    """A screen that is not shared yet, and a device that is switched off."""
    check_offer([OfferedLine(line.kind, "inactive", line.codecs) for line in _offer()], _WANTED)


def test_the_third_other_person_comes_last() -> None:
    """An older page that leaves lines out keeps everything that it had."""
    told = [(line.kind.value, line.source.value, line.other) for line in PLAN[7:]]
    assert told == [("video", "screen", 0), ("audio", "microphone", 2), ("video", "camera", 2)]


@pytest.mark.parametrize("count", [0, 1, LINES_MIN - 1])
def test_too_few_lines(count: int) -> None:
    """A call of two needs five lines."""
    with pytest.raises(ProtocolError) as raised:
        check_offer(_offer(count), _WANTED)
    assert raised.value.code == "wrong_plan"


def test_too_many_lines() -> None:
    """Nothing is planned after the tenth."""
    with pytest.raises(ProtocolError):
        check_offer([*_offer(), _offer()[0]], _WANTED)


@pytest.mark.parametrize("index", range(len(PLAN)))
def test_wrong_kind_or_direction_is_named(index: int) -> None:
    """The error names the line."""
    for line in (
        OfferedLine("application", "sendrecv", ()),
        OfferedLine(
            PLAN[index].kind.value, "recvonly" if PLAN[index].publishes else "sendonly", ("VP8", "opus")
        ),
    ):
        offer = _offer()
        offer[index] = line
        with pytest.raises(ProtocolError, match=str(index)):
            check_offer(offer, _WANTED)


@pytest.mark.parametrize("index", range(len(PLAN)))
def test_a_line_without_a_codec_that_is_forwarded(index: int) -> None:
    """It could never carry anything."""
    offer = _offer()
    offer[index] = OfferedLine(offer[index].kind, offer[index].direction, ("PCMU", "AV1"))
    with pytest.raises(ProtocolError) as raised:
        check_offer(offer, _WANTED)
    assert raised.value.code == "no_common_codec"
