"""Networks of customers out of real MMDB files, written here with another program than the reader's."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from mmdb_writer import MMDBWriter
from netaddr import IPSet
from pydantic import ValidationError

from contract.phases import NetworkKind
from contract.ports import NetworkFinding
from teller.config import Config, ConfigError, CustomerNetworkSection
from teller.doctor import CHECKS, Mark
from teller.networks import Networks

# All are addresses that are routed in the Internet; those set aside for examples count as private.
COUNTRIES = {
    "1.2.4.0/24": {"country": {"iso_code": "CN"}, "registered_country": {"iso_code": "US"}},
    "8.8.8.0/24": {"country": {"iso_code": "US"}, "traits": {"isp": "A hoster\n", "user_type": "hosting"}},
    "9.9.9.0/24": {"registered_country": {"iso_code": "CH"}, "traits": {"connection_type": "Cellular"}},
    "2400:3200::/32": {"country": {"iso_code": "CN"}, "traits": {"user_type": "residential"}},
}
ANONYMISERS = {
    "8.8.8.8/32": {"is_anonymous": True, "is_anonymous_vpn": True, "is_hosting_provider": True},
    "8.8.4.0/24": {"is_anonymous": True, "is_hosting_provider": True},
    "5.6.7.0/24": {"is_anonymous": True, "is_tor_exit_node": True, "is_public_proxy": True},
    "5.6.8.0/24": {"is_anonymous": True},
    "5.6.9.0/24": {"is_residential_proxy": True},
}
IPINFO = {
    "1.2.4.0/24": {"country": "CN", "as_name": "A carrier"},
    "8.8.8.0/24": {"country": "United States", "country_code": "US", "vpn": "true", "hosting": "true"},
    "8.8.4.0/24": {"vpn": "", "proxy": "false", "relay": True},
}


def mmdb(path: Path, networks: Mapping[str, Any], kind: str = "Test-Country", version: int = 6) -> Path:
    """Write a database of these networks."""
    writer = MMDBWriter(version, kind, ["en"], "made by a test", ipv4_compatible=version == 6)
    for network, record in networks.items():
        writer.insert_network(IPSet([network]), record)
    writer.to_db_file(str(path))
    return path


def opened(**files: Path) -> Networks:
    return Networks.open(CustomerNetworkSection(**files))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Networks:
    folder = tmp_path_factory.mktemp("networks")
    return opened(
        country_db=mmdb(folder / "country.mmdb", COUNTRIES),
        anonymous_db=mmdb(folder / "anonymous.mmdb", ANONYMISERS, "Test-Anonymous-IP"),
    )


@pytest.mark.parametrize(
    ("address", "country", "kind"),
    [
        ("1.2.4.9", "CN", NetworkKind.UNLISTED),
        ("::ffff:1.2.4.9", "CN", NetworkKind.UNLISTED),
        ("2400:3200::1", "CN", NetworkKind.RESIDENTIAL),
        ("8.8.8.9", "US", NetworkKind.HOSTING),
        ("8.8.8.8", "US", NetworkKind.VPN),
        ("8.8.4.4", "", NetworkKind.HOSTING),
        ("5.6.7.8", "", NetworkKind.TOR),
        ("5.6.8.8", "", NetworkKind.PROXY),
        ("5.6.9.8", "", NetworkKind.PROXY),
        ("9.9.9.9", "", NetworkKind.MOBILE),
        ("6.6.6.6", "", NetworkKind.UNLISTED),
    ],
)
def test_what_the_databases_say(both: Networks, address: str, country: str, kind: NetworkKind) -> None:
    """The country in which a network is, not where it is registered; the gravest of what it is."""
    found = both.look_up(address)
    assert (found.country, found.kind) == (country, kind)


def test_operator_and_sources_are_named(both: Networks) -> None:
    """With the day on which each database was built; names are one printable line."""
    found = both.look_up("8.8.8.9")
    assert found.operator == "A hoster"
    names = [re.sub(r" \d{4}-\d\d-\d\d$", "", name) for name in found.source]
    assert names == ["Test-Anonymous-IP", "Test-Country"]
    assert all(name != source for name, source in zip(names, found.source, strict=True))


@pytest.mark.parametrize("address", ["127.0.0.1", "10.1.2.3", "100.64.0.9", "fe80::1%eth0", "::1", "fd00::9"])
def test_private_addresses_are_private(both: Networks, address: str) -> None:
    """No database is asked about the house itself."""
    assert both.look_up(address) == NetworkFinding(kind=NetworkKind.PRIVATE)


@pytest.mark.parametrize("address", ["", "unknown", "8.8.8.8:4711", "8.8.8", "_hidden", "1" * 5_000])
def test_what_is_no_address_is_unknown(both: Networks, address: str) -> None:
    """A proxy may forward anything."""
    assert both.look_up(address) == NetworkFinding()


def test_without_databases_everything_is_unknown() -> None:
    """And nothing is made up; private addresses are known all the same."""
    none = opened()
    assert none.look_up("8.8.8.8") == NetworkFinding()
    assert none.look_up("192.168.1.1").kind is NetworkKind.PRIVATE


def test_a_country_alone_says_nothing_of_anonymisers(tmp_path: Path) -> None:
    """Not listed is said only where a list was asked."""
    found = opened(country_db=mmdb(tmp_path / "c.mmdb", COUNTRIES)).look_up("1.2.4.9")
    assert (found.country, found.kind) == ("CN", NetworkKind.UNKNOWN)
    only = opened(anonymous_db=mmdb(tmp_path / "a.mmdb", ANONYMISERS)).look_up("1.2.4.9")
    assert (only.country, only.kind) == ("", NetworkKind.UNLISTED)


def test_the_fields_of_another_maker(tmp_path: Path) -> None:
    """IPinfo's names, with flags as texts, from one file for both."""
    file = mmdb(tmp_path / "ipinfo.mmdb", IPINFO, "ipinfo test")
    networks = opened(country_db=file, anonymous_db=file)
    home, away, relay = (networks.look_up(address) for address in ("1.2.4.1", "8.8.8.1", "8.8.4.1"))
    assert (home.country, home.operator, home.kind) == ("CN", "A carrier", NetworkKind.UNLISTED)
    assert (away.country, away.kind, relay.kind) == ("US", NetworkKind.VPN, NetworkKind.PROXY)


def test_a_database_of_the_old_addresses_alone(tmp_path: Path) -> None:
    """A new address is then unknown, and no error."""
    old = {network: record for network, record in COUNTRIES.items() if ":" not in network}
    networks = opened(country_db=mmdb(tmp_path / "four.mmdb", old, version=4))
    assert networks.look_up("2400:3200::1").country == ""
    assert networks.look_up("1.2.4.9").country == "CN"


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (None, "No such file or directory"),
        (b"", "is no MaxMind DB file, or a broken one"),
        (b"\0" * 4_096, "is no MaxMind DB file, or a broken one"),
        (b"\xab\xcd\xefMaxMind.com\xe0", "is no MaxMind DB file, or a broken one"),
    ],
)
def test_a_file_that_is_none_stops_the_start(tmp_path: Path, made: bytes | None, said: str) -> None:
    """By the name of the setting and of the file."""
    file = tmp_path / "x.mmdb"
    if made is not None:
        file.write_bytes(made)
    with pytest.raises(ConfigError, match=rf"customer_network\.country_db: .*x\.mmdb.*{said}"):
        opened(country_db=file)


def test_a_file_that_is_cut_off_stops_the_start(tmp_path: Path) -> None:
    """As by a full disk in the middle of a download."""
    whole = mmdb(tmp_path / "whole.mmdb", COUNTRIES).read_bytes()
    cut = tmp_path / "cut.mmdb"
    cut.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ConfigError, match="broken"):
        opened(anonymous_db=cut)


def test_a_file_about_other_things_stops_the_start(tmp_path: Path) -> None:
    """It would keep silent about every customer."""
    other = mmdb(tmp_path / "o.mmdb", {"8.8.8.0/24": {"postal": {"code": "1"}, "vpn": {}}}, "Test-Post")
    with pytest.raises(ConfigError, match=r"\(Test-Post\) tells nothing that we know"):
        opened(country_db=other)


def test_a_file_that_breaks_later_is_survived(tmp_path: Path) -> None:
    """Whatever stands there for an address, the customer comes in; only nothing is known."""
    file = mmdb(tmp_path / "c.mmdb", COUNTRIES)
    whole = file.read_bytes()
    addresses = ("1.2.4.9", "8.8.8.9", "2400:3200::1", "77.1.2.3")
    known, broken = opened(country_db=file), 0
    for place in range(0, len(whole), 23):
        file.write_bytes(whole[:place] + b"\xff" + whole[place + 1 :])
        try:
            networks = opened(country_db=file)
        except ConfigError:
            continue
        for address in addresses:
            found = networks.look_up(address)
            assert len(found.country) in {0, 2}
            assert len(found.operator) <= 80
            broken += found != known.look_up(address)
    assert broken


def test_the_file_may_be_written_over(tmp_path: Path) -> None:
    """What was read at the start is kept; a renewal counts from the next start on."""
    file = mmdb(tmp_path / "c.mmdb", COUNTRIES)
    networks = opened(country_db=file)
    file.write_bytes(b"")
    assert networks.look_up("1.2.4.9").country == "CN"


def test_home_countries_are_codes() -> None:
    """A name is no code."""
    assert CustomerNetworkSection().home_countries == ("CN",)
    with pytest.raises(ValidationError):
        CustomerNetworkSection(home_countries=("China",))


async def test_the_doctor_says_what_is_unknown(tmp_path: Path) -> None:
    """Which databases there are and how old, and which are missing."""
    country = mmdb(tmp_path / "c.mmdb", COUNTRIES)
    anonymous = mmdb(tmp_path / "a.mmdb", ANONYMISERS, "Test-Anonymous-IP")
    none = await CHECKS["networks"](Config())
    assert none.mark is Mark.WARNING
    assert none.text == "without customer_network.country_db and customer_network.anonymous_db"
    one = await CHECKS["networks"](Config(customer_network={"country_db": country}))  # type: ignore[arg-type]
    assert re.fullmatch(r"Test-Country \S+; without customer_network.anonymous_db", one.text)
    files = {"country_db": country, "anonymous_db": anonymous}
    both = await CHECKS["networks"](Config(customer_network=files))  # type: ignore[arg-type]
    assert both.mark is Mark.GOOD
    assert re.fullmatch(r"Test-Anonymous-IP \S+, Test-Country \S+", both.text)
