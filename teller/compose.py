"""The composition root: opens the rooms in order and hands each what it needs.

Both processes build on :func:`open_base`; the server adds the live rooms with :func:`open_house`.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import structlog

from contract.errors import StorageError
from contract.facts import AuditSigned, CaseAdvanced, CaseCreated, Entry, Fact
from contract.ids import CallId, CaseId, is_id
from contract.phases import CaseEnd, CasePhase
from contract.ports import Archive, Clock
from kyc.card_jobs import Veil
from kyc.engine import Engine
from media.pool import Pool
from recordings.archive_directory import DirectoryArchive
from recordings.archive_s3 import S3Archive, S3Settings, server_side
from recordings.archive_sealed import SealedArchive
from recordings.case_keys import CaseKeys, open_master_key
from recordings.chapters import ScriptStep
from recordings.evidence import FileEvidence
from recordings.finalise import recover
from recordings.journal import FileJournal
from recordings.keeper import Keeper, KeeperSettings
from recordings.pipeline import HandOver, Pipeline
from recordings.playback import Playback
from recordings.signature import Signer, open_signer
from recordings.spool import Spool, create_first
from signaling import Signaling
from signaling.board import BoardRules
from signaling.hours import Hours
from signaling.sampling import hand_over
from signaling.settings import SignalingSettings
from signaling.sign_off import last
from store import Database
from teller.clock import AnchoredClock, SystemClock
from teller.config import Config, ConfigError
from teller.equipment import make_equipment
from teller.face_counts import face_counter
from teller.live.checks import LiveChecks
from teller.media_pool import make_pool
from teller.models import admitted_pack
from teller.networks import Networks
from teller.policy import (
    AfterInterruption,
    Packs,
    Policy,
    audit_plan,
    load_policy,
    record_rules,
    retention_rules,
    script_plan,
)
from teller.policy_identity import prompting_limits
from teller.turn import Turn, TurnUri
from teller.writers import wait_for_writers

_log = structlog.get_logger(__name__)

# No projection takes longer than a command's deadline, so older entries are in the database.
PROJECTION_S = 60.0
_AROUND_THE_CLOCK = "Mon-Sun 00:00-24:00"


@dataclass(frozen=True, slots=True)
class Base:
    """What the server and the worker both need."""

    config: Config
    clock: Clock
    database: Database
    journal: FileJournal
    spool: Spool
    archive: SealedArchive
    audit_key: bytes


@dataclass(frozen=True, slots=True)
class House:
    """The server's rooms, open; ``clock`` is that of their base."""

    base: Base
    clock: AnchoredClock
    media: Pool
    signaling: Signaling
    playback: Playback
    recovered: int


def open_sealed_archive(config: Config, database: Database) -> SealedArchive:
    """Return the configured archive as records are put into it and read from it. Blocks.

    Raises:
        ConfigError: the S3 secret cannot be read.
        StorageError: the master key cannot be used.
    """
    master = open_master_key(config.archive.master_key or config.data_dir / "keys" / "archive.key")
    workspace = config.data_dir / "sealing"
    return SealedArchive(open_archive(config), CaseKeys(master, database.keepings), workspace)


def open_archive(config: Config) -> Archive:
    """Return the configured archive as it lies there, encrypted.

    Raises:
        ConfigError: the S3 secret cannot be read.
    """
    settings = config.archive
    if settings.kind == "directory":
        return DirectoryArchive(config.archive_dir)
    endpoint = urlsplit(settings.endpoint)
    return S3Archive(
        S3Settings(
            endpoint=endpoint.netloc,
            secure=endpoint.scheme == "https",
            bucket=settings.bucket,
            region=settings.region,
            access_key=settings.access_key,
            secret_key=settings.secret(),
            ca_bundle=settings.ca_file,
            object_lock_days=settings.object_lock_days or None,
            sse=server_side(settings.sse),
        ),
        SystemClock(),
    )


@asynccontextmanager
async def open_base(config: Config, clock: Clock | None = None) -> AsyncIterator[Base]:
    """Open database, journal, spool and archive. The journal goes by ``clock``, by default the machine's."""
    await asyncio.to_thread(_make_private, config.data_dir)
    clock = clock or SystemClock()
    key = await asyncio.to_thread(_secret, config.data_dir / "keys" / "search")
    audit_key = await asyncio.to_thread(_secret, config.data_dir / "keys" / "audit")
    # Several processes take jobs out of it, so all go by the machine's.
    async with Database(config.database_url, SystemClock(), key) as database:
        folder = config.data_dir / "journal"
        async with FileJournal(folder, clock, database.cases.project) as journal:
            spool = Spool(config.data_dir / "spool")
            for case in await _in_doubt(folder, spool, database):
                await _project_again(case, journal, database)
            archive = await asyncio.to_thread(open_sealed_archive, config, database)
            yield Base(config, clock, database, journal, spool, archive, audit_key)


def _last_told(folder: Path) -> list[CaseId]:
    """Return the cases whose journals grew last: a crash may have cut off their projection."""
    grown = {path: path.stat().st_mtime for path in folder.glob("*.jsonl")}
    newest = max(grown.values(), default=0.0)
    return [
        CaseId(path.stem) for path, at in grown.items() if newest - at <= PROJECTION_S and is_id(path.stem)
    ]


async def _in_doubt(folder: Path, spool: Spool, database: Database) -> list[CaseId]:
    """Return the cases whose rows may be behind their journals: told last, not at rest, not archived, or
    of a schema that did not know their words."""
    cases = set(await asyncio.to_thread(_last_told, folder))
    cases |= {row.case for row in await database.cases.open_cases()}
    cases |= set(await asyncio.to_thread(spool.cases))
    cases |= set(await database.cases.unlisted())
    return sorted(cases)


async def _project_again(case: CaseId, journal: FileJournal, database: Database) -> None:
    """Fold a whole journal into its row; one that is damaged must not keep the others from their service."""
    try:
        await database.cases.rebuild(await journal.read(case))
    except (StorageError, ValueError) as error:
        _log.exception("journal not projected", case=case, pii_error=str(error))


@asynccontextmanager
async def open_house(config: Config, arguments: tuple[str, ...]) -> AsyncIterator[House]:
    """Open every room of the server; what a crash left behind is sealed first.

    ``arguments`` are the command line's words before the subcommand, for the media workers.
    """
    async with AsyncExitStack() as stack:
        clock = AnchoredClock()
        base = await stack.enter_async_context(open_base(config, clock))
        policy = await asyncio.to_thread(load_policy, config.policy.pack)
        settings = await asyncio.to_thread(_signaling_settings, config, policy)
        pack = await asyncio.to_thread(admitted_pack, config)
        engine = Engine(pack, providers=config.kyc.providers)

        async def sample(call: CallId, every_s: float | None, all_s: float) -> None:
            await media.sample(call, every_s, all_s)

        async def listen(call: CallId, seconds: float) -> None:
            await media.listen(call, seconds)

        live = LiveChecks(base.journal, engine, sample, listen, base.clock, prompting_limits(policy.identity))
        equipment = make_equipment(config, policy, engine, live)
        recovered = await _recover(base)
        media = await stack.enter_async_context(
            make_pool(config, arguments, base.journal, base.spool, live.take, clock)
        )
        await stack.enter_async_context(engine)
        await stack.enter_async_context(live)
        await media.wait_ready()
        signaling = await stack.enter_async_context(
            Signaling(
                settings,
                base.journal,
                media,
                media,
                FileEvidence(base.spool, base.journal),
                engine,
                base.database.accounts,
                base.database.tickets,
                base.database.cases,
                base.database.audits,
                base.database.views,
                base.database.jobs,
                base.clock,
                equipment,
            )
        )
        playback = Playback(
            base.spool,
            base.archive,
            base.database.cases,
            base.journal,
            base.clock,
            signaling.authorise,
            lambda picture: engine.ask(Veil(picture)),
        )
        yield House(base, clock, media, signaling, playback, recovered)


def make_pipeline(base: Base, worker: str, policy: Policy) -> Pipeline:
    """Return the worker's pipeline. Raises ConfigError for a policy pack that is none. Blocks."""
    packs = Packs(base.config.policy.pack)
    return Pipeline(
        base.spool,
        base.journal,
        base.database.jobs,
        base.archive,
        base.database.cases,
        base.clock,
        record_signer(base.config),
        worker,
        script=tuple(
            ScriptStep(step.id, step.zh, step.en, step.check, step.mandatory, step.when)
            for step in script_plan(policy).steps
        ),
        rules=record_rules(policy),
        count_faces=face_counter(base.config),
        aborted_keeps=lambda name: packs.of(name).aborted.keeps,
        timestamp_url=base.config.archive.timestamp_url,
        hand_over=auditing(base, packs),
    )


def auditing(base: Base, packs: Packs) -> HandOver:
    """Return what draws cases for the auditors. Raises ConfigError for opening hours that are none."""
    days = working_days(base.config)

    def hand(entries: Sequence[Entry]) -> Sequence[Fact]:
        created = last(entries, CaseCreated)
        plan = audit_plan(packs.of(created.policy if created else ""))
        return hand_over(entries, plan, base.audit_key, days.day_ends_at(base.clock.now(), plan.due_days))

    return hand


def make_keeper(base: Base) -> Keeper:
    """Return what keeps and erases records. Raises ConfigError for a policy pack that is none. Blocks."""
    packs = Packs(base.config.policy.pack)
    return Keeper(
        base.spool,
        base.journal,
        base.database.cases,
        base.database.keepings,
        base.archive,
        base.clock,
        record_signer(base.config),
        lambda name: retention_rules(packs.of(name)),
        KeeperSettings(erases=base.config.archive.erase_when_due),
    )


def record_signer(config: Config) -> Signer:
    """Return what signs records. Raises StorageError when its key cannot be used."""
    return open_signer(config.archive.signing_key or config.data_dir / "keys" / "records.pem")


async def _recover(base: Base) -> int:
    """Bring every case to rest, and queue again what a crash may have kept out of the queue."""
    jobs = base.database.jobs
    if not await asyncio.to_thread(wait_for_writers, base.config.data_dir):
        _log.error("a media worker of another server still writes")
    left_open = [row.case for row in await base.database.cases.open_cases()]
    kept = await asyncio.to_thread(base.spool.cases)
    recovered = await recover(base.spool, base.journal, dict.fromkeys((*left_open, *kept)))
    for case in recovered:
        if case.has_media or case.phase is CasePhase.AGENT_DONE:
            await jobs.enqueue("merge", case.case)
    for told in await asyncio.to_thread(_last_told, base.config.data_dir / "journal"):
        if await _is_closed(base.journal, told):
            await jobs.enqueue("archive_journal", told)
    return len({case.case for case in recovered} & set(left_open))


async def _is_closed(journal: FileJournal, case: CaseId) -> bool:
    try:
        facts = [entry.fact for entry in await journal.read(case)]
    except StorageError:
        return False
    return any(_is_last_word(fact) for fact in facts)


def _is_last_word(fact: Fact) -> bool:
    match fact:
        case AuditSigned() | CaseAdvanced(reason=CaseEnd.NOT_DRAWN):
            return True
        case _:
            return False


def open_turn(config: Config) -> Turn:
    """Return the TURN servers in use.

    Raises:
        ConfigError: the secret cannot be read.
    """
    media = config.media
    return Turn(tuple(map(TurnUri.parse, media.turn)), media.secret(), media.turn_ttl_s)


def _signaling_settings(config: Config, policy: Policy) -> SignalingSettings:
    packs = Packs(config.policy.pack)
    return SignalingSettings(
        secret=_secret(config.data_dir / "keys" / "tickets"),
        https=config.behind_https,
        origins=config.http.allowed_origins,
        trusted_proxies=config.http.trusted_proxies,
        public_url=config.http.public_url,
        app_schemes=config.http.app_schemes,
        ice_servers=open_turn(config).servers,
        policy=policy.name,
        walk_in_ticket_s=config.tickets.walk_in_s,
        link_ticket_s=config.tickets.link_s,
        upload_token_s=config.tickets.upload_s,
        absolute_s=config.tickets.session_s,
        ring_s=policy.limits.ring_s,
        grace_s=policy.limits.grace_s,
        transfer_s=policy.limits.transfer_s,
        fresh_call=policy.limits.after_interruption is AfterInterruption.FRESH_CALL,
        desk_wrap_up_s=policy.limits.wrap_up_s,
        heartbeat_s=config.desk.heartbeat_s,
        location_s=policy.limits.location_s,
        networks=Networks.open(config.customer_network),
        home_countries=frozenset(config.customer_network.home_countries),
        hours=_opening_hours(config),
        random_assignment=config.desk.assignment == "random",
        vip_head_start_s=config.desk.vip_head_start_s,
        board=BoardRules(target_s=config.desk.answer_within_s),
        plan=script_plan(policy),
        may_download=frozenset(config.audit.may_download),
        audit_key=_secret(config.data_dir / "keys" / "audit"),
        audit_plan=lambda name: audit_plan(packs.of(name)),
        working_days=working_days(config),
    )


def _opening_hours(config: Config) -> Hours | None:
    return working_days(config) if config.desk.hours.strip() else None


def working_days(config: Config) -> Hours:
    """Return the desk's hours; around the clock but for holidays where none are configured.

    Raises:
        ConfigError: they cannot be read.
    """
    desk = config.desk
    try:
        return Hours.parse(desk.hours.strip() or _AROUND_THE_CLOCK, desk.time_zone, desk.holidays)
    except ValueError as error:
        raise ConfigError((f"desk: {error}",)) from error


def _make_private(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"data_dir {folder}: {error.strerror}") from error


def _secret(path: Path) -> bytes:
    """Return the key in ``path``, made on first use, 32 random bytes, readable by the owner only."""
    _make_private(path.parent)
    if not path.exists():
        create_first(path, secrets.token_bytes(32))
    return path.read_bytes()
