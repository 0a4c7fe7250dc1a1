"""Files in the chat and pictures of the case, in Chromium."""

import base64
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from contract import wire
from contract.facts import EvidenceNoted, FileShared
from contract.ids import EvidenceId, SeatId
from contract.phases import EvidenceKind, Role
from tests.agent_console.stand_in import StandIn
from tests.agent_console.story import AGENT, Story
from tests.browser import Watched, shoot, wait_until

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

_TRANSFER = """([kind, name, type, text]) => {
  const data = new DataTransfer();
  const bytes = Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
  data.items.add(new File([bytes], name, { type }));
  const panel = document.querySelector("chat-panel");
  const init = { bubbles: true, cancelable: true };
  panel.dispatchEvent(kind === "paste" ? new ClipboardEvent(kind, { ...init, clipboardData: data })
    : new DragEvent(kind, { ...init, dataTransfer: data }));
}"""


def shared(story: Story, seat: SeatId, role: Role, name: str, media_type: str, size: int) -> FileShared:
    """Return a file that somebody sent."""
    evidence = EvidenceId(f"ev-{len(story.entries):016x}")
    story.shared[evidence] = media_type
    return FileShared(
        story.call, seat, role, evidence, name, f"evidence/{evidence}", media_type, "5ae1" * 16, size
    )


async def test_files_go_up_and_come_back_as_facts(
    call: Page, server: StandIn, story: Story, files: dict[str, Path]
) -> None:
    """A chosen file is sent byte for byte; it stands in the chat when it is journaled."""
    body = files["id_card"].read_bytes()
    await call.locator("chat-panel input[type=file]").set_input_files(files["id_card"])
    await wait_until(call, "document.querySelectorAll('.uploads li').length === 0")
    assert [(name, len(bytes_)) for name, bytes_ in server.sent] == [("id_card.jpg", len(body))]
    assert server.sent[0][1] == body
    await server.note(
        story.tell(shared(story, story.agent, Role.AGENT, "id_card.jpg", "image/jpeg", len(body))),
        story.tell(shared(story, story.customer, Role.CUSTOMER, "收入证明.pdf", "application/pdf", 84_000)),
    )
    await expect(call.locator(".chat-lines .mine img")).to_have_attribute("alt", "id_card.jpg")
    await expect(call.locator(".chat-lines .theirs")).to_contain_text("收入证明.pdf")
    await expect(call.locator(".chat-lines .theirs")).to_contain_text("82 KB")
    await wait_until(call, "document.querySelector('.chat-lines img').naturalWidth > 0")
    await shoot(call, "agent-files")


async def test_files_are_dropped_and_pasted(call: Page, server: StandIn) -> None:
    """Dropping on the chat and pasting into it send too."""
    text = base64.b64encode("一行字".encode()).decode()
    await call.evaluate(_TRANSFER, ["dragover", "a.txt", "text/plain", text])
    await expect(call.locator(".drop-hint")).to_be_visible()
    await call.evaluate(_TRANSFER, ["drop", "a.txt", "text/plain", text])
    await call.evaluate(_TRANSFER, ["paste", "b.txt", "text/plain", text])
    await expect(call.locator(".drop-hint")).to_be_hidden()
    await wait_until(call, "document.querySelectorAll('.uploads li').length === 0")
    assert sorted(name for name, _ in server.sent) == ["a.txt", "b.txt"]


async def test_what_cannot_be_sent_says_why(
    call: Page, watched: Watched, server: StandIn, tmp_path: Path
) -> None:
    """Size and type are judged before sending; what the server refuses is told beside the file."""
    watched.expected = ("422",)
    program, large, liar = tmp_path / "a.exe", tmp_path / "b.txt", tmp_path / "c.png"
    program.write_bytes(b"MZ")
    large.write_bytes(b" " * (20 * 1024 * 1024 + 1))
    liar.write_bytes(b"no picture")
    picker = call.locator("chat-panel input[type=file]")
    await picker.set_input_files([program, large])
    refused = call.locator(".uploads .refused")
    await expect(refused).to_have_count(2)
    await expect(refused.first).to_contain_text("不支持这种文件")
    await expect(refused.last).to_contain_text("最大 20 MB")
    assert server.sent == []
    server.refusal = "file_mismatch"
    await picker.set_input_files(liar)
    await expect(refused.last).to_contain_text("文件内容与类型不符")
    await shoot(call, "agent-files-refused")
    await call.get_by_role("button", name="移除 a.exe").click()
    await expect(refused).to_have_count(2)


async def test_an_hd_still_is_taken_on_demand(call: Page, server: StandIn, story: Story) -> None:
    """P asks the phone for a picture at once; it comes with size, sharpness, hash and source."""
    await call.keyboard.press("p")
    said = await server.wait_for(wire.RequestStill)
    assert (said.kind, said.at_once) == (EvidenceKind.SCENE, True)
    await server.note(story.ask(EvidenceKind.SCENE))
    await expect(call.get_by_role("button", name="拍照中").first).to_be_disabled()
    await server.note(story.store(EvidenceKind.SCENE), story.store(EvidenceKind.FACE_STILL, "stream"))
    await expect(call.get_by_role("tab", name="照片")).to_contain_text("2")
    await call.keyboard.press("g")
    items = call.locator(".gallery-item")
    await expect(items.first).to_contain_text("视频截取")
    for words in ("现场照片", "手机拍摄", "2000×1500", "清晰度 812", "5ae15ae1"):
        await expect(items.last).to_contain_text(words)
    await shoot(call, "agent-gallery")


async def test_a_picture_is_looked_at_and_noted(call: Page, server: StandIn, story: Story) -> None:
    """Zoom, turning, hash, note and tags; what was typed stays until saved, and the newest note stands."""
    await server.note(story.store(EvidenceKind.ID_CARD), story.store(EvidenceKind.SCENE))
    await call.get_by_role("tab", name="照片").click()
    await call.locator(".gallery-item").first.get_by_role("button").click()
    viewer = call.get_by_role("dialog", name="现场照片")
    await expect(viewer).to_contain_text("5ae1" * 16)
    await wait_until(call, "document.querySelector('.viewer img').naturalWidth > 0")
    width = "document.querySelector('.viewer img').getBoundingClientRect().width"
    whole = await call.evaluate(width)
    await call.keyboard.press("+")
    await call.keyboard.press("+")
    await expect(viewer.locator("output")).to_have_text("200%")
    assert await call.evaluate(width) == pytest.approx(2 * whole, rel=0.05)
    await call.keyboard.press("0")
    await viewer.get_by_label("备注").fill("手持证件")
    await viewer.get_by_label("标签").fill("手持，证件 , 证件")
    await shoot(call, "agent-viewer")
    await viewer.get_by_role("button", name="保存备注").click()
    said = await server.wait_for(wire.NoteEvidence)
    assert (said.evidence, said.note) == (story.pictures[EvidenceKind.SCENE], "手持证件")
    assert said.tags == ("手持", "证件")
    await server.note(story.tell(EvidenceNoted(said.evidence, said.note, said.tags, AGENT)))
    await expect(viewer).to_contain_text("已保存")
    await viewer.get_by_role("button", name="下一张").click()
    await expect(call.get_by_role("dialog", name="身份证")).to_be_visible()
    await call.keyboard.press("Escape")
    await expect(call.locator(".gallery-item").first).to_contain_text("手持证件")
