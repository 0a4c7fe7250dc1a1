"""What a house has for identity checks: made-up answers only where asked for, and never in earnest."""

from pathlib import Path
from typing import Any, cast

import pytest

from contract.identity_ports import LiveChecks as Port
from kyc.engine import Engine
from kyc.prompting import PromptingLimits
from signaling.equipment import NoBooks, NoMessenger
from teller.config import Config, ConfigError, load
from teller.documents import Documents
from teller.equipment import make_equipment
from teller.live.checks import LiveChecks
from teller.policy import load_policy


def config(tmp_path: Path, **kyc: Any) -> Config:
    return load(None, {"data_dir": str(tmp_path), "kyc": kyc})


def equipped(settings: Config) -> Any:
    nothing = cast("Any", None)
    live = LiveChecks(nothing, nothing, nothing, nothing, nothing, PromptingLimits())
    port: Port = live
    engine = cast("Engine", None)
    made = make_equipment(settings, load_policy(settings.policy.pack), engine, live)
    assert made.live is port and isinstance(made.documents, Documents)
    return made


async def test_a_house_has_no_made_up_answers(tmp_path: Path) -> None:
    """Without a word neither registry nor books nor texts, in production or not."""
    for production in (True, False):
        made = equipped(config(tmp_path, production=production))
        assert made.external == {} and isinstance(made.books, NoBooks)
        assert isinstance(made.messenger, NoMessenger) and made.decide is not None


async def test_a_demo_has_them_and_production_refuses(tmp_path: Path) -> None:
    made = equipped(config(tmp_path, production=False, outside="demo"))
    assert set(made.external) == {"registry", "bound_card", "sanctions", "negative_list"}
    assert made.screening == ("sanctions", "negative_list")
    with pytest.raises(ConfigError, match="made-up"):
        equipped(config(tmp_path, outside="demo"))
