"""The console as the tests drive it: logging in, and calls as the server tells them."""

from dataclasses import replace

from playwright.async_api import Locator, Page

from contract import wire
from contract.ids import AccountId, SeatId
from contract.phases import CallPhase, Capture, Outcome, Role, SeatMode
from tests.agent_console.stand_in import PASSWORD, StandIn
from tests.agent_console.story import AGENT, AGENT_NAME, CUSTOMER_NAME, Story

GUEST = AccountId("acct-0000000000000003")
GUEST_NAME = "赵敏"
GUEST_SEAT = SeatId("seat-0000000000000003")


async def log_in(page: Page, server: StandIn, password: str = PASSWORD) -> None:
    """Fill in the login."""
    await page.goto(f"{server.url}/agent/")
    await page.get_by_label("账号").fill("agent1")
    await page.get_by_label("密码").fill(password)
    await page.get_by_role("button", name="登录", exact=True).click()


def customer_of(story: Story, name: str = CUSTOMER_NAME) -> wire.PartySeen:
    """Return the customer as the agent sees him."""
    return wire.PartySeen(
        story.customer, Role.CUSTOMER, name, SeatMode.TALKING, 0, Capture.ON, Capture.ON, present=True
    )


def agent_of(story: Story) -> wire.PartySeen:
    """Return the agent as his own page sees him."""
    return wire.PartySeen(
        story.agent, Role.AGENT, AGENT_NAME, SeatMode.TALKING, None, Capture.ON, Capture.ON, True, AGENT
    )


def guest_of(mode: SeatMode = SeatMode.TALKING, slot: int | None = 1) -> wire.PartySeen:
    """Return an invited colleague."""
    return wire.PartySeen(GUEST_SEAT, Role.GUEST, GUEST_NAME, mode, slot, Capture.ON, Capture.ON, True, GUEST)


def state_of(story: Story, phase: CallPhase, **more: object) -> wire.CallState:
    """Return the call as the server tells it to the leading agent."""
    known: dict[str, object] = {"recording": False, "kyc_unlocked": False, "active_s": 0.0}
    parties = (customer_of(story), agent_of(story))
    seats = {"seat": story.agent, "host": story.agent, "parties": parties}
    return wire.CallState(story.call, story.case, phase, CUSTOMER_NAME, **(known | seats | more))  # type: ignore[arg-type]


def running(story: Story, phase: CallPhase = CallPhase.ACTIVE, **more: object) -> wire.CallState:
    """Return the call with recording under way and the checks unlocked."""
    return state_of(story, phase, **({"recording": True, "kyc_unlocked": True, "active_s": 12.0} | more))


def ring_of(story: Story) -> wire.Ring:
    """Return the ring for a case."""
    return wire.Ring(story.call, story.case, "account_opening", CUSTOMER_NAME, 48.0, "zh-CN", 30.0)


def choice(word: str, zh: str, en: str, outcome: Outcome | None = None) -> wire.Choice:
    """Return a word of the policy."""
    return wire.Choice(word, zh, en, outcome)


_STEPS = (
    wire.StepSeen("consent", "单独同意", "Separate consents", "passed", "", "consent", True, False, (), ""),
    wire.StepSeen(
        "purpose", "询问开户用途", "Purpose of the account", "open", "", "", True, False,
        (choice("daily", "日常收支", "Daily use"), choice("asked", "受他人要求", "Asked by others")), "",
    ),
    wire.StepSeen("id_card", "拍摄身份证", "ID card", "open", "", "evidence_id_card", True, True, (), ""),
    wire.StepSeen("id_number", "核对公民身份号码", "ID number", "open", "", "id_number", True, False, (), ""),
    wire.StepSeen(
        "face_still", "拍摄现场人像", "Live portrait", "open", "", "evidence_face_still", True, False, (), "",
    ),
    wire.StepSeen(
        "face_match", "人证比对", "Face against card", "locked", "face_still", "face_match",
        True, False, (), "",
    ),
    wire.StepSeen("risk", "宣读风险提示", "Read out the risks", "open", "", "", False, True, (), ""),
)  # fmt: skip
_REASONS = (
    choice("suspected_fraud", "疑似欺诈", "Suspected fraud", Outcome.FAILED),
    choice("poor_light", "光线不足", "Too little light", Outcome.INCOMPLETE),
)


def script_of(story: Story, *, complete: bool = False, **states: str) -> wire.Script:
    """Return the script; ``states`` sets the states of steps, ``locked`` by the recording unless told."""
    steps = tuple(
        replace(
            step,
            state=states.get(step.id, step.state),
            lock="recording" if states.get(step.id) == "locked" else step.lock,
        )
        for step in _STEPS
    )
    return wire.Script(
        story.call,
        steps,
        complete,
        _REASONS,
        (choice("elderly", "老年客户", "Elderly customer"), choice("complaint", "投诉意向", "Complaint")),
        (choice("call_back", "回访客户", "Call back"),),
    )


def step(page: Page, name: str) -> Locator:
    """Return a step of the script by its id."""
    return page.locator(f'.step[data-step="{name}"]')


def window(page: Page, name: str) -> Locator:
    """Return a window of the stage."""
    return page.locator(f'stage-window[data-window="{name}"]')


async def show_person(page: Page, name: str, picture: str) -> None:
    """Let a window show a picture of the case, at this address, as if its person sat before a camera."""
    await page.evaluate(
        """async ([name, picture]) => {
          const image = Object.assign(new Image(), { src: picture });
          await image.decode();
          const size = { width: image.naturalWidth, height: image.naturalHeight };
          const canvas = Object.assign(document.createElement("canvas"), size);
          const stream = canvas.captureStream(10);
          canvas.getContext("2d").drawImage(image, 0, 0);
          document.querySelector(`[data-window=${name}] video`).srcObject = stream;
        }""",
        [name, picture],
    )


async def show_picture(page: Page, name: str) -> None:
    """Let a window show a moving picture, as media from the other side would."""
    await page.evaluate(
        "(name) => navigator.mediaDevices.getUserMedia({video: true}).then((stream) => {"
        "document.querySelector(`[data-window=${name}] video`).srcObject = stream; })",
        name,
    )
