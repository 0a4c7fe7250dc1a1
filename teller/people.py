"""Adding tenants and accounts from the command line."""

import re
from contextlib import suppress

import click

from contract.errors import NotFound, UserError
from contract.ids import TenantId, new_account_id, new_id
from contract.phases import Role
from contract.ports import Account, Tenant
from signaling.accounts import PasswordHashes
from store import Database
from teller.config import Config

# A password of twelve characters is the least that current guidance accepts without a second factor.
PASSWORD_MIN = 12
_CODE = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")


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


async def add_person(config: Config, login: str, name: str, role: str, tenant: str, password: str) -> int:
    """Add an account. Raises UserError for a short password or a login that is taken."""
    if len(password) < PASSWORD_MIN:
        raise UserError(f"a password has at least {PASSWORD_MIN} characters", code="short_password")
    async with Database(config.database_url) as database:
        bank = await database.accounts.tenant_by_code(tenant)
        password_hash = await PasswordHashes().make(password)
        account = Account(new_account_id(), bank.tenant, login, name, Role(role), password_hash)
        await database.accounts.add_account(account)
    click.echo(f"{login} can log in at {bank.name}")
    return 0
