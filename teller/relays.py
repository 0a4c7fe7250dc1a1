"""Whether the TURN servers relay, asked as a page would ask, when the service starts and every hour."""

import asyncio
import math
import ssl
import time

import structlog
from prometheus_client import Gauge

from media.relay_probe import RelayError, RelayServer, measure_relay
from teller.compose import open_turn
from teller.config import Config
from teller.turn import Turn, TurnUri

_log = structlog.get_logger(__name__)
_round_trip = Gauge(
    "teller_turn_round_trip_seconds",
    "A datagram through the relay and back; NaN when none passed",
    ["server"],
)

# What was changed there shows before a day of calls is lost, and a try costs one relay for a moment.
_EVERY_S = 3_600.0


async def try_relay(config: Config, turn: Turn, uri: TurnUri) -> float:
    """Return the round trip in seconds through one of ``turn``'s servers.

    Raises:
        RelayError: it does not relay to where browsers look for us; the text says the likely cause.
    """
    (told,) = turn.servers("doctor", time.time())
    server = RelayServer(uri.host, uri.port, uri.transport, told.username or "", told.credential or "")
    tls = await asyncio.to_thread(ssl.create_default_context)
    return await measure_relay(server, tls, config.media.advertised)


async def watch_relays(config: Config) -> None:
    """Try each server now and every hour, for the log and the metrics. Returns at once when there is none."""
    turn = await asyncio.to_thread(open_turn, config)
    while turn.uris:
        for uri in turn.uris:
            await _note(config, turn, uri)
        await asyncio.sleep(_EVERY_S)


async def _note(config: Config, turn: Turn, uri: TurnUri) -> None:
    try:
        seconds = await try_relay(config, turn, uri)
    except RelayError as error:
        _round_trip.labels(uri.text).set(math.nan)
        _log.warning("relay_not_usable", server=uri.text, pii_cause=str(error), advice="teller doctor")
    else:
        _round_trip.labels(uri.text).set(seconds)
        _log.info("relay_usable", server=uri.text, round_trip_ms=round(seconds * 1000, 1))
