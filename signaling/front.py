"""The front: the loop that lets the floor act on one action after another.

Sockets, the journal's follower, the ticker and finished commands post typed actions to its bounded
inbox; nothing else changes the floor.
"""

import asyncio
from types import TracebackType
from typing import Self

import structlog
from prometheus_client import Counter

from contract.ids import AccountId, CaseId, EvidenceId, SeatId, TenantId
from contract.phases import EvidenceKind
from signaling.actions import (
    Action,
    AskDesk,
    AskSeated,
    AskSharer,
    ClaimStill,
    ConfirmStill,
    DeskView,
    Noted,
    ReleaseStill,
    Sharer,
    Stop,
    Tick,
)
from signaling.commands import Commands, Ports
from signaling.customers import IssueUpload
from signaling.floor import Floor
from signaling.settings import SignalingSettings

_log = structlog.get_logger(__name__)
_broken = Counter("teller_signaling_broken_actions", "Actions that raised what they must not")

# Actions wait here; when it is full, sockets are read no further (back-pressure up to TCP).
_INBOX_MAX = 1_024
# Ending calls at server stop: media closes and segments are sealed within a few seconds.
_STOP_S = 20.0


class Front:
    """Runs while entered. ``issue_upload`` makes the upload token for a customer's welcome."""

    def __init__(self, settings: SignalingSettings, ports: Ports, issue_upload: IssueUpload) -> None:
        self._settings = settings
        self._ports = ports
        self._inbox: asyncio.Queue[Action] = asyncio.Queue(_INBOX_MAX)
        self._commands = Commands(ports, settings.command_s, self.post)
        self._group = asyncio.TaskGroup()
        self._tasks: list[asyncio.Task[None]] = []
        self._floor = Floor(settings, ports.clock, self._commands, issue_upload)
        self._stopped = asyncio.Event()

    async def __aenter__(self) -> Self:
        await self._commands.__aenter__()
        await self._group.__aenter__()
        following = asyncio.Event()
        for work in (self._loop(), self._follow(following), self._keep_time()):
            self._tasks.append(self._group.create_task(work))
        await following.wait()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # A task group would wrap the body's own error; only a cancellation concerns it.
        told = (kind, error, trace) if isinstance(error, asyncio.CancelledError) else (None, None, None)
        try:
            if not any(task.done() for task in self._tasks):
                await self.stop()
        finally:
            for task in self._tasks:
                task.cancel()
            await self._group.__aexit__(*told)
            await self._commands.__aexit__(*told)

    def show_alarms(self, words: tuple[str, ...]) -> None:
        """Show these on every wallboard until told otherwise."""
        self._floor.show_alarms(words)

    async def stop(self) -> None:
        """End every call as SERVER_STOPPED, finish their recordings, say goodbye. Idempotent."""
        await self.post(Stop())
        try:
            async with asyncio.timeout(_STOP_S):
                await self._stopped.wait()
        except TimeoutError:
            _log.error("calls did not end in time", calls=self._floor.calls)
            self._stopped.set()

    async def post(self, action: Action) -> None:
        """Hand an action to the loop; waits while the inbox is full."""
        await self._inbox.put(action)

    async def claim_still(self, case: CaseId, seat: SeatId, request: EvidenceId) -> EvidenceKind:
        """Begin the one upload of a picture; end it with :class:`ReleaseStill`.

        Raises:
            NotFound: not asked for, or not of this seat.
            WrongPhase: the call is not active, or the picture is here already.
        """
        reply: asyncio.Future[EvidenceKind] = asyncio.get_running_loop().create_future()
        await self.post(ClaimStill(case, seat, request, reply))
        try:
            return await reply
        except asyncio.CancelledError:
            if reply.done() and not reply.cancelled() and reply.exception() is None:
                await self.post(ReleaseStill(case, request))
            raise

    async def confirm_still(self, case: CaseId, seat: SeatId, request: EvidenceId) -> None:
        """The claimed picture has come: may it be stored now? The call then waits for its release.

        Raises:
            NotFound: not of this seat.
            WrongPhase: the call is no longer active, or nothing is claimed.
        """
        reply: asyncio.Future[EvidenceKind] = asyncio.get_running_loop().create_future()
        await self.post(ConfirmStill(case, seat, request, reply))
        await reply

    async def sharer(
        self,
        case: CaseId,
        *,
        seat: SeatId | None,
        account: AccountId | None,
        holds: EvidenceId | None = None,
    ) -> Sharer:
        """Return who would share a file: the customer in ``seat``, or the member of staff ``account``.

        With ``holds`` the call does not close before :class:`ReleaseStill` of it.

        Raises:
            NotFound: no party of the case's call.
            WrongPhase: the call has not begun or is over; ``held``: the customer is on hold, or does
                not know of this member of staff.
        """
        reply: asyncio.Future[Sharer] = asyncio.get_running_loop().create_future()
        await self.post(AskSharer(case, seat, account, holds, reply))
        try:
            return await reply
        except asyncio.CancelledError:
            if holds is not None:
                await self.post(ReleaseStill(case, holds))
            raise

    async def seated(self, case: CaseId, account: AccountId) -> bool:
        """Tell whether this account sits in the call of ``case`` now."""
        reply: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        await self.post(AskSeated(case, account, reply))
        return await reply

    async def settled(self, case: CaseId) -> None:
        """Wait until the journal of ``case`` has what was decided by now. Raises Busy when it takes long."""
        await self._commands.settled(case)

    async def desk(self, tenant: TenantId) -> DeskView:
        """Return what a newcomer would find at the desk of ``tenant``."""
        reply: asyncio.Future[DeskView] = asyncio.get_running_loop().create_future()
        await self.post(AskDesk(tenant, reply))
        return await reply

    # --- the three tasks ---

    async def _loop(self) -> None:
        while True:
            action = await self._inbox.get()
            try:
                self._floor.handle(action)
            except Exception:
                _broken.inc()
                _log.exception("an action broke", action=type(action).__name__)
            if self._floor.stopping and not self._floor.calls and self._commands.idle and self._inbox.empty():
                self._stopped.set()

    async def _follow(self, following: asyncio.Event) -> None:
        async with self._ports.journal.follow() as entries:
            following.set()
            async for entry in entries:
                if self._floor.knows(entry.case):
                    await self.post(Noted(entry))

    async def _keep_time(self) -> None:
        while True:
            await asyncio.sleep(self._settings.tick_s)
            await self.post(Tick())
