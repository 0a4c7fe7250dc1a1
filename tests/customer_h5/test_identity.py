"""Liveness checks and one-time codes on the customer's page, against a bank that plays the server."""

import re
from dataclasses import replace

import pytest
from playwright.async_api import Locator, Page, expect

from contract import wire
from contract.ids import CheckId, new_check_id
from contract.phases import Capture, CheckWord, CodeChannel, LivenessKind
from tests.browser import wait_until
from tests.customer_h5.conftest import Phone
from tests.customer_h5.steps import enter_call, require_calm, talk

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]
SIZES = [(360, 640), (1280, 800)]
CHECK, OTHER = CheckId("check-3k9m0c7v2q8x1tzr"), CheckId("check-3k9m0c7v2q8x2tzr")
LEFT = wire.ChallengeStep(CHECK, "turn_left", 1, 2, 20.0, 1, "")
DIGITS = wire.ChallengeStep(CHECK, "say_digits", 2, 2, 20.0, 1, "4729")
COLOURS = ("#ff0000", "#00ff00", "#0000ff", "#ffff00")
_PAINTED = ["rgb(255, 0, 0)", "rgb(0, 255, 0)", "rgb(0, 0, 255)", "rgb(255, 255, 0)"]
# Slower than the bank's, so that a busy machine paints each of them.
LIGHT = wire.LightSequence(CHECK, COLOURS, len(COLOURS), 1.0, 0.5)
CODE = wire.CodeWanted(CHECK, 6, CodeChannel.SMS, 3, 600.0)
# What no customer is told: which attribute failed, or that any did.
_TELLING = re.compile(r"失败|未通过|不通过|不匹配|不符|假|活体|failed|mismatch|liveness")
_SPEECH = """
window.said = [];
Object.defineProperty(window, "speechSynthesis", {
  value: {
    cancel: () => undefined,
    speak: ({ text, lang, rate }) => said.push([text, lang, Number(rate.toFixed(2))]),
  },
});
"""
# When which colour stood on the screen, and when the socket was told, on one clock.
_WATCH = """
Object.assign(window, { colours: [], told: [] });
const send = WebSocket.prototype.send;
WebSocket.prototype.send = function (text) {
  if (text.includes("light_shown")) told.push(performance.now());
  return send.call(this, text);
};
new MutationObserver((changes) => {
  for (const { target } of changes)
    if (target.classList.contains("light")) colours.push([target.style.backgroundColor, performance.now()]);
}).observe(document, { subtree: true, attributes: true, attributeFilter: ["data-colour"] });
"""
_SPEAK = """async (language) => {
  const loaded = performance.getEntriesByType("resource").map((one) => one.name);
  (await import(loaded.find((name) => name.endsWith("/web_kit/i18n.js")))).setLanguage(language);
}"""


def wanted(kind: LivenessKind, *, elder: bool = False, check: CheckId = CHECK) -> wire.ChallengeWanted:
    """Return the announcement of a check."""
    return wire.ChallengeWanted(check, kind, elder)


def press(page: Page, name: str) -> Locator:
    """Return a button by its words."""
    return page.get_by_role("button", name=name)


async def require_in_sight(page: Page, *names: str) -> None:
    """Fail unless these buttons lie wholly inside the window."""
    for name in names:
        box = await press(page, name).bounding_box()
        size = page.viewport_size
        assert box is not None and size is not None
        assert box["x"] >= 0 and box["y"] >= 0, name
        assert box["x"] + box["width"] <= size["width"] and box["y"] + box["height"] <= size["height"], name


@pytest.mark.parametrize("viewport", SIZES)
async def test_gestures(phone: Phone) -> None:
    """Explained, begun by a tap, shown and spoken one by one with a countdown; digits stand large and are
    not spoken; another try begins by a tap; the end tells nothing."""
    page, bank = phone.page, phone.bank
    await page.add_init_script(_SPEECH)
    await enter_call(phone)
    await bank.send(wanted(LivenessKind.GESTURES))
    await expect(press(page, "我准备好了")).to_be_focused()
    await require_calm(phone)
    await require_in_sight(page, "我准备好了", "换一种方式")
    await press(page, "我准备好了").click()
    assert (await bank.wait_for(wire.ChallengeReady)).check == CHECK
    await expect(page.locator(".live .spinner")).to_be_visible()
    await bank.send(LEFT)
    await expect(page.get_by_role("alert")).to_have_text("请慢慢向左转头，再转回来")
    await expect(page.locator(".live .guide.turn_left")).to_be_visible()
    await expect(page.get_by_role("timer")).to_have_text(re.compile("^(20|19|18)$"))
    await require_calm(phone)
    await require_in_sight(page, "再说一遍", "换一种方式")
    await press(page, "再说一遍").click()
    await bank.send(DIGITS)
    await expect(page.locator(".digits")).to_have_text("4729")
    await require_in_sight(page, "换一种方式")
    said = await page.evaluate("said.map(([text]) => text)")
    turn = "请慢慢向左转头，再转回来"
    assert said == ["好的，请看着屏幕，按提示做", turn, turn, "请跟着提示，一个一个大声读出数字"]
    await bank.send(wire.CheckOver(CHECK, CheckWord.AGAIN))
    await expect(page.locator(".live h2")).to_have_text("请再来一次")
    await press(page, "再来一次").click()
    await bank.wait_for(wire.ChallengeReady, 2)
    await bank.send(replace(LEFT, attempt=2))
    await expect(page.locator(".live .guide.turn_left")).to_be_visible()
    await bank.send(wire.CheckOver(CHECK, CheckWord.AGENT_HELPS))
    await expect(page.locator(".live")).to_contain_text("接下来由柜员为您办理")
    assert _TELLING.search(await page.locator("body").inner_text()) is None
    await press(page, "返回通话").click()
    await expect(page.locator(".live")).to_be_hidden()
    await press(page, "静音").click()


@pytest.mark.parametrize("viewport", [(390, 844)])
async def test_digits_come_one_after_the_other(phone: Phone) -> None:
    """Each is marked in its turn, for the elderly longer, and after a rest the first one again."""
    page, bank = phone.page, phone.bank
    await enter_call(phone)
    await bank.send(DIGITS)
    marked = page.locator(".digits .now")
    await expect(page.locator(".digits span")).to_have_text(["4", "7", "2", "9"])
    await expect(marked).to_have_count(0)
    for digit in "4729":
        await expect(marked).to_have_text(digit)
    await expect(marked).to_have_count(0)
    await expect(marked).to_have_text("4")
    await require_in_sight(page, "换一种方式")
    await require_calm(phone)
    assert await page.locator(".live-muted").is_hidden()


@pytest.mark.parametrize("viewport", [(390, 844)])
async def test_who_is_muted_is_told_at_once(phone: Phone) -> None:
    """Beside the digits, with the button that ends it; where nothing is to be said nothing is said of it."""
    page, bank = phone.page, phone.bank
    await enter_call(phone)
    await press(page, "静音").click()
    await bank.send(LEFT)
    await expect(page.locator(".live .guide.turn_left")).to_be_visible()
    await expect(page.locator(".live-muted")).to_have_count(0)
    await bank.send(DIGITS)
    await expect(page.locator(".live-muted")).to_have_text(re.compile("您已静音"))
    await require_in_sight(page, "换一种方式")
    await require_calm(phone)
    # The call's own button lies below the sheet.
    await page.locator(".live-muted button").click()
    await expect(page.locator(".live-muted")).to_be_hidden()
    assert (await bank.wait_for(wire.CaptureState, 2)).microphone is Capture.ON


async def test_pace_for_the_elderly(phone: Phone) -> None:
    """It is spoken more slowly and written larger; the countdown is the server's."""
    page, bank = phone.page, phone.bank
    await page.add_init_script(_SPEECH)
    await enter_call(phone)
    await bank.send(wanted(LivenessKind.GESTURES, elder=True))
    await press(page, "我准备好了").click()
    await bank.wait_for(wire.ChallengeReady)
    await bank.send(replace(LEFT, step="nod", seconds=30.0))
    await expect(page.get_by_role("timer")).to_have_text(re.compile("^(30|29|28)$"))
    await wait_until(page, "said.length === 2")
    assert await page.evaluate("said.map(([, lang, rate]) => [lang, rate])") == [["zh-CN", 0.8]] * 2
    await expect(page.locator(".live")).to_have_class(re.compile("elder"))


async def test_every_gesture_has_a_picture_and_words(phone: Phone) -> None:
    """The six gestures are told and drawn apart; one that is new to the page is the agent's to explain."""
    page, bank = phone.page, phone.bank
    await enter_call(phone)
    seen = set()
    for gesture in ("turn_left", "turn_right", "nod", "blink", "open_mouth", "say_digits", "hop"):
        await bank.send(replace(LEFT, check=new_check_id(), step=gesture))
        await expect(page.locator(f".live .guide.{gesture}")).to_be_visible()
        drawn = await page.locator(".live .guide").inner_html()
        seen.add((await page.locator(".live h2").inner_text(), drawn))
    assert len({words for words, _ in seen}) == len({drawn for _, drawn in seen}) == 7


@pytest.mark.parametrize("viewport", SIZES)
async def test_light(phone: Phone) -> None:
    """Warned of, begun by a tap; every colour fills the screen in order, those too that come while it is lit;
    the first one is told once and while it stands, and the screen is neutral before and after."""
    page, bank = phone.page, phone.bank
    await page.add_init_script(_WATCH)
    await enter_call(phone)
    await bank.send(wanted(LivenessKind.LIGHT))
    for words in ("光敏性癫痫", "亮度调到最高", "30 厘米"):
        await expect(page.locator(".live")).to_contain_text(words)
    await require_calm(phone)
    await require_in_sight(page, "我准备好了", "换一种方式")
    await press(page, "我准备好了").click()
    await bank.wait_for(wire.ChallengeReady)
    await bank.send(replace(LIGHT, colours=COLOURS[:2]))
    light = page.locator(".light")
    await expect(light).to_be_visible()
    box, size = await light.bounding_box(), page.viewport_size
    assert box is not None and size is not None
    assert (box["width"], box["height"]) == (size["width"], size["height"])
    shown = await bank.wait_for(wire.LightShown)
    assert shown.check == CHECK and shown.started_at > 1e9
    await bank.send(wire.LightColours(CHECK, COLOURS[2:], 3))
    await expect(light).to_be_hidden()
    stood = await page.evaluate("colours.filter(([colour]) => colour)")
    assert [colour for colour, _ in stood] == _PAINTED
    told = await page.evaluate("told")
    assert len(told) == 1 and stood[0][1] <= told[0] < stood[1][1]
    last = await page.evaluate("colours[colours.length - 1]")
    assert last[0] == "" and last[1] - stood[-1][1] >= 990
    await bank.send(wire.CheckOver(CHECK, CheckWord.THANKS))
    await expect(page.locator(".live")).to_contain_text("谢谢")
    await expect(page.locator(".live")).to_be_hidden()


async def test_light_never_flashes_faster_than_is_safe(phone: Phone) -> None:
    """Whatever is asked for, three changes take a second."""
    page, bank = phone.page, phone.bank
    await page.add_init_script(_WATCH)
    await enter_call(phone)
    await bank.send(wanted(LivenessKind.LIGHT))
    await bank.send(replace(LIGHT, seconds_each=0.05))
    await bank.wait_for(wire.LightShown)
    await expect(page.locator(".light")).to_be_hidden()
    (_, began), *later = [one for one in await page.evaluate("colours") if one[0]]
    assert later
    for colour, when in later:
        # A busy machine may pass one over, but none comes before its time.
        assert when - began >= 334 * _PAINTED.index(colour) - 50


async def test_declining(phone: Phone) -> None:
    """The light stops at once, the bank is told, and nothing of this check comes back; the next does."""
    page, bank = phone.page, phone.bank
    await enter_call(phone)
    await bank.send(wanted(LivenessKind.LIGHT))
    await bank.send(replace(LIGHT, colours=COLOURS * 20, count=80))
    await bank.wait_for(wire.LightShown)
    await press(page, "停止").click()
    await expect(page.locator(".light")).to_be_hidden()
    assert await bank.wait_for(wire.ChallengeDeclined) == wire.ChallengeDeclined(CHECK)
    await expect(page.locator(".live")).to_contain_text("接下来由柜员为您办理")
    await bank.send(LIGHT)
    await bank.send(replace(LEFT, attempt=2))
    await bank.send(wire.CheckOver(CHECK, CheckWord.AGAIN))
    await press(page, "返回通话").click()
    await bank.send(LIGHT)
    await bank.send(wire.CheckOver(CHECK, CheckWord.AGENT_HELPS))
    await bank.send(CODE)
    await expect(page.locator(".code-field")).to_be_visible()
    await expect(page.locator(".live")).to_be_hidden()
    await expect(page.locator(".light")).to_be_hidden()
    await bank.send(wanted(LivenessKind.GESTURES, check=OTHER))
    await press(page, "换一种方式").click()
    assert await bank.wait_for(wire.ChallengeDeclined, 2) == wire.ChallengeDeclined(OTHER)
    assert not [message for message in bank.got if isinstance(message, wire.Chat)]


async def test_declining_without_a_line(phone: Phone) -> None:
    """What was pressed while the line was gone is told once it is back, and the check stays away."""
    page, bank = phone.page, phone.bank
    await enter_call(phone)
    await bank.send(wanted(LivenessKind.GESTURES))
    await press(page, "换一种方式").click()
    await bank.wait_for(wire.ChallengeDeclined)
    assert bank.socket is not None
    await bank.socket.close(code=1012)
    await bank.wait_for(wire.Hello, 2)
    await talk(phone)
    await bank.send(wanted(LivenessKind.GESTURES))
    assert await bank.wait_for(wire.ChallengeDeclined, 2) == wire.ChallengeDeclined(CHECK)
    await expect(press(page, "我准备好了")).to_be_hidden()


async def test_reduced_motion(phone: Phone) -> None:
    """Drawings stand still; that the light changes all the same is said before."""
    page, bank = phone.page, phone.bank
    await page.emulate_media(reduced_motion="reduce")
    await enter_call(phone)
    await bank.send(LEFT)
    moving = page.locator(".live .guide .to-left")
    await expect(moving).to_be_attached()
    assert await moving.evaluate("(one) => getComputedStyle(one).animationName") == "none"
    await bank.send(wire.CheckOver(CHECK, CheckWord.THANKS))
    await bank.send(wanted(LivenessKind.LIGHT, check=OTHER))
    await expect(page.locator(".live")).to_contain_text("减少动态效果")


async def test_passive(phone: Phone) -> None:
    """A word about looking ahead, and nothing to press: the call stays in reach."""
    page, bank = phone.page, phone.bank
    await enter_call(phone)
    await bank.send(wanted(LivenessKind.PASSIVE))
    await expect(page.locator(".live-note")).to_have_text("请正对镜头，保持几秒钟")
    await press(page, "静音").click()
    await bank.send(wire.CheckOver(CHECK, CheckWord.THANKS))
    await expect(page.locator(".live")).to_be_hidden()


async def test_camera_is_turned_on_and_told(phone: Phone) -> None:
    """The page tells its camera once the call is there, and again when it is another; a camera that is off
    is on before the challenge."""
    page, bank = phone.page, phone.bank
    await enter_call(phone)
    claim = await bank.wait_for(wire.CameraClaim)
    assert "fake_device" in claim.label and claim.width > 0 and claim.frame_rate > 0 and claim.phone
    assert claim.width_max >= claim.width
    await press(page, "关画面").click()
    await bank.send(wanted(LivenessKind.GESTURES))
    await press(page, "我准备好了").click()
    await bank.wait_for(wire.ChallengeReady)
    await bank.wait_for(wire.CameraClaim, 2)
    tags = [message.tag for message in bank.got]
    assert tags.index("camera_claim", tags.index("camera_claim") + 1) < tags.index("challenge_ready")


async def test_a_line_that_is_lost(phone: Phone) -> None:
    """Without a line the call's own words are seen; back again, the check is told again and goes on."""
    page, bank = phone.page, phone.bank
    await enter_call(phone)
    await bank.send(wanted(LivenessKind.GESTURES))
    await press(page, "我准备好了").click()
    await bank.wait_for(wire.ChallengeReady)
    assert bank.socket is not None
    await bank.socket.close(code=1012)
    await expect(page.locator(".banner")).to_contain_text("正在重新连接")
    await bank.wait_for(wire.Hello, 2)
    await talk(phone)
    await bank.send(wanted(LivenessKind.GESTURES))
    await press(page, "我准备好了").click()
    await bank.wait_for(wire.ChallengeReady, 2)


@pytest.mark.parametrize("viewport", SIZES)
async def test_code(phone: Phone) -> None:
    """Digits only, sent when there are enough; a wrong one tells the tries that are left; another one can be
    wished for; the end closes it."""
    page, bank = phone.page, phone.bank
    await enter_call(phone)
    await bank.send(CODE)
    field = page.get_by_label("手机短信收到的 6 位验证码")
    await expect(field).to_be_focused()
    assert [await field.get_attribute(name) for name in ("inputmode", "autocomplete")] == [
        "numeric", "one-time-code"
    ]  # fmt: skip
    await expect(page.locator(".code-sheet")).to_contain_text(re.compile(r"(10:00|9:5\d) 后失效"))
    await require_calm(phone)
    go = press(page, "确认")
    await field.press_sequentially("12a ３")
    await expect(field).to_have_value("123")
    await expect(go).to_be_disabled()
    await field.press_sequentially("4567")
    await expect(field).to_have_value("123456")
    await field.press("Enter")
    entered = await bank.wait_for(wire.EnterCode)
    assert (entered.check, entered.code) == (CHECK, "123456")
    await expect(go).to_be_disabled()
    await bank.send(replace(CODE, left=2, seconds=500.0))
    await expect(page.get_by_text("验证码不对，还可以输入 2 次")).to_be_visible()
    await expect(field).to_have_value("")
    await press(page, "没有收到").click()
    assert (await bank.wait_for(wire.Chat)).text == "我没有收到验证码，请重新发送。"
    await field.fill("654321")
    await go.click()
    assert (await bank.wait_for(wire.EnterCode, 2)).code == "654321"
    await bank.send(wire.CheckOver(CHECK, CheckWord.THANKS))
    await expect(page.locator(".code-sheet")).to_have_text("谢谢，已经完成")
    await expect(page.locator(".code-sheet")).to_be_hidden()


async def test_a_code_whose_time_is_over(phone: Phone) -> None:
    """It is not sent any more, and that is said."""
    page, bank = phone.page, phone.bank
    await enter_call(phone)
    await bank.send(replace(CODE, channel=CodeChannel.EMAIL, seconds=1.0))
    field = page.get_by_label("邮箱收到的 6 位验证码")
    await field.fill("123456")
    await expect(page.locator(".code-sheet")).to_contain_text("验证码已失效")
    await expect(press(page, "确认")).to_be_disabled()


@pytest.mark.parametrize("language", ["zh-CN", "en"])
async def test_large_words_fit(phone: Phone, language: str) -> None:
    """With large words on a small phone, in both languages, what is to be pressed is in sight."""
    page, bank = phone.page, phone.bank
    await page.add_init_script("localStorage.setItem('teller-size', 'large')")
    await enter_call(phone)
    await page.evaluate(_SPEAK, language)
    chinese = language == "zh-CN"
    ready, other = ("我准备好了", "换一种方式") if chinese else ("I am ready", "Another way")
    for kind in (LivenessKind.GESTURES, LivenessKind.LIGHT):
        await bank.send(wanted(kind, elder=True, check=new_check_id()))
        await expect(page.locator(f".live[data-kind={kind}] .primary")).to_be_visible()
        await require_calm(phone)
        await require_in_sight(page, ready, other)
    await bank.send(replace(DIGITS, check=OTHER))
    await expect(page.locator(".digits")).to_be_visible()
    await require_calm(phone)
    await require_in_sight(page, other)
    own = await page.locator(".live-stage .self").bounding_box()
    assert own is not None and own["height"] > 90
    await bank.send(wire.CheckOver(OTHER, CheckWord.AGENT_HELPS))
    await bank.send(CODE)
    await press(page, "返回通话" if chinese else "Back to the call").click()
    await expect(page.locator(".code-field")).to_be_visible()
    await require_calm(phone)
