"""How far auditors agree: against published and worked examples, and what a small sample is told."""

import json
from pathlib import Path

import pytest

from contract import facts
from contract.facts import GENESIS, seal_entry
from contract.ids import AccountId, CaseId, TenantId
from contract.phases import Verdict
from contract.ports import LookCount, Tenant
from store import Database
from teller.agreement import PAIRS_MIN, agreement
from teller.audits import show_agreement
from teller.config import load

BANK = TenantId("tenant-1")
YES, NO = Verdict.APPROVED, Verdict.REJECTED


def _counts(both: int, first: int, second: int, neither: int) -> list[LookCount]:
    pairs = ((YES, YES, both), (YES, NO, first), (NO, YES, second), (NO, NO, neither))
    return [LookCount(BANK, *pair) for pair in pairs]


@pytest.mark.parametrize(
    ("table", "share", "kappa"),
    [
        # Two readers of 50 proposals: 0.70 agree where chance gives 0.50.
        ((20, 5, 10, 15), 0.70, 0.40),
        # The same share, of which chance gives more or less.
        ((45, 15, 25, 15), 0.60, 0.1304),
        ((25, 35, 5, 35), 0.60, 0.2593),
        ((10, 0, 0, 10), 1.0, 1.0),
        ((0, 10, 10, 0), 0.0, -1.0),
    ],
)
def test_kappa_is_what_is_left_of_the_agreement_without_chance(
    table: tuple[int, int, int, int], share: float, kappa: float
) -> None:
    """Share and kappa of tables that were worked out by hand; both lie within their bounds."""
    found = agreement(_counts(*table))
    assert found.share == pytest.approx(share)
    assert found.kappa == pytest.approx(kappa, abs=5e-5)
    assert found.kappa_bounds is not None and found.kappa is not None
    assert -1 <= found.kappa_bounds[0] <= found.kappa <= found.kappa_bounds[1] <= 1
    assert found.share_bounds[0] <= share <= found.share_bounds[1]


def test_nobody_disagreed_yet_is_no_proof() -> None:
    """Where kappa's usual error would be zero, the bound stays as wide as the sample is small."""
    few, many = agreement(_counts(8, 0, 0, 2)), agreement(_counts(800, 0, 0, 200))
    assert few.kappa == many.kappa == 1
    assert few.kappa_bounds is not None and many.kappa_bounds is not None
    assert few.kappa_bounds[0] < 0.1
    assert many.kappa_bounds[0] > 0.98
    assert (few.is_small, many.is_small) == (True, False)
    assert not agreement(_counts(PAIRS_MIN, 0, 0, 0)).is_small


def test_without_pairs_or_without_a_choice_there_is_no_kappa() -> None:
    """Nothing is made up."""
    none, same = agreement([]), agreement(_counts(30, 0, 0, 0))
    assert (none.share, none.share_bounds, none.kappa, none.kappa_bounds) == (None, (0.0, 1.0), None, None)
    assert (same.share, same.kappa, same.kappa_bounds) == (1.0, None, None)


async def test_the_command_line_tells_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By bank, with a warning where the sample is small."""
    config = load(None, {"data_dir": str(tmp_path / "data")})
    assert await show_agreement(config, as_json=False) == 0
    assert "no case was looked at twice" in capsys.readouterr().out
    async with Database(config.database_url) as database:
        await database.accounts.add_tenant(Tenant(BANK, "demo", "示范银行"))
        for number in range(4):
            verdict = NO if number else YES
            story = (
                facts.CaseCreated(BANK, "account", "default", ""),
                facts.AuditSigned(AccountId("acct-2"), verdict, "", "m", None, AccountId("acct-1")),
            )
            for seq, fact in enumerate(story, 1):
                entry = seal_entry(seq, 1.0, CaseId(f"case-{number}"), fact, GENESIS)
                await database.cases.project(entry)
    await show_agreement(config, as_json=False)
    said = capsys.readouterr().out
    assert "示范银行: 4 of 4 pairs agree (39.8% to 100.0% at 95 %)" in said
    assert "kappa 1.00 (-0.61 to 1.00 at 95 %)" in said
    assert "too few" in said
    await show_agreement(config, as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert (told["bank"], told["pairs"], told["agreed"], told["small"]) == ("示范银行", 4, 4, True)
