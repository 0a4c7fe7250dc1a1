"""Faces on pictures of a recording, counted in a model process that lives for one recording."""

from collections.abc import Sequence

import structlog

from contract.errors import TellerError
from kyc.engine import Engine
from kyc.pipes import CountFaces
from recordings.pipeline import CountFaces as Count
from teller.config import Config
from teller.models import configured_pack

_log = structlog.get_logger(__name__)


def face_counter(config: Config) -> Count:
    """Return what counts; None comes of missing or failing models, for a record is made without them too."""

    async def count(pictures: Sequence[bytes]) -> tuple[int, ...] | None:
        if not pictures:
            return ()
        try:
            async with Engine(configured_pack(config), providers=config.kyc.providers) as engine:
                return tuple([await engine.ask(CountFaces(one)) for one in pictures])
        except TellerError as error:
            _log.warning("faces are not counted", code=error.code, pii_error=str(error))
            return None

    return count
