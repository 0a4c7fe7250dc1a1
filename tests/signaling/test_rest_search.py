"""REST of the search and of saved views."""

from typing import Any

import pytest

from tests.signaling.asking import person, refused
from tests.signaling.house import House

SEARCH = "/api/cases/search"


async def test_cases_are_listed_and_searched(house: House) -> None:
    """Newest first, by text and phase, page behind page."""
    supervisor = await person(house, "sue")
    for name in ("Alpha", "Beta", "Gamma"):
        await supervisor.request("POST", "/api/cases", json={"customer_name": name})

    async def found(**body: Any) -> tuple[list[str], Any]:
        _, told = await supervisor.request("POST", SEARCH, json=body)
        return [case["pii_customer_name"] for case in told["cases"]], told

    assert (await found())[0] == ["Gamma", "Beta", "Alpha"]
    assert (await found(text="Be"))[0] == ["Beta"]
    assert (await found(phases=["created", "queued"]))[0] == ["Gamma", "Beta", "Alpha"]
    assert (await found(phases=["approved"]))[0] == []
    names, told = await found(limit=2)
    assert (names, told["count"], told["more"]) == (["Gamma", "Beta"], 3, False)
    names, told = await found(limit=2, after=told["next"])
    assert (names, told["count"], told["next"]) == (["Alpha"], None, None)


@pytest.mark.parametrize(
    "body",
    [
        {"phases": ["nonsense"]}, {"limit": 0}, {"limit": 201}, {"limit": "1"}, {"after": "1e3_case-1"},
        {"after": "case-1"}, {"text": "x" * 201}, {"flags": ["lost"]}, {"since": "today"}, {"page": 1},
    ],
)  # fmt: skip
async def test_a_query_that_does_not_fit_is_refused(house: House, body: dict[str, Any]) -> None:
    """400, not a server error."""
    agent = await person(house, "anna")
    assert await refused(agent, "POST", SEARCH, json=body) == (400, "protocol")


async def test_auditors_know_who_leads_calls(house: House) -> None:
    """Agents and supervisors of their own bank, to narrow a search to."""
    auditor = await person(house, "audrey")
    _, told = await auditor.request("GET", "/api/staff")
    assert [one["name"] for one in told["staff"]] == ["Anna", "Ben", "Carl", "Sue"]
    assert await refused(await person(house, "anna"), "GET", "/api/staff") == (403, "wrong_role")


async def test_views_are_each_persons_own(house: House) -> None:
    """Saved, replaced under their name, dropped and saved again; words are no part of a view."""
    audrey, sue = await person(house, "audrey"), await person(house, "sue")
    filters = {"phases": ["under_audit"], "flags": ["gaps"], "period": "week"}
    await audrey.request("POST", "/api/views", json={"name": "Gaps", "filters": {}})
    _, told = await audrey.request("POST", "/api/views", json={"name": "Gaps", "filters": filters})
    [kept] = told["views"]
    assert kept["name"] == "Gaps"
    assert {key: value for key, value in kept["filters"].items() if value} == filters
    assert (await sue.request("GET", "/api/views"))[1] == {"views": []}
    assert (await audrey.request("POST", "/api/views/drop", json={"name": "Gaps"}))[1] == {"views": []}
    assert (await audrey.request("POST", "/api/views", json=kept))[1] == {"views": [kept]}
    named = {"name": "Wang", "filters": {"text": "王芳"}}
    assert await refused(audrey, "POST", "/api/views", json=named) == (400, "protocol")
