"""A document tilted before the phone's camera: pictures, ticks, decision and the auditor's page, by hand."""

import asyncio
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import yaml
from playwright.async_api import Page, expect

from kyc.images import decode
from teller.demo.card import cut_portrait, render_card, specimen
from teller.demo.data import LOGINS
from teller.demo.pictures import Picture, astronaut, other_person
from teller.demo.sound import Speaker
from teller.demo.tilting import tilted
from teller.policy import FOLDER
from tests.e2e.server import Server, running
from tests.e2e.test_browsers import (
    DESKTOP,
    PHONE,
    STEP_MS,
    log_in,
    person,
    shoot,
    step,
    write_clip,
    write_pictures,
    write_sound,
)
from tests.e2e.visit import start_visit

pytestmark = [pytest.mark.server, pytest.mark.browser, pytest.mark.timeout(300)]

SIZE, POSES, HELD = (960, 720), 12, 5
TICKS = (("great_wall", 3), ("rainbow", 5), ("microtext", 7))


@pytest.fixture(name="server", scope="module")
def _server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Yield a server whose pack wants consent and features of three categories, and nothing else."""
    folder = tmp_path_factory.mktemp("teller")
    pack: dict[str, Any] = yaml.safe_load((FOLDER / "cn-account-opening.yaml").read_text("utf-8"))
    title = {"zh-CN": "核验防伪特征", "en": "Features of the document"}
    features = {"id": "features", "title": title, "check": "features", "mandatory": True, "source": "test"}
    pack["steps"] = [next(one for one in pack["steps"] if one["id"] == "consent"), features]
    pack["identity"]["worksheet"] |= {"categories": 3, "pictures": 8, "seconds": 4}
    pack["decision"]["needs"] = [one for one in pack["decision"]["needs"] if one["id"] == "consent"]
    pack["decision"]["screening"] = []
    file = folder / "features.yaml"
    file.write_text(yaml.safe_dump(pack, allow_unicode=True), "utf-8")
    with running(Server(folder / "data", {"policy.pack": str(file)})) as server:
        yield server


def card_clip(folder: Path) -> tuple[Path, Path]:
    """Write what the phone's camera sees: a laminated card, tilted once all round in four seconds."""
    card = render_card(cut_portrait(astronaut()), specimen())
    picture, sound = folder / "card.y4m", folder / "card.wav"

    def frames() -> Iterator[Picture]:
        for one in tilted(card, 2, POSES):
            small = cv2.resize(decode(one), SIZE, interpolation=cv2.INTER_AREA)
            yield from (np.asarray(small, np.uint8) for _ in range(HELD))

    write_pictures(picture, frames())
    write_sound(sound, Speaker.CUSTOMER)
    return picture, sound


async def play(server: Server, agent: Page, customer: Page) -> str:
    """Ask for the burst, let it be taken, tick three features on three pictures, finish; return the case."""
    await log_in(agent, f"{server.url}/agent/", LOGINS.agent)
    await agent.get_by_role("button", name="就绪").click()
    await start_visit(customer, server.url)
    await expect(agent.get_by_role("alertdialog")).to_be_visible(timeout=STEP_MS)
    await agent.keyboard.press("a")
    sheet = step(agent, "features")
    ask = sheet.get_by_role("button", name="请客户倾斜证件连拍：身份证")
    await expect(ask).to_be_enabled(timeout=STEP_MS)
    await ask.click()
    await customer.get_by_role("button", name="开始").click()
    await expect(customer.locator(".tilt")).to_contain_text("倾斜")
    await shoot(customer, "tilt")
    await expect(sheet.locator(".tilt-strip .thumb")).to_have_count(8, timeout=STEP_MS)
    await expect(customer.locator(".tilt")).to_be_hidden(timeout=STEP_MS)
    await expect(sheet).to_contain_text("变化最明显，建议查看", timeout=STEP_MS)
    for feature, number in TICKS:
        await sheet.get_by_role("button", name=f"第 {number} 张", exact=True).click()
        row = sheet.locator(f"[data-feature={feature}]")
        await row.get_by_role("button", name="看到", exact=True).click()
        await expect(row).to_contain_text(f"见第 {number} 张")
    await shoot(agent, "features")
    await expect(agent.get_by_text("步骤已全部完成")).to_be_visible(timeout=STEP_MS)
    await agent.get_by_role("button", name="办结…").click()
    form = agent.locator("dialog.decide")
    await form.get_by_label("通过", exact=True).check()
    await form.get_by_role("button", name="提交结果").click()
    reference = customer.get_by_text(re.compile(r"case-[0-9a-z]{16}"))
    await expect(reference).to_be_visible(timeout=STEP_MS)
    found = re.search(r"case-[0-9a-z]{16}", await reference.inner_text())
    assert found
    return found[0]


async def look(server: Server, auditor: Page, case: str) -> list[int]:
    """Open the record as the auditor; return the widths of the worksheet's pictures as they are sent."""
    await log_in(auditor, f"{server.url}/audit/", LOGINS.auditor)
    await auditor.locator(f'a[href="#{case}"]').click()
    await auditor.get_by_role("button", name="打开记录").click()
    await expect(auditor.get_by_text("记录完整，已核验")).to_be_visible(timeout=90_000)
    card = auditor.locator("findings-panel").get_by_role("region", name="证件防伪特征", exact=True)
    await expect(card).to_contain_text("已看到 3 类，需 3 类")
    pictures = card.locator(".feature-ticks img")
    await expect(pictures).to_have_count(len(TICKS))
    await shoot(auditor, "audit-features")
    wide = "(all) => Promise.all(all.map(async (one) => (await one.decode(), one.naturalWidth)))"
    found = await pictures.evaluate_all(wide)
    return [int(one) for one in found]


def test_a_document_is_tilted_ticked_and_audited(server: Server, tmp_path: Path) -> None:
    """Every tick stands on a picture of the burst, the decision misses nothing, the auditor sees a veil."""
    clips = card_clip(tmp_path), write_clip(tmp_path, "agent", other_person(0), Speaker.AGENT)

    async def run() -> tuple[str, list[int]]:
        async with person(clips[1], DESKTOP) as agent, person(clips[0], PHONE) as customer:
            case = await play(server, agent.page, customer.page)
        async with person(clips[1], DESKTOP) as auditor:
            return case, await look(server, auditor.page, case)

    case, widths = asyncio.run(run())
    # The veil sends 480 pixels whatever was taken.
    assert widths == [480] * len(TICKS)
    lines = server.archived(case, "journal.jsonl").read_text("utf-8").splitlines()
    facts = [(one["name"], one["fact"]) for one in map(json.loads, lines)]
    told = dict(facts)
    burst, measured = told["TiltRequested"], told["TiltMeasured"]
    stored = [fact["evidence"] for name, fact in facts if name == "EvidenceStored"]
    assert stored == burst["pictures"]
    assert measured["cards"] >= 6
    assert measured["places"]
    ticks = [(fact["feature"], fact["evidence"]) for name, fact in facts if name == "FeatureTicked"]
    assert ticks == [(feature, stored[number - 1]) for feature, number in TICKS]
    assert not [word for word in told["Decided"]["reasons"] if word.startswith("feature")]
    names = [name for name, _ in facts]
    assert names.index("TiltEnded") < names.index("FeatureTicked") < names.index("Decided")
