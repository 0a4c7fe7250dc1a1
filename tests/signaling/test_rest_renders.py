"""REST of renders: who may have a film made anew, of what, and how often."""

from contract import facts
from contract.ids import new_job_id
from contract.phases import Template
from tests.signaling.asking import person, refused
from tests.signaling.house import House


async def test_an_auditor_has_a_film_made_anew(house: House) -> None:
    """With a reason, of an archived film only; asked for twice it is one job, and both are facts."""
    _, _, case = await house.call()
    audrey = await person(house, "audrey")
    path, body = f"/api/cases/{case}/renders", {"template": "share_first", "reason": "the contract, large"}
    assert await refused(audrey, "POST", path, json=body) == (409, "wrong_phase")
    await house.journal.append(case, facts.MergeCompleted(new_job_id(), "merged.mp4", "", 1, 1.0, 0.0, 1.0))
    assert await refused(audrey, "POST", path, json=body) == (409, "wrong_phase")
    await house.journal.append(case, facts.SpoolReleased(1))

    for _ in range(2):
        status, told = await audrey.request("POST", path, json=body)
        assert status == 202, told
        assert told["job"]
    asked = [e.fact for e in await house.journal.read(case) if isinstance(e.fact, facts.RenderRequested)]
    assert [(fact.template, fact.pii_reason) for fact in asked] == [
        (Template.SHARE_FIRST, "the contract, large")
    ] * 2

    anna = await person(house, "anna")
    assert await refused(anna, "POST", path, json=body) == (403, "wrong_role")
    for wrong in ({**body, "template": "upside_down"}, {**body, "reason": ""}):
        status, _ = await audrey.request("POST", path, json=wrong)
        assert status == 400
