"""Adding tenants and accounts from the command line."""

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import click

from contract.errors import NotFound, UserError
from contract.ids import TenantId, new_account_id, new_id
from contract.phases import Role
from contract.ports import Account, Tenant
from signaling.accounts import PasswordHashes
from store import Database
from store.accounts import Accounts
from teller.config import Config

# A password of twelve characters is the least that current guidance accepts without a second factor.
PASSWORD_MIN = 12
_CODE = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
# As staff numbers are printed on badges; it stands beside the name on a phone's screen.
_NUMBER = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,15}")
# As long as a case may ask for.
_SKILL_MAX = 64
# The tags of BCP 47 that people use: language, then script or region.
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}")


async def add_bank(config: Config, code: str, name: str, walk_in: bool) -> int:
    """Add a tenant. Raises UserError for a code that cannot stand in a link."""
    if _CODE.fullmatch(code) is None:
        raise UserError("a code has 1 to 32 small letters, digits and hyphens", code="bad_code")
    async with Database(config.database_url) as database:
        with suppress(NotFound):
            taken = await database.accounts.tenant_by_code(code)
            raise UserError(f"{code} is {taken.name} already", code="code_taken")
        await database.accounts.add_tenant(Tenant(TenantId(new_id("tenant")), code, name, walk_in))
    click.echo(f"{code}: customers start at /c/?b={code}" if walk_in else f"{code} added")
    return 0


@dataclass(frozen=True, slots=True)
class Routing:
    """Which customers are routed to somebody; ``trained_until`` is the last day on which they are."""

    skills: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    trained_until: date | None = None

    def __post_init__(self) -> None:
        for skill in self.skills:
            if not skill.strip() or len(skill) > _SKILL_MAX:
                raise UserError(f"a skill has 1 to {_SKILL_MAX} signs", code="bad_skill")
        for language in self.languages:
            if _LANGUAGE.fullmatch(language) is None:
                raise UserError(f"{language!r} is not a language tag such as zh-CN", code="bad_language")

    def ends_at(self, zone: ZoneInfo) -> float | None:
        """Return when the last day is over, in seconds UTC."""
        if self.trained_until is None:
            return None
        return datetime.combine(self.trained_until + timedelta(days=1), time(), zone).timestamp()


async def _require_free(accounts: Accounts, number: str, tenant: TenantId, login: str) -> None:
    """Raise UserError for a number that is none, or somebody else's at this bank."""
    if not number:
        return
    if _NUMBER.fullmatch(number) is None:
        raise UserError("a number has 1 to 16 letters, digits and hyphens", code="bad_number")
    for other in await accounts.accounts():
        if (other.tenant, other.number) == (tenant, number) and other.login != login:
            raise UserError(f"{number} is {other.name} already", code="number_taken")


async def renumber(config: Config, login: str, number: str) -> int:
    """Replace the number by which customers know somebody; empty: none. Raises NotFound, UserError."""
    async with Database(config.database_url) as database:
        account = await database.accounts.account_by_login(login)
        if account is None:
            raise NotFound(f"nobody logs in as {login}")
        await _require_free(database.accounts, number, account.tenant, account.login)
        await database.accounts.set_number(account.account, number)
    click.echo(f"{login}: number {number or 'none'}")
    return 0


async def print_people(config: Config) -> int:
    """Print who works here: login, role, number, name, bank."""
    async with Database(config.database_url) as database:
        for one in await database.accounts.accounts():
            bank = await database.accounts.tenant(one.tenant)
            words = [one.login, one.role.value, one.number or "-", one.name, bank.name]
            click.echo("\t".join([*words, "disabled"] if one.disabled else words))
    return 0


async def route(config: Config, login: str, routing: Routing) -> int:
    """Replace what routing knows of an account. Raises NotFound."""
    zone = ZoneInfo(config.desk.time_zone)
    async with Database(config.database_url) as database:
        account = await database.accounts.account_by_login(login)
        if account is None:
            raise NotFound(f"nobody logs in as {login}")
        ends_at = routing.ends_at(zone)
        await database.accounts.set_routing(account.account, routing.skills, routing.languages, ends_at)
    skills, languages = ", ".join(routing.skills) or "none", ", ".join(routing.languages) or "every"
    until = routing.trained_until or "without end"
    click.echo(f"{login}: skills {skills}; languages {languages}; trained until {until}")
    return 0


async def add_person(
    config: Config,
    login: str,
    name: str,
    role: str,
    tenant: str,
    password: str,
    routing: Routing,
    number: str = "",
) -> int:
    """Add an account. Raises UserError for a short password, or a login or number that is taken."""
    if len(password) < PASSWORD_MIN:
        raise UserError(f"a password has at least {PASSWORD_MIN} characters", code="short_password")
    async with Database(config.database_url) as database:
        bank = await database.accounts.tenant_by_code(tenant)
        await _require_free(database.accounts, number, bank.tenant, login)
        password_hash = await PasswordHashes().make(password)
        account = Account(
            new_account_id(),
            bank.tenant,
            login,
            name,
            Role(role),
            password_hash,
            skills=routing.skills,
            languages=routing.languages,
            trained_until=routing.ends_at(ZoneInfo(config.desk.time_zone)),
            number=number,
        )
        await database.accounts.add_account(account)
    click.echo(f"{login} can log in at {bank.name}")
    return 0
