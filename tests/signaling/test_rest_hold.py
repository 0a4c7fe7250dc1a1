"""REST of holds: the auditor's right, with a reason, once."""

from contract.keeping_facts import HoldLifted, HoldSet
from tests.signaling.asking import person, refused
from tests.signaling.house import House
from tests.signaling.test_rest_audit import under_audit


async def test_the_auditor_holds_and_lifts_with_a_reason(house: House) -> None:
    """Nobody else may; what is so already is refused; both stand in the journal with who and why."""
    case = await under_audit(house)
    path, body = f"/api/cases/{case}/hold", {"on": True, "reason": "suit 12/26"}
    for login in ("anna", "sue"):
        assert await refused(await person(house, login), "POST", path, json=body) == (403, "wrong_role")
    auditor = await person(house, "audrey")
    lift = {"on": False, "reason": "settled"}
    assert await refused(auditor, "POST", path, json=lift) == (409, "not_held")
    status, told = await auditor.request("POST", path, json=body)
    assert (status, told["held"], told["case"]["case"]) == (200, True, case)
    assert await refused(auditor, "POST", path, json=body) == (409, "held")
    assert (await refused(auditor, "POST", path, json={"on": False, "reason": ""}))[0] == 400
    status, told = await auditor.request("POST", path, json=lift)
    assert (status, told["held"]) == (200, False)
    facts = [entry.fact for entry in await house.journal.read(case)]
    kept = [fact for fact in facts if isinstance(fact, HoldSet | HoldLifted)]
    assert [(type(fact), fact.pii_reason) for fact in kept] == [
        (HoldSet, "suit 12/26"), (HoldLifted, "settled"),
    ]  # fmt: skip
    assert all(fact.account is not None and fact.pii_by for fact in kept)
