"""What the journal holds, folded and told in words: every fact, in both languages."""

import dataclasses
import json
import types
import typing
from enum import StrEnum
from typing import Any, get_args, get_origin, get_type_hints

import pytest

from contract.facts import (
    FACTS,
    GENESIS,
    AgentDrawn,
    CaptureChanged,
    ConsentGiven,
    DeviceChecked,
    EvidenceNoted,
    Fact,
    FileShared,
    HostChanged,
    LocationTold,
    NetworkSeen,
    ObserverJoined,
    ObserverLeft,
    PartyInvited,
    PartyJoined,
    RecordingStarted,
    SeatModeChanged,
    StepMarked,
    SupervisorActed,
    TrackStarted,
    dump_entry,
    seal_entry,
)
from contract.ids import AccountId, CallId, CaseId, EvidenceId, SeatId, TrackId
from contract.phases import Capture, NetworkKind, Role, SeatMode, StepResult, TrackKind, TrackSource
from tests.web_kit.conftest import Bench

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

CALL = CallId("call-0000000000000001")
HOST, GUEST, BOSS = (AccountId(f"acct-000000000000000{n}") for n in (1, 2, 3))
SEAT, WATCHER = SeatId("seat-0000000000000001"), SeatId("seat-0000000000000002")
TRACK = TrackId("track-0000000000000001")
EVIDENCE = EvidenceId("ev-0000000000000001")

_TELL = """
const load = (name) => import(url.replace("words.js", name));
const { addStrings, setLanguage } = await load("../i18n.js");
addStrings({ "zh-CN": (await load("zh_CN.js")).default, en: (await load("en.js")).default });
const view = (await load("projection.js")).project(argument);
const told = {};
for (const language of ["zh-CN", "en"]) {
  setLanguage(language);
  told[language] = argument.map((entry) => it.factWords(entry, view).text);
}
return [told, view];
"""


def journal(*facts: Fact) -> list[Any]:
    """Return the facts as a page receives them."""
    prev, lines = GENESIS, []
    for seq, fact in enumerate(facts):
        entry = seal_entry(seq, 1_790_000_000.0 + seq, CaseId("case-0000000000000001"), fact, prev)
        prev = entry.hash
        lines.append(json.loads(dump_entry(entry)))
    return lines


async def tell(bench: Bench, *facts: Fact) -> tuple[dict[str, list[str]], Any]:
    """Return the sentences by language, and the view of the case."""
    told, view = await bench.run("record/words.js", _TELL, journal(*facts))
    return told, view


def _example(kind: Any, full: bool) -> Any:
    """Return a value of a field's type; ``full`` fills what may be missing."""
    if get_origin(kind) is typing.Annotated:
        return _example(get_args(kind)[0], full)
    if get_origin(kind) in (types.UnionType, typing.Union):
        return _example(get_args(kind)[0], full) if full else None
    if get_origin(kind) is tuple:
        return (_example(get_args(kind)[0], full),) if full else ()
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        return _made(kind, full)
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return list(kind)[-1 if full else 0]
    if kind in (int, float, bool):
        return kind(1)
    return "word" if full else ""


def _made(cls: Any, full: bool) -> Any:
    """Return a fact, or a part of one, with examples in its fields."""
    hints = get_type_hints(cls)
    return cls(**{one.name: _example(hints[one.name], full) for one in dataclasses.fields(cls)})


@pytest.mark.parametrize("full", [True, False])
async def test_every_fact_is_told_without_holes(bench: Bench, full: bool) -> None:
    """No sentence shows a placeholder, a key, or a value that is not there."""
    facts = [_made(cls, full) for cls in FACTS.values()]
    told, _view = await tell(bench, *facts)
    for sentences in told.values():
        for sentence, fact in zip(sentences, facts, strict=True):
            assert sentence != type(fact).__name__
            for hole in ("{", "undefined", "null", "NaN", "fact.", "[object"):
                assert hole not in sentence, sentence


async def test_refused_consents_are_told(bench: Bench) -> None:
    """Each consent's answer can be read, the refused ones as refused."""
    told, view = await tell(
        bench, ConsentGiven(("recording",), "2026-11", "zh-CN", ("biometrics", "location"))
    )
    assert told["zh-CN"] == ["客户同意：录音录像（2026-11 版）；不同意：人脸识别、位置信息"]
    assert told["en"] == ["Customer agreed to recording (text 2026-11), refused face recognition, location"]
    assert view["consent"]["refused"] == ["biometrics", "location"]


async def test_a_watcher_who_talks_keeps_the_seat(bench: Bench) -> None:
    """Who watched, whispered, talked and left is one party; its connection is not forgotten."""
    came = ObserverJoined(CALL, WATCHER, Role.SUPERVISOR, "陈主管", BOSS, SeatMode.MONITOR)
    whispers = SeatModeChanged(CALL, WATCHER, SeatMode.MONITOR, SeatMode.WHISPER)
    talks = SeatModeChanged(CALL, WATCHER, SeatMode.WHISPER, SeatMode.TALKING)
    joined = PartyJoined(CALL, WATCHER, Role.SUPERVISOR, "陈主管", BOSS)
    told, view = await tell(bench, came, whispers, talks, joined)
    assert told["zh-CN"][:2] == [
        "陈主管（主管）进入，方式：静默旁听，客户不知情",
        "陈主管 的参与方式改为：耳语柜员",
    ]
    [party] = view["parties"].values()
    assert (party["mode"], party["present"], party["account"]) == ("talking", True, BOSS)
    _told, view = await tell(bench, came, ObserverLeft(CALL, WATCHER))
    assert view["parties"][WATCHER]["present"] is False


async def test_who_leads_and_who_acted_are_told_by_name(bench: Bench) -> None:
    """Accounts are told by the names under which they took part, also before they did."""
    told, view = await tell(
        bench,
        AgentDrawn(CALL, (HOST, GUEST), HOST, "01"),
        PartyJoined(CALL, SEAT, Role.AGENT, "王晓明", HOST),
        PartyInvited(CALL, HOST, GUEST, "", True, False, ""),
        HostChanged(CALL, HOST, GUEST, "赵敏"),
        SupervisorActed(CALL, BOSS, "force_ended", GUEST, "疑似欺诈"),
    )
    assert told["en"][0] == "Drawn at random: 王晓明 among 2 agents (random number 01)"
    assert told["zh-CN"][2:] == [
        "王晓明 邀请赵敏（先私下沟通）",
        "主持柜员：赵敏",
        f"主管 {BOSS} 强制结束通话（赵敏） 疑似欺诈",
    ]
    assert view["host"] == GUEST


async def test_capture_files_notes_and_steps(bench: Bench) -> None:
    """What a microphone does, which file came, what a note says, how a step was settled: all is kept."""
    told, view = await tell(
        bench,
        PartyJoined(CALL, SEAT, Role.CUSTOMER, "李静怡"),
        CaptureChanged(CALL, SEAT, Capture.ON, Capture.OFF),
        FileShared(CALL, SEAT, Role.CUSTOMER, EVIDENCE, "合同.pdf", "a.pdf", "application/pdf", "", 340_000),
        EvidenceNoted(EVIDENCE, "护照首页", ("passport",), HOST),
        StepMarked("risk_notice", StepResult.WAIVED, "", "客户已签纸质版", HOST),
    )
    assert told["zh-CN"][1] == "李静怡：麦克风开启，摄像头关闭"
    assert told["zh-CN"][2] == "李静怡 发送文件：合同.pdf（332 KB）"
    assert told["zh-CN"][4] == f"{HOST}：步骤「宣读风险提示」免除 客户已签纸质版"
    assert view["parties"][SEAT]["camera"] == "off"
    assert view["chat"][0]["file"]["evidence"] == EVIDENCE
    assert view["notes"][EVIDENCE]["pii_note"] == "护照首页"
    assert view["marks"]["risk_notice"]["result"] == "waived"


async def test_a_device_check_is_told(bench: Bench) -> None:
    """What failed on the customer's phone is told in words, with what was measured."""
    checked = DeviceChecked("denied", "ok", "Chrome 140", 212.4, None, ("camera_denied", "uplink_slow"))
    told, view = await tell(bench, checked)
    words = "设备检测：摄像头没有权限、上行网络慢；上行 212 kbit/s，往返 — 毫秒（Chrome 140）"
    assert told["zh-CN"] == [words]
    assert view["device"]["problems"] == ["camera_denied", "uplink_slow"]


async def test_a_recorded_screen_is_told_as_such(bench: Bench) -> None:
    """The shared screen is not taken for its owner's picture."""
    started = TrackStarted(CALL, TRACK, SEAT, Role.AGENT, TrackKind.VIDEO, TrackSource.SCREEN, "VP8", 90_000)
    told, view = await tell(bench, started, RecordingStarted(CALL, TRACK, Role.AGENT, TrackKind.VIDEO))
    assert told["zh-CN"][1] == "开始录制：柜员屏幕"
    assert view["recordings"][TRACK]["source"] == "screen"


async def test_network_and_place_are_told_as_far_as_they_are_known(bench: Bench) -> None:
    """The country by its name, doubts as such; coordinates as they are burnt into the recording."""
    source = ("Test-Country 2026-11-01",)
    told, view = await tell(
        bench,
        NetworkSeen(SEAT, "8.8.8.8", "US", NetworkKind.VPN, "", ("abroad", "anonymiser"), source),
        NetworkSeen(SEAT, "1.2.4.8", "HK", NetworkKind.UNLISTED, "A carrier", (), source),
        NetworkSeen(SEAT, "10.1.2.3", "", NetworkKind.PRIVATE, "", (), ()),
        LocationTold(31.23041, -121.47369, 19.2),
        LocationTold(-31.23041, 121.47369, 1_200.0),
    )
    assert told["zh-CN"] == [
        "客户网络：8.8.8.8（美国 · VPN）；请留意：境外网络、使用代理或匿名网络",
        "客户网络：1.2.4.8（中国香港 · 未发现代理 · A carrier）",
        "客户网络：10.1.2.3（内部网络）",
        "客户位置：31.2304°N 121.4737°W ±20 m",
        "客户位置：31.2304°S 121.4737°E ±2 km",
    ]
    assert told["en"][0] == (
        "Customer's network: 8.8.8.8 (United States · VPN); "
        "please note: Network abroad, Behind a proxy or an anonymiser"
    )
    assert (view["network"]["pii_address"], view["place"]["accuracy_m"]) == ("10.1.2.3", 1_200.0)
