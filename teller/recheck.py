"""``teller recheck``: would a case pass today? Its pictures scored anew, its decision taken again.

Nothing is written. Pictures come from the spool or, once that was released, from the archive; what is no
longer anywhere is said so and counted with its result of then.
"""

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace

import click

from contract.errors import NotFound, TellerError
from contract.fact import Fact
from contract.facts import Entry, EvidenceStored, FacesCompared
from contract.identity_facts import Decided, LightMeasured, ModelUsed, PairScore, PortraitsCompared
from contract.identity_ports import DocumentChecks
from contract.ids import CaseId, EvidenceId, TenantId
from contract.phases import CheckVerdict, severity
from contract.ports import Archive, IdentityChecks
from kyc.decision import DecisionRules, decide
from kyc.engine import Engine
from recordings.evidence import FileEvidence
from recordings.spool import Spool
from teller.compose import open_base
from teller.config import Config
from teller.documents import Documents
from teller.models import configured_pack
from teller.policy import load_policy, rules_of
from teller.relight import Fetch, Relit, relight

Read = Callable[[EvidenceId], Awaitable[bytes]]
# What says that somebody altered the record, as opposed to what is gone or could not be done.
_ALTERED = frozenset({"altered", "evidence_altered", "no_nonce", "other_colours"})
# Another processor adds in another order; one model differs from itself by less than this.
_SCORE_OFF_MAX = 1e-3

Relight = Callable[[Sequence[Fact], LightMeasured], Awaitable[Relit]]


@dataclass(frozen=True, slots=True)
class Rescored:
    """One check, then and now. ``why`` says what kept it from being made again, else empty.

    The score of a light challenge is its correlation; its models are not named.
    """

    check: str
    model_then: str
    model_now: str
    score_then: float | None
    score_now: float | None
    verdict_then: CheckVerdict
    verdict_now: CheckVerdict
    why: str = ""

    @property
    def same(self) -> bool:
        """True unless the verdict is another, the evidence was altered, or one model scores otherwise."""
        if self.verdict_then is not self.verdict_now or self.why in _ALTERED:
            return False
        one_model = bool(self.model_then) and self.model_then == self.model_now
        return bool(self.why) or not one_model or self._scored_alike()

    def _scored_alike(self) -> bool:
        if self.score_then is None or self.score_now is None:
            return self.score_then is self.score_now
        return abs(self.score_then - self.score_now) <= _SCORE_OFF_MAX


@dataclass(frozen=True, slots=True)
class Recheck:
    """A case looked at again.

    ``reproduced``: the facts of then give the decision of then, to its hash; None when there was none, or
    the policy decides nothing. ``then`` and ``now`` are verdicts of the decision.
    """

    rescored: tuple[Rescored, ...]
    reproduced: bool | None
    then: CheckVerdict | None
    now: CheckVerdict | None
    reasons: tuple[str, ...]

    @property
    def same(self) -> bool:
        """True when nothing turned out otherwise, and nothing was altered."""
        checks = all(one.same for one in self.rescored)
        return checks and self.then is self.now and self.reproduced is not False


async def recheck_case(config: Config, case: str, as_json: bool) -> int:
    """Print what became of a case's checks; return 0 when all is as it was, else 1.

    Raises:
        NotFound: there is no such case.
    """
    rules = rules_of(load_policy(config.policy.pack))
    async with open_base(config) as base:
        found = await base.database.cases.case(CaseId(case))
        entries = await base.journal.read(found.case)
        evidence = FileEvidence(base.spool, base.journal)
        read = _reader(evidence, base.archive, found.tenant, found.case, entries)
        fetch = _fetcher(base.spool, base.archive, found.tenant, found.case)
        async with Engine(configured_pack(config)) as engine:

            async def again(facts: Sequence[Fact], was: LightMeasured) -> Relit:
                return await relight(facts, was, engine, fetch, demo_only=engine.pack.demo_only)

            report = await recheck(entries, engine, Documents(engine), read, rules, again)
    click.echo(json.dumps(asdict(report), ensure_ascii=False, indent=2) if as_json else _told(report))
    return 0 if report.same else 1


async def recheck(
    entries: Sequence[Entry],
    identity: IdentityChecks,
    documents: DocumentChecks,
    read: Read,
    rules: DecisionRules | None,
    relight: Relight,
) -> Recheck:
    """Score the comparisons and light challenges of a journal anew, and decide on what comes of it."""
    facts = [entry.fact for entry in entries]
    then = next((fact for fact in reversed(facts) if isinstance(fact, Decided)), None)
    rescored: list[Rescored] = []
    today: list[Fact] = []
    for fact in facts:
        if isinstance(fact, FacesCompared | PortraitsCompared):
            again = await _rescore(fact, identity, documents, read)
            rescored.append(again)
            fact = replace(fact, verdict=again.verdict_now)  # noqa: PLW2901  the fact as it were today
        elif isinstance(fact, LightMeasured):
            lit = await relight(facts, fact)
            rescored.append(Rescored(fact.check, "", "", fact.r, lit.r, fact.verdict, lit.verdict, lit.why))
            fact = replace(fact, verdict=lit.verdict)  # noqa: PLW2901  as above
        today.append(fact)
    if then is None or rules is None:
        verdict = then.verdict if then else None
        return Recheck(tuple(rescored), None, verdict, verdict, ())
    now = decide(today, rules)
    reproduced = decide(_before(facts, then), rules) == then
    return Recheck(tuple(rescored), reproduced, then.verdict, now.verdict, now.reasons)


def _before(facts: Iterable[Fact], decided: Decided) -> list[Fact]:
    """Return what was there when it was decided."""
    kept: list[Fact] = []
    for fact in facts:
        if fact is decided:
            break
        kept.append(fact)
    return kept


async def _rescore(
    fact: FacesCompared | PortraitsCompared, identity: IdentityChecks, documents: DocumentChecks, read: Read
) -> Rescored:
    was = _of_then(fact)
    try:
        card, still = await read(fact.card), await read(fact.still)
        if isinstance(fact, FacesCompared):
            found = await identity.match_faces(card, still)
            now = _Result(found.model_sha256, found.score, found.verdict)
        else:
            third = await read(fact.reference) if fact.reference else None
            compared = await documents.compare_portraits(card, (still,), third)
            verdict = max(compared.verdict, _of_video(fact.pairs), key=severity)
            now = _Result(_models(compared.models), _score_of(compared.pairs), verdict)
    except TellerError as error:
        return Rescored(
            fact.check, was.model, was.model, was.score, None, was.verdict, was.verdict, error.code
        )
    return Rescored(fact.check, was.model, now.model, was.score, now.score, was.verdict, now.verdict)


@dataclass(frozen=True, slots=True)
class _Result:
    model: str
    score: float | None
    verdict: CheckVerdict


def _of_then(fact: FacesCompared | PortraitsCompared) -> _Result:
    if isinstance(fact, FacesCompared):
        return _Result(fact.model_sha256, fact.score, fact.verdict)
    return _Result(_models(fact.models), _score_of(fact.pairs), fact.verdict)


def _models(used: Sequence[ModelUsed]) -> str:
    return " ".join(model.sha256 for model in used)


def _score_of(pairs: Sequence[PairScore]) -> float | None:
    return next((pair.score for pair in pairs if {pair.first, pair.second} == {"card", "still"}), None)


def _of_video(pairs: Sequence[PairScore]) -> CheckVerdict:
    """Return what the comparison with the video came to, which stands: no template of a face is kept."""
    verdicts = (pair.verdict for pair in pairs if pair.second == "video")
    return next(verdicts, CheckVerdict.PASSED)


def _reader(
    evidence: FileEvidence, archive: Archive, tenant: TenantId, case: CaseId, entries: Sequence[Entry]
) -> Read:
    stored = {entry.fact.evidence: entry.fact for entry in entries if isinstance(entry.fact, EvidenceStored)}

    async def read(wanted: EvidenceId) -> bytes:
        with suppress(NotFound):
            return await evidence.read(case, wanted)
        fact = stored.get(wanted)
        if fact is None:
            raise NotFound("no such picture in this case")
        data = b"".join([block async for block in archive.read(f"{tenant}/{case}/{fact.file}")])
        if hashlib.sha256(data).hexdigest() != fact.sha256:
            raise NotFound("the archive holds another picture", code="altered")
        return data

    return read


def _fetcher(spool: Spool, archive: Archive, tenant: TenantId, case: CaseId) -> Fetch:
    async def fetch(file: str) -> bytes:
        path = spool.case_dir(case) / file
        with suppress(FileNotFoundError):
            return await asyncio.to_thread(path.read_bytes)
        return b"".join([block async for block in archive.read(f"{tenant}/{case}/{file}")])

    return fetch


def _told(report: Recheck) -> str:
    lines = [_line(one) for one in report.rescored] or [
        "no comparison of faces and no light challenge in this case"
    ]
    if report.then is not None:
        lines.append(f"decision: {report.then} then, {report.now} now ({', '.join(report.reasons)})")
    if report.reproduced is not None:
        lines.append(
            "the facts of then give " + ("the same" if report.reproduced else "ANOTHER") + " decision"
        )
    lines.append("as it was" if report.same else "NOT as it was")
    return "\n".join(lines)


def _line(one: Rescored) -> str:
    scores = (
        f"{_score(one.score_then)} {one.verdict_then} then, {_score(one.score_now)} {one.verdict_now} now"
    )
    model = "the same model" if one.model_then == one.model_now else "another model"
    model = model if one.model_now else "light, from the recorded track"
    if one.why:
        return f"{one.check}: {'ALTERED' if one.why in _ALTERED else 'not made again'}: {one.why}"
    return f"{one.check}: {scores}, {model}" + ("" if one.same else ": ANOTHER RESULT")


def _score(score: float | None) -> str:
    return "-" if score is None else f"{score:.3f}"
