"""Ids are random, recognisable, and safe as file names."""

import pytest

from contract import ids

MAKERS = [
    ids.new_account_id,
    ids.new_case_id,
    ids.new_call_id,
    ids.new_seat_id,
    ids.new_track_id,
    ids.new_ticket_id,
    ids.new_evidence_id,
    ids.new_check_id,
    ids.new_job_id,
]


@pytest.mark.parametrize("make", MAKERS)
def test_made_ids_are_ids(make: object) -> None:
    """Every maker returns something that is_id accepts."""
    assert callable(make)
    assert ids.is_id(make())


def test_ids_differ() -> None:
    """A thousand ids are a thousand different ids."""
    assert len({ids.new_case_id() for _ in range(1000)}) == 1000


@pytest.mark.parametrize(
    "text",
    ["", "case-", "case-3k9m0c7v2q8x1tz", "case-3k9m0c7v2q8x1tzrr", "case-3K9M0C7V2Q8X1TZR",
     "../../etc/passwd", "case-3k9m0c7v2q8x1tz/", "case-3k9m0c7v2q8x1tzr\n", "case-ilou0c7v2q8x1tzr"],
)  # fmt: skip
def test_other_texts_are_not_ids(text: str) -> None:
    """Wrong lengths, letters outside the alphabet and path characters are refused."""
    assert not ids.is_id(text)
