"""Policy packs: those that come along load, and anything doubtful is refused."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
import yaml

from contract.phases import EvidenceKind, FeatureCategory, Outcome
from signaling.sampling import AuditPlan
from teller import policy
from teller.compose import _signaling_settings
from teller.config import Config, ConfigError, load
from teller.policy import audit_plan, load_policy, rules_of, script_plan
from teller.policy_identity import Check

PACKS = sorted(policy.FOLDER.glob("*.yaml"))
SHIPPED = policy.FOLDER / "cn-account-opening.yaml"

Edit = Callable[[dict[str, Any]], object]


def _lines(pack: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load_policy(pack)
    return "\n".join(caught.value.lines)


def _edited(tmp_path: Path, edit: Edit) -> str:
    data = yaml.safe_load(SHIPPED.read_text(encoding="utf-8"))
    edit(data)
    file = tmp_path / "bank.yaml"
    file.write_text(json.dumps(data), encoding="utf-8")
    return str(file)


def test_default_of_the_configuration_is_a_pack() -> None:
    """A fresh installation has its policy."""
    pack = load_policy(Config().policy.pack)
    assert {step.check for step in pack.steps if step.mandatory} >= {
        Check.CONSENT,
        Check.EVIDENCE_ID_CARD,
        Check.ID_NUMBER,
        Check.EVIDENCE_FACE_STILL,
        Check.FACE_MATCH,
    }
    assert (pack.limits.ring_s, pack.limits.grace_s) == (30, 20)
    assert pack.limits.max_loss_s >= Config().recording.segment_s + Config().recording.sync_s
    assert {reason.outcome for reason in pack.abort_reasons} == {Outcome.FAILED, Outcome.INCOMPLETE}


@pytest.mark.parametrize("file", PACKS, ids=lambda file: file.stem)
def test_every_pack_loads_under_its_name_and_fits_the_schema(file: Path) -> None:
    """Name and file agree; the schema that editors use accepts what the program accepts."""
    assert load_policy(file.stem).name == file.stem
    schema = json.loads((policy.FOLDER / "schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(yaml.safe_load(file.read_text(encoding="utf-8")), schema)


def test_schema_on_disk_is_current() -> None:
    """The file is what the program would print."""
    assert (policy.FOLDER / "schema.json").read_text(encoding="utf-8") == policy.schema()


@pytest.mark.parametrize("file", PACKS, ids=lambda file: file.stem)
def test_every_figure_of_law_is_marked(file: Path) -> None:
    """Retention always says how far its source was verified."""
    for rule in load_policy(file.stem).retention:
        assert any(mark in rule.source for mark in ("[V]", "[S]", "[M]")), rule.object


@pytest.mark.parametrize(
    ("word", "fresh"),
    [(None, False), ("resume", False), ("fresh_call", True)],
    ids=["default", "same", "fresh"],
)
def test_the_pack_says_what_follows_an_interruption(tmp_path: Path, word: str | None, fresh: bool) -> None:
    """It reaches the desk; a pack that says nothing resumes."""

    def edit(data: dict[str, Any]) -> None:
        data["limits"].pop("after_interruption")
        data["limits"].update({"after_interruption": word} if word else {})

    config = load(None, {"data_dir": str(tmp_path / "data"), "policy": {"pack": _edited(tmp_path, edit)}})
    config.data_dir.mkdir()
    assert _signaling_settings(config, load_policy(config.policy.pack)).fresh_call is fresh


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda data: data.update(colour="red"), "colour: Extra inputs are not permitted"),
        (lambda data: data["limits"].update(ring=3), "limits.ring: Extra inputs are not permitted"),
        (lambda data: data["limits"].pop("ring_s"), "limits.ring_s: Field required"),
        (lambda data: data["limits"].update(ring_s="30"), "limits.ring_s: Input should be a valid number"),
        (lambda data: data["limits"].update(max_loss_s=6), "limits.max_loss_s: Input should be less"),
        (lambda data: data["limits"].update(after_interruption="ask"), "limits.after_interruption: Input"),
        (lambda data: data.update(version=True), "version: Input should be a valid integer"),
        (lambda data: data["steps"][0].update(check="palm"), "steps.0.check: Input should be"),
        (lambda data: data["steps"][1].update(check="consent"), "step purpose has a check and answers"),
        (lambda data: data["steps"][3].update(check="consent"), "checks names consent twice"),
        (lambda data: data["steps"][1].update(mandatory=False, waivable=True), "need not be done"),
        (lambda data: data["steps"].pop(1), "no step before it is purpose with the answer asked_by_others"),
        (lambda data: data["steps"][2]["when"].update(purpose="no"), "purpose with the answer no"),
        (lambda data: data["wrap_up"]["tags"].append(data["wrap_up"]["tags"][0]), "tags names elderly twice"),
        (lambda data: data["steps"].append(data["steps"][0]), "steps names consent twice"),
        (lambda data: data["retention"].append(data["retention"][0]), "retention names identity_data twice"),
        (lambda data: data["abort_reasons"][0].update(outcome="passed"), "abort_reasons.0.outcome: Input"),
        (lambda data: data["steps"][0]["title"].pop("en"), "steps.0.title.en: Field required"),
        (lambda data: data["audit"].update(share=0.99), "every case that may open an account is audited"),
        (lambda data: data["audit"].update(share=-0.1), "audit.share: Input should be greater"),
        (lambda data: data["audit"].update(due_days=31), "audit.due_days: Input should be less"),
        (lambda data: data.update(opens_account=False), "this pack opens none"),
        (lambda data: data.update(steps=[]), "steps: Tuple should have at least 1 item"),
    ],
)
def test_doubtful_pack_is_refused(tmp_path: Path, edit: Edit, said: str) -> None:
    """Each fault is one line that names file and place."""
    pack = _edited(tmp_path, edit)
    assert said in _lines(pack)
    assert pack in _lines(pack)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [", "expected"),
        ("limits: {ring_s: 1, ring_s: 2}", "ring_s stands twice"),
        ("a: &x 1\nb: *x", "aliases are not used"),
        ("a: !!python/object/apply:os.getcwd []", "could not determine a constructor"),
        ("- 1", "policy: Input should be an object"),
        ("", "policy: Input should be an object"),
    ],
)
def test_file_that_is_no_pack_is_refused(tmp_path: Path, text: str, said: str) -> None:
    """Broken, doubled, recursive or executable YAML stops the start."""
    file = tmp_path / "bank.yaml"
    file.write_text(text)
    assert said in _lines(str(file))


def test_missing_and_binary_files_are_refused(tmp_path: Path) -> None:
    """The line names what could not be read."""
    assert "no-such-pack.yaml: No such file" in _lines("no-such-pack")
    file = tmp_path / "bank.yaml"
    file.write_bytes(b"\xff\xfe\xff")
    assert str(file) in _lines(str(file))


def test_the_plan_of_the_script_is_the_packs() -> None:
    """Titles, branches, reasons and words for the wrap-up reach the desk as they stand in the file."""
    pack = load_policy(Config().policy.pack)
    plan = script_plan(pack)
    assert [step.id for step in plan.steps] == [step.id for step in pack.steps]
    talk = next(step for step in plan.steps if step.id == "scam_talk")
    assert (talk.when, talk.zh) == ((("purpose", "asked_by_others"),), "反诈谈话")
    prompting = plan.abort_reasons[0]
    assert (prompting.choice.id, prompting.outcome) == ("prompting", Outcome.FAILED)
    assert plan.next_actions[0].id == "none"
    assert plan.tags[0].en == "Elderly customer"


def _for_service(data: dict[str, Any]) -> None:
    data.pop("decision")
    data.update(
        name="service", version=3, opens_account=False, audit={"share": 0.1, "due_days": 2, "source": "x"}
    )


def test_a_service_pack_may_have_less_than_all_audited(tmp_path: Path) -> None:
    """Where no account is opened; editors that go by the schema are told the same."""
    service, schema = _edited(tmp_path, _for_service), json.loads(policy.schema())
    assert audit_plan(load_policy(service)) == AuditPlan("service", 3, 0.1, 2, 0.05)
    data = json.loads(Path(service).read_text(encoding="utf-8"))
    jsonschema.validate(data, schema)
    for opens in ({"opens_account": True}, {}):
        data.pop("opens_account", None)
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(data | opens, schema)
    assert audit_plan(load_policy(str(SHIPPED))) == AuditPlan("cn-account-opening", 1, 1.0, 1, 0.05)


def _with_sheet(data: dict[str, Any]) -> None:
    data["identity"]["worksheet"]["categories"] = 3
    title = {"zh-CN": "核验防伪特征", "en": "Features of the document"}
    data["steps"].append(
        {"id": "features", "title": title, "check": "features", "mandatory": True, "source": "test"}
    )


def test_the_worksheet_is_off_and_one_number_turns_it_on(tmp_path: Path) -> None:
    """The shipped list holds enough categories for the three that a stricter regime wants."""
    off = load_policy(SHIPPED.stem)
    assert script_plan(off).identity.worksheet.categories == 0
    rules = rules_of(off)
    assert rules is not None
    assert rules.feature_categories == 0
    pack = load_policy(_edited(tmp_path, _with_sheet))
    sheet = script_plan(pack).identity.worksheet
    assert (sheet.categories, sheet.pictures, sheet.seconds) == (3, 10, 4.0)
    wall = sheet.feature(EvidenceKind.ID_CARD, "great_wall")
    assert wall is not None
    assert wall.category is FeatureCategory.OPTICAL
    rules = rules_of(pack)
    assert rules is not None
    assert rules.feature_categories == 3


def _few(data: dict[str, Any]) -> None:
    sheet = data["identity"]["worksheet"]
    sheet["categories"] = 3
    sheet["documents"][0]["features"] = sheet["documents"][0]["features"][:2]


def _step_alone(data: dict[str, Any]) -> None:
    _with_sheet(data)
    data["identity"]["worksheet"]["categories"] = 0


def _doubled(data: dict[str, Any]) -> None:
    documents = data["identity"]["worksheet"]["documents"]
    documents[0]["features"].append(documents[0]["features"][0])


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (_few, "id_card has fewer categories than are wanted"),
        (lambda d: d["identity"].update(worksheet={"categories": 1}), "no document has features"),
        (_step_alone, "the worksheet wants none"),
        (_doubled, "names great_wall twice"),
        (lambda d: d["identity"]["worksheet"].update(pictures=40), "identity.worksheet.pictures"),
    ],
)
def test_a_doubtful_worksheet_is_refused(tmp_path: Path, edit: Edit, said: str) -> None:
    """What the service could never fulfil, or would not show, is an error at its start."""
    assert said in _lines(_edited(tmp_path, edit))
