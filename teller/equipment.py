"""What the house has for identity checks, as signaling takes it."""

import structlog

from kyc.engine import Engine
from signaling.equipment import Equipment
from teller.config import Config, ConfigError
from teller.deciding import decider
from teller.documents import Documents
from teller.live.checks import LiveChecks
from teller.policy import Policy, lists_of

_log = structlog.get_logger(__name__)


def make_equipment(config: Config, policy: Policy, engine: Engine, live: LiveChecks) -> Equipment:
    """Return the equipment.

    Raises:
        ConfigError: demo answers are wanted in production.
    """
    documents, decide = Documents(engine), decider(policy)
    screening = lists_of(policy)
    if config.kyc.outside == "none":
        return Equipment(documents=documents, live=live, screening=screening, decide=decide)
    if config.kyc.production:
        raise ConfigError(("kyc: outside = demo gives made-up answers, which kyc.production forbids",))
    _log.warning("not for production", why="registries, lists, texts and the bank's books are made up")
    # Loads what draws pictures, which no other server needs.
    from teller.demo.outside import (  # noqa: PLC0415
        DemoBooks,
        DemoBoundCard,
        DemoList,
        DemoRegistry,
        Outbox,
    )

    return Equipment(
        documents=documents,
        live=live,
        screening=screening,
        decide=decide,
        messenger=Outbox(config.data_dir / "outbox.jsonl"),
        external={
            "registry": DemoRegistry(),
            "bound_card": DemoBoundCard(),
            "sanctions": DemoList(),
            "negative_list": DemoList(),
        },
        books=DemoBooks(),
    )
