"""What networks customers come from, out of files in MaxMind's format that the bank provides.

Read are the fields of MaxMind's databases (GeoLite2 and GeoIP2: Country, City, Enterprise, ASN, ISP,
Anonymous IP; DB-IP names them alike) and of IPinfo's. A file without any of them is refused, for
otherwise a mixed-up one would keep silent about everybody.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv6Address, ip_address
from itertools import islice
from pathlib import Path
from typing import Any

import maxminddb
import structlog
from prometheus_client import Counter

from contract.phases import NetworkKind
from contract.ports import NetworkFinding
from teller.config import ConfigError, CustomerNetworkSection

_log = structlog.get_logger(__name__)
_broken = Counter("teller_network_lookups_broken", "Addresses that a network database broke over")

# What the reader raises over bytes that are no database, or not all of one.
_FAULTS = (
    maxminddb.InvalidDatabaseError, ValueError, TypeError, LookupError, AttributeError, RecursionError,
)  # fmt: skip
# In a database of the right kind nearly every record has a field of ours.
_SAMPLE = 1_000
# Longer names are no names; a journal is no place for what a file puts there.
_NAME_MAX = 80

# The graver comes first: an address can be several of them.
_KINDS: tuple[tuple[NetworkKind, tuple[str, ...]], ...] = (
    (NetworkKind.TOR, ("is_tor_exit_node", "tor")),
    (NetworkKind.VPN, ("is_anonymous_vpn", "vpn")),
    (NetworkKind.PROXY, ("is_public_proxy", "is_residential_proxy", "proxy", "relay")),
    (NetworkKind.HOSTING, ("is_hosting_provider", "hosting")),
    # Told by databases that do not say by which means.
    (NetworkKind.PROXY, ("is_anonymous", "is_anonymous_proxy")),
)
_LINES = {
    "cellular": NetworkKind.MOBILE,
    "residential": NetworkKind.RESIDENTIAL,
    "cable/dsl": NetworkKind.RESIDENTIAL,
    "dialup": NetworkKind.RESIDENTIAL,
    "hosting": NetworkKind.HOSTING,
}
_CODE = re.compile("[A-Za-z]{2}")
_OPERATORS = ("isp", "autonomous_system_organization", "as_name", "organization")

Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class NetworkDatabase:
    """A file, read as a whole: a mapped one would take the server down when it is written over."""

    reader: maxminddb.Reader
    name: str

    @classmethod
    def open(cls, path: Path, setting: str) -> "NetworkDatabase":
        """Read a file that the configuration names as ``setting``.

        Raises:
            ConfigError: there is none, it is none, or it knows nothing that is asked for.
        """
        try:
            reader = maxminddb.open_database(path, maxminddb.MODE_MEMORY)
            meta = reader.metadata()
            built = datetime.fromtimestamp(meta.build_epoch, UTC)
            known = any(_knows(record) for _, record in islice(reader, _SAMPLE))
        except OSError as error:
            raise ConfigError((f"{setting}: {path}: {error.strerror}",)) from error
        except _FAULTS as error:
            raise ConfigError((f"{setting}: {path} is no MaxMind DB file, or a broken one",)) from error
        if not known:
            raise ConfigError((f"{setting}: {path} ({meta.database_type}) tells nothing that we know",))
        return cls(reader, f"{_name(meta.database_type)} {built:%Y-%m-%d}")

    def record(self, address: IPv4Address | IPv6Address) -> Record:
        """Return what the file says of an address, with the fields of its ``traits``; often nothing."""
        if address.version > self.reader.metadata().ip_version:
            return {}
        try:
            return _flat(self.reader.get(address))
        except _FAULTS as error:
            _broken.inc()
            _log.error("a network database is broken", database=self.name, pii_error=str(error))
            return {}


class Networks:
    """Looks addresses up in the databases of countries and of anonymisers; either may be missing."""

    def __init__(self, countries: NetworkDatabase | None, anonymisers: NetworkDatabase | None) -> None:
        self._anonymisers = anonymisers
        self._all = tuple(one for one in (anonymisers, countries) if one is not None)
        self.source = tuple(one.name for one in self._all)

    @classmethod
    def open(cls, settings: CustomerNetworkSection) -> "Networks":
        """Read the configured files. Raises ConfigError."""
        return cls(
            _opened(settings.country_db, "customer_network.country_db"),
            _opened(settings.anonymous_db, "customer_network.anonymous_db"),
        )

    def look_up(self, address: str) -> NetworkFinding:
        """Return what is known of an IP address; of anything else nothing is."""
        found = _address(address)
        if found is None:
            return NetworkFinding()
        if not found.is_global:
            return NetworkFinding(kind=NetworkKind.PRIVATE)
        records = [one.record(found) for one in self._all]
        return NetworkFinding(
            country=next(filter(None, map(_country, records)), ""),
            kind=self._kind(records),
            operator=next(filter(None, map(_operator, records)), ""),
            source=self.source,
        )

    def _kind(self, records: Iterable[Record]) -> NetworkKind:
        return _kind(records) or (NetworkKind.UNLISTED if self._anonymisers else NetworkKind.UNKNOWN)


def _opened(path: Path | None, setting: str) -> NetworkDatabase | None:
    return NetworkDatabase.open(path, setting) if path else None


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _flat(record: object) -> Record:
    if not isinstance(record, dict):
        return {}
    traits = record.get("traits")
    return {**record, **traits} if isinstance(traits, dict) else record


def _knows(record: object) -> bool:
    flat = _flat(record)
    return bool(_country(flat) or _operator(flat) or _kind([flat]))


def _country(record: Record) -> str:
    """Return where the address is; not where it is registered, which MaxMind tells as well."""
    country = record.get("country_code") or record.get("country")
    code = country.get("iso_code") if isinstance(country, dict) else country
    return code.upper() if isinstance(code, str) and _CODE.fullmatch(code) else ""


def _operator(record: Record) -> str:
    return next((_name(record[key]) for key in _OPERATORS if isinstance(record.get(key), str)), "")


def _kind(records: Iterable[Record]) -> NetworkKind | None:
    records = tuple(records)
    for kind, flags in _KINDS:
        if any(record.get(flag) in (True, "true") for record in records for flag in flags):
            return kind
    told = (record.get(key) for record in records for key in ("user_type", "connection_type"))
    lines = (_LINES.get(line.lower()) for line in told if isinstance(line, str))
    return next(filter(None, lines), None)


def _name(text: str) -> str:
    return "".join(filter(str.isprintable, text))[:_NAME_MAX].strip()
