"""Regimes: what a law or circular asks of a recorded identification, clause by clause, as data in YAML.

Those that come along lie in ``policies/regimes/``. A clause names one of the checks below, or to whom it is
left because no machine can tell. Loading is strict, as of policy packs. ``python -m teller.regime`` prints
the JSON schema that stands in ``policies/regimes/schema.json``.
"""

import json
import sys
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from contract.phases import DocumentKind, EvidenceKind, FeatureCategory, LivenessKind
from recordings.retention import Since
from teller.policy_parts import Part, Source, Title, Word, read_part, refuse_doubles

FOLDER = Path(__file__).resolve().parent.parent / "policies" / "regimes"


class RecordedWhole(Part):
    """Sound and picture of customer and agent were recorded, and no more than ``lost_s`` of each is lost."""

    kind: Literal["recorded_whole"]
    lost_s: float = Field(ge=0, le=600)


class Filmed(Part):
    """One seekable film holds the call, with date and time in its pictures."""

    kind: Literal["film"]


class Consented(Part):
    """The customer agreed to each of these before anything of the kind was taken."""

    kind: Literal["consent"]
    subjects: tuple[Literal["recording", "biometrics", "location"], ...] = Field(min_length=1)


class DocumentPassed(Part):
    """A document of one of these kinds, empty for any, was read and passed with all check digits."""

    kind: Literal["document"]
    kinds: tuple[DocumentKind, ...] = ()


class NumberPassed(Part):
    """The resident identity number is right to its check digit (GB 11643)."""

    kind: Literal["id_number"]


class FacesAlike(Part):
    """The newest comparison of card and live picture is at or above its operating point, and passed."""

    kind: Literal["faces"]


class Living(Part):
    """One of these kinds of liveness passed, or a doubt about it was settled by the agent."""

    kind: Literal["liveness"]
    any_of: tuple[LivenessKind, ...] = Field(min_length=1)


class QuestionsVaried(Part):
    """So many different questions were judged, each drawn as the server's journaled randomness says."""

    kind: Literal["questions"]
    asked: int = Field(ge=1, le=20)


class Located(Part):
    """The customer's device told its place during a call."""

    kind: Literal["location"]


class Networks(Part):
    """Every page of the customer's came from one of these countries, by no known anonymiser."""

    kind: Literal["network"]
    countries: tuple[Annotated[str, Field(pattern=r"^[A-Z]{2}$")], ...] = Field(min_length=1)


class PromptingEnds(Part):
    """A second face, a second voice at a question, or one of the ``reasons`` by which an agent ends for it,
    were followed by no pass.
    """

    kind: Literal["prompting"]
    reasons: tuple[Word, ...] = ("prompting",)


class FreshSession(Part):
    """After the customer was dropped no call went on: a fresh one was begun, or none."""

    kind: Literal["fresh_session"]


class SourcesAsked(Part):
    """These outside sources answered, and where one spoke against the customer the agent did not pass."""

    kind: Literal["outside_sources"]
    services: tuple[Word, ...] = Field(min_length=1)


class StepSettled(Part):
    """A step of the script was settled by hand as passed."""

    kind: Literal["step"]
    step: Word


class Pictures(Part):
    """A picture of each of these kinds was stored."""

    kind: Literal["pictures"]
    kinds: tuple[EvidenceKind, ...] = Field(min_length=1)


class FeaturesSeen(Part):
    """An agent saw features of so many categories on one document, and none was missing or in doubt."""

    kind: Literal["features"]
    categories: int = Field(ge=1, le=len(FeatureCategory))


class CodeEntered(Part):
    """A one-time code, good for ``valid_s`` at most, was sent and rightly entered in time, in a call."""

    kind: Literal["code"]
    valid_s: float = Field(gt=0)


class AgentByLot(Part):
    """Every agent was chosen by lot, as the journaled randomness says."""

    kind: Literal["agent_by_lot"]


class AgentNamed(Part):
    """The account of whoever decided is in the record, and took part as agent."""

    kind: Literal["agent_named"]


class Audited(Part):
    """Somebody else than the agent signed before the approval, ``within_h`` of the agent's result."""

    kind: Literal["audited"]
    within_h: float | None = Field(default=None, gt=0)


class Archived(Part):
    """The whole record was read back from the archive; signed and timestamped where it is asked for."""

    kind: Literal["archived"]
    signed: bool = False
    timestamped: bool = False


class Kept(Part):
    """The policy keeps the record for so many months at least, counted from this event or a later one."""

    kind: Literal["retention"]
    months: int = Field(ge=1, le=1200)
    since: Since = Field(alias="from")


Check = (
    RecordedWhole | Filmed | Consented | DocumentPassed | NumberPassed | FacesAlike | Living | QuestionsVaried
    | Located | Networks | PromptingEnds | FreshSession | SourcesAsked | StepSettled | Pictures | CodeEntered
    | FeaturesSeen | AgentByLot | AgentNamed | Audited | Archived | Kept
)  # fmt: skip


class Clause(Part):
    """One demand, in our own words. Held by its ``check``, or ``left_to`` people, who are told what to see.

    ``purposes`` are those of the cases that it is about; empty: all.
    """

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]*$", max_length=64)
    text: Title
    source: Source
    purposes: tuple[Word, ...] = ()
    check: Annotated[Check, Field(discriminator="kind")] | None = None
    left_to: Title | None = None

    @model_validator(mode="after")
    def _held_one_way(self) -> Self:
        if (self.check is None) is (self.left_to is None):
            raise ValueError(f"clause {self.id}: either a check or left_to")
        return self


class Regime(Part):
    """A whole regime. ``ids`` tells whose numbers the clauses bear: the document's, or ours."""

    id: str = Field(pattern=r"^[a-z][a-z0-9-]*$", max_length=64)
    title: Title
    document: Source
    ids: Literal["ours", "document"]
    clauses: tuple[Clause, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        refuse_doubles("clauses", (clause.id for clause in self.clauses))
        return self


def load_regime(name: str) -> Regime:
    """Return the regime of this id, or in the YAML file of this path. Raises ConfigError."""
    file = Path(name) if name.endswith((".yaml", ".yml")) else FOLDER / f"{name}.yaml"
    return read_part(Regime, file, "regime")


def all_regimes() -> tuple[Regime, ...]:
    """Return the regimes that come along, by id. Raises ConfigError."""
    return tuple(load_regime(file.stem) for file in sorted(FOLDER.glob("*.yaml")))


def schema() -> str:
    """Return the JSON schema of a regime."""
    return json.dumps(Regime.model_json_schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(schema())
